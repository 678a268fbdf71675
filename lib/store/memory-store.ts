/**
 * The store in the memory of one process: the same operations as the scripts, in TypeScript. Tests compare the scripts with
 * it. Its data is lost when the process ends.
 */
import { readOptionsOf } from '../checks.js';
import {
  type AttemptOutcome,
  type AttemptRequest,
  type ChallengeKey,
  type CountOutcome,
  type CountRequest,
  DAY,
  DEEPEST_LIMIT,
  type DiscardOutcome,
  type DiscardRequest,
  ENDED_CODE_KNOWN_FOR,
  ENDED_CODES_KNOWN,
  type Forgotten,
  GIVE_BACKS_A_DAY,
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
} from './store.js';

export interface MemoryStoreOptions {
  /** The time in ms, for tests. Refused in production. @default Date.now */
  readonly clock?: (() => number) | undefined;
}

interface SentEmail {
  readonly place: number;
  givenBack: boolean;
}

interface Budget {
  left: number;
  end: number;
}

interface Challenge {
  codes: Map<string, number>;
  holders: Map<string, Budget>;
  shared: Budget;
  tokens: Map<string, number>;
}

/** How often a write also deletes ended entries, in ms. */
const SWEEP_EVERY = 60_000;

/**
 * Keeps challenges in the memory of this process, for development and tests. Several processes would each count
 * separately, so use RedisStore in production.
 *
 * @example
 * const store = new MemoryStore();
 */
export class MemoryStore implements Store {
  readonly #clock: () => number;
  readonly #mailboxes = new Map<string, SentEmail[]>();
  readonly #challenges = new Map<string, Challenge>();
  readonly #counters = new Map<string, { hits: number; end: number }>();
  /** When each used nonce may be forgotten. */
  readonly #nonces = new Map<string, number>();
  #nextSweep = 0;

  /** @throws TypeError if a `clock` is passed in production. */
  constructor(options: MemoryStoreOptions = {}) {
    const { clock } = readOptionsOf('MemoryStore', options, { clock: true });
    refuseClockInProduction('MemoryStore', clock);
    // Not `Date.now` itself: fake timers may replace it later.
    this.#clock = clock ?? (() => Date.now());
  }

