/** The app's Redis client: what the store needs from it, what cannot serve as one, and the state of its connection. */
import { hasMethod, isThenable, nameOf } from '../../describe.js';
import { codeOf, messageOf, propertyOf, textOf } from '../../errors.js';
import { isIoredis } from './ioredis.js';

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
    `The \`client\` of RedisStore must be a node-redis client, pool, cluster or sentinel, or an ioredis client or cluster. Received ${fault}.`,
  );
}

function faultOf(client: unknown): string | undefined {
  if (isThenable(client)) return 'a promise: await it, as `new RedisStore(await createClient().connect())`';
  if (typeof client === 'string' || client instanceof URL)
    return `a ${client instanceof URL ? 'URL' : 'string'}: pass a client, as returned by \`createClient({ url })\``;
  if (isIoredis(client)) return undefined;
  if (hasMethod(client, 'exec') && (hasMethod(client, 'evalSha') || hasMethod(client, 'evalsha')))
    return 'what `multi()` returns: pass the client itself';
  if (!hasMethod(client, 'evalSha') || !hasMethod(client, 'eval')) {
    if (hasMethod(client, 'evalsha'))
      return 'a client of another library (such as `redis` before version 4), which is not supported: create one with `createClient()` of `redis` 5 or 6, or with `new Redis()` of `ioredis` 5 or 6';
    for (const name of ['client', 'redis'] as const) {
      const { [name]: inner }: Readonly<Record<string, unknown>> = Object(client);
      if (hasMethod(inner, 'evalSha') || isIoredis(inner))
        return `an object that holds one: pass its \`${name}\` itself`;
    }
    return `${nameOf(client)}: pass what \`createClient()\` of \`redis\` or \`new Redis()\` of \`ioredis\` returns`;
  }
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
  client.on('error', (thrown) => {
    const error = bareError(thrown);
    if (connection.lastError !== undefined && isClosing(error)) return;
    connection.lastError = error;
  });
  client.on('connect', () => {
    connection.wasOpen = true;
  });
  return connection;
}

/**
 * An error without what it carries besides name, message and code. Errors of ioredis hold the arguments of the command, which
 * include the password when a login is refused. Of an error that stands for others, the last one is kept if it says more.
 */
export function bareError(error: unknown): unknown {
  const inner = propertyOf(error, 'lastNodeError') ?? (textOf(error, 'message') === '' && lastOf(error));
  if (inner && !isClosing(inner)) return bareError(inner);
  if (propertyOf(error, 'command') === undefined && !inner) return error;
  const bare = Object.assign(new Error(messageOf(error)), { name: textOf(error, 'name') ?? 'Error' });
  const code = codeOf(error);
  return code === undefined ? bare : Object.assign(bare, { code });
}

/** How ioredis ends what waited for a connection. It says nothing about the reason. */
function isClosing(error: unknown): boolean {
  return messageOf(error).startsWith('Connection is closed');
}

/** Node's AggregateError, when each address of a host was tried in vain. */
function lastOf(error: unknown): unknown {
  const errors = propertyOf(error, 'errors');
  return Array.isArray(errors) ? errors.at(-1) : undefined;
}
