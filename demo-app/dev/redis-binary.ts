/**
 * Finds a redis-server: the one in REDIS_SERVER, else one on the PATH, else Debian's package, which is unpacked once
 * into `node_modules/.cache`. Needs no root access, system service, or install script.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory, type DebianProgram, environmentIn, unpackDebianProgram } from './debian-packages.js';

const NAMES = ['redis-server', 'valkey-server'];
const run = promisify(execFile);

/** `env` is the environment that it needs to find its libraries. */
export type RedisBinary = { path: string; version: string; env: NodeJS.ProcessEnv };

/** @throws when REDIS_SERVER is set to something that is not a working Redis server */
export async function findRedisServer(
  onProgress: (message: string) => void = () => {},
): Promise<RedisBinary | undefined> {
  const configured = process.env['REDIS_SERVER'];
  for (const path of configured ? [configured] : onPath(NAMES)) {
    const binary = await inspect(path);
    if (binary) return binary;
  }
  if (configured)
    throw new Error(`REDIS_SERVER is set to "${configured}", which is not a working Redis server.`);
  if (onPath(['apt-get']).length === 0) return undefined;
  try {
    return await findUnpacked(onProgress);
  } catch (error) {
    onProgress(`Could not install Debian's Redis package: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

const redis: DebianProgram = {
  packages(available) {
    const name = available.has('redis-server') ? 'redis' : 'valkey';
    // On Debian, redis-server is a symbolic link into redis-tools.
    return [`${name}-server`, `${name}-tools`].filter((one) => available.has(one));
  },
  find: (directory) => NAMES.map((name) => join(directory, 'usr/bin', name)).find(existsSync),
};

async function findUnpacked(onProgress: (message: string) => void): Promise<RedisBinary> {
  const directory = await cacheDirectory('redis');
  const find = async () => {
    const path = redis.find(directory);
    return path === undefined ? undefined : inspect(path, await environmentIn(directory));
  };
  const cached = await find();
  if (cached) return cached;
  onProgress("No redis-server on the PATH. Downloading Debian's package (about 10 MB, only once).");
  await unpackDebianProgram(redis, directory);
  const unpacked = await find();
  if (!unpacked) throw new Error(`The unpacked server does not run. Remove ${directory} to try again.`);
  return unpacked;
}

function onPath(names: readonly string[]): string[] {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return names.flatMap((name) => directories.map((directory) => join(directory, name))).filter(existsSync);
}

async function inspect(path: string, env = process.env): Promise<RedisBinary | undefined> {
  const { stdout } = await run(path, ['--version'], { env, timeout: 10_000 }).catch(() => ({ stdout: '' }));
  const version = /\bv=([\d.]+)/.exec(stdout)?.[1];
  return version === undefined ? undefined : { path, version, env };
}
