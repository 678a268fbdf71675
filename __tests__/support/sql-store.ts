/**
 * A store in SQL, written against the published contract as somebody with another database would. It is an example to
 * read, on SQLite: for Postgres, lock the row of the mailbox at the start of each transaction, and take the time from
 * the database.
 */
import type { Limit, Store } from 'express-email-verification';
import Database from 'libsql';

const DAY = 86_400_000;
const ENDED_CODE_KNOWN_FOR = 900_000;

const SCHEMA = `
  CREATE TABLE emails (mailbox TEXT, place INTEGER, given_back INTEGER DEFAULT 0, PRIMARY KEY (mailbox, place));
  CREATE TABLE codes (mailbox TEXT, challenge TEXT, digest TEXT, ends INTEGER, PRIMARY KEY (mailbox, challenge, digest));
  CREATE TABLE tokens (mailbox TEXT, challenge TEXT, digest TEXT, ends INTEGER, PRIMARY KEY (mailbox, challenge, digest));
  -- The attempts of each holder, and with an empty digest those of all others together.
  CREATE TABLE attempts (mailbox TEXT, challenge TEXT, digest TEXT, attempts INTEGER, ends INTEGER,
    PRIMARY KEY (mailbox, challenge, digest));
  CREATE TABLE nonces (mailbox TEXT, digest TEXT, ends INTEGER, PRIMARY KEY (mailbox, digest));
  CREATE TABLE counters (ip TEXT PRIMARY KEY, hits INTEGER, ends INTEGER);
`;

/** The digest under which the shared attempts are stored. */
const SHARED = '';

