/** A Redis Cluster on 127.0.0.1 with three masters and a replica each, for tests that make it fail. */
import { createClient } from 'redis';
import { freePort } from './free-port.js';
import { startRedisServer } from './redis-server.js';
import { until } from './until.js';

const MASTERS = 3;
const SLOTS = 16_384;

/** After how many ms without a reply the others consider a node down. */
export const NODE_TIMEOUT = 2000;

export type RedisCluster = Awaited<ReturnType<typeof startRedisCluster>>;
export type ClusterNode = Awaited<ReturnType<typeof startNode>>;

export async function startRedisCluster() {
  const nodes = await Promise.all(Array.from({ length: MASTERS * 2 }, startNode));
  const [first] = nodes;
  if (!first) throw new Error('The cluster has no nodes.');
  const masters = nodes.slice(0, MASTERS);
  const replicas = nodes.slice(MASTERS);

  await Promise.all(
    masters.map((node, n) => {
      const from = Math.ceil((SLOTS / MASTERS) * n);
      const to = Math.ceil((SLOTS / MASTERS) * (n + 1)) - 1;
      return node.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
    }),
  );
  await Promise.all(
    nodes.map((node, n) => node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(n + 1)).catch(() => {})),
  );
  for (const node of nodes) await first.ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port));
  await until('all nodes met', async () =>
    (await Promise.all(nodes.map(known))).every((count) => count === nodes.length),
  );
  await Promise.all(
    replicas.map(async (node, n) => node.ask('CLUSTER', 'REPLICATE', (await masters[n]?.id()) ?? '')),
  );
  await until('the cluster is ready', async () => (await Promise.all(nodes.map(isReady))).every(Boolean));

  return {
    nodes,
    rootNodes: nodes.map(({ port }) => ({ socket: { host: '127.0.0.1', port } })),
    /** The current node of a slot, asking another node than the given one. */
    async masterOf(slot: number, notBy?: ClusterNode): Promise<ClusterNode> {
      const source = nodes.find((node) => node !== notBy) ?? first;
      const table = (await source.ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
      const port = table.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
      const node = nodes.find((one) => one.port === port);
      if (!node) throw new Error(`No node has slot ${slot}.`);
      return node;
    },
    async slotOf(key: string): Promise<number> {
      return Number(await first.ask('CLUSTER', 'KEYSLOT', key));
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

async function startNode() {
  const port = await freePort();
  const server = await startRedisServer({
    port,
    args: [
      ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
      ...['--cluster-node-timeout', String(NODE_TIMEOUT), '--cluster-replica-validity-factor', '0'],
      // Otherwise a master that goes down early has no replica that can take over.
      ...['--repl-diskless-sync-delay', '0'],
    ],
  });
  const client = createClient({ url: server.url, socket: { reconnectStrategy: 50 } });
  client.on('error', () => {});
  await client.connect();
  const ask = (...words: string[]): Promise<unknown> => client.sendCommand(words);

  return {
    port,
    server,
    ask,
    id: async () => String(await ask('CLUSTER', 'MYID')),
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}

async function known(node: ClusterNode): Promise<number> {
  const nodes = String(await node.ask('CLUSTER', 'NODES'));
  return nodes
    .trim()
    .split('\n')
    .filter((line) => !line.includes('handshake')).length;
}

async function isReady(node: ClusterNode): Promise<boolean> {
  const info = String(await node.ask('CLUSTER', 'INFO'));
  const nodes = String(await node.ask('CLUSTER', 'NODES'));
  const replicating = String(await node.ask('INFO', 'replication'));
  const inStep =
    /role:master\r\nconnected_slaves:1\r\n/.test(replicating) || /master_link_status:up/.test(replicating);
  return info.includes('cluster_state:ok') && (nodes.match(/slave /g) ?? []).length === MASTERS && inStep;
}
