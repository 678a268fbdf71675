/** What every store must do, told once and run on both, under a clock that the tests move. */
import { MemoryStore, RedisStore, type Store } from 'express-email-verification';
import { useRedis } from './support/redis.js';

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
])('%s', (_name, createStore) => {
  let now = START;
  let store: Store;
  let drawn = 0;

  beforeEach(async () => {
    await redis.flush();
    now = START;
    drawn = 0;
    store = createStore(() => now);
  });

  const open = (
    code: string,
    { client, ...more }: { client?: string; codeTtl?: number; maxAttempts?: number } = {},
  ) => {
    drawn += 1;
    return store.open(
      {
        ...key,
        code,
        codeTtl: 3 * MINUTE,
        client,
        newClient: `client-${drawn}`,
        maxAttempts: 2,
        limits,
        ...more,
      },
      TIMEOUT,
    );
  };
  const attempt = (code: string, client?: string) =>
    store.attempt({ ...key, code, client, token: `token-of-${code}`, tokenTtl: 15 * MINUTE }, TIMEOUT);
  const discard = (code: string, place: number, madeClient?: string) =>
    store.discard({ ...key, code, madeClient, place, limits }, TIMEOUT);
  const redeem = (token: string) => store.redeem({ ...key, token }, TIMEOUT);

  /** Opens past the cooldown, and answers the mail's place. */
  async function openLater(code: string, client?: string): Promise<number> {
    now += MINUTE;
    const opened = await open(code, client === undefined ? {} : { client });
    if (opened.kind !== 'opened') throw new Error('not opened');
    return opened.place;
  }

  it('opens with the wait until the next mail', async () => {
    expect(await open('a')).toEqual({
      kind: 'opened',
      kept: false,
      place: START,
      expiresIn: 180_000,
      resendIn: MINUTE,
    });
  });

  it('is full to the millisecond, and tells the longest wait', async () => {
    await open('a');
    now += MINUTE - 1;
    expect(await open('b')).toEqual({ kind: 'limited', retryIn: 1, expiresIn: undefined });
    now += 1;
    expect(await open('b')).toMatchObject({ kind: 'opened' });
    for (const code of ['c', 'd', 'e']) await openLater(code);
    now += MINUTE;
    expect(await open('f')).toMatchObject({ kind: 'limited', retryIn: 60 * MINUTE - (now - START) });
  });

  it('changes nothing where a limit is full', async () => {
    await open('a');
    await open('b');
    expect(await attempt('b', 'client-1')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'accepted' });
  });

  it('lets every mailed code work until its own end', async () => {
    await open('a');
    await openLater('b', 'client-1');
    now = START + 3 * MINUTE - 1;
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'accepted' });
  });

  it('refuses a code one millisecond past its end though its key is there (T10)', async () => {
    await open('a');
    now = START + 3 * MINUTE;
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'expired', live: false });
  });

  it('ends all codes, clients and shared attempts by one success', async () => {
    await open('a');
    await openLater('b', 'client-1');
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'accepted' });
    expect(await attempt('b', 'client-1')).toEqual({ kind: 'expired', live: false });
    expect(await attempt('b')).toEqual({ kind: 'expired', live: false });
  });

  it('accepts an attempt that comes again, as when its reply was lost on the way, and takes nothing more', async () => {
    await open('a');
    await openLater('b', 'client-1');
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'accepted' });
    now += 1;
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'accepted' });
    // Also beside another challenge of the address, which it leaves alone.
    await openLater('c');
    expect(await attempt('a', 'client-3')).toEqual({ kind: 'accepted' });
    expect(await attempt('x', 'client-3')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
    expect(await attempt('c', 'client-3')).toEqual({ kind: 'accepted' });
    // It is one token still, with the end it had.
    const end = START + MINUTE + 15 * MINUTE;
    expect(await redeem('token-of-a')).toEqual({ kind: 'redeemed', end });
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'expired', live: false });
  });

  it('accepts no attempt again once its token has ended', async () => {
    await open('a');
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'accepted' });
    now += 15 * MINUTE;
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'expired', live: false });
  });

  it('never falls back to the shared attempts for a client that spent its own', async () => {
    await open('a');
    await attempt('x', 'client-1');
    expect(await attempt('x', 'client-1')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'expired', live: true });
    expect(await attempt('a')).toEqual({ kind: 'accepted' });
  });

  it('takes the attempts of an unknown client from the shared ones', async () => {
    await open('a');
    expect(await attempt('x', 'nobody')).toEqual({ kind: 'incorrect', attemptsLeft: 1 });
    expect(await attempt('x')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
    expect(await attempt('a')).toEqual({ kind: 'expired', live: true });
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'accepted' });
  });

  it('gives no attempt back for another code under one client', async () => {
    await open('a');
    await attempt('x', 'client-1');
    await openLater('b', 'client-1');
    expect(await attempt('x', 'client-1')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
    now += MINUTE;
    expect(await open('c', { client: 'client-1' })).toMatchObject({ kind: 'opened', kept: false });
  });

  it('gives a client that outlived its end a new id', async () => {
    await open('a');
    now += 4 * MINUTE;
    expect(await open('b', { client: 'client-1' })).toMatchObject({ kind: 'opened', kept: false });
  });

  it('tells a limited client how long it can still enter a code, as long as it can', async () => {
    await open('a');
    expect(await open('b', { client: 'client-1' })).toMatchObject({ kind: 'limited', expiresIn: 3 * MINUTE });
    expect(await open('b', { client: 'nobody' })).toMatchObject({ kind: 'limited', expiresIn: undefined });
    const look = (client: string) => store.look({ ...key, client }, TIMEOUT);
    expect(await look('client-1')).toEqual({ expiresIn: 3 * MINUTE });
    await attempt('x', 'client-1');
    await attempt('x', 'client-1');
    expect(await look('client-1')).toEqual({ expiresIn: undefined });
  });

  it('discards a mail that did not leave: its code, the client it made and its place', async () => {
    await open('a');
    expect(await discard('a', START, 'client-1')).toEqual({ kind: 'discarded', resendIn: 0 });
    expect(await attempt('a', 'client-1')).toEqual({ kind: 'expired', live: false });
    expect(await open('b')).toMatchObject({ kind: 'opened' });
  });

  it('refills no attempts by a discard', async () => {
    await open('a');
    await attempt('x', 'client-1');
    const place = await openLater('b', 'client-1');
    await discard('b', place);
    expect(await attempt('x', 'client-1')).toEqual({ kind: 'incorrect', attemptsLeft: 0 });
  });

  it('gives three places back in a day, each once', async () => {
    for (const code of ['a', 'b', 'c']) {
      await open(code);
      const place = START + drawn - 1;
      expect(await discard(code, place, `client-${drawn}`)).toEqual({ kind: 'discarded', resendIn: 0 });
      expect(await discard(code, place, `client-${drawn}`)).toEqual({ kind: 'discarded', resendIn: 0 });
    }
    const fourth = await open('d');
    expect(fourth).toMatchObject({ kind: 'opened', place: START + 3 });
    expect(await discard('d', START + 3, 'client-4')).toEqual({ kind: 'discarded', resendIn: MINUTE + 3 });
    now += 24 * 60 * MINUTE + 10;
    await open('e');
    expect(await discard('e', now, 'client-5')).toEqual({ kind: 'discarded', resendIn: 0 });
  });

  it('gives a place back on a challenge that was closed meanwhile, and creates nothing', async () => {
    await open('a');
    const place = await openLater('b', 'client-1');
    await attempt('a', 'client-1');
    await discard('b', place);
    expect(await attempt('b', 'client-1')).toEqual({ kind: 'expired', live: false });
    expect(await open('c')).toMatchObject({ kind: 'opened' });

    const elsewhere = { mailbox: 'mailbox-digest-2', challenge: 'challenge-diges2' };
    await store.discard({ ...elsewhere, code: 'a', madeClient: 'c', place: START, limits }, TIMEOUT);
    expect(await redis.client.exists('ev:{mailbox-digest-2}')).toBe(0);
  });

  it('redeems a token once, gives it back with its old end, and not past it', async () => {
    await open('a');
    await attempt('a', 'client-1');
    const end = START + 15 * MINUTE;
    expect(await redeem('token-of-a')).toEqual({ kind: 'redeemed', end });
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
    await store.release({ ...key, token: 'token-of-a', end }, TIMEOUT);
    now = end - 1;
    expect(await redeem('token-of-a')).toEqual({ kind: 'redeemed', end });
    now = end;
    await store.release({ ...key, token: 'token-of-a', end }, TIMEOUT);
    expect(await redeem('token-of-a')).toEqual({ kind: 'unknown' });
  });

  it('keeps a token through another challenge of the address', async () => {
    await open('a');
    await attempt('a', 'client-1');
    await openLater('b');
    await attempt('b', 'client-2');
    expect(await redeem('token-of-a')).toMatchObject({ kind: 'redeemed' });
    expect(await redeem('token-of-b')).toMatchObject({ kind: 'redeemed' });
  });

  it('counts a client in a window of its own', async () => {
    const count = (step: 'hit' | 'undo' | 'forget') =>
      store.count({ client: 'ip', window: MINUTE, step }, TIMEOUT);
    expect(await count('hit')).toEqual({ hits: 1, resetsIn: MINUTE });
    now += 1000;
    expect(await count('hit')).toEqual({ hits: 2, resetsIn: MINUTE - 1000 });
    expect(await count('undo')).toEqual({ hits: 1, resetsIn: MINUTE - 1000 });
    expect(await count('forget')).toEqual({ hits: 0, resetsIn: MINUTE });
    expect(await count('undo')).toEqual({ hits: 0, resetsIn: MINUTE });
    await count('hit');
    now += MINUTE;
    expect(await count('hit')).toEqual({ hits: 1, resetsIn: MINUTE });
  });

  it('does nothing in a call that is too late', async () => {
    await expect(
      store.open(
        { ...key, code: 'a', codeTtl: MINUTE, client: undefined, newClient: 'c', maxAttempts: 1, limits },
        -1,
      ),
    ).rejects.toThrow('did not answer in time');
    expect(await open('b')).toMatchObject({ kind: 'opened' });
  });

  it('is fit', async () => {
    expect(await store.check(TIMEOUT)).toEqual([]);
  });
});

