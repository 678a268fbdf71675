/** Redeem: use a token up, once. Release: give it back when the sign-up did not come about. */
import { secretOf } from '../challenge/digests.js';
import type { Locale } from '../locales/index.js';
import type { InvalidRequest, Judge } from './input.js';
import type { ActContext, Unavailable } from './operation.js';

export interface RedeemInput {
  readonly email: unknown;
  readonly verificationToken: unknown;
  readonly locale?: unknown;
}

export type RedeemOutcome =
  | Redeemed
  /** No token, one of another address or purpose, used, ended, or altered: not told apart. */
  | { readonly kind: 'email_not_verified'; readonly message: string }
  | InvalidRequest
  | Unavailable;

/** A token that was used up; `release` takes it back whole. */
export interface Redeemed {
  readonly kind: 'redeemed';
  /** The canonical address. */
  readonly email: string;
  readonly verificationToken: string;
  /** When the token ends, in ms by the store's clock. */
  readonly end: number;
}

export type ReleaseOutcome = { readonly kind: 'released' } | Unavailable;

export interface Redeeming {
  redeem(input: RedeemInput, fallback?: Locale): Promise<RedeemOutcome>;
  release(redeemed: Redeemed): Promise<ReleaseOutcome>;
}

export function createRedeeming(context: ActContext, judge: Judge): Redeeming {
  const { settings, events, keyOf, eventOf, ask } = context;
  const { store, secrets, storeTimeout } = settings;

  return {
    async redeem(input, fallback) {
      const judged = await judge.send({ email: input?.email, locale: input?.locale }, fallback);
      if (judged.kind === 'invalid_request') return judged;
      const { email, locale } = judged;
      const refused = { kind: 'email_not_verified', message: locale.answers.email_not_verified } as const;

      const { verificationToken } = input;
      if (typeof verificationToken !== 'string') return refused;
      const secret = secretOf(verificationToken, secrets);
      if (!secret) return refused;
      const entry = { ...keyOf(secret, email), token: secret.token(verificationToken) };
      const outcome = await ask('redeem', locale, () => store.redeem(entry, storeTimeout));
      if (outcome.kind === 'unavailable') return outcome;
      if (outcome.kind === 'unknown') return refused;
      events.emit('redeemed', eventOf(email));
      return { kind: 'redeemed', email, verificationToken, end: outcome.end };
    },

    async release(redeemed) {
      const { email, verificationToken, end } = redeemed ?? {};
      const secret = typeof verificationToken === 'string' ? secretOf(verificationToken, secrets) : undefined;
      if (!secret || typeof email !== 'string' || !Number.isSafeInteger(end))
        throw new TypeError('release() takes what redeem() came to.');
      const entry = { ...keyOf(secret, email), token: secret.token(verificationToken), end };
      const outcome = await ask('release', settings.defaultLocale, async () => {
        await store.release(entry, storeTimeout);
        return { kind: 'released' } as const;
      });
      if (outcome.kind === 'released') events.emit('released', eventOf(email));
      return outcome;
    },
  };
}
