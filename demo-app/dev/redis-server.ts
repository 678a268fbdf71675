/**
 * A Redis server for the demo and the tests. It stores nothing on disk, listens only on 127.0.0.1 or a Unix socket,
 * and never outlives its parent process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { environment } from './debian-packages.js';
import { findRedisServer, type RedisBinary } from './redis-binary.js';
import { startWatchdog } from './watchdog.js';

export type RedisServer = {
  /** `redis://127.0.0.1:port` or `unix:///…`, for `createClient({ url })`. */
  readonly url: string;
  readonly port: number | undefined;
  readonly socketPath: string | undefined;
  readonly version: string;
  /** Changes after `restart`. */
  readonly pid: number;
  /** The output of the server. */
  log(): Promise<string>;
  /** Sends SIGSTOP: connections stay open, but the server no longer responds. */
  pause(): void;
  resume(): void;
  /** Sends SIGKILL, as in a crash. */
  kill(): Promise<void>;
  /** Starts a new, empty process at the same address. */
  restart(): Promise<void>;
  /** Stops it, paused or not, and removes its directory. */
  stop(): Promise<void>;
};

export type RedisServerOptions = {
  /** Additional arguments, for example `['--maxmemory', '1mb']`. */
  args?: readonly string[];
  /** Called with a message when something takes a while or fails. */
  onProgress?: (message: string) => void;
  /** @default a free port */
  port?: number;
  /** Listens on a Unix socket in a temporary directory instead of a port. @default false */
  unixsocket?: boolean;
};

/** Starts a server and waits until it responds. Returns `undefined` if no Redis is available. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer | undefined> {
  const binary = await findRedisServer(options.onProgress);
  if (!binary) return undefined;

  const directory = await mkdtemp(join(tmpdir(), 'redis-server-'));
  const logFile = join(directory, 'redis.log');
  const socketPath = options.unixsocket ? join(directory, 'redis.sock') : undefined;
  const port = socketPath ? undefined : (options.port ?? (await freePort()));
  const address = socketPath ? { path: socketPath } : { host: '127.0.0.1', port: port ?? 0 };
  const args = [
    ...`--bind 127.0.0.1 --port ${port ?? 0} --appendonly no`.split(' '),
    ...['--save', '', '--dir', directory],
    ...(socketPath ? ['--unixsocket', socketPath, '--unixsocketperm', '700'] : []),
    ...(options.args ?? []),
  ];
  const watchdog = startWatchdog(directory);

  const launch = async () => {
    const redis = await spawnRedis(binary, args, logFile);
    watchdog.watch(redis);
    if (await responds(redis, address)) return redis;
    await redis.kill();
    throw new Error(`${binary.path} did not start:\n${await readFile(logFile, 'utf8')}`);
  };
  const cleanUp = async () => {
    await rm(directory, { recursive: true, force: true });
    watchdog.stop();
  };

  let redis = await launch().catch(async (error: unknown) => {
    await cleanUp();
    throw error;
  });

  return {
    url: socketPath ? `unix://${socketPath}` : `redis://127.0.0.1:${port}`,
    port,
    socketPath,
    version: binary.version,
    get pid() {
      return redis.pid;
    },
    log: () => readFile(logFile, 'utf8'),
    pause: () => redis.signal('SIGSTOP'),
    resume: () => redis.signal('SIGCONT'),
    kill: () => redis.kill(),
    async restart() {
      await redis.kill();
      redis = await launch();
    },
    async stop() {
      await redis.kill();
      await cleanUp();
    },
  };
}

type RunningRedis = Awaited<ReturnType<typeof spawnRedis>>;

/** In its own process group: Ctrl+C is meant for the parent, which may need Redis to shut down cleanly. */
async function spawnRedis(binary: RedisBinary, args: readonly string[], logFile: string) {
  const log = await open(logFile, 'a');
  const child = spawn(binary.path, args, {
    stdio: ['ignore', log.fd, log.fd],
    env: environment(binary),
    detached: true,
  });
  await once(child, 'spawn');
  const exited = once(child, 'exit');
  await log.close();
  child.unref();
  return {
    pid: child.pid ?? 0,
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    signal(name: NodeJS.Signals) {
      child.kill(name);
    },
    async kill() {
      child.ref();
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Checks the process ID as well: if the port was already in use, another server responds. */
async function responds(redis: RunningRedis, address: NetConnectOpts): Promise<boolean> {
  const deadline = Date.now() + 10_000;
  const expected = new RegExp(`process_id:${redis.pid}\r|-NOAUTH`);
  while (!redis.hasExited() && Date.now() < deadline) {
    if (expected.test(await request(address, 'PING\r\nINFO server\r\nQUIT\r\n'))) return true;
    await wait(5);
  }
  return false;
}

function request(address: NetConnectOpts, commands: string): Promise<string> {
  return new Promise((resolve) => {
    let reply = '';
    const socket = connect(address, () => socket.write(commands));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (data) => {
      reply += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(reply));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
