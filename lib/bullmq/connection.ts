/** What the queue and its worker share: BullMQ itself, the connection to Redis, and the names of the queue. */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions, Queue, Worker } from 'bullmq';
import { isOptions, refuse, refuseHidden } from '../checks.js';
import { hasMethod } from '../describe.js';
import { codeOf, messageOf } from '../errors.js';
import { unfitness } from '../store/redis/fitness.js';

export interface QueueOptions {
  /**
   * The Redis of the queue, which may be another than that of the store: options for ioredis, such as `{ url }`, or a client of
   * ioredis or of redis (node-redis).
   */
  readonly connection: ConnectionOptions;
  /** The key that seals the jobs: the `secret` of the app, with rotation. */
  readonly secret: string | readonly (string | undefined)[] | undefined;
  /** The name of the queue, `[A-Za-z0-9_-]{1,64}`: the same at the app and its workers. @default 'email-verification' */
  readonly queueName?: string | undefined;
}

/** A hash tag: all keys of the queue are in one slot of a cluster, as BullMQ needs it. */
export const QUEUE_PREFIX = '{ev}';

export const JOB_NAME = 'email';

export function checkQueueName(name: unknown, of: string): string {
  if (name === undefined) return 'email-verification';
  if (typeof name === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  return refuse('queueName', '1 to 64 of A-Z, a-z, 0-9, _ and -', name, of);
}

/** @throws Error that says what to install. */
export function loadBullmq(): typeof import('bullmq') {
  try {
    return require('bullmq');
  } catch (cause) {
    if (codeOf(cause) !== 'MODULE_NOT_FOUND') throw cause;
    throw new Error('express-email-verification/bullmq needs BullMQ: npm install bullmq ioredis', { cause });
  }
}

/** A connection for one queue or one worker of BullMQ. */
export interface QueueConnection {
  readonly connection: ConnectionOptions;
  /** Ends the attempts to connect, which would keep the process running. */
  giveUp(): void;
}

type RetryStrategy = (times: number) => number | null | undefined;

/** @param own options for the connections that BullMQ makes itself. A client of the app keeps its own. */
export function checkConnection(
  passed: ConnectionOptions | undefined,
  of: string,
  own: object = {},
): () => QueueConnection {
  if (passed && isClient(passed)) return () => ({ connection: passed, giveUp() {} });
  if (!isOptions(passed)) return refuseHidden('connection', CONNECTIONS, passed, of);
  checkIoredis();
  const options: object = passed;
  const { retryStrategy }: { retryStrategy?: RetryStrategy } = options;
  const delayOf = retryStrategy ?? ((times: number) => Math.min(100 * times, MAX_RECONNECT_DELAY));
  return () => {
    let isOver = false;
    return {
      connection: { ...options, ...own, retryStrategy: (times: number) => (isOver ? null : delayOf(times)) },
      giveUp() {
        isOver = true;
      },
    };
  };
}

const CONNECTIONS = 'options for ioredis, such as { url }, or a client of ioredis or redis';

/** In ms. BullMQ's own grows to 20 s, which would delay emails long after Redis is back. */
const MAX_RECONNECT_DELAY = 1000;

function isClient(connection: unknown): boolean {
  return hasMethod(connection, 'duplicate') && hasMethod(connection, 'connect');
}

/** Looked up from BullMQ, whose peer it is. BullMQ itself would say so only in an event. */
function checkIoredis(): void {
  try {
    createRequire(require.resolve('bullmq')).resolve('ioredis');
  } catch (cause) {
    throw new Error(
      'The `connection` option holds options for ioredis, which is not installed: npm install ioredis, or pass a client of redis.',
      { cause },
    );
  }
}

type RedisClient = Awaited<ReturnType<Queue['getBackend']>['client']>;

/** Whether commands go out at once. A cluster of ioredis says `connect`. */
export function isReady({ status, isCluster }: RedisClient): boolean {
  return status === 'ready' || (isCluster && status === 'connect');
}

/** The first words of Redis' own errors: what it answers so, it has not done. */
const REPLY =
  /^(?:ERR|OOM|NOAUTH|WRONGPASS|NOPERM|READONLY|MISCONF|LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|TRYAGAIN)\b/;

/** The code of an error that Redis replied with, such as `OOM`; undefined for any other error. */
export function replyCodeOf(error: unknown): string | undefined {
  return REPLY.exec(messageOf(error))?.[0];
}

/** The error without what a library added to it, such as the arguments of the command. */
export function bareError(error: unknown): Error {
  const code = codeOf(error);
  const bare = new Error(messageOf(error));
  return code === undefined ? bare : Object.assign(bare, { code });
}

/** What keeps the queue's Redis from holding emails, as sentences. */
export async function checkQueue(queue: Queue, timeout: number): Promise<readonly string[]> {
  try {
    const info = await within(
      timeout,
      queue.getBackend().client.then((client) => client.info()),
    );
    return unfitness(info, { server: 'The Redis of the email queue', lost: 'emails' });
  } catch (error) {
    return [`The email queue is unavailable: ${messageOf(error)}`];
  }
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
export async function closeQueue(
  queue: Queue | Worker,
  { connection, giveUp }: QueueConnection,
): Promise<void> {
  const { client, blockingClient } = queue.getBackend();
  const clients = Promise.all([client, ...(blockingClient ? [blockingClient] : [])]);
  const isOurs = !isClient(connection);
  const areReady = await within(0, clients).then(
    (all) => {
      // BullMQ takes its own listener off before the connection has ended, and ioredis prints what nobody listens to.
      if (isOurs) for (const one of all) one.on('error', () => {});
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
    if (!isOurs) blockingClient?.then((one) => one.disconnect()).catch(() => {});
  }
}
