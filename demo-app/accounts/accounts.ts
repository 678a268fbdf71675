/** The accounts, which the package leaves to the app. One is created only for a verified address. */
import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { normalizeEmail } from 'express-email-verification';
import Database from 'libsql';

export interface Account {
  readonly email: string;
  readonly name: string;
}

export type Accounts = ReturnType<typeof openAccounts>;

/** @param file The database file, or `:memory:` for accounts that last as long as the process. */
export function openAccounts(file = ':memory:') {
  const db = new Database(file);
  db.exec('PRAGMA busy_timeout = 1000');
  // The unique constraint makes it safe for the sign-up handler to run twice with one token.
  db.exec('CREATE TABLE IF NOT EXISTS accounts (email TEXT UNIQUE, name TEXT, password TEXT)');
  const find = db.prepare<[string]>('SELECT email, name, password FROM accounts WHERE email = ?');
  const insert = db.prepare<[string, string, string]>(
    'INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const noPassword = hash(randomUUID());

  return {
    exists: (email: string) => find.get(email) !== undefined,
    /** @returns `undefined` if an account with this email address exists */
    async create({ email, name, password }: Account & { password: string }): Promise<Account | undefined> {
      const { changes } = insert.run(email, name, await hash(normalize(password)));
      return changes === 1 ? { email, name } : undefined;
    },
    /** @returns `undefined` if there is no such account or the password is wrong, after the same time */
    async authenticate(typed: string, password: string): Promise<Account | undefined> {
      const { email, name, password: stored } = Object(find.get(normalizeEmail(typed) ?? ''));
      const isRight = await verify(stored ?? (await noPassword), normalize(password));
      return isRight ? { email, name } : undefined;
    },
    remove: (email: string): unknown => db.prepare('DELETE FROM accounts WHERE email = ?').run(email),
    close: () => void db.close(),
  };
}

/** NIST SP 800-63B-4 §3.1.1.2: keyboards encode some characters differently. */
const normalize = (password: string) => password.normalize('NFKC');
