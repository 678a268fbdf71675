/** Adapts a client or cluster of ioredis to what the store needs. */
import { hasMethod } from '../../describe.js';
import type { EvalOptions, RedisClient, RedisCommands } from './client.js';

/**
 * What the store needs from a client or cluster of ioredis. Typed by shape, so that those of ioredis 5 and 6 fit with any
 * options.
 */
export interface IoredisClient {
  /** Such as `ready`, `reconnecting`, `end`. */
  readonly status: string;
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: each event has arguments of its own
  on(event: string, listener: (...args: any[]) => void): unknown;
}

/** Whether a value has the shape of a client of ioredis. */
export function isIoredis(client: unknown): client is IoredisClient {
  const { status }: Readonly<Record<string, unknown>> = Object(client);
  return typeof status === 'string' && hasMethod(client, 'evalsha') && hasMethod(client, 'on');
}

/** Parts of a client that ioredis has and a test's object may lack. */
interface IoredisParts {
  readonly options?: { readonly enableOfflineQueue?: boolean };
  /** Not on a cluster. */
  readonly stream?: {
    readonly writableNeedDrain?: boolean;
    once(event: 'drain', listener: () => void): void;
  };
  connect?(): Promise<unknown>;
}

const adapters = new WeakMap<IoredisClient, RedisClient>();

/** One adapter for each client, however many stores use it. */
export function adaptIoredis(client: IoredisClient): RedisClient {
  const known = adapters.get(client);
  if (known) return known;
  const adapter = createAdapter(client);
  adapters.set(client, adapter);
  return adapter;
}

/**
 * While there is no connection, or the server takes no more data, commands wait here and not in ioredis: its queues keep a
 * command that was given up on, without a limit.
 */
function createAdapter(client: IoredisClient & IoredisParts): RedisClient {
  const waiting = new Set<() => void>();
  let drained: object | undefined;

  function resume(): void {
    drained = undefined;
    for (const done of waiting) done();
  }
  client.on('ready', resume);
  client.on('end', resume);

  /** With the offline queue turned off, ioredis refuses commands at once, as the app wishes. */
  function canTake(): boolean {
    const { status, stream, options } = client;
    if (status === 'end' || options?.enableOfflineQueue === false) return true;
    return status === 'ready' && stream?.writableNeedDrain !== true;
  }

  function untilItCanTake(signal: AbortSignal): Promise<void> {
    const { status, stream } = client;
    if (status === 'wait') client.connect?.().catch(() => {});
    if (status === 'ready' && stream && drained !== stream) {
      drained = stream;
      stream.once('drain', resume);
    }
    return new Promise((resolve, reject) => {
      function done(): void {
        waiting.delete(done);
        signal.removeEventListener('abort', giveUp);
        resolve();
      }
      function giveUp(): void {
        waiting.delete(done);
        reject(signal.reason);
      }
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.add(done);
    });
  }

  function commandsUntil(signal: AbortSignal): RedisCommands {
    async function later(run: () => Promise<unknown>): Promise<unknown> {
      do await untilItCanTake(signal);
      while (!canTake());
      return run();
    }
    const now = (run: () => Promise<unknown>) => (canTake() ? run() : later(run));
    return {
      evalSha: (sha, options) => now(() => client.evalsha(sha, ...flat(options))),
      eval: (script, options) => now(() => client.eval(script, ...flat(options))),
    };
  }

  return {
    ...commandsUntil(new AbortController().signal),
    withCommandOptions: ({ abortSignal }) => commandsUntil(abortSignal),
    on: (event, listener) => {
      client.on(event, listener);
      // On a cluster, it says what is wrong with one node, and `error` only that none can be reached.
      if (event === 'error') client.on('node error', listener);
    },
    get isOpen() {
      return client.status !== 'wait' && client.status !== 'end';
    },
    get isReady() {
      return client.status === 'ready';
    },
  };
}

function flat({ keys, arguments: args }: EvalOptions): [number, ...string[]] {
  return [keys.length, ...keys, ...args];
}
