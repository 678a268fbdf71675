/** Passwords are kept as scrypt hashes; a sign-in costs the same whether the account exists or not. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * What the OWASP Password Storage Cheat Sheet asks of scrypt: 128 MB and about half a second for one hash.
 * Node computes four at a time at most, and sign-ins are limited besides.
 */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };

/** The parameters stand beside the hash, so that they can rise later. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** Without an account there is no hash: one that no password has takes its place, and its time. */
export async function passwordFits(password: string, hash: string = NO_HASH): Promise<boolean> {
  const [, N, r, p, salt = '', key = ''] = hash.split('$');
  const expected = Buffer.from(key, 'base64url');
  const actual = await derive(password, Buffer.from(salt, 'base64url'), {
    ...COST,
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return timingSafeEqual(actual, expected);
}

const NO_HASH = [
  'scrypt',
  COST.N,
  COST.r,
  COST.p,
  'A'.repeat(22),
  randomBytes(32).toString('base64url'),
].join('$');

/** Normalised as NIST SP 800-63B-4 §3.1.1.2 asks, so that one password typed on two keyboards is one. */
function derive(password: string, salt: Buffer, cost = COST): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, 32, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
