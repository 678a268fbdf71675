/**
 * What the operator learns when Redis refuses or fails: for each cause one plain sentence in the event `unavailable` and
 * in check(), with what to do and without a password.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { type IoredisClient, type RedisClient, RedisStore } from 'express-email-verification';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const email = 'minji@example.com';
const PASSWORD = 'hidden-password';

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function startRedis(...args: string[]): Promise<RedisServer> {
  const server = await startRedisServer({ port: await freePort(), args });
  ended.push(() => server.stop());
  return server;
}

async function admin({ url }: RedisServer) {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  ended.push(() => client.destroy());
  return { say: (...words: string[]) => client.sendCommand(words) };
}

type ClientOptions = Parameters<typeof createClient>[0];

/** A client that is closed when the test ends. */
function clientOf(options: ClientOptions) {
  const client = createClient(options);
  client.on('error', () => {});
  ended.push(() => client.isOpen && client.destroy());
  return client;
}

/** What the operator gets for a request, by the event and by check(). */
async function reportsOf(
  client: (RedisClient | IoredisClient) & { connect?(): Promise<unknown> },
  { storeTimeout = 300, connects = true } = {},
) {
  const { app, verification } = createTestApp({
    ...{
      store: new RedisStore(client),
      transport: 'smtp://127.0.0.1:1',
      delivery: async () => {},
      storeTimeout,
    },
  });
  const causes: Error[] = [];
  verification.on('unavailable', ({ cause }) => causes.push(cause as Error));
  let people = 0;
  // Like an app that must start without Redis: the store is created first, and the first error passes.
  if (connects && client.connect && !('isOpen' in client && client.isOpen)) {
    const failed = new Promise<void>((resolve) => client.on('error', () => resolve()));
    await Promise.race([client.connect().catch(() => {}), failed]);
  }
  return {
    verification,
    /** Opens a challenge, so that verifying takes an attempt. */
    async prepare(): Promise<void> {
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    },
    async expectCause(sentence: string | RegExp): Promise<void> {
      causes.length = 0;
      people += 1;
      const send = await request(app)
        .post('/ev/send')
        .send({ email: `minji${people}@example.com` });
      const verify = await request(app).post('/ev/verify').send({ email, code: '123456' });
      expect([send.status, verify.status]).toEqual([503, 503]);
      const { ok, problems } = await verification.check();
      const sentences = [...causes.map(({ message }) => message), ...problems];
      expect(sentences).toHaveLength(3);
      for (const one of sentences) {
        if (typeof sentence === 'string') expect(one).toContain(sentence);
        else expect(one).toMatch(sentence);
        expect(one).not.toContain('\n');
        // The message ends like a sentence.
        expect(one).toMatch(/[.?]$/);
      }
      expect(ok).toBe(false);
      expect(problems[0]).toMatch(/^The store is unavailable: /);
      expect(inspect([causes, sentences, send.body, verify.body], { depth: 9 })).not.toMatch(
        new RegExp(`${PASSWORD}|minji|123456`),
      );
    },
  };
}

