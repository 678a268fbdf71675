/** A queue of BullMQ whose connection may fail at first, at the app or at a worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { messageOf } from '../errors.js';
import { unfitness } from '../store/redis/fitness.js';
import { closeQueue, isReady, within } from './connection.js';
import { clientsOf, loadBullmq } from './library.js';
import { QUEUE_PREFIX, type QueueConnection } from './queue-options.js';

export interface ReplacedQueue {
  /** @throws Error if it is closed. */
  current(): Queue;
  /** Why there is no connection, if that is so. */
  lastError(): unknown;
  /** Called when a command has succeeded. */
  forgetError(): void;
  /** What keeps its Redis from holding emails, as sentences. */
  check(timeout: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** How soon a queue is replaced, in ms. Redis may refuse each of them, for the lack of a right. */
const REPLACE_DELAY = 500;

/** A queue whose first connection fails stays unusable, so it is replaced. */
export function openQueue(queueName: string, createConnection: () => QueueConnection): ReplacedQueue {
  const bullmq = loadBullmq();
  let opened: { readonly queue: Queue; readonly connection: QueueConnection } | undefined;
  let lastError: unknown;
  let isClosed = false;

  function current(): Queue {
    if (isClosed) throw new Error('The queue is closed.');
    opened ??= open();
    return opened.queue;
  }

  function open(): NonNullable<typeof opened> {
    const connection = createConnection();
    const queue = new bullmq.Queue(queueName, { connection: connection.connection, prefix: QUEUE_PREFIX });
    const created = { queue, connection };
    queue.on('error', (error) => {
      lastError = error;
    });
    queue.waitUntilReady().catch(async (error: unknown) => {
      lastError = error;
      await closeQueue(queue, connection);
      await sleep(REPLACE_DELAY, undefined, { ref: false });
      if (opened === created) opened = undefined;
    });
    return created;
  }

  /** If it is not, commands wait or are refused, and only the last error says why. */
  async function isConnected(): Promise<boolean> {
    return opened !== undefined && within(0, clientsOf(opened.queue).client).then(isReady, () => false);
  }

  current();
  return {
    current,
    lastError: () => lastError,
    forgetError() {
      lastError = undefined;
    },
    async check(timeout) {
      try {
        const { client } = clientsOf(current());
        const info = await within(
          timeout,
          client.then((connected) => connected.info()),
        );
        return unfitness(info, { server: 'The Redis of the email queue', lost: 'emails' });
      } catch (error) {
        const cause = (await isConnected()) ? error : (lastError ?? error);
        return [`The email queue is unavailable: ${messageOf(cause)}`];
      }
    },
    async close() {
      isClosed = true;
      if (opened) await closeQueue(opened.queue, opened.connection);
    },
  };
}
