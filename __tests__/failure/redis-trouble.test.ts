/**
 * Redis in trouble: every answer comes in time and fails closed, and the service recovers by itself. With the clients
 * for a single Redis server: a node-redis client, a pool and an ioredis client.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type RedisClient, RedisStore } from 'express-email-verification';
import { Redis } from 'ioredis';
import { createClient, createClientPool } from 'redis';
import { freePort } from '../support/free-port.js';
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { expectBounded, refused, startLoad } from './support/load.js';
import { expectUnavailable, person, report, type Service, startService } from './support/service.js';

type Client = ReturnType<typeof createClient> | ReturnType<typeof createClientPool> | Redis;

const clients = {
  client: (url: string): Client => createClient({ url }),
  pool: (url: string): Client => createClientPool({ url }, { minimum: 1, maximum: 20 }),
  // It retries as often as BullMQ requires: then ioredis itself never gives up on a command.
  ioredis: (url: string): Client => {
    const { protocol, pathname } = new URL(url);
    const options = { lazyConnect: true, maxRetriesPerRequest: null };
    return protocol === 'unix:' ? new Redis(pathname, options) : new Redis(url, options);
  },
};

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  // Below the ephemeral ports, so that nothing takes the port while the server is down.
  const server = await startRedisServer({ port: await freePort(), ...options });
  ended.push(() => server.stop());
  return server;
}

/** A service whose client may still be connecting. */
async function serviceOn(url: string, kind: keyof typeof clients = 'client', options: object = {}) {
  const client = clients[kind](url);
  client.on('error', () => {});
  void client.connect().catch(() => {});
  const service = await startService({ store: new RedisStore(client), ...options });
  service.verification.on('unavailable', () => {});
  ended.push(
    () => ('destroy' in client ? client.destroy() : client.disconnect()),
    () => service.close(),
  );
  return { client, service };
}

async function admin(server: RedisServer) {
  const client = createClient({ url: server.url });
  client.on('error', () => {});
  await client.connect();
  ended.push(() => client.destroy());
  return client;
}

async function requestAll(service: Service): Promise<void> {
  const answers = await Promise.all([
    service.send(person()),
    service.verify(person(), '123456'),
    service.signUp(person(), `${'A'.repeat(26)}`),
  ]);
  expectUnavailable(
    service,
    answers.filter(({ path }) => path !== '/signup'),
  );
}

