/** BullMQ itself: an optional peer, loaded once it is used, of version 5 or 6. */
import { createRequire } from 'node:module';
import type { Queue, Worker } from 'bullmq';
import { hasMethod } from '../describe.js';
import { codeOf } from '../errors.js';

/** @throws Error that says what to install. */
export function loadBullmq(): typeof import('bullmq') {
  try {
    return require('bullmq');
  } catch (cause) {
    if (codeOf(cause) !== 'MODULE_NOT_FOUND') throw cause;
    throw new Error('express-email-verification/bullmq needs BullMQ: npm install bullmq ioredis', { cause });
  }
}

/** Looked up from BullMQ, whose peer it is. BullMQ itself would say so only in an event. */
export function checkIoredis(): void {
  try {
    createRequire(require.resolve('bullmq')).resolve('ioredis');
  } catch (cause) {
    throw new Error(
      'The `connection` option holds options for ioredis, which is not installed: npm install ioredis, or pass a client of redis.',
      { cause },
    );
  }
}

/** BullMQ 5 takes clients of ioredis alone. */
export function takesAnyClient({ Queue }: typeof import('bullmq')): boolean {
  return hasMethod(Queue.prototype, 'getBackend');
}

export type QueueClient = Awaited<ReturnType<Queue['getBackend']>['client']>;

interface Clients {
  readonly client: Promise<QueueClient>;
  /** That of a worker, on which it waits for jobs. */
  readonly blockingClient: Promise<QueueClient> | undefined;
}

export function clientsOf(queue: Queue | Worker): Clients {
  if (hasMethod(queue, 'getBackend')) return queue.getBackend();
  const older: object = queue;
  if (isOlder(older)) return { client: older.client, blockingClient: older.blockingConnection?.client };
  throw new Error('express-email-verification/bullmq needs BullMQ 5.30 or later, or 6.');
}

/** A queue or a worker of BullMQ 5. */
interface Older {
  readonly client: Promise<QueueClient>;
  readonly blockingConnection?: { readonly client: Promise<QueueClient> };
}

function isOlder(queue: object): queue is Older {
  return 'client' in queue;
}
