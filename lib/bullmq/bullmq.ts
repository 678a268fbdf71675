/** `express-email-verification/bullmq`: emails on a queue of BullMQ, and the worker that sends them. */

export type { EnqueueOutcome, JobQueue, QueuedEmail } from '../mail/job-queue.js';
export type { MailWorker } from './mail-worker.js';
export { createMailWorker } from './mail-worker.js';
export { queueDelivery } from './queue-delivery.js';
export type { QueueOptions } from './queue-options.js';
export type { MailWorkerOptions, SendingRate } from './worker-options.js';
