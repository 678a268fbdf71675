/** Both stores pass the tests that the package publishes for stores, and RedisStore some of its own. */
import { MemoryStore, RedisStore } from 'express-email-verification';
import { describeStoreContract } from 'express-email-verification/testing';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { passTimeOf } from '../support/pass-time.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const TIMEOUT = 2000;
const START = 1_700_000_000_000;
const MINUTE = 60_000;
const limits = [{ max: 1, window: MINUTE }];
const key = { mailbox: 'mailbox-digest-1', challenge: 'challenge-diges1' };

describeStoreContract('MemoryStore', (clock) => new MemoryStore({ clock }));

describeStoreContract(
  'RedisStore',
  async (clock) => {
    await redis.flush();
    return new RedisStore(redis.client, { clock });
  },
  { passTime: (ms) => passTimeOf(redis.client, ms) },
);

describe.each([
  ['ioredis 6', (path: string) => new Redis(path)],
  ['ioredis 5', (path: string) => new Redis5(path)],
])('on %s', (name, connect) => {
  let client: Redis | Redis5;
  beforeAll(() => {
    client = connect(redis.server.url.replace(/^unix:\/\//, ''));
  });
  afterAll(() => client.disconnect());

  describeStoreContract(
    `RedisStore on ${name}`,
    async (clock) => {
      await redis.flush();
      return new RedisStore(client, { clock });
    },
    { passTime: (ms) => passTimeOf(redis.client, ms) },
  );
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

  it('creates no key for a discard of what is not there, or for a token that cannot be given back', async () => {
    await redis.flush();
    const store = new RedisStore(redis.client, { clock: () => START });
    await store.discard({ ...key, code: 'a', newHolder: 'c', place: START, limits }, TIMEOUT);
    for (const end of [START - 1, START, Number.NaN, Number.POSITIVE_INFINITY, START + 24 * 60 * MINUTE + 1])
      await store.release({ ...key, token: 'token', end }, TIMEOUT);
    expect(await redis.client.keys('*')).toEqual([]);
  });

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
