/** What every store must do, written once and run on both, under a clock that the tests move. */
import { MemoryStore, RedisStore, type Store } from 'express-email-verification';
import { passTimeOf } from '../support/pass-time.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const TIMEOUT = 2000;
const START = 1_700_000_000_000;
const MINUTE = 60_000;
const limits = [
  { max: 1, window: MINUTE },
  { max: 5, window: 60 * MINUTE },
  { max: 10, window: 24 * 60 * MINUTE },
];
const key = { mailbox: 'mailbox-digest-1', challenge: 'challenge-diges1' };

describe.each([
  ['RedisStore', (clock: () => number): Store => new RedisStore(redis.client, { clock })],
  ['MemoryStore', (clock: () => number): Store => new MemoryStore({ clock })],
])('%s', (name, createStore) => {
  let now = START;
  let store: Store;
  let drawn = 0;

  beforeEach(async () => {
    await redis.flush();
    now = START;
    drawn = 0;
    store = createStore(() => now);
  });

  /** Moves the clock, and the expiry of the keys in Redis with it. */
  async function pass(time: number): Promise<void> {
    now += time;
    if (name === 'RedisStore') await passTimeOf(redis.client, time);
  }
  const passTo = (time: number) => pass(time - now);

  const open = (
    code: string,
    { holder, ...more }: { holder?: string; codeTtl?: number; maxAttempts?: number } = {},
  ) => {
    drawn += 1;
    return store.open(
      {
        ...key,
        code,
        codeTtl: 3 * MINUTE,
        holder,
        newHolder: `holder-${drawn}`,
        maxAttempts: 2,
        limits,
        ...more,
      },
      TIMEOUT,
    );
  };
  const attempt = (code: string, holder?: string) =>
    store.attempt({ ...key, code, holder, token: `token-of-${code}`, tokenTtl: 15 * MINUTE }, TIMEOUT);
  const discard = (code: string, place: number, newHolder?: string) =>
    store.discard({ ...key, code, newHolder, place, limits }, TIMEOUT);
  const redeem = (token: string) => store.redeem({ ...key, token }, TIMEOUT);

  /** Opens after the cooldown; returns the `place` of the send. */
  async function openLater(code: string, holder?: string): Promise<number> {
    await pass(MINUTE);
    const opened = await open(code, holder === undefined ? {} : { holder });
    if (opened.kind !== 'opened') throw new Error('not opened');
    return opened.place;
  }

  it('opens with the wait until the next email', async () => {
    expect(await open('a')).toEqual({
      kind: 'opened',
      kept: false,
      place: START,
      expiresIn: 180_000,
      resendIn: MINUTE,
    });
  });

  it('is limited to the millisecond, and returns the longest wait', async () => {
    await open('a');
    await pass(MINUTE - 1);
    expect(await open('b')).toEqual({ kind: 'limited', retryIn: 1, expiresIn: undefined });
    await pass(1);
    expect(await open('b')).toMatchObject({ kind: 'opened' });
    for (const code of ['c', 'd', 'e']) await openLater(code);
    await pass(MINUTE);
    expect(await open('f')).toMatchObject({ kind: 'limited', retryIn: 60 * MINUTE - (now - START) });
  });

  it('changes nothing if a limit is reached', async () => {
    await open('a');
    await open('b');
    expect(await attempt('b', 'holder-1')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'accepted' });
  });

  it('lets every code work until its own end', async () => {
    await open('a');
    await openLater('b', 'holder-1');
    await passTo(START + 3 * MINUTE - 1);
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'accepted' });
  });

  it('refuses a code one millisecond after its end, even if its key still exists (T10)', async () => {
    await open('a');
    await passTo(START + 3 * MINUTE);
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'expired', live: false });
  });

  it('one success ends all codes, holders and shared attempts', async () => {
    await open('a');
    await openLater('b', 'holder-1');
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'accepted' });
    expect(await attempt('b', 'holder-1')).toEqual({ kind: 'expired', live: false });
    expect(await attempt('b')).toEqual({ kind: 'expired', live: false });
  });

  it('accepts a repeated attempt, as when its reply was lost, and takes nothing more', async () => {
    await open('a');
    await openLater('b', 'holder-1');
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'accepted' });
    await pass(1);
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'accepted' });
    // Also beside another challenge of the address, which it leaves alone.
    await openLater('c');
    expect(await attempt('a', 'holder-3')).toEqual({ kind: 'accepted' });
    expect(await attempt('x', 'holder-3')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
    expect(await attempt('c', 'holder-3')).toEqual({ kind: 'accepted' });
    // It is still one token, with the same end.
    const end = START + MINUTE + 15 * MINUTE;
    expect(await redeem('token-of-a')).toEqual({ kind: 'redeemed', end });
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'expired', live: false });
  });

  it('accepts no repeated attempt once its token has ended', async () => {
    await open('a');
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'accepted' });
    await pass(15 * MINUTE);
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'expired', live: false });
  });

  it('never uses the shared attempts for a holder that has spent its own', async () => {
    await open('a');
    await attempt('x', 'holder-1');
    expect(await attempt('x', 'holder-1')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'expired', live: true });
    expect(await attempt('a')).toEqual({ kind: 'accepted' });
  });

  it('takes the attempts of an unknown holder from the shared ones', async () => {
    await open('a');
    expect(await attempt('x', 'nobody')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
    expect(await attempt('x')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
    expect(await attempt('a')).toEqual({ kind: 'expired', live: true });
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'accepted' });
  });

  it('gives no attempt back for another code under one holder', async () => {
    await open('a');
    await attempt('x', 'holder-1');
    await openLater('b', 'holder-1');
    expect(await attempt('x', 'holder-1')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
    await pass(MINUTE);
    expect(await open('c', { holder: 'holder-1' })).toMatchObject({ kind: 'opened', kept: false });
  });

  it('replaces a holder that has ended', async () => {
    await open('a');
    await pass(4 * MINUTE);
    expect(await open('b', { holder: 'holder-1' })).toMatchObject({ kind: 'opened', kept: false });
  });

  it('returns how long a limited holder can still enter a code', async () => {
    await open('a');
    expect(await open('b', { holder: 'holder-1' })).toMatchObject({ kind: 'limited', expiresIn: 3 * MINUTE });
    expect(await open('b', { holder: 'nobody' })).toMatchObject({ kind: 'limited', expiresIn: undefined });
    const peek = (holder: string) => store.peek({ ...key, holder }, TIMEOUT);
    expect(await peek('holder-1')).toEqual({ expiresIn: 3 * MINUTE });
    await attempt('x', 'holder-1');
    await attempt('x', 'holder-1');
    expect(await peek('holder-1')).toEqual({ expiresIn: undefined });
  });

  it('discards a failed send: its code, the holder it created and its place', async () => {
    await open('a');
    expect(await discard('a', START, 'holder-1')).toEqual({ kind: 'discarded', resendIn: 0 });
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'expired', live: false });
    expect(await open('b')).toMatchObject({ kind: 'opened' });
  });

  it('gives no attempts back on discard', async () => {
    await open('a');
    await attempt('x', 'holder-1');
    const place = await openLater('b', 'holder-1');
    await discard('b', place);
    expect(await attempt('x', 'holder-1')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
  });

  it('gives three places back in a day, each once', async () => {
    for (const code of ['a', 'b', 'c']) {
      await open(code);
      const place = START + drawn - 1;
      expect(await discard(code, place, `holder-${drawn}`)).toEqual({ kind: 'discarded', resendIn: 0 });
      expect(await discard(code, place, `holder-${drawn}`)).toEqual({ kind: 'discarded', resendIn: 0 });
    }
    const fourth = await open('d');
    expect(fourth).toMatchObject({ kind: 'opened', place: START + 3 });
    expect(await discard('d', START + 3, 'holder-4')).toEqual({ kind: 'discarded', resendIn: MINUTE + 3 });
    await pass(24 * 60 * MINUTE + 10);
    await open('e');
    expect(await discard('e', now, 'holder-5')).toEqual({ kind: 'discarded', resendIn: 0 });
  });

  it('gives a place back on a challenge that has since been closed, and creates nothing', async () => {
    await open('a');
    const place = await openLater('b', 'holder-1');
    await attempt('a', 'holder-1');
    await discard('b', place);
    expect(await attempt('b', 'holder-1')).toEqual({ kind: 'expired', live: false });
    expect(await open('c')).toMatchObject({ kind: 'opened' });

    const elsewhere = { mailbox: 'mailbox-digest-2', challenge: 'challenge-diges2' };
    await store.discard({ ...elsewhere, code: 'a', newHolder: 'c', place: START, limits }, TIMEOUT);
    expect(await redis.client.exists('ev:{mailbox-digest-2}')).toBe(0);
  });

  it('redeems a token once, and gives it back with its old end until then', async () => {
    await open('a');
    await attempt('a', 'holder-1');
    const end = START + 15 * MINUTE;
    expect(await redeem('token-of-a')).toEqual({ kind: 'redeemed', end });
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
    await store.release({ ...key, token: 'token-of-a', end }, TIMEOUT);
    await passTo(end - 1);
    expect(await redeem('token-of-a')).toEqual({ kind: 'redeemed', end });
    await passTo(end);
    await store.release({ ...key, token: 'token-of-a', end }, TIMEOUT);
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
  });

  it('keeps a token while another challenge of the address is verified', async () => {
    await open('a');
    await attempt('a', 'holder-1');
    await openLater('b');
    await attempt('b', 'holder-2');
    expect(await redeem('token-of-a')).toMatchObject({ kind: 'redeemed' });
    expect(await redeem('token-of-b')).toMatchObject({ kind: 'redeemed' });
  });

  it('counts the emails of a whole day to the millisecond', async () => {
    const places: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      const opened = await open(`hourly-${n}`);
      if (opened.kind !== 'opened') throw new Error(`${n}: ${JSON.stringify(opened)}`);
      places.push(opened.place);
      await pass(2 * 60 * MINUTE);
    }
    const day = 24 * 60 * MINUTE;
    expect(await open('x')).toMatchObject({ kind: 'limited', retryIn: START + day - now });
    await passTo(START + day - 1);
    expect(await open('x')).toMatchObject({ kind: 'limited', retryIn: 1 });
    await pass(1);
    expect(await open('eleventh')).toMatchObject({ kind: 'opened', resendIn: 2 * 60 * MINUTE });
    // A failed send gives its place back hours later too, and the others still count.
    expect(await discard('hourly-9', places[9] ?? 0)).toEqual({ kind: 'discarded', resendIn: MINUTE });
    await pass(MINUTE);
    expect(await open('twelfth')).toMatchObject({ kind: 'opened' });
    await pass(MINUTE);
    expect(await open('x')).toMatchObject({ kind: 'limited', retryIn: START + day + 2 * 60 * MINUTE - now });
  });

  it('tells an ended code from an unknown one beside a newer code, and never accepts it (T64)', async () => {
    await open('a', { maxAttempts: 5 });
    await pass(2 * MINUTE);
    await open('b', { holder: 'holder-1', maxAttempts: 5 });
    await pass(MINUTE);
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'outdated', attemptsLeft: 4 });
    expect(await attempt('x', 'holder-1')).toEqual({ kind: 'incorrect', attemptsLeft: 3 });
    expect(await attempt('a')).toEqual({ kind: 'outdated', attemptsLeft: 4 });
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
    expect(await attempt('b', 'holder-1')).toEqual({ kind: 'accepted' });
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'expired', live: false });
  });

  it('recognizes a code that was used, or ended by a success, beside a newer one (T64)', async () => {
    await open('a');
    await openLater('b', 'holder-1');
    expect(await attempt('b', 'holder-1')).toEqual({ kind: 'accepted' });
    expect(await redeem('token-of-b')).toMatchObject({ kind: 'redeemed' });
    await pass(14 * MINUTE);
    await open('c', { maxAttempts: 5 });
    expect(
      await store.attempt({ ...key, code: 'b', holder: undefined, token: 't', tokenTtl: 1 }, TIMEOUT),
    ).toEqual({ kind: 'outdated', attemptsLeft: 4 });
    expect(await attempt('a')).toEqual({ kind: 'outdated', attemptsLeft: 3 });
    expect(await attempt('c')).toEqual({ kind: 'accepted' });
  });

  it('takes no attempt for an ended code if none is left or no code is live (T64)', async () => {
    await open('a');
    await pass(3 * MINUTE);
    expect(await attempt('a', 'holder-1')).toEqual({ kind: 'expired', live: false });
    await open('b');
    await attempt('x', 'holder-2');
    expect(await attempt('a', 'holder-2')).toEqual({ kind: 'outdated', attemptsLeft: 0 });
    expect(await attempt('a', 'holder-2')).toEqual({ kind: 'expired', live: true });
  });

  it('remembers an ended code for 15 minutes, until another is opened (T64)', async () => {
    await open('a');
    await passTo(START + 3 * MINUTE + 15 * MINUTE - 1);
    await open('b', { maxAttempts: 9 });
    await pass(MINUTE + 1);
    expect(await attempt('a')).toEqual({ kind: 'outdated', attemptsLeft: 8 });
    await open('c', { maxAttempts: 9 });
    expect(await attempt('a')).toEqual({ kind: 'incorrect', attemptsLeft: 8 });

    await passTo(now + 60 * MINUTE);
    await open('d');
    await passTo(now + 3 * MINUTE + 15 * MINUTE);
    await open('e');
    expect(await attempt('d')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
  });

  it('remembers the ten codes that ended last; of codes that ended together either all or none (T64)', async () => {
    const all = [{ max: 1000, window: MINUTE }];
    const openAll = (codes: readonly string[], codeTtl: number) =>
      Promise.all(
        codes.map((code) =>
          store.open(
            { ...key, code, codeTtl, holder: undefined, newHolder: code, maxAttempts: 99, limits: all },
            TIMEOUT,
          ),
        ),
      );
    const named = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n}`);
    await openAll(['first'], MINUTE);
    const ten = named('second', 10);
    await openAll(ten, MINUTE + 1);
    await pass(MINUTE + 1);
    await openAll(['newest'], MINUTE);
    expect(await attempt('first')).toMatchObject({ kind: 'incorrect' });
    for (const code of ten) expect(await attempt(code)).toMatchObject({ kind: 'outdated' });
    // A code that is drawn again works like any other.
    await openAll(['second-0'], MINUTE);
    expect(await attempt('second-0')).toEqual({ kind: 'accepted' });
    // The success ended eleven codes together.
    await openAll(['later'], MINUTE);
    for (const code of [...ten.slice(1), 'newest'])
      expect(await attempt(code)).toMatchObject({ kind: 'incorrect' });
  });

  it('does not remember a code whose email was not sent (T64)', async () => {
    await open('a');
    await discard('a', START, 'holder-1');
    await openLater('b');
    expect(await attempt('a', 'holder-2')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
    await pass(3 * MINUTE);
    await discard('b', START + MINUTE, 'holder-2');
    await open('c');
    expect(await attempt('b', 'holder-3')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
  });

  it.each([
    ['in the past', () => now - 1],
    ['now', () => now],
    ['NaN', () => Number.NaN],
    ['infinite', () => Number.POSITIVE_INFINITY],
    ['minus infinity', () => Number.NEGATIVE_INFINITY],
    ['later than any token ends', () => now + 24 * 60 * MINUTE + 1],
  ])('gives no token back if its end is %s, and stores nothing', async (_when, end) => {
    await store.release({ ...key, token: 'token', end: end() }, TIMEOUT);
    expect(await redeem('token')).toEqual({ kind: 'unknown' });
    expect(await redis.client.keys('*')).toEqual([]);

    await open('a');
    await attempt('a', 'holder-1');
    await redeem('token-of-a');
    await store.release({ ...key, token: 'token-of-a', end: end() }, TIMEOUT);
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
    expect(
      await store.attempt(
        { ...key, code: 'a', holder: undefined, token: 'token-of-a', tokenTtl: 1 },
        TIMEOUT,
      ),
    ).toEqual({ kind: 'expired', live: false });
  });

  it('gives back a token with the longest possible life', async () => {
    const end = now + 24 * 60 * MINUTE;
    await store.release({ ...key, token: 'token', end }, TIMEOUT);
    await passTo(end - 1);
    expect(await redeem('token')).toEqual({ kind: 'redeemed', end });
  });

  it('counts a client in its own window', async () => {
    const count = (step: 'hit' | 'undo' | 'forget') =>
      store.count({ ip: 'ip', window: MINUTE, step }, TIMEOUT);
    expect(await count('hit')).toEqual({ hits: 1, resetsIn: MINUTE });
    await pass(1000);
    expect(await count('hit')).toEqual({ hits: 2, resetsIn: MINUTE - 1000 });
    expect(await count('undo')).toEqual({ hits: 1, resetsIn: MINUTE - 1000 });
    expect(await count('forget')).toEqual({ hits: 0, resetsIn: MINUTE });
    expect(await count('undo')).toEqual({ hits: 0, resetsIn: MINUTE });
    await count('hit');
    await pass(MINUTE);
    expect(await count('hit')).toEqual({ hits: 1, resetsIn: MINUTE });
  });

  it('does nothing in a call after its deadline', async () => {
    await expect(
      store.open(
        { ...key, code: 'a', codeTtl: MINUTE, holder: undefined, newHolder: 'c', maxAttempts: 1, limits },
        -1,
      ),
    ).rejects.toThrow('did not answer in time');
    expect(await open('b')).toMatchObject({ kind: 'opened' });
  });

  it('reports no problems', async () => {
    expect(await store.check(TIMEOUT)).toEqual([]);
  });
});

describe('RedisStore only', () => {
  const opening = {
    ...key,
    code: 'a',
    codeTtl: 60_000,
    holder: undefined,
    newHolder: 'c',
    maxAttempts: 1,
    limits,
  };

  it('lets keys expire with what they hold', async () => {
    await redis.flush();
    await new RedisStore(redis.client).open(opening, TIMEOUT);
    expect(await redis.client.pTTL('ev:{mailbox-digest-1}')).toBeGreaterThan(86_000_000);
    // The code's life, and 15 minutes in which it is remembered.
    const ttl = await redis.client.pTTL('ev:{mailbox-digest-1}challenge-diges1');
    expect(ttl).toBeGreaterThan(955_000);
    expect(ttl).toBeLessThanOrEqual(960_000);
  });

  it('keeps a challenge as long as its token, and after redemption as long as its codes are remembered', async () => {
    await redis.flush();
    const store = new RedisStore(redis.client);
    const life = () => redis.client.pTTL('ev:{mailbox-digest-1}challenge-diges1');
    await store.open(opening, TIMEOUT);
    await store.attempt({ ...key, code: 'a', holder: undefined, token: 't', tokenTtl: 86_400_000 }, TIMEOUT);
    expect(await life()).toBeGreaterThan(86_300_000);
    const redeemed = await store.redeem({ ...key, token: 't' }, TIMEOUT);
    expect(await life()).toBeLessThanOrEqual(900_000);
    if (redeemed.kind !== 'redeemed') throw new Error(redeemed.kind);
    await store.release({ ...key, token: 't', end: redeemed.end }, TIMEOUT);
    expect(await life()).toBeGreaterThan(86_300_000);
  });

  it('keeps a mailbox for its day when a place is given back', async () => {
    await redis.flush();
    const store = new RedisStore(redis.client);
    const opened = await store.open(opening, TIMEOUT);
    if (opened.kind !== 'opened') throw new Error(opened.kind);
    await store.discard({ ...key, code: 'a', newHolder: 'c', place: opened.place, limits }, TIMEOUT);
    expect(await redis.client.pTTL('ev:{mailbox-digest-1}')).toBeGreaterThan(86_000_000);
  });

  it('sends one command to Redis for each operation', async () => {
    const store = new RedisStore(redis.client);
    await store.check(TIMEOUT);
    await redis.flush();
    await store.open(opening, TIMEOUT);
    const before = await commands();
    await store.attempt({ ...key, code: 'x', holder: undefined, token: 't', tokenTtl: 60_000 }, TIMEOUT);
    expect((await commands()) - before).toBe(1);
  });

  /** How many EVALSHA and EVAL the server has run; commands called by scripts are counted elsewhere. */
  async function commands(): Promise<number> {
    const stats = await redis.client.info('commandstats');
    return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  }

  it('reports an eviction policy that loses limits', async () => {
    await redis.client.configSet('maxmemory-policy', 'allkeys-lru');
    try {
      const problems = await new RedisStore(redis.client).check(TIMEOUT);
      expect(problems).toEqual([expect.stringContaining('maxmemory-policy allkeys-lru')]);
    } finally {
      await redis.client.configSet('maxmemory-policy', 'noeviction');
    }
  });
});
