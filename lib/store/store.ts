import { refuse } from '../checks.js';

/**
 * The store port: what a store keeps of a challenge, and the operations on it. A store receives digests, times and limits,
 * and never an address, an IP or a code in the clear. It uses no randomness, so two stores that receive the same calls under
 * the same clock return the same outcomes.
 *
 * All times are milliseconds. Each operation is one atomic step. It rejects when it cannot answer within `timeout`, and
 * then changes nothing later (rule 7).
 */
export interface Store {
  /** Records an email and a new code, unless a limit is full. */
  open(request: OpenRequest, timeout: number): Promise<OpenOutcome>;
  /**
   * Takes one attempt, then compares. The count is written before the code is looked up. If the token of an attempt is
   * already stored, the attempt was accepted and its reply was lost: it is accepted again and takes nothing.
   */
  attempt(request: AttemptRequest, timeout: number): Promise<AttemptOutcome>;
  /** Undoes an open whose email is known not to have been sent. Doing so twice changes nothing. */
  discard(request: DiscardRequest, timeout: number): Promise<DiscardOutcome>;
  /** Uses up a token. */
  redeem(request: TokenRequest, timeout: number): Promise<RedeemOutcome>;
  /** Puts a redeemed token back with its original end, unless that has passed. */
  release(request: TokenRequest & { end: number }, timeout: number): Promise<void>;
  /** Reads how long a holder can still enter a code. Changes nothing. */
  peek(request: PeekRequest, timeout: number): Promise<PeekOutcome>;
  /** Counts a request of one IP in a fixed window, takes one back, or forgets the IP. */
  count(request: CountRequest, timeout: number): Promise<CountOutcome>;
  /** Reads what is stored about an address, for support staff. Changes nothing. A store without it serves everything else. */
  status?(request: StatusRequest, timeout: number): Promise<StoredStatus>;
  /** Deletes a challenge, and the emails that count for its mailbox. A store without it serves everything else. */
  forget?(request: ChallengeKey, timeout: number): Promise<Forgotten>;
  /**
   * Accepts the proof of a nonce once: all codes, holders and shared attempts end, as with a right code, and a token is stored.
   * If that token is already stored, the reply was lost, and it is accepted again. A store without it serves everything but
   * `browserProof`.
   */
  prove?(request: ProveRequest, timeout: number): Promise<ProveOutcome>;
  /** What makes this store unsuitable, as sentences; none if it is suitable. */
  check(timeout: number): Promise<readonly string[]>;
}

/** At most `max` emails in any `window` (ms) to one mailbox. */
export interface Limit {
  readonly max: number;
  readonly window: number;
}

/** The digests that identify a challenge. `mailbox` alone identifies what the limits count. */
export interface ChallengeKey {
  readonly mailbox: string;
  readonly challenge: string;
}

export interface OpenRequest extends ChallengeKey {
  readonly code: string;
  /** The code to record in place of `code` if the holder is a new one. @default `code` */
  readonly codeOfNewHolder?: string | undefined;
  readonly codeTtl: number;
  /** The digest of the `challengeId` in the request, if it has one. */
  readonly holder: string | undefined;
  /** The digest of the new id, in case `holder` is missing, unknown, expired or out of attempts. */
  readonly newHolder: string;
  readonly maxAttempts: number;
  /** What the shared attempts are set to. @default `maxAttempts` */
  readonly sharedAttempts?: number | undefined;
  readonly limits: readonly Limit[];
}

export type OpenOutcome =
  | {
      readonly kind: 'opened';
      /** Whether the holder keeps the id it sent. */
      readonly kept: boolean;
      /** The email's place in the limits, which `discard` gives back. */
      readonly place: number;
      readonly expiresIn: number;
      readonly resendIn: number;
    }
  | {
      readonly kind: 'limited';
      readonly retryIn: number;
      /** How long the holder can still enter a code; undefined if it cannot. */
      readonly expiresIn: number | undefined;
    };

