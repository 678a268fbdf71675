/** Two workers of the package's server behind one port. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import { answerParent } from '../child.js';

const WORKERS = 2;

cluster.setupPrimary({ exec: join(__dirname, 'ours.js'), args: process.argv.slice(2) });
const listening = Promise.all(
  Array.from({ length: WORKERS }, async () => {
    const [address] = (await once(cluster.fork(), 'listening')) as [{ port: number }];
    return address.port;
  }),
);
answerParent({
  started: async () => ({ port: (await listening)[0], startedIn: 0, cpu: 0, rss: 0 }),
  usage: () => ({ cpu: 0, rss: 0 }),
});
