/** Unpacks a program of Debian's and the libraries it lacks into a directory of its own, without root access. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startWatchdog } from './watchdog.js';

const run = promisify(execFile);

export interface DebianProgram {
  /** The packages to unpack, of those that apt has; none if it has not. */
  packages(available: ReadonlySet<string>): readonly string[];
  /** The program in the directory they are unpacked into. */
  find(directory: string): string | undefined;
}

/**
 * Downloads with apt, using separate lists and caches, and unpacks with `dpkg -x`, which runs no scripts. Works in
 * a temporary directory that is renamed when complete: an interrupted run leaves nothing half done, and if two run
 * at once, the first to finish wins.
 */
export async function unpackDebianProgram(
  program: DebianProgram,
  cacheDirectory: string,
  target: string,
): Promise<void> {
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(join(cacheDirectory, 'unpacking-'));
  const watchdog = startWatchdog(work);
  try {
    const root = join(work, 'root');
    const apt = await isolatedApt(work, AbortSignal.timeout(60_000));
    const packages = program.packages(apt.available);
    if (packages.length === 0) throw new Error(`apt has no package of it. ${apt.warnings}`);

    await apt.unpack(packages, root);
    const tried = new Set<string>();
    for (;;) {
      const missing = (await apt.missingLibraries(program.find(root) ?? '', root)).filter(
        (name) => !tried.has(name),
      );
      if (missing.length === 0) break;
      await apt.unpack(missing, root);
      for (const name of missing) tried.add(name);
    }
    await rename(root, target).catch(() => {});
  } finally {
    await rm(work, { recursive: true, force: true });
    watchdog.stop();
  }
}

export async function libraryDirectories(root: string): Promise<string> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const directories = files.filter((file) => /\.so(\.|$)/.test(file.name)).map((file) => file.parentPath);
  return [...new Set(directories)].join(':');
}

/** The environment in which a program finds libraries that are unpacked but not installed. */
export function environment({ libraryPath }: { libraryPath: string | undefined }): NodeJS.ProcessEnv {
  return libraryPath ? { ...process.env, LD_LIBRARY_PATH: libraryPath } : process.env;
}

async function isolatedApt(work: string, signal: AbortSignal) {
  const config = join(work, 'apt.conf');
  const env = { ...process.env, LC_ALL: 'C' };
  const options = { cwd: work, env, signal, maxBuffer: 32 * 1024 * 1024 };
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
  await writeFile(config, aptConfig(work));

  // An unreachable source is not fatal: a missing package is noticed later.
  const warnings = await run('apt-get', ['-c', config, 'update'], options).then(
    ({ stderr }) => stderr,
    (error: unknown) => {
      signal.throwIfAborted();
      return String(error);
    },
  );
  const { stdout } = await run('apt-cache', ['-c', config, 'pkgnames'], options);
  const available = new Set(stdout.split('\n'));

  return {
    available,
    warnings,
    async unpack(names: readonly string[], root: string) {
      const packages = await mkdtemp(join(work, 'packages-'));
      const downloads = names.filter((name) => available.has(name));
      await run('apt-get', ['-c', config, 'download', ...downloads], { ...options, cwd: packages });
      for (const name of await readdir(packages))
        await run('dpkg', ['-x', join(packages, name), root], options);
    },
    /** The packages of the libraries that a program does not find, by Debian's naming rule. */
    async missingLibraries(path: string, root: string): Promise<string[]> {
      const libraryPath = await libraryDirectories(root);
      const { stdout } = await run('ldd', [path], {
        ...options,
        env: { ...env, ...environment({ libraryPath }) },
      });
      const names = Array.from(
        stdout.matchAll(/(\S+)\.so\.(\S+) => not found/g),
        ([, stem = '', version = '']) =>
          `${stem}${/\d$/.test(stem) ? '-' : ''}${version}`.toLowerCase().replaceAll('_', '-'),
      );
      return names.flatMap((name) => [name, `${name}t64`]).filter((name) => available.has(name));
    },
  };
}

/** Uses the system's sources, proxies, and keys, but neither its state nor its hooks. */
function aptConfig(work: string): string {
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