describe('RedisStore alone', () => {
  const opening = {
    ...key,
    code: 'a',
    codeTtl: 60_000,
    client: undefined,
    newClient: 'c',
    maxAttempts: 1,
    limits,
  };

  it('keeps nothing longer than it lives', async () => {
    await redis.flush();
    await new RedisStore(redis.client).open(opening, TIMEOUT);
    expect(await redis.client.pTTL('ev:{mailbox-digest-1}')).toBeGreaterThan(86_000_000);
    const ttl = await redis.client.pTTL('ev:{mailbox-digest-1}challenge-diges1');
    expect(ttl).toBeGreaterThan(55_000);
    expect(ttl).toBeLessThanOrEqual(60_000);
  });

  it('asks Redis once for each act', async () => {
    const store = new RedisStore(redis.client);
    await store.check(TIMEOUT);
    await redis.flush();
    await store.open(opening, TIMEOUT);
    const before = await commands();
    await store.attempt({ ...key, code: 'x', client: undefined, token: 't', tokenTtl: 60_000 }, TIMEOUT);
    expect((await commands()) - before).toBe(1);
  });

  /** EVALSHA and EVAL that the server has run; what a script calls counts elsewhere. */
  async function commands(): Promise<number> {
    const stats = await redis.client.info('commandstats');
    return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  }

  it('names an eviction policy that loses limits', async () => {
    await redis.client.configSet('maxmemory-policy', 'allkeys-lru');
    try {
      const problems = await new RedisStore(redis.client).check(TIMEOUT);
      expect(problems).toEqual([expect.stringContaining('maxmemory-policy allkeys-lru')]);
    } finally {
      await redis.client.configSet('maxmemory-policy', 'noeviction');
    }
  });
});
