/**
 * The store in one process: the same acts as the scripts, told in TypeScript. It is the model the scripts are
 * held against, and what a first try and a test run on. What it keeps ends with the process.
 */
import { readOptionsOf } from '../options/checks.js';
import {
  type AttemptOutcome,
  type AttemptRequest,
  type ChallengeKey,
  type ClientRequest,
  type CountOutcome,
  type CountRequest,
  DAY,
  DEEPEST_LIMIT,
  type DiscardOutcome,
  type DiscardRequest,
  ENDED_CODE_KNOWN_FOR,
  ENDED_CODES_KNOWN,
  GIVE_BACKS_A_DAY,
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

export interface MemoryStoreOptions {
  /** The time in ms, for tests. Refused in production. @default Date.now */
  readonly clock?: () => number;
}

interface Mail {
  readonly place: number;
  givenBack: boolean;
}

interface Budget {
  left: number;
  end: number;
}

interface Challenge {
  codes: Map<string, number>;
  clients: Map<string, Budget>;
  shared: Budget;
  tokens: Map<string, number>;
}

/** How often, in ms, a write also clears away what has ended. */
const SWEEP_EVERY = 60_000;

/**
 * Keeps challenges in the memory of this process: for a first try and for tests. Several processes would each
 * count on their own, so production wants RedisStore.
 *
 * @example
 * const store = new MemoryStore();
 */
export class MemoryStore implements Store {
  readonly #clock: () => number;
  readonly #mailboxes = new Map<string, Mail[]>();
  readonly #challenges = new Map<string, Challenge>();
  readonly #counters = new Map<string, { hits: number; end: number }>();
  #nextSweep = 0;

  /** @throws TypeError when a `clock` is given in production. */
  constructor(options: MemoryStoreOptions = {}) {
    const { clock } = readOptionsOf('MemoryStore', options, { clock: true });
    refuseClockInProduction('MemoryStore', clock);
    this.#clock = clock ?? Date.now;
  }

  async open(request: OpenRequest, timeout: number): Promise<OpenOutcome> {
    const now = this.#start(timeout);
    this.#sweep(now);
    const mails = recent(this.#mailboxes.get(request.mailbox) ?? [], now);
    const challenge = this.#challenge(request);

    const full = wait(mails, request.limits, now);
    if (full > 0)
      return { kind: 'limited', retryIn: full, expiresIn: clientWindow(challenge, request.client, now) };

    const place = Math.max(now, (mails.at(-1)?.place ?? -1) + 1);
    mails.push({ place, givenBack: false });
    this.#mailboxes.set(request.mailbox, mails);

    const end = now + request.codeTtl;
    const known = live(request.client ? challenge.clients.get(request.client) : undefined, now);
    const kept = known !== undefined && known.left > 0;
    dropUseless(challenge, now);
    challenge.codes.set(request.code, end);
    challenge.clients.set(kept && request.client ? request.client : request.newClient, {
      left: kept ? known.left : request.maxAttempts,
      end,
    });
    challenge.shared = { left: request.maxAttempts, end };
    this.#challenges.set(keyOf(request), challenge);
    return {
      kind: 'opened',
      kept,
      place,
      expiresIn: request.codeTtl,
      resendIn: wait(mails, request.limits, now),
    };
  }

  async attempt(request: AttemptRequest, timeout: number): Promise<AttemptOutcome> {
    const now = this.#start(timeout);
    const challenge = this.#challenge(request);
    // The very command that left this token, sent again.
    if ((challenge.tokens.get(request.token) ?? 0) > now) return { kind: 'accepted' };
    if (lastCodeEnd(challenge, now) === 0) return { kind: 'expired', live: false };

    const own = live(request.client ? challenge.clients.get(request.client) : undefined, now);
    const budget = own ?? live(challenge.shared, now);
    if (!budget || budget.left < 1) return { kind: 'expired', live: true };
    budget.left -= 1;

    const codeEnd = challenge.codes.get(request.code);
    if (codeEnd === undefined) return { kind: 'incorrect', attemptsLeft: budget.left };
    if (codeEnd <= now) return { kind: 'outdated', attemptsLeft: budget.left };
    for (const [code, end] of challenge.codes) challenge.codes.set(code, Math.min(end, now));
    this.#challenges.set(keyOf(request), {
      ...emptyChallenge(),
      codes: challenge.codes,
      tokens: challenge.tokens.set(request.token, now + request.tokenTtl),
    });
    return { kind: 'accepted' };
  }

  async discard(request: DiscardRequest, timeout: number): Promise<DiscardOutcome> {
    const now = this.#start(timeout);
    const mails = recent(this.#mailboxes.get(request.mailbox) ?? [], now);
    const mail = mails.find(({ place }) => place === request.place);
    if (mail && mails.filter(({ givenBack }) => givenBack).length < GIVE_BACKS_A_DAY) mail.givenBack = true;

    const challenge = this.#challenge(request);
    const end = challenge.codes.get(request.code) ?? 0;
    challenge.codes.delete(request.code);
    // A client that went on to another code ends with that one.
    const made = request.madeClient ? challenge.clients.get(request.madeClient) : undefined;
    if (request.madeClient && made && made.end <= end) challenge.clients.delete(request.madeClient);
    return { kind: 'discarded', resendIn: wait(mails, request.limits, now) };
  }

  async redeem(request: TokenRequest, timeout: number): Promise<RedeemOutcome> {
    const now = this.#start(timeout);
    const { tokens } = this.#challenge(request);
    const end = tokens.get(request.token) ?? 0;
    if (end <= now) return { kind: 'unknown' };
    tokens.delete(request.token);
    return { kind: 'redeemed', end };
  }

  async release(request: TokenRequest & { end: number }, timeout: number): Promise<void> {
    const now = this.#start(timeout);
    // No token lives longer than a day; what is no number is neither.
    if (!(request.end > now && request.end <= now + DAY)) return;
    const challenge = this.#challenge(request);
    challenge.tokens.set(request.token, request.end);
    this.#challenges.set(keyOf(request), challenge);
  }

  async look(request: ClientRequest, timeout: number): Promise<LookOutcome> {
    const now = this.#start(timeout);
    return { expiresIn: clientWindow(this.#challenge(request), request.client, now) };
  }

  async count({ client, window, step }: CountRequest, timeout: number): Promise<CountOutcome> {
    const now = this.#start(timeout);
    const counter = live(this.#counters.get(client), now) ?? { hits: 0, end: now + window };
    const hits = step === 'hit' ? counter.hits + 1 : counter.hits - 1;
    if (step === 'forget') this.#counters.delete(client);
    if (step === 'forget' || hits < 0) return { hits: 0, resetsIn: window };
    this.#sweep(now);
    this.#counters.set(client, { hits, end: counter.end });
    return { hits, resetsIn: counter.end - now };
  }

  async check(timeout: number): Promise<readonly string[]> {
    this.#start(timeout);
    return [];
  }

  /** The moment an act starts at. Nothing waits here, so only a call without any time left is late. */
  #start(timeout: number): number {
    if (timeout < 0) throw new StoreTimeout();
    return this.#clock();
  }

  #challenge(key: ChallengeKey): Challenge {
    return this.#challenges.get(keyOf(key)) ?? emptyChallenge();
  }

  /** Clears away what has ended, on a write and not by a timer, which would keep the process alive. */
  #sweep(now: number): void {
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + SWEEP_EVERY;
    for (const [key, mails] of this.#mailboxes)
      if (recent(mails, now).length === 0) this.#mailboxes.delete(key);
    for (const [key, { end }] of this.#counters) if (end <= now) this.#counters.delete(key);
    for (const [key, challenge] of this.#challenges) {
      if (knownUntil(challenge) <= now) this.#challenges.delete(key);
    }
  }
}

function keyOf({ mailbox, challenge }: ChallengeKey): string {
  return `${mailbox} ${challenge}`;
}

function emptyChallenge(): Challenge {
  return { codes: new Map(), clients: new Map(), shared: { left: 0, end: 0 }, tokens: new Map() };
}

function live<T extends { end: number }>(value: T | undefined, now: number): T | undefined {
  return value && value.end > now ? value : undefined;
}

/** What is of no use any more goes. Of the codes that have ended, those that did so last are still known. */
function dropUseless(challenge: Challenge, now: number): void {
  const ends = [...challenge.codes.values()].filter((end) => end <= now).sort((one, other) => other - one);
  const tooOld = Math.max(ends[ENDED_CODES_KNOWN] ?? 0, now - ENDED_CODE_KNOWN_FOR);
  for (const [digest, end] of challenge.codes) if (end <= tooOld) challenge.codes.delete(digest);
  for (const [digest, { end }] of challenge.clients) if (end <= now) challenge.clients.delete(digest);
  for (const [digest, end] of challenge.tokens) if (end <= now) challenge.tokens.delete(digest);
}

/** Until when anything in a challenge is of use. */
function knownUntil({ codes, clients, shared, tokens }: Challenge): number {
  let last = shared.end;
  for (const end of codes.values()) last = Math.max(last, end + ENDED_CODE_KNOWN_FOR);
  for (const { end } of clients.values()) last = Math.max(last, end);
  for (const end of tokens.values()) last = Math.max(last, end);
  return last;
}

function lastCodeEnd({ codes }: Challenge, now: number): number {
  let last = 0;
  for (const end of codes.values()) if (end > now) last = Math.max(last, end);
  return last;
}

function clientWindow(challenge: Challenge, client: string | undefined, now: number): number | undefined {
  const own = live(client ? challenge.clients.get(client) : undefined, now);
  const codeEnd = lastCodeEnd(challenge, now);
  if (!own || own.left < 1 || codeEnd === 0) return undefined;
  return Math.min(own.end, codeEnd) - now;
}

function recent(mails: Mail[], now: number): Mail[] {
  return mails.filter(({ place }) => now - place < DAY).slice(-(DEEPEST_LIMIT + GIVE_BACKS_A_DAY));
}

function wait(mails: readonly Mail[], limits: readonly Limit[], now: number): number {
  const counting = mails.filter(({ givenBack }) => !givenBack);
  let longest = 0;
  for (const { max, window } of limits) {
    const deciding = counting.at(-max);
    if (deciding) longest = Math.max(longest, deciding.place + window - now);
  }
  return longest;
}