/** A server that speaks RESP 2, accepts every command, and refuses each script with the same message. */
async function startRefusing(words: string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    let unread = '';
    socket.setEncoding('latin1').on('data', (data) => {
      unread += data;
      for (let command = commandIn(unread); command; command = commandIn(unread)) {
        unread = unread.slice(command.length);
        socket.write(/^EVAL/i.test(command.words[0] ?? '') ? `-${words}\r\n` : '+OK\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ended.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return clientOf({
    RESP: 2,
    socket: { host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 },
  });
}

/** The first complete command of what was received, and its length. */
function commandIn(text: string): { words: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (!head) return undefined;
  const words: string[] = [];
  let at = head[0].length;
  for (let n = 0; n < Number(head[1]); n += 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (!size) return undefined;
    at += size[0].length;
    words.push(text.slice(at, at + Number(size[1])));
    at += Number(size[1]) + 2;
  }
  return at <= text.length ? { words, length: at } : undefined;
}

describe('the connection', () => {
  const makes: [kind: string, make: (port: number) => RedisClient & { connect(): Promise<unknown> }][] = [
    ['client', (port) => createClient({ url: `redis://app:${PASSWORD}@127.0.0.1:${port}` })],
    ['pool', (port) => createClientPool({ url: `redis://app:${PASSWORD}@127.0.0.1:${port}` })],
    ['cluster', (port) => createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] })],
    [
      'sentinel',
      (port) => createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port }] }),
    ],
  ];

  it.each(makes)('T68: a %s that was never connected', async (_kind, make) => {
    const { expectCause } = await reportsOf(make(1), { connects: false });
    await expectCause(
      'The Redis client is not connected: call `await client.connect()` when the app starts.',
    );
  });

  it('T68: a client that connects later works from then on', async () => {
    const server = await startRedis();
    const client = createClient({ url: server.url });
    const { expectCause, verification } = await reportsOf(client, { storeTimeout: 5000, connects: false });
    await expectCause('is not connected: call `await client.connect()`');
    await client.connect();
    ended.push(() => client.destroy());
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
  });

  it.each([
    ['closed', (client: ReturnType<typeof clientOf>) => client.close()],
    ['destroyed', (client: ReturnType<typeof clientOf>) => client.destroy()],
  ])('T68: a client that was %s', async (_how, end) => {
    const server = await startRedis();
    const client = clientOf({ url: server.url });
    const { expectCause } = await reportsOf(client);
    await end(client);
    await expectCause('The Redis client is closed: keep it open until `verification.close()` has settled.');
  });

  it('T68: a client that was destroyed before its server was ever reachable', async () => {
    const client = clientOf({ url: `redis://127.0.0.1:${await freePort()}` });
    const { expectCause } = await reportsOf(client);
    await expectCause('The Redis client has no connection');
    client.destroy();
    await expectCause(
      /^(The store is unavailable: )?The Redis client is closed: .* Its last error: The connection/,
    );
  });

  it('T68: a client whose server is unreachable', async () => {
    const port = await freePort();
    const client = clientOf({ url: `redis://app:${PASSWORD}@127.0.0.1:${port}` });
    const { expectCause } = await reportsOf(client);
    await expectCause(
      `The Redis client has no connection, and keeps trying to connect. Its last error: The connection to Redis failed (connect ECONNREFUSED 127.0.0.1:${port}): nothing listens there.`,
    );
  });

  it('T68: a pool whose server is unreachable', async () => {
    const port = await freePort();
    const pool = createClientPool({ url: `redis://127.0.0.1:${port}` });
    pool.on('error', () => {});
    ended.push(() => pool.destroy());
    const { expectCause } = await reportsOf(pool);
    await expectCause(`(connect ECONNREFUSED 127.0.0.1:${port}): nothing listens there.`);
  });

  it('T68: a client without a queue whose server is unreachable', async () => {
    const client = clientOf({
      url: `redis://127.0.0.1:${await freePort()}`,
      disableOfflineQueue: true,
    });
    const { expectCause } = await reportsOf(client);
    await expectCause(/has no connection, and keeps trying to connect\. Its last error: .*ECONNREFUSED/);
  });

  it('T68: a host that does not exist', async () => {
    const client = clientOf({ url: 'redis://redis.invalid' });
    const { expectCause } = await reportsOf(client);
    await expectCause(/Its last error: The connection to Redis failed \(getaddrinfo E\w+ redis\.invalid\)/);
  });

  it('T68: TLS to a server without TLS', async () => {
    const server = await startRedis();
    const client = clientOf({ url: `rediss://127.0.0.1:${server.port}`, socket: { connectTimeout: 100 } });
    const { expectCause } = await reportsOf(client);
    await expectCause(
      /has no connection, and keeps trying to connect\. Its last error: Redis did not accept the connection in time/,
    );
  });

  it('T68: a server that does not answer', async () => {
    const server = await startRedis();
    const client = clientOf({ url: server.url });
    const { expectCause } = await reportsOf(client);
    server.pause();
    await expectCause(
      'Redis did not answer in time (`storeTimeout`, 300 ms): it is unresponsive, overloaded or cut off.',
    );
    server.resume();
  });

  it('T68: a server that stops while the app runs, and one that comes back', async () => {
    const server = await startRedis();
    const client = clientOf({ url: server.url });
    const { expectCause, verification } = await reportsOf(client, { storeTimeout: 2000 });
    await until('Redis answers', async () => (await verification.check()).ok);
    await server.kill();
    await until('the client noticed', () => !client.isReady);
    await expectCause(
      /has no connection, and keeps trying to connect\. Its last error: The connection to Redis/,
    );
    await server.restart();
    await until('Redis is back', async () => (await verification.check()).ok);
    server.pause();
    // The earlier error is no longer reported.
    const { problems } = await verification.check();
    server.resume();
    expect(problems).toEqual([expect.stringMatching(/Redis did not answer in time .* cut off\.$/)]);
  });

  it('T67: a client without the required password', async () => {
    const server = await startRedis('--requirepass', PASSWORD);
    const { expectCause } = await reportsOf(clientOf({ url: server.url }));
    await expectCause(
      'Redis requires a password, and the client sends none (NOAUTH): pass one to createClient()',
    );
  });

  it('T67: a client with a wrong password', async () => {
    const server = await startRedis('--requirepass', `${PASSWORD}-2`);
    const { expectCause } = await reportsOf(clientOf({ url: server.url, password: PASSWORD }));
    await expectCause(
      'Redis refuses the user name or the password (WRONGPASS): check what createClient() is given',
    );
  });

  it('T67: a client with a database that does not exist', async () => {
    const server = await startRedis();
    const { expectCause } = await reportsOf(clientOf({ url: `${server.url}/99` }));
    await expectCause('Redis has no such database: check its number in `url`.');
  });

  it('T68: a client over the maximum number of clients', async () => {
    const server = await startRedis('--maxclients', '1');
    await admin(server);
    const { expectCause } = await reportsOf(clientOf({ url: server.url }));
    await expectCause(/reached its maximum number of clients: raise `maxclients`|The connection to Redis/);
  });
});

