/**
 * A Redis user with exactly the rights that the README of the queue lists: an app and a worker do all they do with them, and
 * each of the rights is needed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryStore } from 'express-email-verification';
import Redis from 'ioredis';
import { createClient } from 'redis';
import { mailQueue } from '../support/mail-queue.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const redis = useRedis();
const mail = useMailServer();

/** From that README: `ACL SETUSER queue on >password ~{ev}:* +@hash …`. */
const LINE = /ACL SETUSER queue on >password (.+)/.exec(
  readFileSync(join(__dirname, '../../lib/bullmq/README.md'), 'utf8'),
);
const RIGHTS = LINE?.[1]?.trim().split(' ') ?? [];

const login = { username: 'queue', password: 'hidden' };
const ended: (() => unknown)[] = [];

beforeEach(() => redis.flush());
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function grant(rights: readonly string[]): Promise<void> {
  await redis.client.sendCommand(['ACL', 'SETUSER', 'queue', 'reset', 'on', '>hidden', ...rights]);
  await redis.client.scriptFlush();
}

type Client = 'options' | 'ioredis' | 'redis';

async function connect(client: Client) {
  const { pathname: path } = new URL(redis.server.url);
  if (client === 'options') return { path, ...login };
  if (client === 'ioredis') {
    const ioredis = new Redis({ path, ...login, maxRetriesPerRequest: null });
    ioredis.on('error', () => {});
    ended.push(() => ioredis.disconnect());
    return ioredis;
  }
  const nodeRedis = createClient({ url: redis.server.url, ...login });
  nodeRedis.on('error', () => {});
  await nodeRedis.connect();
  ended.push(() => nodeRedis.destroy());
  return nodeRedis;
}

/** Emails that are sent, sent again, refused, and taken up from a worker that ended, under a rate, and both checks. */
async function useQueue(rights: readonly string[], client: Client = 'options', patience?: number) {
  await grant(rights);
  const store = new MemoryStore();
  const setup = mailQueue({ connection: await connect(client), store, transport: mail.url });
  ended.push(() => setup.close());
  const app = setup.app({ mailTimeout: patience });
  let isFirst = true;
  mail.server.respondWith(({ stage, to }) => {
    if (to[0] === 'refused@example.com' && stage === 'rcpt') return { code: 550, text: '5.1.1 no' };
    if (to[0] !== 'later@example.com' || stage !== 'data' || !isFirst) return false;
    isFirst = false;
    return { code: 451, text: 'later' };
  });
  await app.verification.send({ email: 'stalled@example.com' });
  const key = (name: string) => `{ev}:email-verification:${name}`;
  // Its worker was killed.
  const id = await redis.client.lMove(key('wait'), key('active'), 'RIGHT', 'LEFT').catch(() => null);
  if (id !== null) await redis.client.sAdd(key('stalled'), id);
  const worker = setup.worker({ mailTimeout: patience, rate: { max: 2, duration: 200 } });
  for (const name of ['a', 'later', 'refused', 'b'])
    await app.verification.send({ email: `${name}@example.com` });
  return { app, worker };
}

