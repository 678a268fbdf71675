/** The store on Redis: one script, and one round trip, for each operation. */

import { readOptionsOf, refuse } from '../../checks.js';
import { messageOf } from '../../errors.js';
import {
  type AttemptOutcome,
  type AttemptRequest,
  type ChallengeKey,
  type CountOutcome,
  type CountRequest,
  type DiscardOutcome,
  type DiscardRequest,
  type Forgotten,
  type Limit,
  type OpenOutcome,
  type OpenRequest,
  type PeekOutcome,
  type PeekRequest,
  type ProveOutcome,
  type ProveRequest,
  type RedeemOutcome,
  refuseClockInProduction,
  type StatusRequest,
  type Store,
  type StoredStatus,
  StoreTimeout,
  type TokenRequest,
} from '../store.js';
import { Timeouts } from '../timeouts.js';
import {
  type Connection,
  checkRedisClient,
  type EvalOptions,
  type RedisClient,
  type RedisCommands,
  watchConnection,
} from './client.js';
import { RedisClock } from './clock.js';
import {
  isNoRight,
  missingRights,
  noReply,
  type RedisLibrary,
  type RedisOperation,
  troubleOf,
} from './errors.js';
import { unfitness, unknownFitness } from './fitness.js';
import { adaptIoredis, type IoredisClient, isIoredis } from './ioredis.js';
import * as scripts from './scripts/index.js';

export interface RedisStoreOptions {
  /**
   * The beginning of every key, without braces, white space and control characters. Emails of one prefix, secret and Redis
   * count together. @default 'ev:'
   */
  readonly prefix?: string | undefined;
  /** The time in ms, for tests. Refused in production. @default the server's own clock */
  readonly clock?: (() => number) | undefined;
}

/** How long to wait before a script is tried again while its slot moves between two nodes of a cluster. */
const SLOT_MOVING_PAUSE = 20;

/**
 * How long before its timeout a script must start, in ms: timeouts may end early by RESOLUTION, and the reply needs time to
 * return. A script that started later would run after we gave up on it.
 */
const REPLY_MARGIN = 25;

/** On a cluster, the first braces in a key decide which node has it, so only the store may set them. */
const PREFIX = /^[^\s\p{C}{}]+$/u;

/**
 * Keeps challenges in Redis 6.2 or later, through the app's own client of node-redis or ioredis. The app connects and
 * closes it.
 *
 * @example
 * const redis = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect();
 * const store = new RedisStore(redis);
 */
export class RedisStore implements Store {
  readonly #client: RedisClient;
  readonly #library: RedisLibrary;
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #testClock: (() => number) | undefined;
  readonly #serverClock = new RedisClock();
  readonly #timeouts: Timeouts<RedisCommands>;

