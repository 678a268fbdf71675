/** One of the two workers: takes emails from the queue, and sends them. */
import { createMailWorker } from 'express-email-verification/bullmq';
import { reportMetrics } from './metrics.js';
import { report, untilTold } from './report.js';
import { connectToStore, settings } from './settings.js';

/** Emails at a time. Two workers do about 200 emails a second with it, at the delay of this mail server. */
const CONCURRENCY = 20;

async function main(): Promise<void> {
  const { connection, from, secret, smtpUrl: url } = settings;
  const { store, disconnect } = await connectToStore();
  const transport = { url, pool: true, maxConnections: CONCURRENCY } as const;
  const worker = createMailWorker({
    ...{ connection, store, from, secret, transport },
    concurrency: CONCURRENCY,
  });
  reportMetrics(worker);
  for (const name of ['delivery_failed', 'delivery_unknown'] as const)
    worker.on(name, ({ email }) => report({ kind: 'undelivered', domain: email.replace(/^.*@/, '') }));
  worker.on('unavailable', () => {});
  report({ kind: 'ready' });

  await untilTold(async () => {
    await worker.close();
    disconnect();
  });
}

void main();
