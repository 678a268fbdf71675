/**
 * The store works with any configuration of the app's Redis client. What is not a client, or is not a valid prefix, is
 * refused with a message that says what to do.
 */
import { once } from 'node:events';
import { RedisStore } from 'express-email-verification';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient, createClientPool, createCluster, RESP_TYPES, type TypeMapping } from 'redis';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const email = 'ada@mail.example';

test.each([
  ['a node-redis client with RESP 2', nodeRedis({ RESP: 2 })],
  ['a node-redis client with RESP 3', nodeRedis({ RESP: 3 })],
  ['a node-redis client with strings as buffers', withReplies({ [RESP_TYPES.BLOB_STRING]: Buffer })],
  ['a node-redis client with numbers as strings', withReplies({ [RESP_TYPES.NUMBER]: String })],
  ['an ioredis client', ioredis({})],
  ['an ioredis client with RESP 2', ioredis({ protocol: 2 })],
  ['an ioredis client with RESP 3 replies', ioredis({ replyMapping: 'resp3' })],
  ['an ioredis client with numbers as strings', ioredis({ stringNumbers: true })],
  ['an ioredis client with a prefix of its own', ioredis({ keyPrefix: 'acme:' })],
  ['an ioredis client with automatic pipelines', ioredis({ enableAutoPipelining: true })],
  ['an ioredis client without a queue', ioredis({ lazyConnect: false, enableOfflineQueue: false })],
  ['an ioredis 5 client', async (path: string) => endable(new Redis5(path))],
])('works on %s', async (name, connect) => {
  const { client, end } = await connect(redis.server.url.replace(/^unix:\/\//, ''));
  try {
    await redis.flush();
    let code = '';
    const { app } = createTestApp({
      store: new RedisStore(client),
      transport: 'smtp://127.0.0.1',
      delivery: async ({ text }) => {
        code = /^\d{6}$/m.exec(text)?.[0] ?? '';
      },
    });
    const { body: sent } = await request(app).post('/ev/send').send({ email }).expect(200);
    const { challengeId } = sent;
    await request(app).post('/ev/send').send({ email, challengeId }).expect(429);

    const wrong = code === '000000' ? '111111' : '000000';
    const refused = await request(app)
      .post('/ev/verify')
      .send({ email, code: wrong, challengeId })
      .expect(401);
    expect(refused.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });

    const verified = await request(app)
      .post('/ev/verify')
      .send({ email, code: code, challengeId })
      .expect(200);
    const { verificationToken } = verified.body;
    await request(app).post('/signup').send({ email, verificationToken }).expect(201, { email });
    await request(app).post('/signup').send({ email, verificationToken }).expect(403);
    const prefix = name.includes('prefix') ? 'acme:ev:' : 'ev:';
    for (const key of await redis.client.keys('*')) expect(key).toMatch(new RegExp(`^${prefix}`));
  } finally {
    end();
  }
});

function nodeRedis(options: Parameters<typeof createClient>[0]) {
  return async (path: string) => {
    const client = createClient({ ...options, url: `unix://${path}` });
    await client.connect();
    return { client, end: () => client.destroy() };
  };
}

function withReplies(typeMapping: TypeMapping) {
  return nodeRedis({ commandOptions: { typeMapping } });
}

/** Without connecting it first, where ioredis connects by itself. */
function ioredis(options: RedisOptions) {
  return async (path: string) => {
    const client = new Redis(path, { lazyConnect: true, ...options });
    if (options.enableOfflineQueue === false) await once(client, 'ready');
    return endable(client);
  };
}

function endable<Client extends Redis | Redis5>(client: Client) {
  return { client, end: () => client.disconnect() };
}

/** Clients that are never connected, for their shape. */
const client = createClient({ url: 'redis://app:hidden@127.0.0.1:1' });
const cluster = createCluster({ rootNodes: [{ url: 'redis://app:hidden@127.0.0.1:1' }] });

const lazy = new Redis('redis://app:hidden@127.0.0.1:1', { lazyConnect: true });
const lazyCluster = new Cluster(['redis://app:hidden@127.0.0.1:1'], { lazyConnect: true });

/** Shaped like `redis` before version 4. */
class RedisClient {
  readonly options = { password: 'hidden' };
  on() {}
  eval() {}
  evalsha() {}
}

/** Shaped like @upstash/redis. */
class Upstash {
  readonly client = { baseUrl: 'https://hidden' };
  eval() {}
  evalsha() {}
}

const A_CLIENT =
  'The `client` of RedisStore must be a node-redis client, pool, cluster or sentinel, or an ioredis client or cluster. Received ';
const noClients: [what: string, client: unknown, fault: string][] = [
  ['a promise of one', Promise.resolve(client), 'a promise: await it'],
  ['nothing', undefined, 'undefined: pass what `createClient()`'],
  ['null', null, 'null: pass what `createClient()`'],
  [
    'a URL',
    'redis://app:hidden@127.0.0.1',
    'a string: pass a client, as returned by `createClient({ url })`',
  ],
  ['a URL object', new URL('redis://app:hidden@127.0.0.1'), 'a URL: pass a client'],
  ['options of a client', { url: 'redis://app:hidden@127.0.0.1' }, 'an object: pass what `createClient()`'],
  ['the function that creates one', createClient, 'the function create'],
  ['a number', 6379, 'a number'],
  ['an array', [client], 'an array'],
  [
    'an object that holds one',
    { client, prefix: 'x:' },
    'an object that holds one: pass its `client` itself',
  ],
  [
    'an object that holds one as redis',
    { redis: client },
    'an object that holds one: pass its `redis` itself',
  ],
  [
    'legacy()',
    client.legacy(),
    'what `legacy()` returns, whose commands take callbacks: pass the client itself',
  ],
  ['legacy().multi()', client.legacy().multi(), 'what `multi()` returns: pass the client itself'],
  ['multi()', client.multi(), 'what `multi()` returns: pass the client itself'],
  ['multi() of a cluster', cluster.multi(), 'what `multi()` returns: pass the client itself'],
  [
    'an object that holds one of ioredis',
    { redis: lazy },
    'an object that holds one: pass its `redis` itself',
  ],
  ['multi() of ioredis', lazy.multi(), 'what `multi()` returns: pass the client itself'],
  ['pipeline() of ioredis', lazyCluster.pipeline(), 'what `multi()` returns: pass the client itself'],
  ['the class of ioredis', Redis, 'the function Redis: pass what `createClient()`'],
  [
    'a client of redis 3',
    new RedisClient(),
    'a client of another library (such as `redis` before version 4)',
  ],
  ['a client of another library', new Upstash(), 'a client of another library'],
  ['commands without events', { eval() {}, evalSha() {} }, 'an object without on()'],
];

test.each(noClients)('T68: %s is refused as a client, and no password is shown', (_what, given, fault) => {
  const make = () => new RedisStore(given as never);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(A_CLIENT + fault);
  expect(make).not.toThrow('hidden');
});

test('T68: clients, pools and clusters that are not connected yet are accepted', () => {
  const pool = createClientPool({ url: 'redis://127.0.0.1:1' });
  for (const one of [client, pool, cluster, lazy, lazyCluster])
    expect(() => new RedisStore(one)).not.toThrow();
});

test('T68: a client gets one error listener, however many stores use it', () => {
  const shared = createClient();
  const ofIoredis = new Redis({ lazyConnect: true });
  for (let n = 0; n < 20; n += 1) for (const one of [shared, ofIoredis]) new RedisStore(one);
  for (const one of [shared, ofIoredis]) expect(one.listenerCount('error')).toBe(1);
  expect(ofIoredis.listenerCount('ready')).toBe(1);
});

test.each([
  ...[
    '',
    '{}',
    '{x}',
    'ev:{',
    'ev:}',
    '{}ev:',
    ' ',
    'my app:',
    'ev:\n',
    'ev:\t',
    'ev:\0',
    'ev:\u00a0',
    'ev:\u200b',
  ],
  ...['\ud800:', null, 5, true, {}, ['ev:'], Symbol('ev'), Buffer.from('ev:')],
])('T68: %j is refused as a prefix', (prefix) => {
  expect(() => new RedisStore(client, { prefix: prefix as string })).toThrow(
    "The `prefix` option of RedisStore must be a string without braces, white space and control characters, such as 'ev:'. Received ",
  );
});

test.each([undefined, 'ev:', 'acme/ev', '인증:', '*', 'a'.repeat(200)])(
  'T68: %j is accepted as a prefix, and the keys begin with it',
  async (prefix) => {
    await redis.flush();
    const key = { mailbox: 'mailbox', challenge: 'challenge' };
    const store = new RedisStore(redis.client, { prefix });
    await store.open(
      {
        ...{ ...key, code: 'a', codeTtl: 60_000, holder: undefined, newHolder: 'c', maxAttempts: 5 },
        limits: [{ max: 1, window: 60_000 }],
      },
      10_000,
    );
    await store.count({ ip: 'ip', window: 60_000, step: 'hit' }, 10_000);
    const begin = prefix ?? 'ev:';
    expect((await redis.client.keys('*')).sort()).toEqual(
      [`${begin}{mailbox}`, `${begin}{mailbox}challenge`, `${begin}ip`].sort(),
    );
  },
);