  async open(request: OpenRequest, timeout: number): Promise<OpenOutcome> {
    const now = this.#start(timeout);
    this.#sweep(now);
    const emails = recent(this.#mailboxes.get(request.mailbox) ?? [], now);
    const challenge = this.#challenge(request);

    const full = wait(emails, request.limits, now);
    if (full > 0)
      return { kind: 'limited', retryIn: full, expiresIn: holderWindow(challenge, request.holder, now) };

    const place = Math.max(now, (emails.at(-1)?.place ?? -1) + 1);
    emails.push({ place, givenBack: false });
    this.#mailboxes.set(request.mailbox, emails);

    const end = now + request.codeTtl;
    const known = live(request.holder ? challenge.holders.get(request.holder) : undefined, now);
    const kept = known !== undefined && known.left > 0;
    dropUseless(challenge, now);
    challenge.codes.set((!kept && request.codeOfNewHolder) || request.code, end);
    challenge.holders.set(kept && request.holder ? request.holder : request.newHolder, {
      left: kept ? known.left : request.maxAttempts,
      end,
    });
    challenge.shared = { left: request.sharedAttempts ?? request.maxAttempts, end };
    this.#challenges.set(keyOf(request), challenge);
    return {
      kind: 'opened',
      kept,
      place,
      expiresIn: request.codeTtl,
      resendIn: wait(emails, request.limits, now),
    };
  }

  async attempt(request: AttemptRequest, timeout: number): Promise<AttemptOutcome> {
    const now = this.#start(timeout);
    const challenge = this.#challenge(request);
    // This is the call that stored the token, sent again.
    if ((challenge.tokens.get(request.token) ?? 0) > now) return { kind: 'accepted' };
    if (lastCodeEnd(challenge, now) === 0) return { kind: 'expired', live: false };

    const own = live(request.holder ? challenge.holders.get(request.holder) : undefined, now);
    const budget = own ?? live(challenge.shared, now);
    if (!budget || budget.left < 1) return { kind: 'expired', live: true };
    budget.left -= 1;

    const codeEnd = challenge.codes.get(request.code);
    if (codeEnd === undefined) return { kind: 'incorrect', attemptsLeft: budget.left };
    if (codeEnd <= now) return { kind: 'outdated', attemptsLeft: budget.left };
    this.#close(request, challenge, now);
    return { kind: 'accepted' };
  }

  async prove(request: ProveRequest, timeout: number): Promise<ProveOutcome> {
    const now = this.#start(timeout);
    this.#sweep(now);
    const challenge = this.#challenge(request);
    // This is the call that stored the token, sent again.
    if ((challenge.tokens.get(request.token) ?? 0) > now) return { kind: 'accepted' };
    const nonce = `${request.mailbox} ${request.nonce}`;
    if ((this.#nonces.get(nonce) ?? 0) > now) return { kind: 'used' };
    this.#nonces.set(nonce, now + request.nonceTtl);
    this.#close(request, challenge, now);
    return { kind: 'accepted' };
  }

  async discard(request: DiscardRequest, timeout: number): Promise<DiscardOutcome> {
    const now = this.#start(timeout);
    const emails = recent(this.#mailboxes.get(request.mailbox) ?? [], now);
    const email = emails.find(({ place }) => place === request.place);
    if (email && emails.filter(({ givenBack }) => givenBack).length < GIVE_BACKS_A_DAY)
      email.givenBack = true;

    const challenge = this.#challenge(request);
    const end = challenge.codes.get(request.code) ?? 0;
    challenge.codes.delete(request.code);
    // A holder that has a newer code ends with that one.
    const made = request.newHolder ? challenge.holders.get(request.newHolder) : undefined;
    if (request.newHolder && made && made.end <= end) challenge.holders.delete(request.newHolder);
    return { kind: 'discarded', resendIn: wait(emails, request.limits, now) };
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
    // No token lives longer than a day. The comparison also refuses anything that is not a number.
    if (!(request.end > now && request.end <= now + DAY)) return;
    const challenge = this.#challenge(request);
    challenge.tokens.set(request.token, request.end);
    this.#challenges.set(keyOf(request), challenge);
  }

  async peek(request: PeekRequest, timeout: number): Promise<PeekOutcome> {
    const now = this.#start(timeout);
    return { expiresIn: holderWindow(this.#challenge(request), request.holder, now) };
  }

  async status(request: StatusRequest, timeout: number): Promise<StoredStatus> {
    const now = this.#start(timeout);
    const emails = recent(this.#mailboxes.get(request.mailbox) ?? [], now);
    const { codes, holders, shared, tokens } = this.#challenge(request);
    const liveCodes = [...codes.values()].filter((end) => end > now).sort((a, b) => a - b);
    const budgets = liveCodes.length > 0 ? [shared, ...holders.values()].filter(({ end }) => end > now) : [];
    return {
      kind: 'status',
      codes: liveCodes.map((end) => end - now),
      attemptsLeft: Math.max(0, ...budgets.map(({ left }) => left)),
      sends: emails.filter(({ givenBack }) => !givenBack).length,
      resendIn: wait(emails, request.limits, now),
      tokens: [...tokens.values()].filter((end) => end > now).length,
    };
  }

  async forget(request: ChallengeKey, timeout: number): Promise<Forgotten> {
    this.#start(timeout);
    this.#mailboxes.delete(request.mailbox);
    this.#challenges.delete(keyOf(request));
    return { kind: 'forgotten' };
  }

  async count({ ip, window, step }: CountRequest, timeout: number): Promise<CountOutcome> {
    const now = this.#start(timeout);
    const counter = live(this.#counters.get(ip), now) ?? { hits: 0, end: now + window };
    const hits = step === 'hit' ? counter.hits + 1 : counter.hits - 1;
    if (step === 'forget') this.#counters.delete(ip);
    if (step === 'forget' || hits < 0) return { hits: 0, resetsIn: window };
    this.#sweep(now);
    this.#counters.set(ip, { hits, end: counter.end });
    return { hits, resetsIn: counter.end - now };
  }

  async check(timeout: number): Promise<readonly string[]> {
    this.#start(timeout);
    return [];
  }

  /** The time at which an operation starts. Nothing waits here, so a call is late only if it has no time left. */
  #start(timeout: number): number {
    if (timeout < 0) throw new StoreTimeout();
    return this.#clock();
  }

  /** Ends all codes, holders and shared attempts, and stores a token. */
  #close(request: TokenRequest & { tokenTtl: number }, { codes, tokens }: Challenge, now: number): void {
    for (const [code, end] of codes) codes.set(code, Math.min(end, now));
    tokens.set(request.token, now + request.tokenTtl);
    this.#challenges.set(keyOf(request), { ...emptyChallenge(), codes, tokens });
  }

  #challenge(key: ChallengeKey): Challenge {
    return this.#challenges.get(keyOf(key)) ?? emptyChallenge();
  }

  /** Deletes ended entries. It runs on a write and not on a timer, which would keep the process alive. */
  #sweep(now: number): void {
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + SWEEP_EVERY;
    for (const [key, emails] of this.#mailboxes)
      if (recent(emails, now).length === 0) this.#mailboxes.delete(key);
    for (const [key, { end }] of this.#counters) if (end <= now) this.#counters.delete(key);
    for (const [key, end] of this.#nonces) if (end <= now) this.#nonces.delete(key);
    for (const [key, challenge] of this.#challenges) {
      if (knownUntil(challenge) <= now) this.#challenges.delete(key);
    }
  }
}

function keyOf({ mailbox, challenge }: ChallengeKey): string {
  return `${mailbox} ${challenge}`;
}

function emptyChallenge(): Challenge {
  return { codes: new Map(), holders: new Map(), shared: { left: 0, end: 0 }, tokens: new Map() };
}

function live<T extends { end: number }>(value: T | undefined, now: number): T | undefined {
  return value && value.end > now ? value : undefined;
}

/** Deletes useless entries. Of the codes that have ended, the latest are still remembered. */
function dropUseless(challenge: Challenge, now: number): void {
  const ends = [...challenge.codes.values()].filter((end) => end <= now).sort((a, b) => b - a);
  const tooOld = Math.max(ends[ENDED_CODES_KNOWN] ?? 0, now - ENDED_CODE_KNOWN_FOR);
  for (const [digest, end] of challenge.codes) if (end <= tooOld) challenge.codes.delete(digest);
  for (const [digest, { end }] of challenge.holders) if (end <= now) challenge.holders.delete(digest);
  for (const [digest, end] of challenge.tokens) if (end <= now) challenge.tokens.delete(digest);
}

/** When the last entry of a challenge becomes useless. */
function knownUntil({ codes, holders, shared, tokens }: Challenge): number {
  let last = shared.end;
  for (const end of codes.values()) last = Math.max(last, end + ENDED_CODE_KNOWN_FOR);
  for (const { end } of holders.values()) last = Math.max(last, end);
  for (const end of tokens.values()) last = Math.max(last, end);
  return last;
}

function lastCodeEnd({ codes }: Challenge, now: number): number {
  let last = 0;
  for (const end of codes.values()) if (end > now) last = Math.max(last, end);
  return last;
}

function holderWindow(challenge: Challenge, holder: string | undefined, now: number): number | undefined {
  const own = live(holder ? challenge.holders.get(holder) : undefined, now);
  const codeEnd = lastCodeEnd(challenge, now);
  if (!own || own.left < 1 || codeEnd === 0) return undefined;
  return Math.min(own.end, codeEnd) - now;
}

function recent(emails: SentEmail[], now: number): SentEmail[] {
  return emails.filter(({ place }) => now - place < DAY).slice(-(DEEPEST_LIMIT + GIVE_BACKS_A_DAY));
}

function wait(emails: readonly SentEmail[], limits: readonly Limit[], now: number): number {
  const counting = emails.filter(({ givenBack }) => !givenBack);
  let longest = 0;
  for (const { max, window } of limits) {
    const deciding = counting.at(-max);
    if (deciding) longest = Math.max(longest, deciding.place + window - now);
  }
  return longest;
}
