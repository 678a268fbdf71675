/** A Redis server for development: it listens only on a Unix socket, stores nothing, and never outlives us. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer } from './redis-binary.js';

export type RedisServer = NonNullable<Awaited<ReturnType<typeof startRedisServer>>>;
export type RedisServerOptions = { args?: readonly string[]; onProgress?: (message: string) => void };

/**
 * Becomes the server. Another shell waits until the pipe from our process closes, as it does however our process ends,
 * and then kills the server. Both are in one process group, so no other process can have the ID `$$` by then.
 */
const SCRIPT = `{ read -r _; kill -9 $$; rm -rf "$0"; } <&3 >/dev/null 2>&1 &
server=$1; shift
exec "$server" --port 0 --bind 127.0.0.1 --unixsocket "$0/redis.sock" --unixsocketperm 700 \\
  --dir "$0" --appendonly no --save '' "$@" 2>&1 3<&-`;

/** Starts a server and waits until it accepts connections. Returns `undefined` if no Redis is available. */
export async function startRedisServer({ args = [], onProgress }: RedisServerOptions = {}) {
  const binary = await findRedisServer(onProgress);
  if (!binary) return undefined;
  const { path, version, env } = binary;
  const directory = await mkdtemp(join(tmpdir(), 'redis-server-'));
  // In its own process group: Ctrl+C is meant for the parent, which may need Redis to shut down cleanly.
  const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'ignore', 'pipe'], env, detached: true };
  const child = spawn('/bin/sh', ['-c', SCRIPT, directory, path, ...args], options);
  const [url, pid, exited] = [`unix://${directory}/redis.sock`, child.pid ?? 0, once(child, 'exit')];
  child.unref();
  const pipe = child.stdio[3];
  if (pipe instanceof Socket) pipe.unref();
  /** Sends SIGSTOP: connections stay open, but the server no longer responds. */
  const pause = () => void child.kill('SIGSTOP');
  const resume = () => void child.kill('SIGCONT');
  /** Stops it, paused or not, and removes its directory. */
  async function stop() {
    child.ref();
    child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
    pipe?.destroy();
  }
  const deadline = setTimeout(() => child.kill('SIGKILL'), 10_000);
  const isReady = /ready to accept connections/i;
  let output = '';
  for await (const chunk of child.stdout ?? []) {
    output += chunk;
    if (isReady.test(output)) break;
  }
  clearTimeout(deadline);
  if (isReady.test(output)) return { url, version, pid, exited, pause, resume, stop };
  await stop();
  throw new Error(`${path} did not start:\n${output}`);
}
