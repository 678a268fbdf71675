/** Passwords are stored as scrypt hashes. A sign-in takes the same time whether or not the account exists. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * The parameters recommended by the OWASP Password Storage Cheat Sheet: 128 MB and about half a second per hash.
 * Node computes at most four hashes at a time, and failed sign-ins are limited.
 */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };

/** Stores the parameters with the hash, so that they can be raised later. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** Without an account, checks against a hash that no password matches, so that it takes the same time. */
export async function verifyPassword(password: string, hash: string = DUMMY_HASH): Promise<boolean> {
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

const DUMMY_HASH = [
  'scrypt',
  COST.N,
  COST.r,
  COST.p,
  'A'.repeat(22),
  randomBytes(32).toString('base64url'),
].join('$');

/** Normalizes the password, as NIST SP 800-63B-4 §3.1.1.2 recommends: keyboards encode some characters differently. */
function derive(password: string, salt: Buffer, cost = COST): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, 32, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
