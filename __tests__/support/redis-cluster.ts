/** The Redis Cluster of the demo's fleet, for tests that make it fail. */
import { startRedisCluster as start } from '../../demo-app/scale/redis-cluster.js';

export { type ClusterNode, NODE_TIMEOUT } from '../../demo-app/scale/redis-cluster.js';
export type RedisCluster = Awaited<ReturnType<typeof startRedisCluster>>;

export async function startRedisCluster() {
  const cluster = await start();
  const [first] = cluster.nodes;
  return {
    ...cluster,
    async slotOf(key: string): Promise<number> {
      return Number(await first?.ask('CLUSTER', 'KEYSLOT', key));
    },
  };
}
