/** A Redis of its own for a test file: on a unix socket, so that no two files meet. */
import { createClient } from 'redis';
import {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from '../../demo-app/development/redis-server.js';

/**
 * Called at the top of a test file. What it gives is there from the first `beforeAll` of the file on.
 *
 * @example
 * const redis = useRedis();
 * beforeEach(() => redis.flush());
 */
export function useRedis(options: Omit<RedisServerOptions, 'port' | 'unixsocket'> = {}) {
  let server: RedisServer | undefined;
  let client: ReturnType<typeof connectTo> | undefined;

  // The first time, the server may have to be fetched.
  beforeAll(async () => {
    server = await startRedisServer({ ...options, unixsocket: true });
    if (!server) throw new Error('No Redis here: install redis-server, or name one in REDIS_SERVER.');
    client = connectTo(server);
    await client.connect();
  }, 90_000);

  afterAll(async () => {
    client?.destroy();
    await server?.stop();
  });

  return {
    get server() {
      return started(server);
    },
    /** Connected, and after a `restart` again within milliseconds. */
    get client() {
      return started(client);
    },
    /** Forgets all keys, and keeps the scripts. */
    async flush() {
      await started(client).flushAll();
    },
  };
}

function connectTo(server: RedisServer) {
  const client = createClient({ url: server.url, socket: { reconnectStrategy: 10 } });
  client.on('error', () => {});
  return client;
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('useRedis() gives nothing before the tests begin.');
  return value;
}
