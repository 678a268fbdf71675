/** Verify: take an attempt, compare, and turn a right code into a token. */
import { type Digests, drawOpaque, secretOf } from '../challenge/digests.js';
import type { AttemptOutcome } from '../store/store.js';
import type { InvalidRequest, JudgedVerify } from './input.js';
import { type ActContext, seconds, type Unavailable } from './operation.js';

/** What `verify` takes; it is judged as a body of the route is. */
export interface VerifyInput {
  readonly email: unknown;
  readonly code: unknown;
  readonly challengeId?: unknown;
  readonly locale?: unknown;
}

export type VerifyOutcome =
  | {
      readonly kind: 'verified';
      readonly message: string;
      readonly verificationToken: string;
      readonly expiresIn: number;
    }
  | { readonly kind: 'code_incorrect'; readonly message: string; readonly attemptsLeft: number }
  /**
   * Expired, used, out of attempts, or never sent: not told apart. With `attemptsLeft`, a newer code lives and can
   * still be entered.
   */
  | { readonly kind: 'code_expired'; readonly message: string; readonly attemptsLeft?: number }
  | InvalidRequest
  | Unavailable;

export function createVerifying(context: ActContext): (judged: JudgedVerify) => Promise<VerifyOutcome> {
  const { settings, events, keyOf, eventOf, ask } = context;
  const { store, secrets, storeTimeout, tokenTtl } = settings;

  return async function verify({ email, code, challengeId, locale }) {
    const named = secretOf(challengeId, secrets);

    async function attempt(secret: Digests): Promise<VerifyOutcome | { kind: 'no_live_code' }> {
      const verificationToken = drawOpaque(secret);
      const { mailbox, challenge } = keyOf(secret, email);
      const client = secret === named && challengeId !== undefined ? secret.client(challengeId) : undefined;
      const token = secret.token(verificationToken);
      const entry = { mailbox, challenge, code: secret.code(challenge, code), client, token, tokenTtl };
      const outcome: AttemptOutcome | Unavailable = await ask('verify', locale, () =>
        store.attempt(entry, storeTimeout),
      );
      switch (outcome.kind) {
        case 'accepted':
          events.emit('verified', eventOf(email));
          return {
            kind: 'verified',
            message: locale.answers.verified,
            verificationToken,
            expiresIn: seconds(tokenTtl),
          };
        case 'incorrect': {
          const { attemptsLeft } = outcome;
          return {
            kind: 'code_incorrect',
            message: locale.answers.code_incorrect(attemptsLeft),
            attemptsLeft,
          };
        }
        case 'outdated': {
          const { attemptsLeft } = outcome;
          const { code_expired, code_outdated = code_expired } = locale.answers;
          // After the last attempt the newer one is of no use either.
          if (attemptsLeft === 0) return { kind: 'code_expired', message: code_expired };
          return { kind: 'code_expired', message: code_outdated, attemptsLeft };
        }
        case 'expired':
          return outcome.live
            ? { kind: 'code_expired', message: locale.answers.code_expired }
            : { kind: 'no_live_code' };
        case 'unavailable':
          return outcome;
      }
    }

    // While secrets rotate, the one the id names is asked first; the next only where that knows no live code.
    for (const secret of named ? [named, ...secrets.filter((other) => other !== named)] : secrets) {
      const outcome = await attempt(secret);
      if (outcome.kind !== 'no_live_code') return outcome;
    }
    return { kind: 'code_expired', message: locale.answers.code_expired };
  };
}