export interface AttemptRequest extends ChallengeKey {
  readonly code: string;
  readonly holder: string | undefined;
  /** The digest of the token to store if the code is right. Each attempt has a new one. */
  readonly token: string;
  readonly tokenTtl: number;
}

export type AttemptOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'incorrect'; readonly attemptsLeft: number }
  /** A code that has ended, while a newer one is live. It took an attempt like any other wrong code. */
  | { readonly kind: 'outdated'; readonly attemptsLeft: number }
  /** `live` says whether there was any live code. */
  | { readonly kind: 'expired'; readonly live: boolean };

export interface DiscardRequest extends ChallengeKey {
  readonly code: string;
  /** The holder's digest if `open` created it. The holder ends with its code, unless it has a newer one. */
  readonly newHolder: string | undefined;
  readonly place: number;
  readonly limits: readonly Limit[];
}

export interface DiscardOutcome {
  readonly kind: 'discarded';
  readonly resendIn: number;
}

export interface TokenRequest extends ChallengeKey {
  readonly token: string;
}

export type RedeemOutcome =
  | { readonly kind: 'redeemed'; readonly end: number }
  | { readonly kind: 'unknown' };

export interface PeekRequest extends ChallengeKey {
  readonly holder: string;
}

export interface PeekOutcome {
  readonly expiresIn: number | undefined;
}

export interface StatusRequest extends ChallengeKey {
  readonly limits: readonly Limit[];
}

export interface StoredStatus {
  readonly kind: 'status';
  /** How long each live code is still valid, the first to end first. */
  readonly codes: readonly number[];
  /** The most attempts that one holder has left, or all without a `challengeId` together. 0 without a live code. */
  readonly attemptsLeft: number;
  /** The emails of the last day that count. */
  readonly sends: number;
  /** The wait until no limit is full. */
  readonly resendIn: number;
  /** How many tokens are live. */
  readonly tokens: number;
}

export interface Forgotten {
  readonly kind: 'forgotten';
}

export interface ProveRequest extends ChallengeKey {
  /** The digest of the nonce. It is remembered for the mailbox, whatever becomes of the challenge. */
  readonly nonce: string;
  /** How long it is remembered. */
  readonly nonceTtl: number;
  /** The digest of the token to store. Each call has a new one. */
  readonly token: string;
  readonly tokenTtl: number;
}

export type ProveOutcome = { readonly kind: 'accepted' } | { readonly kind: 'used' };

export interface CountRequest {
  /** The digest of the client's IP. */
  readonly ip: string;
  readonly window: number;
  readonly step: 'hit' | 'undo' | 'forget';
}

export interface CountOutcome {
  readonly hits: number;
  readonly resetsIn: number;
}

/**
 * How long a code is remembered after its end, in ms, and the maximum number of such codes of one challenge. The latest are
 * kept. They are not accepted, but a person who enters one while a newer code is live is told that it is an old one. Slow
 * relays hold emails back for 5 to 15 minutes.
 */
export const ENDED_CODE_KNOWN_FOR = 900_000;
export const ENDED_CODES_KNOWN = 10;

/** The longest time that an email counts, whatever the windows of an instance. */
export const DAY = 86_400_000;

/** The maximum number of places that are given back in a day: F in the guess bound. */
export const GIVE_BACKS_A_DAY = 3;

/** The maximum number of emails that a limit can look back on: the largest `max`. */
export const DEEPEST_LIMIT = 1000;

/** A call that did not settle in time. If it is still in progress, it changes nothing. */
export class StoreTimeout extends Error {
  override readonly name = 'StoreTimeout';
  constructor(message = 'The store did not answer in time.', options?: ErrorOptions) {
    super(message, options);
  }
}

/** Whoever moves the clock decides what has expired, so production must not have one. */
export function refuseClockInProduction(name: string, clock: unknown): void {
  if (clock === undefined) return;
  if (typeof clock !== 'function') refuse('clock', 'a function', clock, name);
  if (process.env['NODE_ENV'] === 'production') {
    throw new TypeError(`The \`clock\` option of ${name} is for tests, and NODE_ENV is production.`);
  }
}
