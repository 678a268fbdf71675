/** What the processes of the fleet have in common. All of it comes from the one that started them. */
import { RedisStore } from 'express-email-verification';
import { createCluster } from 'redis';

export interface MemberSettings {
  /** The ports of the Redis Cluster's nodes, on 127.0.0.1. */
  readonly nodes: readonly number[];
  readonly connection: { readonly url: string };
  readonly secret: string;
  readonly from: string;
  /** Not for the mail server itself. */
  readonly smtpUrl?: string;
}

export const settings: MemberSettings = JSON.parse(process.env['DEMO_SCALE_SETTINGS'] ?? '{}');

/** The state of all processes is in the cluster. */
export async function connectToStore() {
  const rootNodes = settings.nodes.map((port) => ({ socket: { host: '127.0.0.1', port } }));
  const client = createCluster({ rootNodes });
  client.on('error', () => {});
  await client.connect();
  return { store: new RedisStore(client), disconnect: () => client.destroy() };
}
