/** The accounts. One is created only by a sign-up that has passed requireVerifiedEmail(). */
import { domainToASCII } from 'node:url';
import type { Db } from './database.js';
import { hashPassword, verifyPassword } from './passwords.js';

export interface Account {
  readonly id: number;
  readonly email: string;
  readonly name: string;
}

export interface Accounts {
  exists(email: string): boolean;
  /** @returns `undefined` if an account with this email address exists */
  create(account: { email: string; name: string; password: string }): Promise<Account | undefined>;
  /** @returns `undefined` if there is no such account or the password is wrong */
  authenticate(email: string, password: string): Promise<Account | undefined>;
}

export function createAccounts(db: Db): Accounts {
  const byEmail = db.prepare<[string]>('SELECT id, email, name, password FROM accounts WHERE email = ?');
  const insert = db.prepare<[string, string, string, number]>(
    'INSERT INTO accounts (email, name, password, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (email) DO NOTHING',
  );

  return {
    exists: (email) => byEmail.get(email) !== undefined,
    async create({ email, name, password }) {
      const hash = await hashPassword(password);
      const { changes, lastInsertRowid } = insert.run(email, name, hash, Date.now());
      return changes === 1 ? { id: Number(lastInsertRowid), email, name } : undefined;
    },
    async authenticate(email, password) {
      const row: unknown = byEmail.get(canonical(email));
      const stored = isStored(row) ? row : undefined;
      const isCorrect = await verifyPassword(password, stored?.password);
      return stored && isCorrect ? { id: stored.id, email: stored.email, name: stored.name } : undefined;
    },
  };
}

/** The form in which the package returns a verified address: lowercase, with an ASCII domain. */
function canonical(email: string): string {
  const trimmed = email.trim();
  const at = trimmed.lastIndexOf('@');
  return `${trimmed.slice(0, at).toLowerCase()}@${domainToASCII(trimmed.slice(at + 1))}`;
}

function isStored(row: unknown): row is Account & { readonly password: string } {
  return typeof row === 'object' && row !== null && 'password' in row;
}
