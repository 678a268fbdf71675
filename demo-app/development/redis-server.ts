/**
 * A Redis server for the demo and the tests. It keeps nothing on disk, listens on 127.0.0.1 or a unix socket only,
 * and never outlives its parent.
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
  /** `redis://127.0.0.1:port` or `unix:///…`: both are what `createClient({ url })` takes. */
  readonly url: string;
  readonly port: number | undefined;
  readonly socketPath: string | undefined;
  readonly version: string;
  /** Another one after `restart`. */
  readonly pid: number;
  /** What it printed. */
  log(): Promise<string>;
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL: a crash. `restart` brings it back. */
  kill(): Promise<void>;
  /** A new process, empty, at the same address. */
  restart(): Promise<void>;
  /** Ends it, frozen or not, and clears its folder away. */
  stop(): Promise<void>;
};

export type RedisServerOptions = {
  /** More arguments, after our own: `['--maxmemory', '1mb']`. */
  args?: readonly string[];
  /** Told in a sentence what takes a while, or why it cannot be. */
  onProgress?: (sentence: string) => void;
  /** @default a free one */
  port?: number;
  /** Listen on a unix socket in a folder of its own, and on no port. @default false */
  unixsocket?: boolean;
};

/** Starts a server and waits until it answers; `undefined` where no Redis can be had. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer | undefined> {
  const binary = await findRedisServer(options.onProgress);
  if (!binary) return undefined;

  const folder = await mkdtemp(join(tmpdir(), 'redis-server-'));
  const logFile = join(folder, 'redis.log');
  const socketPath = options.unixsocket ? join(folder, 'redis.sock') : undefined;
  const port = socketPath ? undefined : (options.port ?? (await freePort()));
  const address = socketPath ? { path: socketPath } : { host: '127.0.0.1', port: port ?? 0 };
  const args = [
    ...`--bind 127.0.0.1 --port ${port ?? 0} --appendonly no`.split(' '),
    ...['--save', '', '--dir', folder],
    ...(socketPath ? ['--unixsocket', socketPath, '--unixsocketperm', '700'] : []),
    ...(options.args ?? []),
  ];
  const watchdog = startWatchdog(folder);

  const launch = async () => {
    const redis = await spawnRedis(binary, args, logFile);
    watchdog.guard(redis);
    if (await answers(redis, address)) return redis;
    await redis.kill();
    throw new Error(`${binary.path} did not start:\n${await readFile(logFile, 'utf8')}`);
  };
  const clearAway = async () => {
    await rm(folder, { recursive: true, force: true });
    watchdog.dismiss();
  };

  let redis = await launch().catch(async (error: unknown) => {
    await clearAway();
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
    freeze: () => redis.signal('SIGSTOP'),
    thaw: () => redis.signal('SIGCONT'),
    kill: () => redis.kill(),
    async restart() {
      await redis.kill();
      redis = await launch();
    },
    async stop() {
      await redis.kill();
      await clearAway();
    },
  };
}

type RunningRedis = Awaited<ReturnType<typeof spawnRedis>>;

/** In a group of its own: Ctrl-C is for the parent, which may need its Redis to close well. */
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

/** Asks for the process id too: at a port that was taken, another server answers. */
async function answers(redis: RunningRedis, address: NetConnectOpts): Promise<boolean> {
  const deadline = Date.now() + 10_000;
  const ours = new RegExp(`process_id:${redis.pid}\r|-NOAUTH`);
  while (!redis.hasExited() && Date.now() < deadline) {
    if (ours.test(await ask(address, 'PING\r\nINFO server\r\nQUIT\r\n'))) return true;
    await wait(5);
  }
  return false;
}

function ask(address: NetConnectOpts, question: string): Promise<string> {
  return new Promise((done) => {
    let answer = '';
    const socket = connect(address, () => socket.write(question));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => done(answer));
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
