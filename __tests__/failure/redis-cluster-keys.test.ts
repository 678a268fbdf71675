/** Addresses spread evenly over the masters of a Redis Cluster, and all that is stored about one is on the same master. */
import { createEmailVerification, type EmailVerification, RedisStore } from 'express-email-verification';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { FROM, SECRET } from '../support/app.js';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js';

const ADDRESSES = 10_000;
const AT_A_TIME = 100;
/** Each address of the sample goes through every operation. */
const SAMPLE = 300;

const LIBRARIES = ['node-redis', 'ioredis'] as const;
type Library = (typeof LIBRARIES)[number];

let cluster: RedisCluster;
let client: ReturnType<typeof createCluster>;
let ioredis: Cluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
  client = createCluster({ rootNodes: cluster.rootNodes });
  client.on('error', () => {});
  await client.connect();
  ioredis = new Cluster(cluster.rootNodes.map(({ socket }) => socket));
});

afterAll(async () => {
  client?.destroy();
  ioredis?.disconnect();
  await cluster?.stop();
});

describe.each(LIBRARIES)('the cluster client of %s', (library) => {
  const codes = new Map<string, string>();
  const troubles: unknown[] = [];
  let verification: EmailVerification;

  beforeAll(async () => {
    verification = createEmailVerification({
      store: new RedisStore(clientOf(library), { prefix: prefixOf(library) }),
      from: FROM,
      secret: SECRET,
      delivery: async ({ to }, { code = '' }) => void codes.set(to.address, code),
      storeTimeout: 30_000,
    });
    verification.on('unavailable', (event) => troubles.push(event));
    await forEach(ADDRESSES, async (email) => {
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    });
  });

  it('gives each of three masters its share of 10,000 addresses, within a tenth', async () => {
    const masters = await keysByMaster(prefixOf(library));
    expect(masters).toHaveLength(3);
    for (const keys of masters) {
      const mailboxes = keys.filter((key) => key.endsWith('}'));
      expect(Math.abs(mailboxes.length / (ADDRESSES / 3) - 1)).toBeLessThan(0.1);
      // The challenge of each mailbox is on the same master: its key goes on after the braces.
      expect(new Set(keys.map((key) => key.slice(0, key.indexOf('}') + 1)))).toEqual(new Set(mailboxes));
      expect(keys).toHaveLength(2 * mailboxes.length);
    }
  });

  it('sends, verifies, redeems, shows and forgets on every master, and no command crosses slots', async () => {
    const locale = 'en';
    await forEach(SAMPLE, async (email) => {
      const outcome = await verification.verify({ email, code: codes.get(email), locale });
      const { verificationToken } = outcome.kind === 'verified' ? outcome : { verificationToken: '' };
      expect(await verification.status({ email })).toMatchObject({ codes: [], sendsToday: 1, tokens: 1 });
      const redeemed = await verification.redeem({ email, verificationToken });
      expect(redeemed).toMatchObject({ kind: 'redeemed', email });
      if (redeemed.kind === 'redeemed') {
        expect(await verification.release(redeemed)).toEqual({ kind: 'released' });
      }
      expect(await verification.forget({ email })).toEqual({ kind: 'forgotten' });
      expect(await verification.status({ email })).toMatchObject({ sendsToday: 0, tokens: 0 });
    });
    const keys = await keysByMaster(prefixOf(library));
    expect(keys.flat()).toHaveLength(2 * (ADDRESSES - SAMPLE));
    expect(troubles).toEqual([]);
    const errors = await Promise.all(cluster.nodes.map((node) => node.ask('INFO', 'errorstats')));
    expect(errors.join()).not.toMatch(/CROSSSLOT|TRYAGAIN/);
  });
});

const clientOf = (library: Library) => (library === 'ioredis' ? ioredis : client);
const prefixOf = (library: Library) => `${library}:`;

/** Does something for so many addresses, some of them at the same time. */
async function forEach(count: number, operation: (email: string) => Promise<void>): Promise<void> {
  for (let first = 0; first < count; first += AT_A_TIME) {
    const emails = Array.from({ length: AT_A_TIME }, (_, n) => `person-${first + n}@example.com`);
    await Promise.all(emails.map(operation));
  }
}

/** The keys with a prefix, of each master. */
async function keysByMaster(prefix: string): Promise<string[][]> {
  const roles = await Promise.all(cluster.nodes.map((node) => node.ask('ROLE')));
  const masters = cluster.nodes.filter((_, n) => String(roles[n]).startsWith('master'));
  return Promise.all(
    masters.map(async (node) => {
      const keys = await node.ask('KEYS', `${prefix}*`);
      return Array.isArray(keys) ? keys.map(String) : [];
    }),
  );
}
