/** A Redis for one test file, on a Unix socket so that test files do not interfere. */
import { createClient } from 'redis';
import { type RedisServer, type RedisServerOptions, startRedisServer } from './redis-server.js';

/**
 * Call it at the top of a test file. Its result can be used from the file's first `beforeAll` on.
 *
 * @example
 * const redis = useRedis();
 * beforeEach(() => redis.flush());
 */
export function useRedis(options: Omit<RedisServerOptions, 'port'> = {}) {
  let server: RedisServer | undefined;
  let client: ReturnType<typeof connectTo> | undefined;

  // The first time, the server may have to be downloaded.
  beforeAll(async () => {
    server = await startRedisServer(options);
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
    /** Connected; after a `restart` it reconnects within milliseconds. */
    get client() {
      return started(client);
    },
    /** Deletes all keys but keeps the scripts. */
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
  if (value === undefined) throw new Error('useRedis() has no value before the tests begin.');
  return value;
}
