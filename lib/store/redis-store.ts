/** The store on Redis: one script, and one round trip, for each act. */
import { messageOf } from '../cause.js';
import { readOptionsOf, refuse } from '../option-checks.js';
import { Deadlines } from './deadlines.js';
import { RedisClock } from './redis-clock.js';
import * as scripts from './scripts/index.js';
import {
  type AttemptOutcome,
  type AttemptRequest,
  type ChallengeKey,
  type ClientRequest,
  type CountOutcome,
  type CountRequest,
  type DiscardOutcome,
  type DiscardRequest,
  type Limit,
  type LookOutcome,
  type OpenOutcome,
  type OpenRequest,
  type RedeemOutcome,
  refuseClockInProduction,
  type Store,
  StoreTimeout,
  type TokenRequest,
} from './store.js';

/**
 * What the store needs of a node-redis client. By shape, so that a client, pool, cluster and sentinel of
 * node-redis 5 and 6 all fit, whatever their modules, RESP version and type mapping.
 */
export interface RedisClient extends RedisCommands {
  on(event: 'error', listener: (error: Error) => void): unknown;
  listenerCount?(event: 'error'): number;
  withCommandOptions?(options: { timeout: number; abortSignal: AbortSignal }): RedisCommands;
}

interface RedisCommands {
  evalSha(sha: string, options: EvalOptions): Promise<unknown>;
  eval(script: string, options: EvalOptions): Promise<unknown>;
}

interface EvalOptions {
  readonly keys: string[];
  readonly arguments: string[];
}

export interface RedisStoreOptions {
  /** What every key begins with. Mails of one prefix, secret and Redis count together. @default 'ev:' */
  readonly prefix?: string;
  /** The time in ms, for tests. Refused in production. @default the server's own clock */
  readonly clock?: () => number;
}

/** How long to wait before a script is tried again while its slot moves between two nodes of a cluster. */
const SLOT_MOVING_PAUSE = 20;

/**
 * How long before its deadline a script must start, in ms: Deadlines end a little early, and the reply must still
 * find its way back. A script that started later would be carried out after we gave up on it.
 */
const WAY_BACK = 25;

/** Older servers lack KEEPTTL beside options we use, and nobody patches them. */
const OLDEST_REDIS = [6, 2];

/**
 * Keeps challenges in Redis 6.2 or later, through the app's own node-redis client, which stays the app's to
 * connect and to close.
 *
 * @example
 * const redis = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect();
 * const store = new RedisStore(redis);
 */
export class RedisStore implements Store {
  readonly #prefix: string;
  readonly #testClock: (() => number) | undefined;
  readonly #serverClock = new RedisClock();
  readonly #deadlines: Deadlines<RedisCommands>;

