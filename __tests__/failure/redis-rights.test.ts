/**
 * A Redis user with exactly the rights that the README of the store lists: everything works with them, and each missing
 * one is named by the event and by check().
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RedisStore } from 'express-email-verification';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const email = 'minji@example.com';

/** From that README: `ACL SETUSER app on >password ~ev:* +evalsha …`. */
const LINE = /ACL SETUSER app on >password (~ev:\* [a-z+ ]+)/.exec(
  readFileSync(join(__dirname, '../../lib/store/README.md'), 'utf8'),
);
const RIGHTS = LINE?.[1]?.trim().split(' ') ?? [];
const COMMANDS = RIGHTS.filter((right) => right.startsWith('+') && right !== '+info');

const ended: (() => unknown)[] = [];
beforeEach(() => redis.flush());
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** The test app on a client that logs in as a Redis user with these rights. */
async function appOf(rights: readonly string[], library: 'redis' | 'ioredis' = 'redis') {
  await redis.client.sendCommand(['ACL', 'SETUSER', 'app', 'reset', 'on', '>hidden', ...rights]);
  await redis.client.scriptFlush();
  const login = { username: 'app', password: 'hidden' };
  const client =
    library === 'redis'
      ? createClient({ url: redis.server.url, ...login })
      : new Redis({ path: redis.server.url.replace(/^unix:\/\//, ''), lazyConnect: true, ...login });
  client.on('error', () => {});
  await client.connect();
  ended.push(() => ('destroy' in client ? client.destroy() : client.disconnect()));
  let code = '';
  let fails = false;
  const { app, verification } = createTestApp(
    {
      store: new RedisStore(client),
      transport: 'smtp://127.0.0.1:1',
      delivery: async ({ text }) => {
        if (fails) throw new Error('550');
        code = /^\d{10}$/m.exec(text)?.[0] ?? '';
      },
      rateLimit: { send: { limit: 3, skipFailedRequests: true }, verify: { limit: 100 } },
      sendLimits: [{ max: 3, window: 60 }],
      codeLength: 10,
    },
    (req, res) => void res.status(req.body.taken ? 409 : 201).json({}),
  );
  const causes: string[] = [];
  verification.on('unavailable', ({ cause }) => causes.push(cause instanceof Error ? cause.message : ''));
  verification.on('delivery_failed', () => {});
  const ask = (path: string, body: object) => request(app).post(path).send(body);

  /** Runs every operation, whether or not the ones before it succeeded. */
  async function requestAll(): Promise<number[]> {
    const answers = [await ask('/ev/send', { email })];
    const { challengeId } = answers[0]?.body ?? {};
    answers.push(await ask('/ev/send', { email, challengeId }));
    fails = true;
    answers.push(await ask('/ev/send', { email }));
    fails = false;
    answers.push(
      await ask('/ev/verify', { email, code: code === '0000000000' ? '1111111111' : '0000000000' }),
    );
    const verified = await ask('/ev/verify', { email, code: code || '1234567890', challengeId });
    const { verificationToken = 'A'.repeat(26) } = verified.body;
    answers.push(verified, await ask('/signup', { email, verificationToken, taken: true }));
    answers.push(await ask('/signup', { email, verificationToken }));
    for (let n = 0; n < 3; n += 1) answers.push(await ask('/ev/send', { email, challengeId }));
    return answers.map(({ status }) => status);
  }
  return { verification, causes, requestAll, store: new RedisStore(client) };
}

/** What no request does: give a token back to a challenge that has expired, and forget a client. */
async function askStoreAlone(store: RedisStore): Promise<string> {
  const key = { mailbox: 'mailbox', challenge: 'challenge' };
  const operations = [
    () => store.release({ ...key, token: 'token', end: Date.now() + 60_000 }, 10_000),
    () => store.redeem({ ...key, token: 'token' }, 10_000),
    () => store.count({ ip: 'ip', window: 1000, step: 'hit' }, 10_000),
    () => store.count({ ip: 'ip', window: 1000, step: 'forget' }, 10_000),
  ];
  let errors = '';
  for (const operation of operations) await operation().catch((error: Error) => (errors += error.message));
  return errors;
}

it('T67: the rights in the README are enough for every operation and for check()', async () => {
  expect(COMMANDS.length).toBeGreaterThan(5);
  const { verification, causes, requestAll, store } = await appOf(RIGHTS);
  expect(await requestAll()).toEqual([200, 200, 500, 401, 200, 409, 201, 200, 429, 429]);
  expect(await askStoreAlone(store)).toBe('');
  expect(causes).toEqual([]);
  expect(await verification.check()).toEqual({ ok: true, problems: [] });
});

it.each([
  ['with', RIGHTS, []],
  [
    'without',
    RIGHTS.filter((right) => right !== '+info'),
    [expect.stringContaining('Cannot tell the eviction policy')],
  ],
])('T67: they are enough for ioredis, %s +info', async (_with, rights, problems) => {
  // ioredis warns that it could not run INFO.
  jest.spyOn(console, 'warn').mockImplementation(() => {});
  const { verification, causes, requestAll } = await appOf(rights, 'ioredis');
  expect(await requestAll()).toEqual([200, 200, 500, 401, 200, 409, 201, 200, 429, 429]);
  expect(causes).toEqual([]);
  expect((await verification.check()).problems).toEqual(problems);
  jest.restoreAllMocks();
});

it('T67: they are enough if the default user may do nothing', async () => {
  await redis.client.sendCommand(['ACL', 'SETUSER', 'admin', 'on', 'nopass', '~*', '+@all']);
  const admin = createClient({ url: redis.server.url, username: 'admin', password: 'any' });
  await admin.connect();
  await admin.sendCommand(['ACL', 'SETUSER', 'default', 'off', '-@all', 'resetkeys']);
  try {
    await admin.sendCommand(['ACL', 'SETUSER', 'app', 'reset', 'on', '>hidden', ...RIGHTS]);
    const client = createClient({ url: redis.server.url, username: 'app', password: 'hidden' });
    client.on('error', () => {});
    await client.connect();
    ended.push(() => client.destroy());
    expect(await new RedisStore(client).check(10_000)).toEqual([]);
  } finally {
    await admin.sendCommand(['ACL', 'SETUSER', 'default', 'on', 'nopass', '+@all', '~*']);
    admin.destroy();
  }
});

it.each(COMMANDS)(
  'T67: a missing right %s is named by the event of a request and by check()',
  async (right) => {
    const { verification, causes, requestAll, store } = await appOf(RIGHTS.filter((one) => one !== right));
    const sentence = `The Redis user may not run ${right.slice(1).toUpperCase()} (NOPERM). Grant it by ACL SETUSER what the store needs: \`${RIGHTS.filter((one) => one !== '+info').join(' ')}\`.`;
    await requestAll();
    const errors = [...causes, await askStoreAlone(store)].filter(Boolean);
    expect(errors.length).toBeGreaterThan(0);
    for (const cause of errors) expect(cause).toContain(sentence);
    const { ok, problems } = await verification.check();
    expect(ok).toBe(false);
    expect(problems.join()).toContain(sentence);
    expect(problems.join()).not.toMatch(/hidden|is not there/);
  },
);

it('T67: without TIME each request is answered with 503, and its event says what is missing', async () => {
  const { causes, requestAll } = await appOf(RIGHTS.filter((one) => one !== '+time'));
  // Without a store no token is valid, so the sign-up is refused without a call.
  expect(new Set(await requestAll())).toEqual(new Set([503, 403]));
  expect(new Set(causes).size).toBe(1);
  expect(causes[0]).toContain('may not run TIME');
});

it.each([
  ['without INFO', RIGHTS.filter((one) => one !== '+info')],
  ['without @dangerous', ['~ev:*', '+@all', '-@dangerous']],
  ['with the usual rights and TIME', ['~*', '+@read', '+@write', '+eval', '+evalsha', '+time']],
])(
  'T67: for a user %s everything works, and check() says what it cannot find out',
  async (_which, rights) => {
    const { verification, causes, requestAll } = await appOf(rights);
    expect(await requestAll()).toEqual([200, 200, 500, 401, 200, 409, 201, 200, 429, 429]);
    expect(causes).toEqual([]);
    expect((await verification.check()).problems).toEqual([
      'Cannot tell the eviction policy and the version of Redis: the Redis user may not run INFO. Grant it +info, or make sure that maxmemory-policy is noeviction and Redis is 6.2 or later.',
    ]);
  },
);

it.each([
  ['with another prefix', '~other:*'],
  ['that are read-only', '%R~ev:*'],
])('T67: for a user with keys %s the error names the keys it needs', async (_which, keys) => {
  const { verification, causes, requestAll } = await appOf([keys, ...RIGHTS.slice(1)]);
  expect(new Set(await requestAll())).toEqual(new Set([503, 403]));
  for (const cause of causes)
    expect(cause).toContain('The Redis user may not use the keys ev:* (NOPERM). Grant it');
  const { problems } = await verification.check();
  expect(problems).toEqual([expect.stringContaining('may not use the keys ev:*')]);
});

it('T67: check() names several missing rights at once', async () => {
  const { verification } = await appOf(RIGHTS.filter((one) => !['+hset', '+pttl', '+info'].includes(one)));
  const { problems } = await verification.check();
  expect(problems).toEqual([
    expect.stringContaining('may not run HSET, PTTL (NOPERM)'),
    expect.stringContaining('Cannot tell the eviction policy'),
  ]);
});
