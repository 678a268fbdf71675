/** What every operation needs: settings, events, the keys of a challenge, and an outcome for a store that fails. */
import { maskAddress } from '../challenge/address.js';
import type { Hasher } from '../challenge/digests.js';
import { createEvents, type Events, type OperationEvent } from '../events.js';
import type { Locale } from '../locales/index.js';
import type { Settings } from '../options/options.js';
import type { ChallengeKey, Store } from '../store/store.js';

/** The store or the email queue could not carry out the operation. Nothing has changed. */
export interface Unavailable {
  readonly kind: 'unavailable';
  readonly message: string;
  /** Seconds. */
  readonly retryAfter: number;
}

export interface OperationContext {
  readonly settings: Settings;
  readonly events: Events;
  /** Where a challenge is stored under one of the secrets. */
  keyOf(hasher: Hasher, email: string): ChallengeKey;
  /** The fields that events about an address have in common. */
  eventOf(email: string, elapsed: Stopwatch): OperationEvent;
  /** Calls the store. A call that fails or times out is an outcome, and an event. */
  callStore<T>(operation: string, locale: Locale, call: () => Promise<T>): Promise<T | Unavailable>;
  unavailable(operation: string, cause: unknown, locale: Locale): Unavailable;
}

/** How long a client should wait when the store or the email queue is unavailable, in seconds. */
export const RETRY_AFTER = 5;

export function createOperationContext(settings: Settings): OperationContext {
  const { purpose } = settings;
  const events = createEvents();

  function unavailable(operation: string, cause: unknown, locale: Locale): Unavailable {
    events.emit('unavailable', () => ({ operation, purpose, cause }));
    return { kind: 'unavailable', message: locale.answers.unavailable, retryAfter: RETRY_AFTER };
  }

  return {
    settings,
    events,
    keyOf: (hasher, email) => ({
      mailbox: hasher.mailbox(settings.mailbox(email)),
      challenge: hasher.challenge(email, purpose),
    }),
    eventOf: (email, elapsed) => ({
      email: maskAddress(email),
      purpose,
      // To the microsecond: more digits would be noise in logs.
      duration: Math.round(elapsed() * 1000) / 1000,
    }),
    unavailable,
    async callStore(operation, locale, call) {
      try {
        return await call();
      } catch (cause) {
        return unavailable(operation, cause, locale);
      }
    },
  };
}

/**
 * @param what needs the operation
 * @throws TypeError for a store of the app's own without it.
 */
export function operationOf<Name extends 'status' | 'forget' | 'prove'>(
  store: Store,
  name: Name,
  what: string,
): NonNullable<Store[Name]> {
  const { [name]: operation } = store;
  if (operation) return operation;
  throw new TypeError(`${what} needs a \`store\` with the operation ${name}(), and this one has none.`);
}

/** Whole seconds, rounded up, at least 1: for `Retry-After`. */
export function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** The time since it was started, in ms. */
export type Stopwatch = () => number;

export function stopwatch(): Stopwatch {
  const start = performance.now();
  return () => performance.now() - start;
}
