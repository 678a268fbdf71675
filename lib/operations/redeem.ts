/** Redeem: uses up a verification token. Release: gives it back when the sign-up failed. */
import { hasherOf } from '../challenge/digests.js';
import { chooseLocale, type Locale } from '../locales/index.js';
import { type OperationContext, stopwatch, type Unavailable } from './context.js';
import type { InputParsers, InvalidRequest } from './input.js';

export interface RedeemInput {
  readonly email: unknown;
  readonly verificationToken: unknown;
  readonly locale?: unknown;
}

export type RedeemOutcome =
  | Redeemed
  /** The token is missing, used, expired, altered, or of another address or purpose. The outcome does not say which. */
  | { readonly kind: 'email_not_verified'; readonly message: string }
  | InvalidRequest
  | Unavailable;

/** A token that was used up. `release` gives it back. */
export interface Redeemed {
  readonly kind: 'redeemed';
  /** The canonical address. */
  readonly email: string;
  readonly verificationToken: string;
  /** When the token expires, in ms by the store's clock. */
  readonly end: number;
}

export type ReleaseOutcome = { readonly kind: 'released' } | Unavailable;

export interface Redeem {
  /** @param locale The language to use if the input names none. */
  redeem(input: RedeemInput, locale?: Locale): Promise<RedeemOutcome>;
  release(redeemed: Redeemed): Promise<ReleaseOutcome>;
}

export function createRedeem(context: OperationContext, parsers: InputParsers): Redeem {
  const { settings, events, keyOf, eventOf, callStore } = context;
  const { store, hashers, storeTimeout, defaultLocale } = settings;

  return {
    async redeem(input, fallback = defaultLocale) {
      const elapsed = stopwatch();
      const language = chooseLocale(settings, input?.locale) ?? fallback;
      const parsed = await parsers.send({ email: input?.email, locale: input?.locale }, language);
      if (parsed.kind === 'invalid_request') return parsed;
      const { email, locale } = parsed;
      const refused = { kind: 'email_not_verified', message: locale.answers.email_not_verified } as const;

      const { verificationToken } = input;
      if (typeof verificationToken !== 'string') return refused;
      const hasher = hasherOf(verificationToken, hashers);
      if (!hasher) return refused;
      const request = { ...keyOf(hasher, email), token: hasher.token(verificationToken) };
      const outcome = await callStore('redeem', locale, () => store.redeem(request, storeTimeout));
      if (outcome.kind === 'unavailable') return outcome;
      if (outcome.kind === 'unknown') return refused;
      events.emit('redeemed', () => eventOf(email, elapsed));
      return { kind: 'redeemed', email, verificationToken, end: outcome.end };
    },

    async release(redeemed) {
      const elapsed = stopwatch();
      const { email, verificationToken, end } = redeemed ?? {};
      const hasher = typeof verificationToken === 'string' ? hasherOf(verificationToken, hashers) : undefined;
      if (!hasher || typeof email !== 'string' || !Number.isSafeInteger(end))
        throw new TypeError('release() takes the outcome of redeem().');
      const request = { ...keyOf(hasher, email), token: hasher.token(verificationToken), end };
      const outcome = await callStore('release', defaultLocale, async () => {
        await store.release(request, storeTimeout);
        return { kind: 'released' } as const;
      });
      if (outcome.kind === 'released') events.emit('released', () => eventOf(email, elapsed));
      return outcome;
    },
  };
}
