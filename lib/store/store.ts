import { refuse } from '../options/checks.js';

/**
 * The store port: what a challenge needs kept, and the seven acts on it. A store is handed digests, times
 * and limits, and nothing that reads as an address, a client or a code; it draws nothing at random. So two
 * stores given the same calls under the same clock come to the same outcomes.
 *
 * All times are milliseconds. Each act is one atomic step, takes the `timeout` the caller grants it, and
 * rejects when it cannot answer by then; an act that rejected changes nothing later (rule 7).
 */
export interface Store {
  /** Enters a mail and a new code, unless a limit is full. */
  open(request: OpenRequest, timeout: number): Promise<OpenOutcome>;
  /**
   * Takes one attempt, then compares: the count is written before anything is looked up. An attempt whose token is
   * there has been accepted before and its reply was lost: it is answered so again, and takes nothing.
   */
  attempt(request: AttemptRequest, timeout: number): Promise<AttemptOutcome>;
  /** Undoes an open whose mail is known not to have left. Twice changes nothing. */
  discard(request: DiscardRequest, timeout: number): Promise<DiscardOutcome>;
  /** Uses up a token. */
  redeem(request: TokenRequest, timeout: number): Promise<RedeemOutcome>;
  /** Puts a redeemed token back with the end it had, if that is still to come. */
  release(request: TokenRequest & { end: number }, timeout: number): Promise<void>;
  /** Tells until when a client can still enter a code. Changes nothing. */
  look(request: ClientRequest, timeout: number): Promise<LookOutcome>;
  /** Counts a client's request in a fixed window, or takes one back, or forgets the client. */
  count(request: CountRequest, timeout: number): Promise<CountOutcome>;
  /** What keeps this store from being fit, as sentences; none when it is. */
  check(timeout: number): Promise<readonly string[]>;
}

/** At most `max` mails in any `window` (ms) to one mailbox. */
export interface Limit {
  readonly max: number;
  readonly window: number;
}

/** The digests a challenge is found by; `mailbox` alone finds what the limits count on. */
export interface ChallengeKey {
  readonly mailbox: string;
  readonly challenge: string;
}

export interface OpenRequest extends ChallengeKey {
  readonly code: string;
  readonly codeTtl: number;
  /** The digest of the `challengeId` the client sent, when it sent one. */
  readonly client: string | undefined;
  /** The digest of the id it gets when that one is unknown, ended or spent. */
  readonly newClient: string;
  readonly maxAttempts: number;
  readonly limits: readonly Limit[];
}

export type OpenOutcome =
  | {
      readonly kind: 'opened';
      /** Whether the client goes on under the id it sent. */
      readonly kept: boolean;
      /** The mail's place in the limits, to give back by `discard`. */
      readonly place: number;
      readonly expiresIn: number;
      readonly resendIn: number;
    }
  | {
      readonly kind: 'limited';
      readonly retryIn: number;
      /** How long the client that asked can still enter a code; absent when it holds none. */
      readonly expiresIn: number | undefined;
    };

export interface AttemptRequest extends ChallengeKey {
  readonly code: string;
  readonly client: string | undefined;
  /** The digest of the token to keep, should the code be right. One that may have been kept is tried with no other attempt. */
  readonly token: string;
  readonly tokenTtl: number;
}

export type AttemptOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'incorrect'; readonly attemptsLeft: number }
  /** A code that has ended, while a newer one lives. It took an attempt as any other that is not right. */
  | { readonly kind: 'outdated'; readonly attemptsLeft: number }
  /** `live` tells whether any code was live: without one, nothing was there to attempt. */
  | { readonly kind: 'expired'; readonly live: boolean };

export interface DiscardRequest extends ChallengeKey {
  readonly code: string;
  /** The client's digest when the open made it: it ends with its code, unless it went on to another. */
  readonly madeClient: string | undefined;
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

export interface ClientRequest extends ChallengeKey {
  readonly client: string;
}

export interface LookOutcome {
  readonly expiresIn: number | undefined;
}

export interface CountRequest {
  /** The digest of the client's network address. */
  readonly client: string;
  readonly window: number;
  readonly step: 'hit' | 'undo' | 'forget';
}

export interface CountOutcome {
  readonly hits: number;
  readonly resetsIn: number;
}

/**
 * How long a code is known after its end, in ms, and how many such codes of one challenge at the most, the newest
 * first: so that whoever types one beside a newer code that lives learns that it is an old one. It is worth nothing.
 * Slow relays hold emails back for 5 to 15 minutes.
 */
export const ENDED_CODE_KNOWN_FOR = 900_000;
export const ENDED_CODES_KNOWN = 10;

/** The longest a mail counts, whatever the windows of an instance. */
export const DAY = 86_400_000;

/** The places given back in a day at the most: F in the bound of guesses. */
export const GIVE_BACKS_A_DAY = 3;

/** The deepest a limit can look back: `max` is 1000 at most. */
export const DEEPEST_LIMIT = 1000;

/** A call that did not end in time; whatever of it is still under way changes nothing. */
export class StoreTimeout extends Error {
  override readonly name = 'StoreTimeout';
  constructor(message = 'The store did not answer in time.', options?: ErrorOptions) {
    super(message, options);
  }
}

/** A clock that a test moves decides what has ended: nothing for production. */
export function refuseClockInProduction(name: string, clock: unknown): void {
  if (clock === undefined) return;
  if (typeof clock !== 'function') refuse('clock', 'a function', clock, name);
  if (process.env['NODE_ENV'] === 'production') {
    throw new TypeError(`The \`clock\` option of ${name} is for tests, and NODE_ENV is production.`);
  }
}
