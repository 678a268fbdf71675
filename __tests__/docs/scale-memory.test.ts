/** Measures the bytes from which lib/operations/scale.md calculates, on a real Redis, as a node of a cluster needs them. */
import { createEmailVerification, RedisStore } from 'express-email-verification';
import { queueDelivery } from 'express-email-verification/bullmq';
import { createClient } from 'redis';
import { FROM, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { BYTES } from './scale/inputs.js';

const ADDRESSES = 20_000;
const JOBS = 4000;
const AT_A_TIME = 2000;

let server: RedisServer;
let client: ReturnType<typeof clientOf>;

beforeAll(async () => {
  // A node of a cluster needs more for each key than a Redis alone.
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'];
  server = await startRedisServer({ port: await freePort(), args: cluster });
  client = clientOf(server);
  await client.connect();
  await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
  await until('the node serves all slots', async () =>
    String(await client.sendCommand(['CLUSTER', 'INFO'])).includes('cluster_state:ok'),
  );
}, 90_000);

afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

function clientOf({ url }: RedisServer) {
  const created = createClient({ url });
  created.on('error', () => {});
  return created;
}

let now = Date.now();
const codes = new Map<string, string>();

function createVerification() {
  return createEmailVerification({
    store: new RedisStore(client, { clock: () => now }),
    from: FROM,
    secret: SECRET,
    delivery: async ({ to }, { code = '' }) => void codes.set(to.address, code),
    storeTimeout: 60_000,
  });
}

/** The bytes of each of `count` entries that are added to an empty Redis, 2,000 at a time. */
async function bytesOf(
  count: number,
  add: (email: string) => Promise<unknown>,
  after = async () => {},
): Promise<number> {
  // The scripts take memory, too.
  await add('warm-up@example.com');
  await client.flushAll();
  const before = await memory();
  for (let first = 0; first < count; first += AT_A_TIME) {
    const emails = Array.from({ length: AT_A_TIME }, (_, n) => `person-${first + n}@example.com`);
    await Promise.all(emails.map(add));
    await after();
  }
  return ((await memory()) - before) / count;
}

async function memory(): Promise<number> {
  const info = await client.info('memory');
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
  return field('used_memory') - field('mem_clients_normal');
}

/** Deletes all challenges. Redis does so by itself, 15 minutes after their codes have ended. */
async function endChallenges(): Promise<void> {
  const keys = await client.keys('ev:{*}?*');
  expect(keys).toHaveLength(AT_A_TIME);
  for (const key of keys) void client.del(key);
  await client.ping();
}

/** Within a tenth: how full the tables of Redis are makes a difference of a few bytes for each key. */
function expectStated(what: string, measured: number, stated: number): void {
  if (process.env['SCALE_REPORT']) process.stderr.write(`${what}: ${measured.toFixed(1)} bytes\n`);
  const difference = Math.abs(measured / stated - 1);
  expect([what, difference < 0.1 ? stated : measured]).toEqual([what, stated]);
}

it('an address takes as many bytes as stated, with a code and with a token', async () => {
  const verification = createVerification();
  const pending = await bytesOf(ADDRESSES, (email) => verification.send({ email }));
  expectStated('with a code', pending, BYTES.mailbox + BYTES.challenge);

  const verified = await bytesOf(ADDRESSES, async (email) => {
    await verification.send({ email });
    expect(await verification.verify({ email, code: codes.get(email) })).toMatchObject({ kind: 'verified' });
  });
  expectStated('verified', verified, BYTES.mailbox + BYTES.challenge);
});

it('what stays for the limits of a day takes as many bytes as stated, for one email and for two', async () => {
  const verification = createVerification();
  const once = await bytesOf(ADDRESSES, (email) => verification.send({ email }), endChallenges);
  expectStated('after one email', once, BYTES.mailbox);
  const twice = await bytesOf(
    ADDRESSES,
    async (email) => {
      await verification.send({ email });
      now += 61_000;
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    },
    endChallenges,
  );
  expectStated('after two', twice, BYTES.mailbox);
});

it('the count of a client takes as many bytes as stated', async () => {
  const store = new RedisStore(client);
  const count = (email: string) => {
    const ip = Buffer.from(email.padEnd(24, '.')).subarray(7, 19).toString('base64url');
    return store.count({ ip, window: 600_000, step: 'hit' }, 60_000);
  };
  expectStated('a client', await bytesOf(ADDRESSES, count), BYTES.client);
});

it('an email that waits in the queue takes as many bytes as stated', async () => {
  const delivery = queueDelivery({ connection: { url: server.url }, secret: SECRET });
  const store = new RedisStore(client, { prefix: 'store:' });
  const verification = createEmailVerification({
    ...{ store, from: FROM, secret: SECRET, delivery },
    storeTimeout: 60_000,
    mailTimeout: 60_000,
  });
  const bytes = await bytesOf(JOBS, (email) => verification.send({ email }));
  expectStated('an email in the queue', bytes - BYTES.mailbox - BYTES.challenge, BYTES.job);
  await verification.close();
});