describe.each(['client', 'pool', 'ioredis'] as const)('T26: behind a client of kind %s', (kind) => {
  it('answers 503 while the server has not started yet, and recovers when it has', async () => {
    const server = await startRedis();
    await server.kill();
    const { service } = await serviceOn(server.url, kind);
    await requestAll(service);
    expect(await service.verification.check()).toMatchObject({ ok: false });
    await server.restart();
    report(`${kind}, unreachable at start`, await service.recovery());
    expect((await service.verification.check()).problems).not.toContainEqual(
      expect.stringContaining('store'),
    );
  });

  it('answers 503 under load while the server is down, and recovers when it is back', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const load = startLoad(service);
    await until('there is load', () => load.answers.length > 100);
    await server.kill();
    await until('the load is refused', () => refused(load) > 20);
    await requestAll(service);
    await server.restart();
    report(`${kind}, killed and restarted`, await service.recovery());
    await load.stop();
    expectBounded(service, load);
  });

  it('answers 503 while the server is unresponsive, and carries out none of those calls later', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const prepared = await service.prepare();
    server.pause();
    const answers = await Promise.all([
      prepared.send(),
      prepared.verify(),
      prepared.guess(),
      prepared.signUp(),
    ]);
    expectUnavailable(service, answers);
    server.resume();
    report(`${kind}, unresponsive while idle`, await service.recovery());
    expect((await prepared.guess()).body.attemptsLeft).toBe(4);
    expect((await prepared.verify()).status).toBe(200);
    expect((await prepared.signUp()).status).toBe(201);
    expect((await prepared.send()).status).toBe(200);
  });

  it('answers 503 under load while the server is unresponsive, and recovers with it', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const load = startLoad(service, { clients: 40 });
    await until('there is load', () => load.answers.length > 200);
    server.pause();
    await until('all of the load is refused several times', () => refused(load) > 120);
    server.resume();
    report(`${kind}, unresponsive under load`, await service.recovery());
    await load.stop();
    expectBounded(service, load);
  });

  it('answers 503 if a server accepts connections and never replies, and recovers when a real one does', async () => {
    const server = await startRedis();
    await server.kill();
    const mute = await startMuteServer(server.port);
    const { service } = await serviceOn(server.url, kind);
    await requestAll(service);
    expect(mute.connections).toBeGreaterThan(0);
    await mute.close();
    await server.restart();
    report(`${kind}, mute at start`, await service.recovery());
  });

  it('answers 503 while the server is out of memory, and loses nothing', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const prepared = await service.prepare();
    const at = await admin(server);
    await at.configSet('maxmemory', '1');
    expectUnavailable(service, await Promise.all([prepared.send(), prepared.verify(), prepared.guess()]));
    await at.configSet('maxmemory', '0');
    expect((await prepared.guess()).body.attemptsLeft).toBe(4);
    expect((await prepared.verify()).status).toBe(200);
    expect((await prepared.signUp()).status).toBe(201);
    expect((await prepared.send()).status).toBe(200);
  });

  it.each(['yes', 'no'])(
    'answers 503 on a replica (replica-serve-stale-data %s), and loses nothing',
    async (stale) => {
      const server = await startRedis({ args: ['--replica-serve-stale-data', stale] });
      const { service } = await serviceOn(server.url, kind);
      await service.recovery();
      const prepared = await service.prepare();
      const at = await admin(server);
      await at.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
      const answers = await Promise.all([
        prepared.send(),
        prepared.verify(),
        prepared.guess(),
        prepared.signUp(),
      ]);
      expectUnavailable(service, answers);
      await at.sendCommand(['REPLICAOF', 'NO', 'ONE']);
      expect((await prepared.guess()).body.attemptsLeft).toBe(4);
      expect((await prepared.verify()).status).toBe(200);
      expect((await prepared.signUp()).status).toBe(201);
      expect((await prepared.send()).status).toBe(200);
    },
  );

  it('works on after the server has lost its scripts', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind, { storeTimeout: 10_000 });
    await service.recovery();
    const prepared = await service.prepare();
    const at = await admin(server);
    for (const operation of [prepared.send, prepared.guess, prepared.verify, prepared.signUp]) {
      await at.scriptFlush();
      expect((await operation()).status).not.toBe(503);
    }
    const load = startLoad(service);
    for (let n = 1; n <= 20; n += 1) {
      await at.scriptFlush();
      await until('the scripts are loaded again', () => load.answers.length > n * 20);
    }
    await load.stop();
    expectBounded(service, load);
    expect(refused(load)).toBe(0);
  });

  it('answers 503 while Redis has another password, and recovers when it is changed back', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const prepared = await service.prepare();
    const at = await admin(server);
    await at.configSet('requirepass', 'changed');
    await at.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal']);
    expectUnavailable(
      service,
      await Promise.all([prepared.send(), prepared.verify(), prepared.guess(), prepared.signUp()]),
    );
    await at.configSet('requirepass', '');
    report(`${kind}, password changed back`, await service.recovery());
    expect((await prepared.verify()).status).toBe(200);
    expect((await prepared.signUp()).status).toBe(201);
  });
});

it.each(['client', 'ioredis'] as const)(
  'carries out no call that it gave up on, however soon the server responds again, behind a client of kind %s',
  async (kind) => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    for (let round = 0; round < 8; round += 1) {
      const prepared = await service.prepare();
      server.pause();
      expectUnavailable(service, [await prepared.guess()]);
      server.resume();
      expect((await prepared.guess()).body.attemptsLeft).toBe(4);
    }
  },
);

