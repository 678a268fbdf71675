/** The accounts, which the package leaves to the app. One is created only for a verified address. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { normalizeEmail } from 'express-email-verification';
import Database from 'libsql';

export interface Account {
  readonly email: string;
  readonly name: string;
}

export interface Accounts {
  exists(email: string): boolean;
  /** @returns `undefined` if an account with this email address exists */
  create(account: Account & { readonly password: string }): Promise<Account | undefined>;
  /** @returns `undefined` if there is no such account or the password is wrong, after the same time */
  authenticate(email: string, password: string): Promise<Account | undefined>;
  close(): void;
}

/** @param file The database file, or `:memory:` for accounts that last as long as the process. */
export function openAccounts(file = ':memory:'): Accounts {
  const db = new Database(file);
  // The unique constraint makes it safe for the sign-up handler to run twice with one token.
  db.exec(
    'CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY, name TEXT NOT NULL, password TEXT NOT NULL)',
  );
  const find = db.prepare<[string]>('SELECT email, name, password FROM accounts WHERE email = ?');
  const insert = db.prepare<[string, string, string]>(
    'INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  return {
    exists: (email) => find.get(email) !== undefined,
    async create({ email, name, password }) {
      const { changes } = insert.run(email, name, await hashPassword(password));
      return changes === 1 ? { email, name } : undefined;
    },
    async authenticate(typed, password) {
      const row: unknown = find.get(normalizeEmail(typed) ?? '');
      const account = isStored(row) ? row : undefined;
      const isRight = await verifyPassword(password, account?.password);
      return account && isRight ? { email: account.email, name: account.name } : undefined;
    },
    close: () => db.close(),
  };
}

function isStored(row: unknown): row is Account & { readonly password: string } {
  return typeof row === 'object' && row !== null && 'password' in row;
}

async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('base64url')}$${(await derive(password, salt)).toString('base64url')}`;
}

/** Without an account, checks against a hash that no password matches, so that it takes the same time. */
async function verifyPassword(password: string, hash = DUMMY_HASH): Promise<boolean> {
  const [salt, key] = hash.split('$').map((part) => Buffer.from(part, 'base64url'));
  return salt !== undefined && key !== undefined && timingSafeEqual(await derive(password, salt), key);
}

const DUMMY_HASH = `${'A'.repeat(22)}$${randomBytes(32).toString('base64url')}`;

/** OWASP Password Storage Cheat Sheet: 128 MB and about half a second per hash. Node computes at most four at a time. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };

/** Normalized, as NIST SP 800-63B-4 §3.1.1.2 recommends: keyboards encode some characters differently. */
function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, 32, COST, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
