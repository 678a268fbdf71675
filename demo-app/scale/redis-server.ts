/** The Redis server of the demo, with what a fleet needs as well: a port, a crash, and a restart at the same address. */
import { rename, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as dev from '../dev/redis-server.js';

export type RedisServer = Omit<dev.RedisServer, 'exited'> & {
  readonly port: number | undefined;
  /** Whether its process has not ended. */
  readonly isRunning: boolean;
  /** Sends SIGKILL, as in a crash. */
  kill(): Promise<void>;
  /** Starts a new, empty process at the same address, with another `pid`. */
  restart(): Promise<void>;
};

export type RedisServerOptions = dev.RedisServerOptions & {
  /** Listens on this port of 127.0.0.1. @default none, only a Unix socket */
  port?: number;
};

/** @throws when there is no Redis on this machine */
export async function startRedisServer({ port, ...options }: RedisServerOptions = {}): Promise<RedisServer> {
  const ended = new Set<dev.RedisServer>();
  const start = async (...more: string[]) => {
    const args = [...(port === undefined ? [] : ['--port', String(port)]), ...(options.args ?? []), ...more];
    const server = await dev.startRedisServer({ ...options, args });
    if (!server) throw new Error('No Redis found: install redis-server or set REDIS_SERVER.');
    void server.exited.then(() => ended.add(server));
    return server;
  };
  const first = await start();
  const socket = pathOf(first);
  const servers = [first];
  let server = first;

  async function kill(): Promise<void> {
    if (!ended.has(server)) process.kill(server.pid, 'SIGKILL');
    ended.add(server);
    await server.exited;
  }

  return {
    url: port === undefined ? first.url : `redis://127.0.0.1:${port}`,
    port,
    version: first.version,
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return !ended.has(server);
    },
    pause: () => server.pause(),
    resume: () => server.resume(),
    kill,
    async restart() {
      await kill();
      // The directory of the first one keeps what a node of a cluster knows of itself.
      server = await start('--dir', dirname(socket));
      servers.push(server);
      await symlink(pathOf(server), `${socket}.new`);
      await rename(`${socket}.new`, socket);
    },
    async stop() {
      await Promise.all(servers.map((one) => one.stop()));
    },
  };
}

const pathOf = ({ url }: dev.RedisServer): string => new URL(url).pathname;