it('accepts a right code if the client repeats a command whose reply was lost', async () => {
  const server = await startRedis();
  const client = createClient({ url: server.url });
  client.on('error', () => {});
  await client.connect();
  // Clients for clusters and sentinels do this when a connection breaks before the reply.
  const repeating: RedisClient = {
    on: client.on.bind(client),
    eval: async (...command) => client.eval(...command).then(() => client.eval(...command)),
    evalSha: async (...command) => client.evalSha(...command).then(() => client.evalSha(...command)),
  };
  const plain = await startService({ store: new RedisStore(client) });
  const service = await startService({ store: new RedisStore(repeating) });
  ended.push(
    () => client.destroy(),
    () => service.close(),
    () => plain.close(),
  );
  const email = person();
  const { challengeId } = (await plain.send(email)).body;
  const verified = await service.verify(email, plain.codes.get(email), challengeId);
  expect([verified.status, verified.reason]).toEqual([200, undefined]);
  const { verificationToken } = verified.body;
  expect((await plain.verify(email, plain.codes.get(email), challengeId)).status).toBe(401);
  expect((await plain.signUp(email, verificationToken)).status).toBe(201);
  expect((await plain.signUp(email, verificationToken)).status).toBe(403);
});

describe.each(['client', 'ioredis'] as const)('the command queue of a client of kind %s', (kind) => {
  /** Sends requests in rounds, each after those before were given up on. */
  async function verifyInVain(service: Service, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      const asked = Array.from({ length: 100 }, () =>
        service.verification.verify({ email: person(), code: '123456' }),
      );
      expect(new Set((await Promise.all(asked)).map(({ kind }) => kind))).toEqual(new Set(['unavailable']));
    }
  }

  it('holds no command that was given up on while the server is unreachable', async () => {
    const server = await startRedis();
    const { client, service } = await serviceOn(server.url, kind, { storeTimeout: 50 });
    await service.recovery();
    await server.kill();
    // What is written before the client notices stays in it until it is connected again.
    await until('the client has noticed', () => !isConnected(client));
    await verifyInVain(service, 20);
    expect(pending(client)).toBe(0);
  });

  it('holds no more than the connection can take while the server is unresponsive', async () => {
    const server = await startRedis({ port: undefined });
    const { client, service } = await serviceOn(server.url, kind, { storeTimeout: 50 });
    await service.recovery();
    server.pause();
    // What was written cannot be taken back: it fills the socket, and then nothing more is written.
    await verifyInVain(service, 30);
    const early = pending(client);
    await verifyInVain(service, 20);
    report('held for an unresponsive server:', early, 'after 3000 commands,', pending(client), 'after 5000');
    expect(pending(client)).toBeLessThanOrEqual(early + 100);
    server.resume();
    await service.recovery();
    expect(pending(client)).toBe(0);
  });
});

function pending(client: Client): number {
  // The commands that were written, and those that were not. Private in ioredis.
  if (client instanceof Redis) return client.commandQueue.length + offlineQueueOf(client).length;
  return '_getQueue' in client ? (client._getQueue() as unknown as { pendingCount: number }).pendingCount : 0;
}

/** As far as the client knows. */
function isConnected(client: object): boolean {
  return Reflect.get(client, 'status') === 'ready' || Reflect.get(client, 'isReady') === true;
}

function offlineQueueOf(client: object): ArrayLike<unknown> {
  const { offlineQueue } = client as { offlineQueue: ArrayLike<unknown> };
  return offlineQueue;
}

async function startMuteServer(port: number | undefined) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const closed = once(server, 'close');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    return closed;
  };
  ended.push(close);
  return {
    get connections() {
      return sockets.size;
    },
    close,
  };
}
