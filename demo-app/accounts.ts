/** Accounts. One is made only by a sign-up that requireVerifiedEmail() let through. */
import { domainToASCII } from 'node:url';
import type { Db } from './database.js';
import { hashPassword, passwordFits } from './passwords.js';

export interface Account {
  readonly id: number;
  readonly email: string;
  readonly name: string;
}

export interface Accounts {
  exists(email: string): boolean;
  /** Undefined when the address is taken. */
  create(account: { email: string; name: string; password: string }): Promise<Account | undefined>;
  /** The account that the password opens. */
  open(email: string, password: string): Promise<Account | undefined>;
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
    async open(typed, password) {
      const row: unknown = byEmail.get(canonical(typed));
      const stored = isStored(row) ? row : undefined;
      const fits = await passwordFits(password, stored?.password);
      return stored && fits ? { id: stored.id, email: stored.email, name: stored.name } : undefined;
    },
  };
}

/** As the address was written when it was verified: in lower case, its domain in ASCII. */
function canonical(typed: string): string {
  const trimmed = typed.trim();
  const at = trimmed.lastIndexOf('@');
  return `${trimmed.slice(0, at).toLowerCase()}@${domainToASCII(trimmed.slice(at + 1))}`;
}

function isStored(row: unknown): row is Account & { readonly password: string } {
  return typeof row === 'object' && row !== null && 'password' in row;
}
