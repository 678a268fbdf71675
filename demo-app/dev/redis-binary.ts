/** Finds a Redis: the one in REDIS_SERVER, else one on the PATH, else Debian's package, which it unpacks once. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @throws when REDIS_SERVER is set to something that is not a working Redis server */
export async function findRedisServer(onProgress: (message: string) => void = () => {}) {
  const { REDIS_SERVER: server, PATH = '' } = process.env;
  const found = await findWorking(server ? [server] : redisIn(PATH));
  if (found) return found;
  if (server) throw new Error(`REDIS_SERVER is set to "${server}", which is not a working Redis server.`);

  const unpacking = unpackDebian('redis', 'redis-server redis-tools', 'valkey-server valkey-tools');
  unpacking.child.stderr?.on('data', (text) => onProgress(String(text).trimEnd()));
  const { stdout } = await unpacking.catch(() => ({ stdout: '' }));
  const [directory, LD_LIBRARY_PATH] = stdout.split('\n');
  if (!directory) return undefined;
  const unpacked = await findWorking(redisIn(`${directory}/usr/bin`), { ...process.env, LD_LIBRARY_PATH });
  if (!unpacked) onProgress(`The unpacked Redis does not run. Remove ${directory} to try again.`);
  return unpacked;
}

/** What `unpack-debian.sh` prints. */
export function unpackDebian(name: string, ...packages: readonly string[]) {
  const cache = join(__dirname, '../../node_modules/.cache/express-email-verification', name);
  return run('/bin/sh', [join(__dirname, 'unpack-debian.sh'), cache, ...packages], { env: process.env });
}

const redisIn = (path: string) =>
  ['redis-server', 'valkey-server'].flatMap((name) => path.split(delimiter).map((one) => `${one}/${name}`));

async function findWorking(paths: readonly string[], env = process.env) {
  for (const path of paths.filter(existsSync)) {
    const { stdout } = await run(path, ['--version'], { env, timeout: 10_000 }).catch(() => ({ stdout: '' }));
    const version = /\bv=([\d.]+)/.exec(stdout)?.[1];
    if (version) return { path, version, env };
  }
  return undefined;
}
