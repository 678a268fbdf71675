/**
 * Where a redis-server comes from without root, a service or an install script: the one that REDIS_SERVER names,
 * else the one on the PATH, else Debian's package, unpacked once into `node_modules/.cache`.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { environment, libraryFolders, unpackDebianPackages, unpackedServer } from './debian-packages.js';

export type RedisBinary = {
  path: string;
  version: string;
  /** Where the shared libraries are that the system lacks. */
  libraryPath: string | undefined;
};

/** @throws when REDIS_SERVER names something that does not run. */
export async function findRedisServer(
  onProgress: (sentence: string) => void = () => {},
): Promise<RedisBinary | undefined> {
  const named = process.env['REDIS_SERVER'];
  if (named) {
    const binary = await inspect(named);
    if (!binary) throw new Error(`REDIS_SERVER names "${named}", which does not run as a Redis server.`);
    return binary;
  }
  for (const path of onPath('redis-server', 'valkey-server')) {
    const binary = await inspect(path);
    if (binary) return binary;
  }
  if (onPath('apt-get').length === 0) return undefined;

  const home = resolve(__dirname, '../../node_modules/.cache/express-email-verification/redis');
  try {
    const unpacked = join(home, await distribution());
    return (await inspectUnpacked(unpacked)) ?? (await unpack(home, unpacked, onProgress));
  } catch (error) {
    onProgress(
      `Debian's Redis package could not be unpacked: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
}

const run = promisify(execFile);

async function unpack(home: string, unpacked: string, onProgress: (sentence: string) => void) {
  onProgress("There is no redis-server on the PATH: fetching Debian's package, once (about 10 MB).");
  await unpackDebianPackages(home, unpacked);
  const binary = await inspectUnpacked(unpacked);
  if (!binary) throw new Error(`it does not run; remove ${unpacked} to try again.`);
  return binary;
}

function onPath(...names: readonly string[]): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
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
  const path = unpackedServer(root);
  return path ? inspect(path, (await libraryFolders(root)) || undefined) : undefined;
}

async function distribution(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(release)?.[1] ?? 'unknown';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}
