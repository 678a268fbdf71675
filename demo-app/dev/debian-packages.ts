/** Unpacks a program of Debian's and the libraries it lacks into a directory of its own, without root access. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
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
 * Downloads with apt, using separate lists and caches, and unpacks with `dpkg -x`, which runs no scripts. Works in a
 * temporary directory that is renamed when complete: an interrupted run leaves nothing half done, and if two run at
 * once, the first to finish wins.
 */
export async function unpackDebianProgram(program: DebianProgram, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), 'unpacking-'));
  const watchdog = startWatchdog(work);
  try {
    const apt = await isolatedApt(work, AbortSignal.timeout(60_000));
    let missing = program.packages(apt.available);
    if (missing.length === 0) throw new Error(`apt has no package of it. ${apt.warnings}`);
    const root = join(work, 'root');
    for (const tried = new Set<string>(); missing.length > 0; ) {
      await apt.unpack(missing, root);
      for (const name of missing) tried.add(name);
      const libraries = await apt.missingLibraries(program.find(root) ?? '', root);
      missing = libraries.filter((name) => !tried.has(name));
    }
    await rename(root, target).catch(() => {});
  } finally {
    await rm(work, { recursive: true, force: true });
    watchdog.stop();
  }
}

/** Where a program is unpacked: it may not run on another system, which then unpacks its own. */
export async function cacheDirectory(name: string): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(release)?.[1] ?? 'unknown';
  const system = `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
  return resolve(__dirname, '../../node_modules/.cache/express-email-verification', name, system);
}

/** The environment in which a program finds the libraries that are unpacked beside it. */
export async function environmentIn(directory: string): Promise<NodeJS.ProcessEnv> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const libraries = files.filter((file) => /\.so(\.|$)/.test(file.name)).map((file) => file.parentPath);
  const LD_LIBRARY_PATH = [...new Set(libraries)].join(':');
  return LD_LIBRARY_PATH ? { ...process.env, LD_LIBRARY_PATH } : process.env;
}

async function isolatedApt(work: string, signal: AbortSignal) {
  const config = join(work, 'apt.conf');
  const options = { cwd: work, signal, maxBuffer: 32 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } };
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
  await writeFile(config, aptConfig(work));

  // An unreachable source is not fatal: a missing package is noticed later.
  const { stderr: warnings } = await run('apt-get', ['-c', config, 'update'], options).catch((error) => {
    signal.throwIfAborted();
    return { stderr: String(error) };
  });
  const { stdout } = await run('apt-cache', ['-c', config, 'pkgnames'], options);
  const available = new Set(stdout.split('\n'));

  return {
    available,
    warnings,
    async unpack(names: readonly string[], root: string) {
      const cwd = await mkdtemp(join(work, 'packages-'));
      await run('apt-get', ['-c', config, 'download', ...names], { ...options, cwd });
      for (const name of await readdir(cwd)) await run('dpkg', ['-x', join(cwd, name), root], options);
    },
    /** The packages of the libraries that a program does not find, by Debian's naming rule. */
    async missingLibraries(path: string, root: string): Promise<string[]> {
      const env = { ...(await environmentIn(root)), LC_ALL: 'C' };
      const { stdout } = await run('ldd', [path], { ...options, env });
      const missing = stdout.matchAll(/(\S+)\.so\.(\S+) => not found/g);
      const names = Array.from(missing, ([, stem = '', version = '']) =>
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
