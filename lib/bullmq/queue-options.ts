/** The options that the queue and its worker share, and their checks. */
import type { ConnectionOptions } from 'bullmq';
import { isOptions, isUnset, refuse, refuseHidden } from '../checks.js';
import { hasMethod, nameOf } from '../describe.js';
import { propertyOf } from '../errors.js';
import { checkIoredis, loadBullmq, takesAnyClient } from './library.js';

export interface QueueOptions {
  /**
   * The Redis of the queue, which may be another than that of the store: options for ioredis, such as `{ url }`, or a client of
   * ioredis or of redis (node-redis).
   */
  readonly connection: ConnectionOptions | { readonly url: string | undefined };
  /** The key that seals the jobs: the `secret` of the app, with rotation. */
  readonly secret: string | readonly (string | undefined)[] | undefined;
  /** The name of the queue, `[A-Za-z0-9_-]{1,64}`: the same at the app and its workers. @default 'email-verification' */
  readonly queueName?: string | undefined;
}

/** A hash tag: all keys of the queue are in one slot of a cluster, as BullMQ needs it. */
export const QUEUE_PREFIX = '{ev}';

/** Options of a job: nothing of it stays in Redis once it is done. */
export const DROPPED_WHEN_DONE = { removeOnComplete: true, removeOnFail: true };

export function checkQueueName(name: unknown, of: string): string {
  if (name === undefined) return 'email-verification';
  if (typeof name === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  return refuse('queueName', '1 to 64 of A-Z, a-z, 0-9, _ and -', name, of);
}

/** A connection for one queue or one worker of BullMQ. */
export interface QueueConnection {
  readonly connection: ConnectionOptions;
  /** Whether it is a client of the app, which stays open. */
  readonly isOfApp: boolean;
  /** Ends the attempts to connect, which would keep the process running. */
  giveUp(): void;
}

type RetryStrategy = (times: number) => number | null | undefined;

/** @param own options for the connections that BullMQ makes itself. A client of the app keeps its own. */
export function checkConnection(
  passed: QueueOptions['connection'] | undefined,
  of: string,
  own: object = {},
): () => QueueConnection {
  if (isClient(passed)) {
    refuseFault(faultOfClient(passed), of);
    return () => ({ connection: passed, isOfApp: true, giveUp() {} });
  }
  // A pool or a sentinel of redis.
  if (!isOptions(passed) || hasMethod(passed, 'connect'))
    return refuseHidden('connection', CONNECTIONS, passed, of);
  refuseFault(faultOfOptions(passed), of);
  checkIoredis();
  const options: object = passed;
  const { retryStrategy }: { retryStrategy?: RetryStrategy } = options;
  const delayOf = retryStrategy ?? ((times: number) => Math.min(100 * times, MAX_RECONNECT_DELAY));
  return () => {
    let isOver = false;
    return {
      connection: { ...options, ...own, retryStrategy: (times: number) => (isOver ? null : delayOf(times)) },
      isOfApp: false,
      giveUp() {
        isOver = true;
      },
    };
  };
}

const CONNECTIONS = 'options for ioredis, such as { url }, or a client of ioredis or redis';

/** In ms. BullMQ's own grows to 20 s, which would delay emails long after Redis is back. */
const MAX_RECONNECT_DELAY = 1000;

/** By the methods that BullMQ knows a client by. It takes anything else for options. */
function isClient(connection: unknown): connection is ConnectionOptions & object {
  return ['connect', 'disconnect', 'duplicate'].every((method) => hasMethod(connection, method));
}

function refuseFault(fault: string | undefined, of: string): void {
  if (fault !== undefined) throw new TypeError(`The \`connection\` option of ${of} ${fault}.`);
}

function faultOfClient(client: object): string | undefined {
  if (hasMethod(client, 'defineCommand')) return faultOfPrefix(propertyOf(client, 'options'));
  if ('masters' in client) return 'is a cluster of redis, which BullMQ cannot use: pass one of ioredis';
  return takesAnyClient(loadBullmq())
    ? undefined
    : 'is a client of redis, which BullMQ 5 cannot use: pass one of ioredis, or install BullMQ 6';
}

/** What names the server, in the options of ioredis. Without any of it, ioredis connects to localhost. */
const ADDRESSES = ['url', 'host', 'path', 'sentinels'];

function faultOfOptions(options: object): string | undefined {
  const url = propertyOf(options, 'url');
  if (url !== undefined && typeof url !== 'string')
    return `has a \`url\` that is not a string, but ${nameOf(url)}`;
  const named = ADDRESSES.filter((name) => name in options);
  const set = named.filter((name) => !isMissing(propertyOf(options, name)));
  if (named.length > 0 && set.length === 0) return `has no value for its \`${named[0]}\``;
  if (named.length === 0 && propertyOf(options, 'port') === undefined)
    return 'names no server: pass `url`, or `host` and `port`';
  return faultOfPrefix(options);
}

/** As an environment variable that is not set. */
function isMissing(value: unknown): boolean {
  return value === undefined || value === '' || isUnset(value);
}

/** BullMQ writes parts of its keys into its scripts, where ioredis does not add a prefix. */
function faultOfPrefix(options: unknown): string | undefined {
  return propertyOf(options, 'keyPrefix')
    ? 'has a `keyPrefix`, which BullMQ cannot use: leave it out. All keys of the queue begin with {ev}'
    : undefined;
}
