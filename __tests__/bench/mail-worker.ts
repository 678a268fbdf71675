/** A worker that sends the emails of a queue, in a process of its own. */
import { RedisStore } from 'express-email-verification';
import { createMailWorker, type MailWorker } from 'express-email-verification/bullmq';
import { createClient } from 'redis';
import { answerParent, childArgument } from './child.js';
import { FROM, SECRET } from './servers/serve.js';

export interface WorkerSettings {
  readonly redis: string;
  readonly queue: string;
  readonly smtpPort: number;
  readonly connections: number;
}

const { redis: url, queue, smtpPort, connections } = childArgument<WorkerSettings>();
let worker: MailWorker | undefined;

answerParent({
  async start() {
    const redis = await createClient({ url }).on('error', console.error).connect();
    worker = createMailWorker({
      connection: { url: queue },
      secret: SECRET,
      store: new RedisStore(redis),
      transport: { host: '127.0.0.1', port: smtpPort, maxConnections: connections, maxMessages: 100 },
      from: FROM,
    });
    worker.on('delivery_failed', ({ cause }) => console.error(cause.message));
  },
  close: () => worker?.close(),
  usage() {
    const { user, system } = process.cpuUsage();
    return { cpu: user + system };
  },
});
