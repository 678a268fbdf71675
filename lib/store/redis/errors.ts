/** Explains to the operator in one sentence what is wrong with Redis and what to do. */

import { nameOf } from '../../describe.js';
import { codeOf, messageOf } from '../../errors.js';
import { StoreTimeout } from '../store.js';
import { bareError, type Connection, type RedisClient } from './client.js';
import type { Script } from './scripts/index.js';

/** Redis did not run an operation; `message` says why. */
export class RedisTrouble extends Error {
  override readonly name = 'RedisTrouble';
  /** The error prefix of Redis, such as `READONLY`, or the code of Node, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  constructor(sentence: string, code?: string, options?: ErrorOptions) {
    super(sentence, options);
    this.code = code;
  }
}

/** What an error reply of Redis means and what to do, by its prefix. */
const REPLIES: Readonly<Record<string, readonly [meaning: string, remedy: string]>> = {
  OOM: ['Redis is out of memory and rejects writes', 'raise `maxmemory`, or free some of it'],
  READONLY: ['Redis is a read-only replica', 'connect to the master, or by {following}, which follow it'],
  MASTERDOWN: [
    'Redis is a replica that has lost its master',
    'connect to the master, or by {following}, which follow it',
  ],
  NOREPLICAS: [
    'Redis rejects writes while it has too few replicas',
    'bring them back, or lower `min-replicas-to-write`',
  ],
  LOADING: ['Redis has just started and is loading its data', 'it recovers by itself'],
  BUSY: ['Redis is busy with a script that does not end', 'stop it with SCRIPT KILL or FUNCTION KILL'],
  MISCONF: ['Redis rejects writes because it cannot save to disk', 'its log says why'],
  NOAUTH: ['Redis requires a password, and the client sends none', 'pass one to {client}, in {password}'],
  WRONGPASS: [
    'Redis refuses the user name or the password',
    'check what {client} is given, and the user in ACL LIST',
  ],
  CROSSSLOT: [
    'The keys of one mailbox are in two slots of the cluster',
    'remove the braces from the `keyPrefix` of the client',
  ],
  MOVED: ['Redis is a cluster, and the client knows only one node', 'use {cluster}'],
  ASK: ['Redis is a cluster, and the client knows only one node', 'use {cluster}'],
  CLUSTERDOWN: ['The Redis cluster is down, or no node has this slot', 'see CLUSTER INFO'],
  TRYAGAIN: ['A slot of the Redis cluster is moving to another node', 'it recovers by itself'],
  WRONGTYPE: ['A key of the store holds something else', 'give the store a `prefix` that nothing else uses'],
  NOPROTO: ['Redis does not speak RESP 3', 'Redis 6.2 or later is needed'],
  DENIED: [
    'Redis is in protected mode',
    'give it a password, or `bind` it to an address that nobody else can reach',
  ],
};

const REPLY = new RegExp(`(?:^|[\\s-])(${Object.keys(REPLIES).join('|')})\\b`);

/** Replies without a prefix of their own, and errors of the client about its connection. */
const OTHERS: readonly [pattern: RegExp, sentence: string][] = [
  [
    /unknown command|not allowed from script/i,
    'Redis does not run the scripts of the store: Redis 6.2 or later is needed, or a server that has EVAL and what they call.',
  ],
  [
    /max number of clients/i,
    'Redis has reached its maximum number of clients: raise `maxclients`, or close some.',
  ],
  [
    /without any password configured|no password is set/i,
    'The client sends a password, and Redis has none: leave it out, or set it in Redis.',
  ],
  [
    /invalid DB index|DB index is out of range/i,
    'Redis has no such database: check its number in {database}.',
  ],
  [
    /socket closed unexpectedly|^connection is closed|^disconnects client|max retries per request/i,
    'The connection to Redis was lost, and the client reconnects. If Redis requires TLS, use `rediss://`.',
  ],
  [
    /^connection timeout/i,
    'Redis did not accept the connection in time: check host and port, the firewall in between, and whether it expects TLS there.',
  ],
  [
    /root nodes|startup nodes|refresh slots cache/i,
    'No node of the Redis cluster can be reached: check {nodes}.',
  ],
  [/cluster support disabled/i, 'Redis is not a cluster: use {client}.'],
  [/all sentinels are unreachable/i, 'No sentinel can be reached, or none knows this `name`.'],
  [
    /^command timed out/i,
    'Redis did not answer within the `commandTimeout` of the client: it is unresponsive, overloaded or cut off.',
  ],
];

/** Which library the app's client is of. */
export type RedisLibrary = 'redis' | 'ioredis';

/** What the sentences above call the parts of a library. */
const TERMS: Readonly<Record<RedisLibrary, Readonly<Record<string, string>>>> = {
  redis: {
    client: 'createClient()',
    cluster: 'createCluster()',
    following: 'createSentinel() or createCluster()',
    password: '`url` or `password`',
    database: '`url`',
    nodes: '`rootNodes`',
    tls: 'socket',
  },
  ioredis: {
    client: 'new Redis()',
    cluster: 'new Cluster()',
    following: '`sentinels` or new Cluster()',
    password: 'its URL or `password`',
    database: '`db`',
    nodes: 'the startup nodes',
    tls: 'tls',
  },
};

function inTermsOf(library: RedisLibrary, sentence: string): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => TERMS[library][name] ?? name);
}

