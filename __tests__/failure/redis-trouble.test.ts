/**
 * Redis in trouble: every answer in time, closed, and well again by itself. On the clients an app has when its
 * Redis is one server: a node-redis client, or a pool of them.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type RedisClient, RedisStore } from 'express-email-verification';
import { createClient, createClientPool } from 'redis';
import {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from '../../demo-app/development/redis-server.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/until.js';
import { expectBounded, refused, startLoad } from './support/load.js';
import { expectUnavailable, person, report, type Service, startService } from './support/service.js';

type Client = ReturnType<typeof createClient> | ReturnType<typeof createClientPool>;

const clients = {
  client: (url: string): Client => createClient({ url }),
  pool: (url: string): Client => createClientPool({ url }, { minimum: 1, maximum: 20 }),
};

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  // Below the ports that connections get: nobody takes it while the server is away.
  const port = options.unixsocket ? undefined : await freePort();
  const server = await startRedisServer({ port, ...options });
  if (!server) throw new Error('No Redis here: install redis-server, or name one in REDIS_SERVER.');
  ended.push(() => server.stop());
  return server;
}

/** A service whose client is on its way to the server: nobody waits for it to get there. */
async function serviceOn(url: string, kind: keyof typeof clients = 'client', options: object = {}) {
  const client = clients[kind](url);
  client.on('error', () => {});
  void client.connect().catch(() => {});
  const service = await startService({ store: new RedisStore(client), ...options });
  service.verification.on('unavailable', () => {});
  ended.push(
    () => client.destroy(),
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

async function askAll(service: Service): Promise<void> {
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

describe.each(['client', 'pool'] as const)('T26: behind a %s', (kind) => {
  it('answers 503 while the server is not there yet, and is well when it comes', async () => {
    const server = await startRedis();
    await server.kill();
    const { service } = await serviceOn(server.url, kind);
    await askAll(service);
    expect(await service.verification.check()).toMatchObject({ ok: false });
    await server.restart();
    report(`${kind}, away at the start`, await service.recovery());
    expect((await service.verification.check()).problems).not.toContainEqual(
      expect.stringContaining('store'),
    );
  });

  it('answers 503 while the server is dead, under load, and is well when it is back', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const load = startLoad(service);
    await until('there is load', () => load.answers.length > 100);
    await server.kill();
    await until('the load is refused', () => refused(load) > 20);
    await askAll(service);
    await server.restart();
    report(`${kind}, killed and restarted`, await service.recovery());
    await load.stop();
    expectBounded(service, load);
  });

  it('answers 503 while the server is frozen, and carries out later what was given up on: nothing', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const ours = await service.prepare();
    server.pause();
    const answers = await Promise.all([ours.send(), ours.verify(), ours.guess(), ours.signUp()]);
    expectUnavailable(service, answers);
    server.resume();
    report(`${kind}, frozen while idle`, await service.recovery());
    expect((await ours.guess()).body.attemptsLeft).toBe(4);
    expect((await ours.verify()).status).toBe(200);
    expect((await ours.signUp()).status).toBe(201);
    expect((await ours.send()).status).toBe(200);
  });

  it('answers 503 while the server is frozen under load, and is well when it thaws', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const load = startLoad(service, { clients: 40 });
    await until('there is load', () => load.answers.length > 200);
    server.pause();
    await until('all of the load is refused, time and again', () => refused(load) > 120);
    server.resume();
    report(`${kind}, frozen under load`, await service.recovery());
    await load.stop();
    expectBounded(service, load);
  });

  it('answers 503 when the server accepts and never answers, and is well when a real one does', async () => {
    const server = await startRedis();
    await server.kill();
    const mute = await startMuteServer(server.port);
    const { service } = await serviceOn(server.url, kind);
    await askAll(service);
    expect(mute.connections).toBeGreaterThan(0);
    await mute.close();
    await server.restart();
    report(`${kind}, mute at the start`, await service.recovery());
  });

  it('answers 503 while the server is out of memory, and nothing is lost', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const ours = await service.prepare();
    const at = await admin(server);
    await at.configSet('maxmemory', '1');
    expectUnavailable(service, await Promise.all([ours.send(), ours.verify(), ours.guess()]));
    await at.configSet('maxmemory', '0');
    expect((await ours.guess()).body.attemptsLeft).toBe(4);
    expect((await ours.verify()).status).toBe(200);
    expect((await ours.signUp()).status).toBe(201);
    expect((await ours.send()).status).toBe(200);
  });

  it.each(['yes', 'no'])(
    'answers 503 from a replica (replica-serve-stale-data %s), and nothing is lost',
    async (stale) => {
      const server = await startRedis({ args: ['--replica-serve-stale-data', stale] });
      const { service } = await serviceOn(server.url, kind);
      await service.recovery();
      const ours = await service.prepare();
      const at = await admin(server);
      await at.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
      const answers = await Promise.all([ours.send(), ours.verify(), ours.guess(), ours.signUp()]);
      expectUnavailable(service, answers);
      await at.sendCommand(['REPLICAOF', 'NO', 'ONE']);
      expect((await ours.guess()).body.attemptsLeft).toBe(4);
      expect((await ours.verify()).status).toBe(200);
      expect((await ours.signUp()).status).toBe(201);
      expect((await ours.send()).status).toBe(200);
    },
  );

  it('does not notice that the server forgot its scripts', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind, { storeTimeout: 10_000 });
    await service.recovery();
    const ours = await service.prepare();
    const at = await admin(server);
    for (const act of [ours.send, ours.guess, ours.verify, ours.signUp]) {
      await at.scriptFlush();
      expect((await act()).status).not.toBe(503);
    }
    const load = startLoad(service);
    for (let n = 1; n <= 20; n += 1) {
      await at.scriptFlush();
      await until('the scripts are asked for again', () => load.answers.length > n * 20);
    }
    await load.stop();
    expectBounded(service, load);
    expect(refused(load)).toBe(0);
  });

  it('answers 503 while the password is another one, and is well when it is ours again', async () => {
    const server = await startRedis();
    const { service } = await serviceOn(server.url, kind);
    await service.recovery();
    const ours = await service.prepare();
    const at = await admin(server);
    await at.configSet('requirepass', 'changed');
    await at.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal']);
    expectUnavailable(service, await Promise.all([ours.send(), ours.verify(), ours.guess(), ours.signUp()]));
    await at.configSet('requirepass', '');
    report(`${kind}, password changed back`, await service.recovery());
    expect((await ours.verify()).status).toBe(200);
    expect((await ours.signUp()).status).toBe(201);
  });
});

