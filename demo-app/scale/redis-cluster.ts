/** A Redis Cluster on 127.0.0.1 with three masters and a replica each, whose nodes can crash and come back. */
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
      const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
      const own = slots.slice(Math.ceil((SLOTS / MASTERS) * n), Math.ceil((SLOTS / MASTERS) * (n + 1)));
      return node.ask('CLUSTER', 'ADDSLOTS', ...own.map(String));
    }),
  );
  await Promise.all(
    nodes.map((node, n) => node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(n + 1)).catch(() => {})),
  );
  for (const node of nodes) await first.ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port));
  await until('all nodes met', async () =>
    (await Promise.all(nodes.map(peersOf))).every((peers) => peers.length === nodes.length),
  );
  await Promise.all(
    replicas.map(async (node, n) => node.ask('CLUSTER', 'REPLICATE', (await masters[n]?.id()) ?? '')),
  );
  await until('the cluster is ready', isReady);

  /** Whether all nodes are there and each replica has what its master has. */
  async function isReady(): Promise<boolean> {
    if (nodes.some(({ server }) => !server.isRunning)) return false;
    return (await Promise.all(nodes.map(isNodeReady))).every(Boolean);
  }

  /** What a running node, other than the given one, knows of all. */
  async function peers(notBy?: ClusterNode) {
    const node = nodes.find((one) => one !== notBy && one.server.isRunning);
    return node ? peersOf(node) : [];
  }

  return {
    nodes,
    rootNodes: nodes.map(({ port }) => ({ socket: { host: '127.0.0.1', port } })),
    isReady,
    peers,
    /** The current node of a slot, asking another node than the given one. */
    async masterOf(slot: number, notBy?: ClusterNode): Promise<ClusterNode> {
      const owner = (await peers(notBy)).find(({ slots }) =>
        slots.some(([from, to]) => from <= slot && slot <= to),
      );
      const node = nodes.find(({ port }) => port === owner?.port);
      if (!node) throw new Error(`No node has slot ${slot}.`);
      return node;
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

/** The nodes that a node has met, from the lines of CLUSTER NODES: id, address, flags, five more, and its slots. */
async function peersOf(node: ClusterNode) {
  const lines = String(await node.ask('CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  const peers = lines.map((line) => {
    const [, address = '', flags = '', , , , , , ...ranges] = line.split(' ');
    return {
      port: Number(/:(\d+)/.exec(address)?.[1]),
      flags: flags.split(','),
      slots: ranges
        // A slot that moves is written in brackets as well.
        .filter((range) => /^\d/.test(range))
        .map((range) => range.split('-').map(Number))
        .map(([from = 0, to = from]) => [from, to] as const),
    };
  });
  return peers.filter(({ flags }) => !flags.includes('handshake'));
}

async function isNodeReady(node: ClusterNode): Promise<boolean> {
  const info = String(await node.ask('CLUSTER', 'INFO'));
  const replicas = (await peersOf(node)).filter(({ flags }) => flags.includes('slave'));
  const replicating = String(await node.ask('INFO', 'replication'));
  const inStep =
    /role:master\r\nconnected_slaves:1\r\n/.test(replicating) || /master_link_status:up/.test(replicating);
  return info.includes('cluster_state:ok') && replicas.length === MASTERS && inStep;
}