it.each(RIGHTS.filter((right) => right !== '-@dangerous'))('without %s, somebody is told', async (right) => {
  // ioredis warns that it could not run INFO.
  jest.spyOn(console, 'warn').mockImplementation(() => {});
  const { app, worker } = await useQueue(
    RIGHTS.filter((one) => one !== right),
    'options',
    500,
  );
  const told = () => [...app.events, ...worker.events].map(({ event }) => String(event.cause?.message));
  await until('somebody is told', () =>
    told().some((message) => /NOPERM|can't run this command/.test(message)),
  );
  jest.restoreAllMocks();
});

it.each(['options', 'ioredis', 'redis'] as const)(
  'the rights in the README are enough with %s',
  async (client) => {
    expect(RIGHTS.length).toBeGreaterThan(10);
    const { app, worker } = await useQueue(RIGHTS, client);
    await worker.next('delivered', 4);
    await worker.next('delivery_failed');
    await expect(app.verification.check()).resolves.toEqual({ ok: true, problems: [] });
    await expect(worker.worker.check()).resolves.toEqual({ ok: true, problems: [] });
    expect(await worker.worker.internals.operations.queueSize()).toBe(0);
    expect(app.names()).toEqual(Array(5).fill('sent'));
    expect(worker.names().filter((name) => name === 'unavailable')).toEqual([]);
  },
);

it('they reach no other keys, and no command for all of them', async () => {
  await grant(RIGHTS);
  await redis.client.set('ev:m', 'a mailbox');
  await redis.client.rPush('{ev}:list', '1');
  const client = createClient({ url: redis.server.url, ...login });
  client.on('error', () => {});
  await client.connect();
  ended.push(() => client.destroy());
  for (const command of [
    'GET ev:m',
    'KEYS *',
    'SCAN 0',
    'FLUSHALL',
    'SORT {ev}:list BY ev:* GET ev:*',
    'CONFIG GET *',
    'MONITOR',
    'PUBLISH x y',
    'RANDOMKEY',
  ])
    await expect(client.sendCommand(command.split(' '))).rejects.toThrow('NOPERM');
});

it('a script that ends in the middle for the lack of a right leaves it unknown: the job may be in the queue', async () => {
  await grant(RIGHTS.filter((right) => right !== '+@stream'));
  const store = new MemoryStore();
  const setup = mailQueue({ connection: await connect('options'), store, transport: mail.url });
  ended.push(() => setup.close());
  const app = setup.app();
  const email = 'person@example.com';
  await expect(app.verification.send({ email })).resolves.toMatchObject({ kind: 'delivery_unknown' });
  const { cause } = await app.next('delivery_unknown');
  expect(cause.message).toBe(
    'It is not known whether the email was sent: the queue did not allow it: grant the Redis user the rights that the README of the queue lists (EQUEUE, NOPERM)',
  );
  expect(await redis.client.keys('{ev}:email-verification:*-*')).toHaveLength(1);
  await expect(app.verification.status({ email })).resolves.toMatchObject({ codes: [{}] });
});

it('a queue that Redis refuses is not opened again and again', async () => {
  jest.spyOn(console, 'warn').mockImplementation(() => {});
  await grant(RIGHTS.filter((right) => right !== '+info'));
  const connections = async () =>
    Number(/total_connections_received:(\d+)/.exec(await redis.client.info('stats'))?.[1]);
  const before = await connections();
  const setup = mailQueue({
    connection: await connect('options'),
    store: new MemoryStore(),
    transport: mail.url,
  });
  ended.push(() => setup.close());
  const app = setup.app({ mailTimeout: 1500 });
  await expect(app.verification.send({ email: 'person@example.com' })).resolves.toMatchObject({
    kind: 'delivery_failed',
  });
  expect((await connections()) - before).toBeLessThan(8);
  await expect(app.verification.check()).resolves.toEqual({
    ok: false,
    problems: [
      "The email queue is unavailable: NOPERM this user has no permissions to run the 'info' command",
    ],
  });
  jest.restoreAllMocks();
});

it('an app and a worker that Redis refused at first work once it does not', async () => {
  jest.spyOn(console, 'warn').mockImplementation(() => {});
  await grant(['-@all']);
  const setup = mailQueue({
    connection: await connect('options'),
    store: new MemoryStore(),
    transport: mail.url,
  });
  ended.push(() => setup.close());
  const app = setup.app({ mailTimeout: 500 });
  const worker = setup.worker({ mailTimeout: 500 });
  await expect(app.verification.send({ email: 'a@example.com' })).resolves.toMatchObject({
    kind: 'delivery_failed',
  });
  await worker.next('unavailable');
  expect((await worker.worker.check()).ok).toBe(false);
  await grant(RIGHTS);
  await until(
    'sends succeed',
    async () => (await app.verification.send({ email: 'b@example.com' })).kind === 'sent',
  );
  await worker.next('delivered');
  await until('the worker is well', async () => (await worker.worker.check()).ok);
  await expect(app.verification.check()).resolves.toEqual({ ok: true, problems: [] });
  jest.restoreAllMocks();
});
