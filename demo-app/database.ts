/** The database of accounts and sessions. */
import Database from 'libsql';

export type Db = ReturnType<typeof openDatabase>;

/** @param file The database file, or `:memory:` for a database that lasts as long as the process. */
export function openDatabase(file: string) {
  const db = new Database(file);
  // The unique constraint makes it safe for the sign-up handler to run twice with one token.
  db.exec(`
    CREATE TABLE IF NOT EXISTS accounts (
      id INTEGER PRIMARY KEY,
      email TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      password TEXT NOT NULL,
      created_at INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS sessions (
      digest TEXT PRIMARY KEY,
      account_id INTEGER NOT NULL REFERENCES accounts (id),
      expires_at INTEGER NOT NULL
    );
  `);
  return db;
}