describe('the connection of ioredis', () => {
  function ioredis(options: RedisOptions) {
    const client = new Redis({ lazyConnect: true, ...options });
    client.on('error', () => {});
    ended.push(() => client.disconnect());
    return client;
  }
  function clusterAt(port: number | undefined, options: RedisOptions = {}) {
    const cluster = new Cluster([{ host: '127.0.0.1', port }], { lazyConnect: true, redisOptions: options });
    cluster.on('error', () => {});
    ended.push(() => cluster.disconnect());
    return cluster;
  }
  const NO_CONNECTION = 'The Redis client has no connection, and keeps trying to connect. Its last error: ';

  it('T68: a client that connects at the first request', async () => {
    const server = await startRedis();
    const { verification } = await reportsOf(ioredis({ port: server.port }), {
      storeTimeout: 5000,
      connects: false,
    });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
  });

  it.each(['disconnect', 'quit'] as const)('T68: a client after %s()', async (end) => {
    const server = await startRedis();
    const client = ioredis({ port: server.port });
    const { expectCause } = await reportsOf(client);
    await client[end]();
    await until('it has ended', () => client.status === 'end');
    await expectCause('The Redis client is closed: keep it open until `verification.close()` has settled.');
  });

  it.each([{}, { enableOfflineQueue: false }])('T68: an unreachable server, with %j', async (options) => {
    const port = await freePort();
    const { expectCause } = await reportsOf(ioredis({ port, password: PASSWORD, ...options }));
    await expectCause(
      `${NO_CONNECTION}The connection to Redis failed (connect ECONNREFUSED 127.0.0.1:${port}): nothing listens there.`,
    );
  });

  it.each<[string, () => Promise<Redis>]>([
    ['without an offline queue', async () => ioredis({ port: await freePort(), enableOfflineQueue: false })],
    [
      'that has ended',
      async () => {
        const client = ioredis({ port: (await startRedis()).port });
        await client.connect();
        client.disconnect();
        await until('it has ended', () => client.status === 'end');
        return client;
      },
    ],
  ])('a client %s refuses at once, long before `storeTimeout`', async (_what, start) => {
    const { verification } = await reportsOf(await start(), { storeTimeout: 60_000, connects: false });
    const begun = performance.now();
    expect(await verification.send({ email })).toMatchObject({ kind: 'unavailable' });
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  it('T68: a host that does not exist', async () => {
    const { expectCause } = await reportsOf(ioredis({ host: 'redis.invalid' }));
    await expectCause(/Its last error: The connection to Redis failed \(getaddrinfo E\w+ redis\.invalid\)/);
  });

  it('T68: a server that does not answer', async () => {
    const server = await startRedis();
    const { expectCause } = await reportsOf(ioredis({ port: server.port }));
    server.pause();
    await expectCause('Redis did not answer in time (`storeTimeout`, 300 ms)');
    server.resume();
  });

  it('T68: a server that does not answer within the commandTimeout of the client', async () => {
    const server = await startRedis();
    const client = ioredis({ port: server.port, commandTimeout: 50 });
    const { expectCause } = await reportsOf(client, { storeTimeout: 5000 });
    server.pause();
    await expectCause('Redis did not answer within the `commandTimeout` of the client');
    server.resume();
  });

  it('T67: a client without the required password', async () => {
    const server = await startRedis('--requirepass', PASSWORD);
    const { expectCause } = await reportsOf(ioredis({ port: server.port }));
    await expectCause('(NOAUTH): pass one to new Redis(), in its URL or `password`');
  });

  it('T67: a client with a wrong password', async () => {
    const server = await startRedis('--requirepass', `${PASSWORD}-2`);
    for (const protocol of [2, 3] as const) {
      const { expectCause } = await reportsOf(ioredis({ port: server.port, password: PASSWORD, protocol }));
      await expectCause('(WRONGPASS): check what new Redis() is given');
    }
  });

  it('T67: a replica', async () => {
    const server = await startRedis();
    const { say } = await admin(server);
    const { prepare, expectCause } = await reportsOf(ioredis({ port: server.port }), { storeTimeout: 5000 });
    await prepare();
    await say('REPLICAOF', '127.0.0.1', '1');
    await expectCause(
      '(READONLY): connect to the master, or by `sentinels` or new Cluster(), which follow it.',
    );
  });

  it('T68: a cluster none of whose nodes can be reached', async () => {
    const port = await freePort();
    const { expectCause } = await reportsOf(clusterAt(port, { password: PASSWORD }));
    await expectCause(
      `${NO_CONNECTION}No node of the Redis cluster can be reached: check the startup nodes.`,
    );
  });

  it('T67: a cluster client without the required password', async () => {
    const server = await startRedis('--requirepass', PASSWORD);
    const { expectCause } = await reportsOf(clusterAt(server.port));
    await expectCause(`${NO_CONNECTION}Redis requires a password, and the client sends none (NOAUTH)`);
  });

  it('T67: a cluster client with a wrong password', async () => {
    const server = await startRedis('--requirepass', `${PASSWORD}-2`);
    const { expectCause } = await reportsOf(clusterAt(server.port, { password: PASSWORD }));
    await expectCause(`${NO_CONNECTION}Redis refuses the user name or the password (WRONGPASS)`);
  });

  it('T68: a cluster client to a Redis that is not a cluster', async () => {
    const server = await startRedis();
    const { expectCause } = await reportsOf(clusterAt(server.port));
    await expectCause(`${NO_CONNECTION}Redis is not a cluster: use new Redis().`);
  });

  it('T68: sentinels that cannot be reached', async () => {
    const port = await freePort();
    const { expectCause } = await reportsOf(
      ioredis({ sentinels: [{ host: '127.0.0.1', port }], name: 'main', sentinelPassword: PASSWORD }),
    );
    await expectCause(`${NO_CONNECTION}No sentinel can be reached, or none knows this \`name\`.`);
  });
});

describe('Redis itself', () => {
  async function start(...args: string[]) {
    const server = await startRedis(...args);
    const { say } = await admin(server);
    const client = clientOf({ url: server.url });
    return { server, say, client, ...(await reportsOf(client, { storeTimeout: 5000 })) };
  }

  it('T67: out of memory', async () => {
    const { say, prepare, expectCause, verification } = await start();
    await prepare();
    await say('CONFIG', 'SET', 'maxmemory', '1');
    await expectCause(
      'Redis is out of memory and rejects writes (OOM): raise `maxmemory`, or free some of it.',
    );
    await say('CONFIG', 'SET', 'maxmemory', '0');
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
  });

  it('T67: a replica', async () => {
    const { say, prepare, expectCause } = await start();
    await prepare();
    await say('REPLICAOF', '127.0.0.1', '1');
    await expectCause(
      'Redis is a read-only replica (READONLY): connect to the master, or by createSentinel()',
    );
  });

  it('T67: a replica without its master', async () => {
    const { say, expectCause } = await start('--replica-serve-stale-data', 'no');
    await say('REPLICAOF', '127.0.0.1', '1');
    await expectCause('Redis is a replica that has lost its master (MASTERDOWN): connect to the master');
  });

  it('T67: a master without replicas', async () => {
    const { say, prepare, expectCause } = await start();
    await prepare();
    await say('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await expectCause(
      'Redis rejects writes while it has too few replicas (NOREPLICAS): bring them back, or lower `min-replicas-to-write`.',
    );
  });

  it('T67: a disk that cannot be written to', async () => {
    const { say, prepare, expectCause } = await start('--save', '3600 1');
    await prepare();
    const [, folder] = await say('CONFIG', 'GET', 'dir').then(entriesOf);
    await rm(String(folder), { recursive: true });
    await say('BGSAVE');
    await until('the save failed', async () =>
      String(await say('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'),
    );
    await expectCause('Redis rejects writes because it cannot save to disk (MISCONF): its log says why.');
  });

  it("T67: another client's script that does not end", async () => {
    const { server, say, expectCause } = await start('--lua-time-limit', '1');
    const other = await admin(server);
    const endless = other.say('EVAL', 'while true do end', '0').catch(() => {});
    await until('Redis is busy', async () => /BUSY/.test(await say('PING').then(String, String)));
    await expectCause(
      'Redis is busy with a script that does not end (BUSY): stop it with SCRIPT KILL or FUNCTION KILL.',
    );
    await say('SCRIPT', 'KILL');
    await endless;
  });

  it('T67: other data under the prefix', async () => {
    const { say, client } = await start();
    const { verification } = createTestApp({
      ...{ store: new RedisStore(client), transport: 'smtp://127.0.0.1:1', delivery: async () => {} },
    });
    await verification.send({ email });
    for (const key of await say('KEYS', '*').then(entriesOf)) {
      await say('DEL', String(key));
      await say('LPUSH', String(key), 'x');
    }
    const causes: string[] = [];
    verification.on('unavailable', ({ cause }) => causes.push((cause as Error).message));
    expect(await verification.send({ email })).toMatchObject({ kind: 'unavailable' });
    expect(causes).toEqual([
      'A key of the store holds something else (WRONGTYPE): give the store a `prefix` that nothing else uses.',
    ]);
  });

  it('T68: a cluster without a node for the slot', async () => {
    const { expectCause } = await start('--cluster-enabled', 'yes');
    await expectCause('The Redis cluster is down, or no node has this slot (CLUSTERDOWN): see CLUSTER INFO.');
  });

  it('T68: a `keyPrefix` of the client that replaces the hash tag', async () => {
    const server = await startRedis('--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf');
    const { say } = await admin(server);
    await say('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until('the cluster is up', async () =>
      /cluster_state:ok/.test(String(await say('CLUSTER', 'INFO'))),
    );
    const client = clientOf({ url: server.url, keyPrefix: '{}' });
    await client.connect();
    const causes: string[] = [];
    const { verification } = createTestApp({
      ...{ store: new RedisStore(client), transport: 'smtp://127.0.0.1:1', delivery: async () => {} },
    });
    verification.on('unavailable', ({ cause }) => causes.push((cause as Error).message));
    const sentence =
      'The keys of one mailbox are in two slots of the cluster (CROSSSLOT): remove the braces from the `keyPrefix` of the client.';
    expect(await verification.send({ email })).toMatchObject({ kind: 'unavailable' });
    expect(causes).toEqual([sentence]);
    expect((await verification.check()).problems).toEqual([`The store is unavailable: ${sentence}`]);
  });

  it('T68: every valid prefix keeps the hash tag of the store', async () => {
    const server = await startRedis('--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf');
    const { say } = await admin(server);
    await say('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until('the cluster is up', async () =>
      /cluster_state:ok/.test(String(await say('CLUSTER', 'INFO'))),
    );
    const cluster = createCluster({ rootNodes: [{ url: server.url }] });
    cluster.on('error', () => {});
    await cluster.connect();
    ended.push(() => cluster.destroy());
    for (const prefix of ['ev:', '인증:', '*', 'a(b)[c]<d>']) {
      const { verification } = createTestApp({
        ...{
          store: new RedisStore(cluster, { prefix }),
          transport: 'smtp://127.0.0.1:1',
          delivery: async () => {},
        },
      });
      for (let n = 0; n < 5; n += 1)
        expect(await verification.send({ email: `person${n}@example.com` })).toMatchObject({ kind: 'sent' });
      expect(await verification.check()).toEqual({ ok: true, problems: [] });
    }
    const keys = await say('KEYS', '*').then(entriesOf);
    const slots = await Promise.all(keys.map((key) => say('CLUSTER', 'KEYSLOT', String(key))));
    // Two keys for each mailbox, in the slot of its digest.
    expect(keys).toHaveLength(40);
    expect(new Set(slots).size).toBeGreaterThanOrEqual(5);
  });

  it('T67: the user of a cluster client also needs the right to read its slots, and no more', async () => {
    const server = await startRedis('--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf');
    const { say } = await admin(server);
    await say('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until('the cluster is up', async () =>
      /cluster_state:ok/.test(String(await say('CLUSTER', 'INFO'))),
    );
    const rights =
      '~ev:* +evalsha +eval +time +get +set +del +hget +hgetall +hset +hdel +pexpire +pttl +info';
    await say('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, ...rights.split(' '), '+cluster|slots');
    const cluster = createCluster({
      rootNodes: [{ url: server.url }],
      defaults: { username: 'app', password: PASSWORD },
    });
    cluster.on('error', () => {});
    await cluster.connect();
    ended.push(() => cluster.destroy());
    const { verification } = await reportsOf(cluster, { storeTimeout: 5000 });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
  });
});

describe('other replies of a server', () => {
  it.each([
    [
      'LOADING Redis is loading the dataset in memory',
      'Redis has just started and is loading its data (LOADING): it recovers by itself.',
    ],
    [
      'MOVED 866 10.0.0.1:7001',
      'Redis is a cluster, and the client knows only one node (MOVED): use createCluster().',
    ],
    [
      'ASK 866 10.0.0.1:7001',
      'Redis is a cluster, and the client knows only one node (ASK): use createCluster().',
    ],
    ['NOAUTH Authentication required.', 'Redis requires a password, and the client sends none (NOAUTH)'],
    [
      "ERR unknown command 'EVALSHA', with args beginning with: 'a' '1' 'ev:{b}' ",
      'Redis does not run the scripts of the store: Redis 6.2 or later is needed',
    ],
    ['ERR This Redis command is not allowed from script', 'Redis does not run the scripts of the store'],
    // As Redis 6.2 reports what happened in a script.
    [
      "ERR Error running script (call to f_5e88): @user_script:31: @user_script: 31: -OOM command not allowed when used memory > 'maxmemory'.",
      'Redis is out of memory and rejects writes (OOM)',
    ],
    [
      "ERR Error running script (call to f_5e88): @user_script:31: @user_script: 31: -READONLY You can't write against a read only replica.",
      'Redis is a read-only replica (READONLY)',
    ],
    [
      "ERR Error running script (call to f_5e88): @user_script:2: @user_script: 2: -NOPERM The user executing the script can't run this command or subcommand",
      'The Redis user may not run TIME (NOPERM)',
    ],
    // As Redis 7.2 and 8 report it.
    [
      "NOPERM User app has no permissions to run the 'evalsha' command",
      'The Redis user may not run EVALSHA (NOPERM)',
    ],
    [
      "NOPERM User app has no permissions to access the 'ev:{b}c' key",
      'The Redis user may not use the keys ev:* (NOPERM)',
    ],
    [
      "ERR ACL failure in script: User app has no permissions to run the 'time' command script: 5e88, on @user_script:2.",
      'The Redis user may not run TIME (NOPERM)',
    ],
    ['ERR something that nobody has heard of', 'Redis refused: ERR something that nobody has heard of'],
  ])('T67: %s', async (words, sentence) => {
    const { expectCause } = await reportsOf(await startRefusing(words), { storeTimeout: 5000 });
    await expectCause(sentence);
  });

  it('T68: a client that takes callbacks and returns nothing', async () => {
    const given = { on() {}, eval() {}, evalSha() {} } as unknown as RedisClient;
    const { expectCause } = await reportsOf(given);
    await expectCause(
      "The Redis client returned undefined instead of a script's reply: pass the client itself, and not what `legacy()` or `multi()` returns.",
    );
  });

  it('T68: a client that throws at once', async () => {
    const evalSha = () => {
      throw new Error('a bug of the client.');
    };
    const { expectCause } = await reportsOf({ on() {}, evalSha, eval: evalSha });
    await expectCause('Redis refused: a bug of the client.');
  });

  it.each(['OK', null, 5, {}])('T68: a client that returns %j', async (given) => {
    const evalSha = () => Promise.resolve(given);
    const { expectCause } = await reportsOf({ on() {}, evalSha, eval: evalSha });
    await expectCause("instead of a script's reply: pass the client itself");
  });
});

/** A RESP 3 reply may be an object where RESP 2 has a list. */
function entriesOf(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : Object.entries(Object(reply)).flat();
}
