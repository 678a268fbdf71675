/** Debian's packages of Redis, unpacked by whoever asks. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startWatchdog } from './watchdog.js';

const run = promisify(execFile);

/**
 * Debian's packages without root: apt with lists and caches of its own, and `dpkg -x`, which runs no script.
 * All of it happens in a folder that gets its name when it is whole: who is interrupted leaves nothing half,
 * and of two at the same time the first wins.
 */
export async function unpackDebianPackages(home: string, unpacked: string): Promise<void> {
  await mkdir(home, { recursive: true });
  const work = await mkdtemp(join(home, 'unpacking-'));
  const watchdog = startWatchdog(work);
  try {
    const root = join(work, 'root');
    const apt = await privateApt(work, AbortSignal.timeout(60_000));
    const server = ['redis', 'valkey'].find((name) => apt.known.has(`${name}-server`));
    if (!server) throw new Error(`apt knows none. ${apt.complaints}`);

    // On Debian redis-server is a link to a file of redis-tools.
    await apt.unpack([`${server}-server`, `${server}-tools`], root);
    const tried = new Set<string>();
    for (;;) {
      const missing = (await apt.missingLibraries(root)).filter((name) => !tried.has(name));
      if (missing.length === 0) break;
      await apt.unpack(missing, root);
      for (const name of missing) tried.add(name);
    }
    await rename(root, unpacked).catch(() => {});
  } finally {
    await rm(work, { recursive: true, force: true });
    watchdog.dismiss();
  }
}

export function unpackedServer(root: string): string | undefined {
  return ['redis-server', 'valkey-server']
    .map((name) => join(root, 'usr/bin', name))
    .find((path) => existsSync(path));
}

export async function libraryFolders(root: string): Promise<string> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const folders = files.filter((file) => /\.so(\.|$)/.test(file.name)).map((file) => file.parentPath);
  return [...new Set(folders)].join(':');
}

/** What a program needs to find libraries that were unpacked and not installed. */
export function environment({ libraryPath }: { libraryPath: string | undefined }): NodeJS.ProcessEnv {
  return libraryPath ? { ...process.env, LD_LIBRARY_PATH: libraryPath } : process.env;
}

async function privateApt(work: string, signal: AbortSignal) {
  const settings = join(work, 'apt.conf');
  const env = { ...process.env, LC_ALL: 'C' };
  const options = { cwd: work, env, signal, maxBuffer: 32 * 1024 * 1024 };
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
  await writeFile(settings, aptSettings(work));

  // One source of many that is out of reach is no reason to give up: what is missing shows below.
  const complaints = await run('apt-get', ['-c', settings, 'update'], options).then(
    ({ stderr }) => stderr,
    (error: unknown) => {
      signal.throwIfAborted();
      return String(error);
    },
  );
  const { stdout } = await run('apt-cache', ['-c', settings, 'pkgnames'], options);
  const known = new Set(stdout.split('\n'));

  return {
    known,
    complaints,
    async unpack(names: readonly string[], root: string) {
      const packages = await mkdtemp(join(work, 'packages-'));
      const wanted = names.filter((name) => known.has(name));
      await run('apt-get', ['-c', settings, 'download', ...wanted], { ...options, cwd: packages });
      for (const name of await readdir(packages))
        await run('dpkg', ['-x', join(packages, name), root], options);
    },
    /** The packages, by Debian's rule for their names, of the libraries that the server does not find. */
    async missingLibraries(root: string): Promise<string[]> {
      const libraryPath = await libraryFolders(root);
      const { stdout } = await run('ldd', [unpackedServer(root) ?? ''], {
        ...options,
        env: { ...env, ...environment({ libraryPath }) },
      });
      const names = Array.from(
        stdout.matchAll(/(\S+)\.so\.(\S+) => not found/g),
        ([, stem = '', version = '']) =>
          `${stem}${/\d$/.test(stem) ? '-' : ''}${version}`.toLowerCase().replaceAll('_', '-'),
      );
      return names.flatMap((name) => [name, `${name}t64`]).filter((name) => known.has(name));
    },
  };
}

/** The system's sources, proxies and keys, and none of its state or its hooks. */
function aptSettings(work: string): string {
  return `
    Dir::State "${work}/state";
    Dir::State::Lists "${work}/lists";
    Dir::State::status "/dev/null";
    Dir::Cache "${work}/cache";
    Dir::Cache::pkgcache "pkgcache.bin";
    Dir::Cache::srcpkgcache "srcpkgcache.bin";
    APT::Sandbox::User "";
    Debug::NoLocking "1";
    Acquire::Languages "none";
    Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
    Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
    #clear APT::Update::Pre-Invoke;
    #clear APT::Update::Post-Invoke;
    #clear APT::Update::Post-Invoke-Success;
  `;
}
