/** A Redis master with two replicas, watched by three Sentinels, for the tests that make it fail. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { findRedisServer } from '../../demo-app/dev/redis-binary.js';
import { freePort } from './free-port.js';
import { type RedisServer, startRedisServer } from './redis-server.js';
import { replicasInStep } from './replication.js';
import { until } from './until.js';

export const SENTINEL_NAME = 'main';

/** After how many ms without a reply a Sentinel considers the master down. */
const DOWN_AFTER = 1000;

export type WatchedRedis = Awaited<ReturnType<typeof startWatchedRedis>>;

export async function startWatchedRedis() {
  const first = await startServer([]);
  const others = await Promise.all(
    [1, 2].map(() => startServer(['--replicaof', '127.0.0.1', `${first.port}`])),
  );
  const servers = [first, ...others];
  await until('both replicas follow', async () =>
    (await ask(first.port, 'INFO', 'replication')).includes('connected_slaves:2'),
  );
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(first.port)));
  const [sentinel] = sentinels;
  if (!sentinel) throw new Error('There is no Sentinel.');
  await until('the Sentinels know each other and the replicas', async () => {
    const replies = await Promise.all(
      sentinels.map(({ port }) => ask(port, 'SENTINEL', 'MASTER', SENTINEL_NAME)),
    );
    return replies.every((fields) => /num-slaves,2,num-other-sentinels,2/.test(fields));
  });

  const master = async (): Promise<RedisServer> => {
    const [, port] = (await ask(sentinel.port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_NAME)).split(
      ',',
    );
    const server = servers.find((one) => String(one.port) === port);
    if (!server) throw new Error('The master is not one of the servers.');
    return server;
  };
  return {
    rootNodes: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    /** The master as the Sentinels see it. */
    master,
    /** Makes the Sentinels promote a replica. */
    async failover(): Promise<void> {
      await ask(sentinel.port, 'SENTINEL', 'FAILOVER', SENTINEL_NAME);
    },
    /** Settles when both replicas have everything written so far. */
    async inStep(): Promise<void> {
      const { port } = await master();
      await replicasInStep(() => ask(port, 'INFO', 'replication'));
    },
    /** Makes all others follow the master, as the Sentinels would after ten seconds; settles when they do. */
    async whole(): Promise<void> {
      const { port } = await master();
      for (const server of servers)
        if (server.port !== port) await ask(server.port, 'REPLICAOF', '127.0.0.1', `${port}`);
      await until('both replicas follow the master', async () =>
        (await ask(port, 'INFO', 'replication')).includes('connected_slaves:2'),
      );
    },
    async stop() {
      await Promise.all([...sentinels, ...servers].map((one) => one.stop()));
    },
  };
}

async function startServer(args: string[]): Promise<RedisServer> {
  const port = await freePort();
  return startRedisServer({ port, args: [...args, '--repl-diskless-sync-delay', '0'] });
}

/** A Sentinel keeps its state in its configuration file. It ends when the input of the shell around it is closed. */
async function startSentinel(masterPort: number | undefined) {
  const binary = await findRedisServer();
  if (!binary) throw new Error('No Redis found: install redis-server or set REDIS_SERVER.');
  const folder = await mkdtemp(join(tmpdir(), 'redis-sentinel-'));
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `logfile ${join(folder, 'sentinel.log')}`,
      `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${SENTINEL_NAME} ${DOWN_AFTER}`,
      `sentinel failover-timeout ${SENTINEL_NAME} 6000`,
      '',
    ].join('\n'),
  );
  const shell = spawn(
    '/bin/sh',
    ['-c', '"$0" "$1" --sentinel & read -r end; kill -9 $!', binary.path, file],
    { stdio: ['pipe', 'ignore', 'ignore'], env: binary.env },
  );
  await until('the Sentinel answers', async () => (await ask(port, 'PING').catch(() => '')) === 'PONG');
  return {
    port,
    async stop() {
      shell.stdin.end();
      await once(shell, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Uses a new connection each time, since servers come and go. */
async function ask(port: number | undefined, ...words: string[]): Promise<string> {
  const client = createClient({
    socket: { host: '127.0.0.1', port: port ?? 0, reconnectStrategy: false },
    RESP: 2,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return String(await client.sendCommand(words));
  } finally {
    client.destroy();
  }
}