it('carries out nothing it gave up on, however soon the server thaws', async () => {
  const server = await startRedis();
  const { service } = await serviceOn(server.url);
  await service.recovery();
  for (let round = 0; round < 8; round += 1) {
    const ours = await service.prepare();
    server.pause();
    expectUnavailable(service, [await ours.guess()]);
    server.resume();
    expect((await ours.guess()).body.attemptsLeft).toBe(4);
  }
});

it('answers a right code as right when the client repeats a command whose reply was lost', async () => {
  const server = await startRedis();
  const client = createClient({ url: server.url });
  client.on('error', () => {});
  await client.connect();
  // Clients of clusters and sentinels do so when a connection breaks before the reply.
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

describe('the queue of the client', () => {
  /** Asks so many times, in rounds, each after the one before was given up on. */
  async function askInVain(service: Service, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      const asked = Array.from({ length: 100 }, () =>
        service.verification.verify({ email: person(), code: '123456' }),
      );
      expect(new Set((await Promise.all(asked)).map(({ kind }) => kind))).toEqual(new Set(['unavailable']));
    }
  }

  it('holds nothing that was given up on while the server is away', async () => {
    const server = await startRedis();
    const { client, service } = await serviceOn(server.url, 'client', { storeTimeout: 50 });
    await service.recovery();
    await server.kill();
    await askInVain(service, 20);
    expect(pending(client)).toBe(0);
  });

  it('holds no more than the connection does while the server is frozen', async () => {
    const server = await startRedis({ unixsocket: true });
    const { client, service } = await serviceOn(server.url, 'client', { storeTimeout: 50 });
    await service.recovery();
    server.pause();
    // What was written cannot be taken back: it fills the socket, and then no more is written.
    await askInVain(service, 30);
    const early = pending(client);
    await askInVain(service, 20);
    report('held for a frozen server:', early, 'after 3000 commands,', pending(client), 'after 5000');
    expect(pending(client)).toBeLessThanOrEqual(early + 100);
    server.resume();
    await service.recovery();
    expect(pending(client)).toBe(0);
  });
});

function pending(client: Client): number {
  return '_getQueue' in client ? (client._getQueue() as unknown as { pendingCount: number }).pendingCount : 0;
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
