/** The database: accounts, each of one address, and their sessions. */
import Database from 'libsql';

export type Db = ReturnType<typeof openDatabase>;

/** @param file Where it is kept; `:memory:` ends with the process. */
export function openDatabase(file: string) {
  const db = new Database(file);
  // The unique address is what makes a sign-up safe that is sent twice.
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