  /** @throws TypeError if `client` is not a client of node-redis or ioredis, `prefix` is invalid, or a `clock` is passed in production. */
  constructor(client: RedisClient | IoredisClient, options: RedisStoreOptions = {}) {
    checkRedisClient(client);
    const { prefix = 'ev:', clock } = readOptionsOf('RedisStore', options, { prefix: true, clock: true });
    if (typeof prefix !== 'string' || !PREFIX.test(prefix)) {
      const expected = "a string without braces, white space and control characters, such as 'ev:'";
      refuse('prefix', expected, prefix, 'RedisStore');
    }
    refuseClockInProduction('RedisStore', clock);
    this.#library = isIoredis(client) ? 'ioredis' : 'redis';
    const adapted = isIoredis(client) ? adaptIoredis(client) : client;
    this.#client = adapted;
    this.#connection = watchConnection(adapted);
    // Turns off the client's own timeout for each command, which costs more than the command. Ours ends the call in time.
    this.#timeouts = new Timeouts(
      (abortSignal) => adapted.withCommandOptions?.({ timeout: 0, abortSignal }) ?? adapted,
    );
    this.#prefix = prefix;
    this.#testClock = clock;
  }

  async open(request: OpenRequest, timeout: number): Promise<OpenOutcome> {
    const [kind, ...reply] = await this.#run(scripts.open, this.#bothKeys(request), timeout, [
      request.code,
      request.codeOfNewHolder ?? request.code,
      request.codeTtl,
      request.holder ?? '',
      request.newHolder,
      request.maxAttempts,
      request.sharedAttempts ?? request.maxAttempts,
      ...request.limits.flatMap(flat),
    ]);
    if (kind === 'opened') {
      const [kept, place, expiresIn, resendIn] = reply.map(Number);
      return {
        kind,
        kept: kept === 1,
        place: place ?? 0,
        expiresIn: expiresIn ?? 0,
        resendIn: resendIn ?? 0,
      };
    }
    const [retryIn, window] = reply.map(Number);
    return { kind: 'limited', retryIn: retryIn ?? 0, expiresIn: known(window) };
  }

  async attempt(request: AttemptRequest, timeout: number): Promise<AttemptOutcome> {
    const [kind, detail] = await this.#run(scripts.attempt, [this.#challengeKey(request)], timeout, [
      request.code,
      request.holder ?? '',
      request.token,
      request.tokenTtl,
    ]);
    if (kind === 'accepted') return { kind };
    if (kind === 'incorrect' || kind === 'outdated') return { kind, attemptsLeft: Number(detail) };
    return { kind: 'expired', live: Number(detail) === 1 };
  }

  async discard(request: DiscardRequest, timeout: number): Promise<DiscardOutcome> {
    const [, resendIn] = await this.#run(scripts.discard, this.#bothKeys(request), timeout, [
      request.code,
      request.newHolder ?? '',
      request.place,
      ...request.limits.flatMap(flat),
    ]);
    return { kind: 'discarded', resendIn: Number(resendIn) };
  }

  async redeem(request: TokenRequest, timeout: number): Promise<RedeemOutcome> {
    const [kind, end] = await this.#run(scripts.redeem, [this.#challengeKey(request)], timeout, [
      request.token,
    ]);
    return kind === 'redeemed' ? { kind, end: Number(end) } : { kind: 'unknown' };
  }

  async release(request: TokenRequest & { end: number }, timeout: number): Promise<void> {
    await this.#run(scripts.release, [this.#challengeKey(request)], timeout, [request.token, request.end]);
  }

  async peek(request: PeekRequest, timeout: number): Promise<PeekOutcome> {
    const [, window] = await this.#run(scripts.peek, [this.#challengeKey(request)], timeout, [
      request.holder,
    ]);
    return { expiresIn: known(Number(window)) };
  }

  async status(request: StatusRequest, timeout: number): Promise<StoredStatus> {
    const [kind, ...reply] = await this.#run(
      scripts.status,
      this.#bothKeys(request),
      timeout,
      request.limits.flatMap(flat),
    );
    if (kind !== 'status') throw noReply(kind);
    const [sends = 0, resendIn = 0, attemptsLeft = 0, tokens = 0, ...codes] = reply.map(Number);
    return { kind, codes, attemptsLeft, sends, resendIn, tokens };
  }

  async forget(request: ChallengeKey, timeout: number): Promise<Forgotten> {
    await this.#run(scripts.forget, this.#bothKeys(request), timeout, []);
    return { kind: 'forgotten' };
  }

  async prove(request: ProveRequest, timeout: number): Promise<ProveOutcome> {
    // One character longer than a challenge.
    const used = `${this.#mailboxKey(request)}n${request.nonce}`;
    const [kind] = await this.#run(scripts.prove, [this.#challengeKey(request), used], timeout, [
      request.token,
      request.tokenTtl,
      request.nonceTtl,
    ]);
    return { kind: kind === 'accepted' ? kind : 'used' };
  }

  async count(request: CountRequest, timeout: number): Promise<CountOutcome> {
    const [, hits, resetsIn] = await this.#run(scripts.count, [this.#prefix + request.ip], timeout, [
      request.window,
      request.step,
    ]);
    return { hits: Number(hits), resetsIn: Number(resetsIn) };
  }

  async check(timeout: number): Promise<readonly string[]> {
    const keys = ['hash', 'string'].map((name) => `${this.#prefix}{check}${name}`);
    const [, server = '', memory = '', ...refusals] = await this.#run(scripts.check, keys, timeout, []);
    const refused = new Map<string, string>();
    for (let i = 0; i < refusals.length; i += 2) refused.set(refusals[i] ?? '', refusals[i + 1] ?? '');
    const noInfo = refused.get('INFO');
    refused.delete('INFO');

    const failure = [...refused.values()].find((reply) => !isNoRight(reply));
    if (failure) throw troubleOf(new Error(failure), this.#operation(scripts.check, timeout));
    const missing =
      refused.size > 0 ? [missingRights(`run ${[...refused.keys()].join(', ')}`, this.#prefix)] : [];
    return [...missing, ...(noInfo === undefined ? unfitness(server + memory) : [unknownFitness(noInfo)])];
  }

  #mailboxKey({ mailbox }: ChallengeKey): string {
    return `${this.#prefix}{${mailbox}}`;
  }

  #challengeKey(key: ChallengeKey): string {
    return this.#mailboxKey(key) + key.challenge;
  }

  /** Both keys of a mailbox share its hash tag, and so one slot of a cluster. */
  #bothKeys(key: ChallengeKey): string[] {
    return [this.#mailboxKey(key), this.#challengeKey(key)];
  }

  /** Runs a script in time. If Redis says it started late, runs it once more with the clock learned from that reply. */
  async #run(
    script: scripts.Script,
    keys: string[],
    timeout: number,
    args: readonly (string | number)[],
  ): Promise<string[]> {
    const latest = Date.now() + timeout;
    try {
      for (let again = false; ; again = true) {
        const calledAt = Date.now();
        const left = latest - calledAt;
        const now = this.#testClock ? String(this.#testClock()) : '';
        const serverLatest = this.#serverClock.at(latest - REPLY_MARGIN);
        const reply = await this.#call(script, left, {
          keys,
          arguments: [now, String(serverLatest), ...args.map(String)],
        });
        if (!Array.isArray(reply)) throw noReply(reply);
        this.#connection.wasOpen = true;
        this.#connection.lastError = undefined;
        const [serverTime, kind, ...rest] = reply.map(String);
        this.#serverClock.learn(Number(serverTime), calledAt, Date.now());
        if (kind !== 'late') return [kind ?? '', ...rest];
        if (again || left <= 0) throw new StoreTimeout();
      }
    } catch (error) {
      throw troubleOf(error, this.#operation(script, timeout));
    }
  }

  #operation(script: scripts.Script, timeout: number): RedisOperation {
    return {
      client: this.#client,
      library: this.#library,
      connection: this.#connection,
      script,
      prefix: this.#prefix,
      timeout,
    };
  }

  /** EVALSHA, then EVAL if the server does not know the script. Tries again while a slot is moving. */
  #call(script: scripts.Script, left: number, options: EvalOptions): Promise<unknown> {
    const sharedTimeout = this.#timeouts.in(left);
    const { signal, shared: commands } = sharedTimeout;

    async function recover(error: unknown): Promise<unknown> {
      if (signal.aborted) throw error;
      if (messageOf(error).startsWith('NOSCRIPT')) return commands.eval(script.lua, options).catch(recover);
      if (!IS_MOVING.test(messageOf(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, SLOT_MOVING_PAUSE));
      return commands.evalSha(script.sha, options).catch(recover);
    }

    // A client of another kind may not return a promise.
    return sharedTimeout.race(Promise.resolve(commands.evalSha(script.sha, options)), { recover });
  }
}

/** ioredis repeats the command itself for a while, and then reports TRYAGAIN as the last error. */
const IS_MOVING = /^(?:.*: )?TRYAGAIN\b/;

function flat({ max, window }: Limit): [number, number] {
  return [max, window];
}

function known(window: number | undefined): number | undefined {
  return window === undefined || window < 0 ? undefined : window;
}
