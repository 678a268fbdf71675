/** The equipment of a bench: a Redis, a mail sink, a load generator, and the servers it asks for. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../support/free-port.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type Child, startChild } from './child.js';
import type { LoadJob, LoadResult } from './load.js';
import type { Seed, SeedKind } from './seeder.js';
import type { ServerSettings, Started, Usage } from './servers/serve.js';
import type { SinkCount, SinkDelay } from './sink.js';

export type ServerName = 'ours' | 'floor' | 'naive' | 'better-auth' | 'empty' | 'cluster' | 'scale';

export interface Lab {
  /** The folder of the compiled files. */
  readonly build: string;
  readonly redis: RedisServer;
  readonly sink: Sink;
  readonly seeder: Seeder;
  /** Another Redis with its own seeder. */
  anotherRedis(): Promise<{ redis: RedisServer; seeder: Seeder }>;
  /** One more seeder, to fill Redis faster. */
  seederFor(redis: RedisServer): Promise<Seeder>;
  /** Starts a server under test. It ends with the bench. */
  server(name: ServerName, settings?: Partial<ServerSettings>, build?: string): Promise<Server>;
  /** A process for something that only one bench does. */
  child(file: string, argument?: unknown, execArgv?: string[]): Child;
  /** Puts load on a server and measures it. */
  load(server: Server, job: Omit<LoadJob, 'port'>): Promise<Measured>;
  /** Ends the servers of a bench and deletes all keys. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export interface Server extends Started {
  readonly name: string;
  readonly child: Child;
}

export interface Measured extends LoadResult {
  /** Successes per second. */
  readonly perSecond: number;
  /** Microseconds of the server's CPU per answer. */
  readonly cpuEach: number;
  /** Microseconds of the server's CPU in total. */
  readonly cpu: number;
}

export interface Sink {
  readonly port: number;
  /** A second port, with TLS. */
  tlsPort(): Promise<number>;
  count(): Promise<SinkCount>;
  delay(delay: SinkDelay): Promise<void>;
}

export interface Seeder {
  seed(seed: Seed & { kind: SeedKind }): Promise<void>;
  /** The challengeId of a seeded holder, with `{i}` in place of the number of its address. */
  challengeId(): Promise<string>;
  /** The same for the token of an address that is seeded as verified. */
  token(): Promise<string>;
  /** Bytes in use. */
  memory(): Promise<number>;
  keys(): Promise<number>;
  expireAll(): Promise<void>;
  flush(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const build = compile();
  const redis = await startRedis();
  const servers: Child[] = [];
  const others: { stop(): Promise<void> }[] = [];

  const start = (file: string, argument?: unknown, execArgv?: string[]) =>
    startChild(join(build, '__tests__/bench', file), argument, execArgv);
  const seederFor = async ({ url }: RedisServer) => {
    const child = start('seeder.js', { redis: url });
    servers.push(child);
    return seederOf(child);
  };
  const generator = start('load.js');
  const sinkChild = start('sink.js');
  const sink: Sink = {
    port: await sinkChild.ask<number>('listen'),
    tlsPort: () => sinkChild.ask('listenWithTls'),
    count: () => sinkChild.ask('count'),
    delay: (delay) => sinkChild.ask('delay', delay),
  };
  const seederChild = start('seeder.js', { redis: redis.url });
  const seeder = await seederOf(seederChild);

  return {
    build,
    redis,
    sink,
    seeder,
    async anotherRedis() {
      const redis = await startRedis();
      others.push(redis);
      return { redis, seeder: await seederFor(redis) };
    },
    seederFor,
    async server(name, settings, from = build) {
      const argument = {
        redis: redis.url,
        smtpPort: sink.port,
        delivery: 'none',
        poolSize: 5,
        maxMessages: 10,
        queue: redis.url,
        ...settings,
      };
      const child = startChild(join(from, '__tests__/bench/servers', `${name}.js`), argument, [
        '--expose-gc',
      ]);
      servers.push(child);
      return { name, child, ...(await child.ask<Started>('started')) };
    },
    child(file, argument, execArgv) {
      const child = start(file, argument, execArgv);
      servers.push(child);
      return child;
    },
    async load(server, job) {
      const before = await server.child.ask<Usage>('usage');
      const result = await generator.ask<LoadResult>('run', { ...job, port: server.port });
      const cpu = (await server.child.ask<Usage>('usage')).cpu - before.cpu;
      const answers = result.ok + result.refused + result.other;
      return { ...result, perSecond: result.ok / result.seconds, cpuEach: cpu / answers, cpu };
    },
    async tidy() {
      await Promise.all([...servers.splice(0), ...others.splice(0)].map((one) => one.stop()));
      await seeder.flush();
      await sink.delay({ reply: 0, message: 0 });
    },
    async close() {
      await Promise.all([...servers, ...others, generator, sinkChild, seederChild].map((one) => one.stop()));
      await redis.stop();
      rmSync(build, { recursive: true, force: true });
    },
  };
}

/** Compiles this checkout with tsc, as it is shipped, into a temporary folder: tsx runs different code. */
function compile(): string {
  const root = resolve(__dirname, '../..');
  const build = mkdtempSync(join(tmpdir(), 'email-verification-bench-'));
  tsc('-p', __dirname, '--outDir', build);
  asPackage(build, root);
  return build;
}

/** The same with the lib of another checkout, to compare the two. The caller removes the folder. */
export function compileWithLibOf(checkout: string, build: string): string {
  const other = mkdtempSync(join(tmpdir(), 'email-verification-bench-'));
  tsc('-p', join(checkout, 'lib'), '--outDir', join(other, 'lib'), '--noCheck', '--declaration', 'false');
  cpSync(join(build, '__tests__'), join(other, '__tests__'), { recursive: true });
  asPackage(other, checkout);
  return other;
}

/** Lets the servers import the package by its name. */
function asPackage(build: string, root: string): void {
  const name = 'express-email-verification';
  const exports = { '.': './lib/index.js', './bullmq': './lib/bullmq/bullmq.js' };
  writeFileSync(join(build, 'package.json'), JSON.stringify({ name, exports }));
  symlinkSync(join(root, 'node_modules'), join(build, 'node_modules'), 'junction');
}

function tsc(...args: string[]): void {
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), ...args], { stdio: 'inherit' });
}

async function startRedis(): Promise<RedisServer> {
  return startRedisServer({ port: await freePort(), onProgress: console.error });
}

async function seederOf(child: Child): Promise<Seeder> {
  await child.ask('connect');
  return {
    seed: (seed) => child.ask('seed', seed),
    challengeId: () => child.ask('challengeId'),
    token: () => child.ask('token'),
    memory: () => child.ask('memory'),
    keys: () => child.ask('keys'),
    expireAll: () => child.ask('expireAll'),
    flush: () => child.ask('flush'),
  };
}
