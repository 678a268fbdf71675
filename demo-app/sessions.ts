/** Sessions: a random ID in a cookie, and only its hash in the database. */
import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Account } from './accounts.js';
import { cookieName, cookieOptions, readCookie } from './cookies.js';
import type { Db } from './database.js';

export interface Sessions {
  /** Always creates a new ID, which prevents session fixation. */
  start(req: Request, res: Response, account: Account): void;
  account(req: Request): Account | undefined;
  end(req: Request, res: Response): void;
}

const LIFETIME_SECONDS = 7 * 24 * 3600;

export function createSessions(db: Db, { secure }: { secure: boolean }): Sessions {
  const name = cookieName('session', secure);
  const insert = db.prepare<[string, number, number]>(
    'INSERT INTO sessions (digest, account_id, expires_at) VALUES (?, ?, ?)',
  );
  const remove = db.prepare<[string, number]>('DELETE FROM sessions WHERE digest = ? OR expires_at <= ?');
  const find = db.prepare<[string, number]>(
    `SELECT accounts.id, email, name FROM sessions JOIN accounts ON accounts.id = account_id
     WHERE digest = ? AND expires_at > ?`,
  );

  /** Also deletes all expired sessions. */
  function deleteSession(req: Request): void {
    remove.run(digest(readCookie(req, name) ?? ''), Date.now());
  }

  return {
    start(req, res, account) {
      deleteSession(req);
      const id = randomBytes(32).toString('base64url');
      insert.run(digest(id), account.id, Date.now() + LIFETIME_SECONDS * 1000);
      res.cookie(name, id, cookieOptions(secure, LIFETIME_SECONDS));
    },
    account(req) {
      const id = readCookie(req, name);
      const row: unknown = id && find.get(digest(id), Date.now());
      return isAccount(row) ? { id: row.id, email: row.email, name: row.name } : undefined;
    },
    end(req, res) {
      deleteSession(req);
      res.clearCookie(name, cookieOptions(secure, 0));
    },
  };
}

/** A fast hash is enough, because the ID has 256 random bits and cannot be guessed. */
function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}

function isAccount(row: unknown): row is Account {
  return typeof row === 'object' && row !== null && 'email' in row;
}
