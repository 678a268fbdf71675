/**
 * A Redis server for the demo and the tests, wherever one can be had without root, a service or an install
 * script: the one that REDIS_SERVER names, else the one on the PATH, else Debian's package, unpacked once
 * into `node_modules/.cache`.
 *
 * It keeps nothing on disk, listens on 127.0.0.1 or a unix socket only, and never outlives its parent.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type NetConnectOpts, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

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
    return (await inspectUnpacked(unpacked)) ?? (await unpackDebianPackages(home, unpacked, onProgress));
  } catch (error) {
    onProgress(
      `Debian's Redis package could not be unpacked: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
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

/**
 * A shell that waits for the end of its input, which comes with the end of this process, also by SIGKILL;
 * then it kills the server it was last told of and removes the folder. It too is out of Ctrl-C's reach.
 */
function startWatchdog(folder: string) {
  const script = 'while read -r line; do pid=$line; done; [ -z "$pid" ] || kill -9 "$pid"; rm -rf "$0"';
  const shell = spawn('/bin/sh', ['-c', script, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  shell.stdin.on('error', () => {});
  return {
    guard(redis: RunningRedis) {
      shell.stdin.write(`${redis.pid}\n`);
      void redis.exited.then(() => shell.stdin.writable && shell.stdin.write('\n'));
    },
    dismiss() {
      shell.stdin.end();
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

const run = promisify(execFile);

function onPath(...names: readonly string[]): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .filter((path) => existsSync(path));
}

function environment({ libraryPath }: Pick<RedisBinary, 'libraryPath'>): NodeJS.ProcessEnv {
  return libraryPath ? { ...process.env, LD_LIBRARY_PATH: libraryPath } : process.env;
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

function unpackedServer(root: string): string | undefined {
  return ['redis-server', 'valkey-server']
    .map((name) => join(root, 'usr/bin', name))
    .find((path) => existsSync(path));
}

async function libraryFolders(root: string): Promise<string> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const folders = files.filter((file) => /\.so(\.|$)/.test(file.name)).map((file) => file.parentPath);
  return [...new Set(folders)].join(':');
}

async function distribution(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(release)?.[1] ?? 'unknown';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}

/**
 * Debian's packages without root: apt with lists and caches of its own, and `dpkg -x`, which runs no script.
 * All of it happens in a folder that gets its name when it is whole: who is interrupted leaves nothing half,
 * and of two at the same time the first wins.
 */
async function unpackDebianPackages(home: string, unpacked: string, onProgress: (sentence: string) => void) {
  onProgress("There is no redis-server on the PATH: fetching Debian's package, once (about 10 MB).");
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
  const binary = await inspectUnpacked(unpacked);
  if (!binary) throw new Error(`it does not run; remove ${unpacked} to try again.`);
  return binary;
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
