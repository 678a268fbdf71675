/** The app's Redis client: what the store needs from it, what cannot serve as one, and the state of its connection. */
import { hasMethod, isThenable, nameOf } from '../../describe.js';

/**
 * What the store needs from a node-redis client. Typed by shape, so that a client, pool, cluster and sentinel of node-redis
 * 5 and 6 fit with any modules, RESP version and type mapping.
 */
export interface RedisClient extends RedisCommands {
  on(event: 'error' | 'connect', listener: (error: Error) => void): unknown;
  withCommandOptions?(options: { timeout: number; abortSignal: AbortSignal }): RedisCommands;
  /** Whether it was connected, and not closed since. */
  readonly isOpen?: boolean;
  /** Whether there is a connection right now. */
  readonly isReady?: boolean;
}

export interface RedisCommands {
  evalSha(sha: string, options: EvalOptions): Promise<unknown>;
  eval(script: string, options: EvalOptions): Promise<unknown>;
}

export interface EvalOptions {
  readonly keys: string[];
  readonly arguments: string[];
}

/** @throws TypeError that says what was passed, and what to pass. */
export function checkRedisClient(client: unknown): void {
  const fault = faultOf(client);
  if (fault === undefined) return;
  throw new TypeError(
    `The \`client\` of RedisStore must be a node-redis client, pool, cluster or sentinel. Received ${fault}.`,
  );
}

function faultOf(client: unknown): string | undefined {
  if (isThenable(client)) return 'a promise: await it, as `new RedisStore(await createClient().connect())`';
  if (typeof client === 'string' || client instanceof URL)
    return `a ${client instanceof URL ? 'URL' : 'string'}: pass a client, as returned by \`createClient({ url })\``;
  if (!hasMethod(client, 'evalSha') || !hasMethod(client, 'eval')) {
    if (hasMethod(client, 'evalsha'))
      return 'a client of another library (ioredis, or `redis` before version 4), which is not supported: create one with `createClient()` of `redis` 5 or 6';
    for (const name of ['client', 'redis'] as const) {
      const { [name]: inner }: Readonly<Record<string, unknown>> = Object(client);
      if (hasMethod(inner, 'evalSha')) return `an object that holds one: pass its \`${name}\` itself`;
    }
    return `${nameOf(client)}: pass what \`createClient()\` of \`redis\` returns`;
  }
  if (hasMethod(client, 'exec')) return 'what `multi()` returns: pass the client itself';
  if (hasMethod(client, 'on')) return undefined;
  const name = nameOf(client);
  return name === 'a RedisLegacyClient'
    ? 'what `legacy()` returns, whose commands take callbacks: pass the client itself'
    : `${name} without on(): pass the client itself`;
}

/** What is known about a client's connection. */
export interface Connection {
  /** Whether the client was ever seen connected or connecting. */
  wasOpen: boolean;
  /** The last error that the client emitted, until a command succeeds. */
  lastError: unknown;
}

const connections = new WeakMap<RedisClient, Connection>();

/**
 * Listens to the errors of a client, once for each client: they say why commands wait. Without a listener, Node would end
 * the process when Redis becomes unreachable.
 */
export function watchConnection(client: RedisClient): Connection {
  const known = connections.get(client);
  if (known) return known;
  const connection: Connection = { wasOpen: client.isOpen === true, lastError: undefined };
  connections.set(client, connection);
  client.on('error', (error) => {
    connection.lastError = error;
  });
  client.on('connect', () => {
    connection.wasOpen = true;
  });
  return connection;
}
