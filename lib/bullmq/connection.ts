/** The connection of a queue or a worker while it runs: whether it is ready, what its errors mean, how it is closed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue, Worker } from 'bullmq';
import { codeOf, messageOf, textOf } from '../errors.js';
import { isNoRight } from '../store/redis/errors.js';
import { clientsOf, type QueueClient } from './library.js';
import type { QueueConnection } from './queue-options.js';

/** Whether commands go out at once. A cluster of ioredis says `connect`. */
export function isReady({ status, isCluster }: QueueClient): boolean {
  return status === 'ready' || (isCluster && status === 'connect');
}

/** The first words of Redis' own errors. */
const REPLY =
  /^(?:ERR|OOM|NOAUTH|WRONGPASS|NOPERM|READONLY|MISCONF|LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|TRYAGAIN)\b/;

/** The code of an error that Redis replied with, such as `OOM`; undefined for any other error. */
export function replyCodeOf(error: unknown): string | undefined {
  const message = messageOf(error);
  // In a script, Redis 7.0 says so without the code.
  return isNoRight(message) ? 'NOPERM' : REPLY.exec(message)?.[0];
}

/** Whether Redis has not done what it was asked for, not even a part. */
export function isRefusal(error: unknown): boolean {
  const code = replyCodeOf(error);
  if (code === undefined) return false;
  // Any other error in the middle of a script leaves what was written before it. Redis 6.2 wraps these in an ERR.
  return !messageOf(error).includes('user_script') || BEFORE_WRITES.test(messageOf(error));
}

/** What Redis checks at the first command of a script that writes. */
const BEFORE_WRITES = /(?:^|-)(?:OOM|READONLY|MISCONF|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b/;

/** The error without what a library added to it, such as the arguments of the command. */
export function bareError(error: unknown): Error {
  const code = codeOf(error);
  // A SyntaxError quotes what could not be parsed.
  const isUnreadable = textOf(error, 'name') === 'SyntaxError';
  const bare = new Error(
    isUnreadable ? 'A job in the queue cannot be read: it is not JSON.' : messageOf(error),
  );
  return code === undefined ? bare : Object.assign(bare, { code });
}

/** @throws an error with the code ETIMEDOUT if the promise does not settle within `timeout` ms. */
export async function within<T>(timeout: number, promise: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const timedOut = sleep(timeout, undefined, { signal: ended.signal }).then(() => {
    throw Object.assign(new Error('Redis did not answer in time.'), { code: 'ETIMEDOUT' });
  });
  try {
    return await Promise.race([promise, timedOut]);
  } finally {
    ended.abort();
    timedOut.catch(() => {});
    promise.catch(() => {});
  }
}

/** How long BullMQ may take for what needs Redis, in ms, before we go on without: it waits for a Redis that is unreachable. */
export const REDIS_TIMEOUT = 2000;

/** Closes what BullMQ opened, within `REDIS_TIMEOUT`. A client that the app passed stays open. */
export async function closeQueue(queue: Queue | Worker, { isOfApp, giveUp }: QueueConnection): Promise<void> {
  const { client, blockingClient } = clientsOf(queue);
  const clients = Promise.all([client, ...(blockingClient ? [blockingClient] : [])]);
  const areReady = await within(0, clients).then(
    (all) => {
      // BullMQ takes its own listener off before the connection has ended, and ioredis prints what nobody listens to.
      if (!isOfApp) for (const one of all) one.on('error', () => {});
      return all.every(isReady);
    },
    () => false,
  );
  try {
    // Without a connection, a worker would wait for one before it stops.
    await within(REDIS_TIMEOUT, areReady || !('run' in queue) ? queue.close() : queue.close(true));
  } catch {
    giveUp();
    // BullMQ duplicates a client of the app for this.
    if (isOfApp) blockingClient?.then((one) => one.disconnect()).catch(() => {});
  }
}
