/**
 * A Redis server for development, on a Unix socket in a directory of its own: it clashes with no other server, stores
 * nothing on disk, and never outlives its parent process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findRedisServer } from './redis-binary.js';
import { startWatchdog } from './watchdog.js';

export type RedisServer = {
  /** `unix:///…/redis.sock`, for `createClient({ url })`. */
  readonly url: string;
  readonly version: string;
  readonly pid: number;
  readonly exited: Promise<unknown>;
  /** Sends SIGSTOP: connections stay open, but the server no longer responds. */
  pause(): void;
  resume(): void;
  /** Stops it, paused or not, and removes its directory. */
  stop(): Promise<void>;
};

export type RedisServerOptions = { args?: readonly string[]; onProgress?: (message: string) => void };

/** Starts a server and waits until it accepts connections. Returns `undefined` if no Redis is available. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer | undefined> {
  const binary = await findRedisServer(options.onProgress);
  if (!binary) return undefined;

  const directory = await mkdtemp(join(tmpdir(), 'redis-server-'));
  const [path, logFile] = [join(directory, 'redis.sock'), join(directory, 'redis.log')];
  const network = ['--port', '0', '--bind', '127.0.0.1', '--unixsocket', path, '--unixsocketperm', '700'];
  const storage = ['--dir', directory, '--appendonly', 'no', '--save', ''];
  const args = [...network, ...storage, ...(options.args ?? [])];
  const watchdog = startWatchdog(directory);
  const log = openSync(logFile, 'a');
  // In its own process group: Ctrl+C is meant for the parent, which may need Redis to shut down cleanly.
  const child = spawn(binary.path, args, { stdio: ['ignore', log, log], env: binary.env, detached: true });
  closeSync(log);
  await once(child, 'spawn');
  child.unref();
  const { pid = 0 } = child;
  const exited = once(child, 'exit');
  watchdog.watch({ pid, exited });

  const stop = async () => {
    child.ref();
    child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
    watchdog.stop();
  };
  for (const deadline = Date.now() + 10_000; !(await accepts(path)); await wait(5)) {
    if (child.exitCode === null && child.signalCode === null && Date.now() < deadline) continue;
    const output = readFileSync(logFile, 'utf8');
    await stop();
    throw new Error(`${binary.path} did not start:\n${output}`);
  }
  const pause = () => void child.kill('SIGSTOP');
  const resume = () => void child.kill('SIGCONT');
  return { url: `unix://${path}`, version: binary.version, pid, exited, pause, resume, stop };
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.destroy());
    socket.on('error', () => {}).on('close', (hasFailed) => resolve(!hasFailed));
  });
}
