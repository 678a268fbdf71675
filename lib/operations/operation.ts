/** What every act needs: the settings, the keys of a challenge, and trouble of the store turned into an outcome. */
import { maskAddress } from '../challenge/address.js';
import type { Digests } from '../challenge/digests.js';
import { type AddressEvent, createEvents, type Events } from '../events.js';
import type { Locale } from '../locales/index.js';
import type { Settings } from '../options/options.js';
import type { ChallengeKey } from '../store/store.js';

/** The store or the mail is away, or has no room; nothing happened. */
export interface Unavailable {
  readonly kind: 'unavailable';
  readonly message: string;
  readonly retryAfter: number;
}

export interface ActContext {
  readonly settings: Settings;
  readonly events: Events;
  /** Where a challenge is kept under one of the secrets. */
  keyOf(secret: Digests, email: string): ChallengeKey;
  eventOf(email: string): AddressEvent;
  /** Asks the store; trouble is an outcome, in time and closed, not an exception. */
  ask<T>(act: string, locale: Locale, call: () => Promise<T>): Promise<T | Unavailable>;
  unavailable(act: string, cause: unknown, locale: Locale): Unavailable;
}

/** How long a client is asked to wait when the store or the outbox is the trouble, in seconds. */
const RETRY_AFTER = 5;

export function createActContext(settings: Settings): ActContext {
  const { purpose } = settings;
  const events = createEvents();

  function unavailable(act: string, cause: unknown, locale: Locale): Unavailable {
    events.emit('unavailable', { act, purpose, cause });
    return { kind: 'unavailable', message: locale.answers.unavailable, retryAfter: RETRY_AFTER };
  }

  return {
    settings,
    events,
    keyOf: (secret, email) => ({
      mailbox: secret.mailbox(settings.mailbox(email)),
      challenge: secret.challenge(email, purpose),
    }),
    eventOf: (email) => ({ email: maskAddress(email), purpose }),
    unavailable,
    async ask(act, locale, call) {
      try {
        return await call();
      } catch (cause) {
        return unavailable(act, cause, locale);
      }
    },
  };
}

/** Whole seconds, rounded up, at least 1: what `Retry-After` can say. */
export function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