/** What to do about a failed connection, by Node's error code (errno(3), `tls`). */
const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there. Is Redis running, and is this its host and port?',
  ENOTFOUND: 'there is no such host. Check its name.',
  EAI_AGAIN: 'its name cannot be looked up right now. Check the DNS.',
  ETIMEDOUT: 'it does not answer. Check the host, and the firewall in between.',
  EHOSTUNREACH: 'it cannot be reached. Check the host, and the firewall in between.',
  ENETUNREACH: 'its network cannot be reached. Check the host, and the network.',
  ECONNRESET: 'the other side closed it. If Redis requires TLS, use `rediss://`.',
  ENOENT: 'there is no such socket. Check its path.',
  EACCES: 'this process may not use the socket.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'Redis does not speak TLS there. Use `redis://`, or its TLS port.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed. Pass it as `{tls}.ca`.',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an unknown authority. Pass the CA as `{tls}.ca`.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is signed by an unknown authority. Pass the CA as `{tls}.ca`.',
  CERT_HAS_EXPIRED: 'its certificate has expired. Renew it.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name. Use that name, or `{tls}.servername`.',
};

/** The commands that the Redis user needs: those that the scripts call, and those that run the scripts. */
const COMMANDS = '+evalsha +eval +time +get +set +del +hget +hgetall +hset +hdel +pexpire +pttl';

/** How Redis 6.2 to 8 say that a user lacks a right. */
const NO_RIGHT = /NOPERM|executing the script can't run|ACL failure/;

/** What is needed to explain the failure of an operation. */
export interface RedisOperation {
  readonly client: RedisClient;
  readonly library: RedisLibrary;
  readonly connection: Connection;
  readonly script: Script;
  readonly prefix: string;
  readonly timeout: number;
}

/** An error that explains what went wrong, with the original as its `cause`. */
export function troubleOf(thrown: unknown, operation: RedisOperation): Error {
  if (thrown instanceof RedisTrouble) return thrown;
  const error = bareError(thrown);
  const { client, connection, timeout } = operation;
  if (client.isOpen) connection.wasOpen = true;
  if (client.isOpen === false) {
    const sentence = connection.wasOpen
      ? 'The Redis client is closed: keep it open until `verification.close()` has settled.'
      : 'The Redis client is not connected: call `await client.connect()` when the app starts.';
    return new RedisTrouble(sentence + lastOf(operation), undefined, { cause: error });
  }
  if (!(error instanceof StoreTimeout) && client.isReady !== false) return refusalOf(error, operation);
  const sentence =
    client.isReady === false
      ? `The Redis client has no connection, and keeps trying to connect.${connection.lastError ? '' : " Its event 'error' says why."}`
      : `Redis did not answer in time (\`storeTimeout\`, ${timeout} ms): it is unresponsive, overloaded or cut off.`;
  return new StoreTimeout(sentence + lastOf(operation), { cause: connection.lastError ?? error });
}

/** For a client that takes callbacks, or only queues its commands. */
export function noReply(received: unknown): RedisTrouble {
  return new RedisTrouble(
    `The Redis client returned ${nameOf(received)} instead of a script's reply: pass the client itself, and not what \`legacy()\` or \`multi()\` returns.`,
  );
}

/** Whether a reply says that the Redis user lacks a right. */
export function isNoRight(reply: string): boolean {
  return NO_RIGHT.test(reply);
}

export function missingRights(what: string, prefix: string): string {
  return `The Redis user may not ${what} (NOPERM). Grant it by ACL SETUSER what the store needs: \`~${prefix}* ${COMMANDS}\`.`;
}

/** The client's last error: if commands wait for a connection, it is the reason. */
function lastOf(operation: RedisOperation): string {
  const { lastError } = operation.connection;
  return lastError === undefined ? '' : ` Its last error: ${refusalOf(lastError, operation).message}`;
}

function refusalOf(error: unknown, { library, script, prefix }: RedisOperation): RedisTrouble {
  const message = typeof error === 'string' ? error : messageOf(error);
  if (isNoRight(message)) {
    return new RedisTrouble(missingRights(refusedIn(message, script, prefix), prefix), 'NOPERM', {
      cause: error,
    });
  }
  const word = REPLY.exec(message)?.[1];
  const known = word === undefined ? undefined : REPLIES[word];
  if (known) {
    const sentence = `${known[0]} (${word}): ${inTermsOf(library, known[1])}.`;
    return new RedisTrouble(sentence, word, { cause: error });
  }

  const other = OTHERS.find(([pattern]) => pattern.test(message));
  if (other) return new RedisTrouble(inTermsOf(library, other[1]), codeOf(error), { cause: error });

  const code = codeOf(error);
  const remedy = code === undefined ? undefined : REMEDIES[code];
  const sentence = remedy
    ? `The connection to Redis failed (${inOneLine(message)}): ${inTermsOf(library, remedy)}`
    : `Redis refused: ${inOneLine(message).replace(/\.?$/, '.')}`;
  return new RedisTrouble(sentence, code, { cause: error });
}

/** What was refused. Redis 7.0 and older name only the line of the script. Each line of our scripts calls at most one command. */
function refusedIn(message: string, script: Script, prefix: string): string {
  const named = /'([\w|]+)' command/.exec(message)?.[1];
  const line = script.lua.split('\n')[Number(/@user_script: ?(\d+)/.exec(message)?.[1]) - 1] ?? '';
  const command = named ?? /redis\.p?call\('(\w+)'/.exec(line)?.[1];
  if (command) return `run ${command.toUpperCase()}`;
  return /\bkeys?\b/.test(message) ? `use the keys ${prefix}*` : 'run a command that the store needs';
}

function inOneLine(message: string): string {
  return message.split('\n', 1)[0]?.slice(0, 200) ?? '';
}