export function createSqlStore(clock: () => number): Store {
  const db = new Database(':memory:');
  db.exec(SCHEMA);
  const statements = new Map<string, Database.Statement>();
  function prepared(sql: string): Database.Statement {
    const statement = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }
  const run = (sql: string, ...values: (string | number)[]) => void prepared(sql).run(...values);
  /** The first column of the first row. */
  function value(sql: string, ...values: (string | number)[]): number | undefined {
    const row: Record<string, number | null> = Object(prepared(sql).get(...values));
    return Object.values(row)[0] ?? undefined;
  }

  /** Runs an operation in a transaction, unless it is late. */
  async function atomically<T>(timeout: number, operation: (now: number) => T): Promise<T> {
    if (timeout < 0) throw new Error('The call is late.');
    return db.transaction(() => operation(clock()))();
  }

  /** The longest wait over all full limits. */
  function waitFor(mailbox: string, limits: readonly Limit[], now: number): number {
    const waits = limits.map(({ max, window }) => {
      const deciding = value(
        'SELECT place FROM emails WHERE mailbox = ? AND given_back = 0 AND place > ? ORDER BY place DESC LIMIT 1 OFFSET ?',
        ...[mailbox, now - DAY, max - 1],
      );
      return deciding === undefined ? 0 : deciding + window - now;
    });
    return Math.max(0, ...waits);
  }

  const lastCodeEnd = (mailbox: string, challenge: string, now: number) =>
    value(
      'SELECT max(ends) FROM codes WHERE mailbox = ? AND challenge = ? AND ends > ?',
      mailbox,
      challenge,
      now,
    );
  const attemptsOf = (mailbox: string, challenge: string, digest: string, now: number) =>
    value(
      'SELECT attempts FROM attempts WHERE mailbox = ? AND challenge = ? AND digest = ? AND ends > ?',
      ...[mailbox, challenge, digest, now],
    );

  function holderWindow(mailbox: string, challenge: string, holder: string | undefined, now: number) {
    const codeEnd = lastCodeEnd(mailbox, challenge, now);
    if (!holder || !attemptsOf(mailbox, challenge, holder, now) || codeEnd === undefined) return undefined;
    const own = value(
      'SELECT ends FROM attempts WHERE mailbox = ? AND challenge = ? AND digest = ?',
      ...[mailbox, challenge, holder],
    );
    return Math.min(own ?? 0, codeEnd) - now;
  }

  function setAttempts(key: readonly [string, string], digest: string, attempts: number, ends: number): void {
    run('INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)', ...key, digest, attempts, ends);
  }

  /** Deletes what has ended. The ten codes that ended last are still remembered for a while. */
  function clearChallenge(key: readonly [string, string], now: number): void {
    const eleventh = value(
      'SELECT ends FROM codes WHERE mailbox = ? AND challenge = ? AND ends <= ? ORDER BY ends DESC LIMIT 1 OFFSET 10',
      ...[...key, now],
    );
    const tooOld = Math.max(eleventh ?? 0, now - ENDED_CODE_KNOWN_FOR);
    run('DELETE FROM codes WHERE mailbox = ? AND challenge = ? AND ends <= ?', ...key, tooOld);
    run('DELETE FROM attempts WHERE mailbox = ? AND challenge = ? AND ends <= ?', ...key, now);
    run('DELETE FROM tokens WHERE mailbox = ? AND challenge = ? AND ends <= ?', ...key, now);
  }

  /** One success ends all codes, holders and shared attempts. */
  function closeChallenge(key: readonly [string, string], now: number): void {
    run('UPDATE codes SET ends = min(ends, ?) WHERE mailbox = ? AND challenge = ?', now, ...key);
    run('DELETE FROM attempts WHERE mailbox = ? AND challenge = ?', ...key);
  }

  return {
    open: ({ mailbox, challenge, limits, holder, ...request }, timeout) =>
      atomically(timeout, (now) => {
        const key = [mailbox, challenge] as const;
        const retryIn = waitFor(mailbox, limits, now);
        if (retryIn > 0)
          return { kind: 'limited', retryIn, expiresIn: holderWindow(mailbox, challenge, holder, now) };

        const last = value(
          'SELECT max(place) FROM emails WHERE mailbox = ? AND place > ?',
          mailbox,
          now - DAY,
        );
        const place = Math.max(now, (last ?? 0) + 1);
        run('INSERT INTO emails (mailbox, place) VALUES (?, ?)', mailbox, place);

        const ends = now + request.codeTtl;
        const left = holder ? attemptsOf(mailbox, challenge, holder, now) : undefined;
        const kept = left !== undefined && left > 0;
        clearChallenge(key, now);
        const code = (!kept && request.codeOfNewHolder) || request.code;
        run('INSERT OR REPLACE INTO codes VALUES (?, ?, ?, ?)', ...key, code, ends);
        if (kept && holder) setAttempts(key, holder, left, ends);
        else setAttempts(key, request.newHolder, request.maxAttempts, ends);
        setAttempts(key, SHARED, request.sharedAttempts ?? request.maxAttempts, ends);
        const resendIn = waitFor(mailbox, limits, now);
        return { kind: 'opened', kept, place, expiresIn: request.codeTtl, resendIn };
      }),

    attempt: ({ mailbox, challenge, holder, code, token, tokenTtl }, timeout) =>
      atomically(timeout, (now) => {
        const key = [mailbox, challenge] as const;
        const ofChallenge = 'mailbox = ? AND challenge = ?';
        const tokenEnd = value(`SELECT ends FROM tokens WHERE ${ofChallenge} AND digest = ?`, ...key, token);
        if ((tokenEnd ?? 0) > now) return { kind: 'accepted' };
        if (lastCodeEnd(mailbox, challenge, now) === undefined) return { kind: 'expired', live: false };

        const own = holder ? attemptsOf(mailbox, challenge, holder, now) : undefined;
        const budget = own === undefined || !holder ? SHARED : holder;
        const left = attemptsOf(mailbox, challenge, budget, now) ?? 0;
        if (left < 1) return { kind: 'expired', live: true };
        run(`UPDATE attempts SET attempts = ? WHERE ${ofChallenge} AND digest = ?`, left - 1, ...key, budget);

        const codeEnd = value(`SELECT ends FROM codes WHERE ${ofChallenge} AND digest = ?`, ...key, code);
        if (codeEnd === undefined) return { kind: 'incorrect', attemptsLeft: left - 1 };
        if (codeEnd <= now) return { kind: 'outdated', attemptsLeft: left - 1 };
        closeChallenge(key, now);
        run('INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)', ...key, token, now + tokenTtl);
        return { kind: 'accepted' };
      }),

    prove: ({ mailbox, challenge, nonce, nonceTtl, token, tokenTtl }, timeout) =>
      atomically(timeout, (now) => {
        const key = [mailbox, challenge] as const;
        const stored = 'SELECT ends FROM tokens WHERE mailbox = ? AND challenge = ? AND digest = ?';
        if ((value(stored, ...key, token) ?? 0) > now) return { kind: 'accepted' };
        run('DELETE FROM nonces WHERE ends <= ?', now);
        if (value('SELECT ends FROM nonces WHERE mailbox = ? AND digest = ?', mailbox, nonce) !== undefined)
          return { kind: 'used' };
        run('INSERT INTO nonces VALUES (?, ?, ?)', mailbox, nonce, now + nonceTtl);
        closeChallenge(key, now);
        run('INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)', ...key, token, now + tokenTtl);
        return { kind: 'accepted' };
      }),

    discard: ({ mailbox, challenge, code, newHolder, place, limits }, timeout) =>
      atomically(timeout, (now) => {
        const key = [mailbox, challenge] as const;
        run(
          `UPDATE emails SET given_back = 1 WHERE mailbox = ? AND place = ? AND place > ? AND 3 >
            (SELECT count(*) FROM emails WHERE mailbox = ? AND place > ? AND given_back = 1)`,
          ...[mailbox, place, now - DAY, mailbox, now - DAY],
        );
        const sql = 'SELECT ends FROM codes WHERE mailbox = ? AND challenge = ? AND digest = ?';
        const ends = value(sql, ...key, code) ?? 0;
        run('DELETE FROM codes WHERE mailbox = ? AND challenge = ? AND digest = ?', ...key, code);
        // A holder that has a newer code ends with that one.
        const ofHolder = 'mailbox = ? AND challenge = ? AND digest = ? AND ends <= ?';
        if (newHolder) run(`DELETE FROM attempts WHERE ${ofHolder}`, ...key, newHolder, ends);
        return { kind: 'discarded', resendIn: waitFor(mailbox, limits, now) };
      }),

    redeem: ({ mailbox, challenge, token }, timeout) =>
      atomically(timeout, (now) => {
        const live = 'mailbox = ? AND challenge = ? AND digest = ? AND ends > ?';
        const end = value(`SELECT ends FROM tokens WHERE ${live}`, mailbox, challenge, token, now);
        if (end === undefined) return { kind: 'unknown' };
        run(
          'DELETE FROM tokens WHERE mailbox = ? AND challenge = ? AND digest = ?',
          mailbox,
          challenge,
          token,
        );
        return { kind: 'redeemed', end };
      }),

    release: ({ mailbox, challenge, token, end }, timeout) =>
      atomically(timeout, (now) => {
        if (!(end > now && end <= now + DAY)) return;
        run('INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)', mailbox, challenge, token, end);
      }),

    peek: ({ mailbox, challenge, holder }, timeout) =>
      atomically(timeout, (now) => ({ expiresIn: holderWindow(mailbox, challenge, holder, now) })),

    count: ({ ip, window, step }, timeout) =>
      atomically(timeout, (now) => {
        run('DELETE FROM counters WHERE ip = ? AND (ends <= ? OR ?)', ip, now, step === 'forget' ? 1 : 0);
        const hits = (value('SELECT hits FROM counters WHERE ip = ?', ip) ?? 0) + (step === 'hit' ? 1 : -1);
        if (hits < 0) return { hits: 0, resetsIn: window };
        run(
          'INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hits = excluded.hits',
          ...[ip, hits, now + window],
        );
        return { hits, resetsIn: (value('SELECT ends FROM counters WHERE ip = ?', ip) ?? 0) - now };
      }),

    status: ({ mailbox, challenge, limits }, timeout) =>
      atomically(timeout, (now) => {
        const live = [mailbox, challenge, now] as const;
        const ofLive = 'mailbox = ? AND challenge = ? AND ends > ?';
        const codes = prepared(`SELECT ends - ? AS ends_in FROM codes WHERE ${ofLive} ORDER BY ends`)
          .all(now, ...live)
          .map((row): number => Object(row).ends_in);
        const most = value(`SELECT max(attempts) FROM attempts WHERE ${ofLive}`, ...live) ?? 0;
        const counted = 'SELECT count(*) FROM emails WHERE mailbox = ? AND place > ? AND given_back = 0';
        return {
          kind: 'status',
          codes,
          attemptsLeft: codes.length > 0 ? most : 0,
          sends: value(counted, mailbox, now - DAY) ?? 0,
          resendIn: waitFor(mailbox, limits, now),
          tokens: value(`SELECT count(*) FROM tokens WHERE ${ofLive}`, ...live) ?? 0,
        };
      }),

    forget: ({ mailbox, challenge }, timeout) =>
      atomically(timeout, () => {
        run('DELETE FROM emails WHERE mailbox = ?', mailbox);
        for (const table of ['codes', 'attempts', 'tokens'])
          run(`DELETE FROM ${table} WHERE mailbox = ? AND challenge = ?`, mailbox, challenge);
        return { kind: 'forgotten' };
      }),

    check: async () => [],
  };
}
