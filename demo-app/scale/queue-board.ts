/** Bull Board, which shows the queue of emails. It shows sealed jobs, and can change nothing. */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Queue } from 'bullmq';
import type { Router } from 'express';

/** @param path where it is mounted */
export function createQueueBoard(queueUrl: string, path: string): Router {
  const queue = new Queue('email-verification', { connection: { url: queueUrl }, prefix: '{ev}' });
  queue.on('error', () => {});
  const serverAdapter = new ExpressAdapter().setBasePath(path);
  createBullBoard({ queues: [new BullMQAdapter(queue, { readOnlyMode: true })], serverAdapter });
  return serverAdapter.getRouter();
}