  /** @throws TypeError when `client` is no node-redis client, or a `clock` is given in production. */
  constructor(client: RedisClient, options: RedisStoreOptions = {}) {
    if (typeof client?.evalSha !== 'function' || typeof client.eval !== 'function') {
      throw new TypeError('RedisStore: client must be a node-redis client, pool, cluster or sentinel');
    }
    const { prefix = 'ev:', clock } = readOptionsOf('RedisStore', options, { prefix: true, clock: true });
    if (typeof prefix !== 'string') refuse('prefix', 'a string', prefix, 'RedisStore');
    refuseClockInProduction('RedisStore', clock);
    // Without a time-out of its own for each command, which costs more than the command; ours ends it in time.
    this.#deadlines = new Deadlines(
      (abortSignal) => client.withCommandOptions?.({ timeout: 0, abortSignal }) ?? client,
    );
    this.#prefix = prefix;
    this.#testClock = clock;
    // Without a listener, node ends the process when Redis goes away. The app hears of it by our answers.
    if (client.listenerCount?.('error') === 0) client.on('error', () => {});
  }

  async open(request: OpenRequest, timeout: number): Promise<OpenOutcome> {
    const [kind, ...reply] = await this.#run(scripts.open, this.#bothKeys(request), timeout, [
      request.code,
      request.codeTtl,
      request.client ?? '',
      request.newClient,
      request.maxAttempts,
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
      request.client ?? '',
      request.token,
      request.tokenTtl,
    ]);
    if (kind === 'accepted') return { kind };
    if (kind === 'incorrect') return { kind, attemptsLeft: Number(detail) };
    return { kind: 'expired', live: Number(detail) === 1 };
  }

  async discard(request: DiscardRequest, timeout: number): Promise<DiscardOutcome> {
    const [, resendIn] = await this.#run(scripts.discard, this.#bothKeys(request), timeout, [
      request.code,
      request.madeClient ?? '',
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

  async look(request: ClientRequest, timeout: number): Promise<LookOutcome> {
    const [, window] = await this.#run(scripts.look, [this.#challengeKey(request)], timeout, [
      request.client,
    ]);
    return { expiresIn: known(Number(window)) };
  }

  async count(request: CountRequest, timeout: number): Promise<CountOutcome> {
    const [, hits, resetsIn] = await this.#run(scripts.count, [this.#prefix + request.client], timeout, [
      request.window,
      request.step,
    ]);
    return { hits: Number(hits), resetsIn: Number(resetsIn) };
  }

  async check(timeout: number): Promise<readonly string[]> {
    const [, info] = await this.#run(scripts.check, [`${this.#prefix}check`], timeout, []);
    return faults(String(info));
  }

  #mailboxKey({ mailbox }: ChallengeKey): string {
    return `${this.#prefix}{${mailbox}}`;
  }

  #challengeKey(key: ChallengeKey): string {
    return this.#mailboxKey(key) + key.challenge;
  }

  /** Both keys of a mailbox share its hash tag: one slot on a cluster. */
  #bothKeys(key: ChallengeKey): string[] {
    return [this.#mailboxKey(key), this.#challengeKey(key)];
  }

  /** Runs a script by the deadline; told it was late, once more with the clock it thereby learnt. */
  async #run(
    script: scripts.Script,
    keys: string[],
    timeout: number,
    args: readonly (string | number)[],
  ): Promise<string[]> {
    const latest = this.#now() + timeout;
    for (let again = false; ; again = true) {
      const calledAt = this.#now();
      const left = latest - calledAt;
      const serverLatest = this.#testClock ? latest : this.#serverClock.at(latest - WAY_BACK);
      const reply = await this.#call(script, left, {
        keys,
        arguments: [this.#testClock ? String(calledAt) : '', String(serverLatest), ...args.map(String)],
      });
      if (!Array.isArray(reply)) throw new Error('The store answered in a form that is not known.');
      const [serverTime, kind, ...rest] = reply.map(String);
      if (!this.#testClock) this.#serverClock.learn(Number(serverTime), calledAt, this.#now());
      if (kind !== 'late') return [kind ?? '', ...rest];
      if (again || left <= 0) throw new StoreTimeout();
    }
  }

  /** EVALSHA; EVAL only where the server does not know the script; again while a slot is moving. */
  #call(script: scripts.Script, left: number, options: EvalOptions): Promise<unknown> {
    const deadline = this.#deadlines.in(left);
    const { signal, means: commands } = deadline;

    async function recover(error: unknown): Promise<unknown> {
      if (signal.aborted) throw error;
      if (says(error, 'NOSCRIPT')) return commands.eval(script.lua, options).catch(recover);
      if (!says(error, 'TRYAGAIN')) throw error;
      await new Promise((resolve) => setTimeout(resolve, SLOT_MOVING_PAUSE));
      return commands.evalSha(script.sha, options).catch(recover);
    }

    return deadline.race(commands.evalSha(script.sha, options), { recover });
  }

  #now(): number {
    return this.#testClock ? this.#testClock() : Date.now();
  }
}

function says(error: unknown, word: string): boolean {
  return messageOf(error).startsWith(word);
}

function flat({ max, window }: Limit): [number, number] {
  return [max, window];
}

function known(window: number | undefined): number | undefined {
  return window === undefined || window < 0 ? undefined : window;
}

function faults(info: string): string[] {
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const sentences: string[] = [];
  const policy = fact('maxmemory_policy');
  if (policy && policy !== 'noeviction') {
    sentences.push(
      `Redis evicts keys (maxmemory-policy ${policy}): limits and attempts can be lost. Set it to noeviction.`,
    );
  }
  const version = fact('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_REDIS;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    sentences.push(`Redis ${version} is too old: 6.2 or later is needed.`);
  }
  return sentences;
}
