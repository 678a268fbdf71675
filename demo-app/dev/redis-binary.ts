/**
 * Finds a redis-server: the one in REDIS_SERVER, else one on the PATH, else Debian's package, which is unpacked once
 * into `node_modules/.cache`. Needs no root access, system service, or install script.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  type DebianProgram,
  environment,
  libraryDirectories,
  unpackDebianProgram,
} from './debian-packages.js';

export type RedisBinary = {
  path: string;
  version: string;
  /** The directories with the shared libraries that the system lacks. */
  libraryPath: string | undefined;
};

/** @throws when REDIS_SERVER is set to something that is not a working Redis server */
export async function findRedisServer(
  onProgress: (message: string) => void = () => {},
): Promise<RedisBinary | undefined> {
  const configured = process.env['REDIS_SERVER'];
  if (configured) {
    const binary = await inspect(configured);
    if (!binary)
      throw new Error(`REDIS_SERVER is set to "${configured}", which is not a working Redis server.`);
    return binary;
  }
  for (const path of onPath('redis-server', 'valkey-server')) {
    const binary = await inspect(path);
    if (binary) return binary;
  }
  if (onPath('apt-get').length === 0) return undefined;

  const cacheDirectory = resolve(__dirname, '../../node_modules/.cache/express-email-verification/redis');
  try {
    const target = join(cacheDirectory, await distribution());
    return (await inspectUnpacked(target)) ?? (await install(cacheDirectory, target, onProgress));
  } catch (error) {
    onProgress(`Could not install Debian's Redis package: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

const run = promisify(execFile);

const redis: DebianProgram = {
  packages(available) {
    const name = ['redis', 'valkey'].find((name) => available.has(`${name}-server`));
    // On Debian, redis-server is a symbolic link into redis-tools.
    return name ? [`${name}-server`, `${name}-tools`] : [];
  },
  find: (directory) =>
    ['redis-server', 'valkey-server']
      .map((name) => join(directory, 'usr/bin', name))
      .find((path) => existsSync(path)),
};

async function install(cacheDirectory: string, target: string, onProgress: (message: string) => void) {
  onProgress("No redis-server on the PATH. Downloading Debian's package (about 10 MB, only once).");
  await unpackDebianProgram(redis, cacheDirectory, target);
  const binary = await inspectUnpacked(target);
  if (!binary) throw new Error(`The unpacked server does not run. Remove ${target} to try again.`);
  return binary;
}

function onPath(...names: readonly string[]): string[] {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return names
    .flatMap((name) => directories.map((directory) => join(directory, name)))
    .filter((path) => existsSync(path));
}

async function inspect(path: string, libraryPath?: string): Promise<RedisBinary | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { env: environment({ libraryPath }), timeout: 10_000 });
    const version = /\bv=([\d.]+)/.exec(stdout)?.[1];
    return version ? { path, version, libraryPath } : undefined;
  } catch {
    return undefined;
  }
}

async function inspectUnpacked(root: string): Promise<RedisBinary | undefined> {
  const path = redis.find(root);
  return path ? inspect(path, (await libraryDirectories(root)) || undefined) : undefined;
}

/** The name for a directory of programs that may not run on another system. */
export async function distribution(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(release)?.[1] ?? 'unknown';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}
