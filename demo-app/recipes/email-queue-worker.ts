/** A worker of the queue in email-queue.ts. Run as many as you like, each as a process of its own. */

import { createMailWorker, type MailWorker, type MailWorkerOptions } from 'express-email-verification/bullmq';

/** @param options those of the app, with its `store`, and the `transport`, which the app itself does not need. */
export async function startWorker(
  options: Omit<MailWorkerOptions, 'connection'>,
  queueUrl: string,
): Promise<MailWorker> {
  const worker = createMailWorker({
    ...options,
    connection: { url: queueUrl },
    // All workers together. Put in what your provider allows.
    rate: { max: 14, duration: 1000 },
  });
  worker.on('delivery_failed', ({ email, cause }) => console.error(email, cause.message));
  worker.on('delivery_unknown', ({ email, cause }) => console.error(email, cause.message));
  worker.on('unavailable', ({ cause }) => console.error(cause));

  const { problems } = await worker.check();
  for (const problem of problems) console.error(problem);
  // Emails that are being sent are finished first. The others stay in the queue.
  process.once('SIGTERM', async () => {
    await worker.close();
    // Otherwise, the Redis client of the store would keep the process running.
    process.exit();
  });
  return worker;
}
