/** Verify: takes an attempt, compares the code, and exchanges a correct one for a verification token. */
import { drawDigest, drawOpaque, type Hasher, hasherOf } from '../challenge/digests.js';
import type { CodeExpiredEvent } from '../events.js';
import type { AttemptOutcome } from '../store/store.js';
import { type OperationContext, type Stopwatch, seconds, stopwatch, type Unavailable } from './context.js';
import type { InvalidRequest, ParsedVerify } from './input.js';

/** The input of `verify`, validated like the body of the route. */
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
   * The code has expired, was used, has no attempts left, or was never sent. The outcome does not say which. With
   * `attemptsLeft`, a newer code is live and can still be entered.
   */
  | { readonly kind: 'code_expired'; readonly message: string; readonly attemptsLeft?: number }
  | InvalidRequest
  | Unavailable;

export type Verify = (input: ParsedVerify) => Promise<VerifyOutcome>;

export function createVerify({ settings, events, keyOf, eventOf, callStore }: OperationContext): Verify {
  const { store, hashers, binding, storeTimeout, tokenTtl, fixedCodes } = settings;

  /**
   * The secrets to try, by the one that the id names. If codes are bound to the client, only its own id can name one, and
   * without an id there is nothing to compare.
   */
  const candidates = new Map<Hasher | undefined, readonly Hasher[]>(
    hashers.map((named) => [
      named,
      binding === 'client' ? [named] : [named, ...hashers.filter((other) => other !== named)],
    ]),
  );
  if (binding === 'address') candidates.set(undefined, hashers);

  return async function verify(input) {
    const elapsed = stopwatch();
    // During a rotation of secrets, the one that the id names comes first, and the others only if it has no live code.
    const named = hasherOf(input.challengeId, hashers);
    for (const hasher of candidates.get(named) ?? []) {
      const outcome = await attempt(hasher, hasher === named ? input.challengeId : undefined, input, elapsed);
      if (outcome.kind !== 'no_live_code') return outcome;
    }
    emitExpired(input.email, 'no_live_code', elapsed);
    return { kind: 'code_expired', message: input.locale.answers.code_expired };
  };

  function emitExpired(email: string, state: CodeExpiredEvent['state'], elapsed: Stopwatch): void {
    events.emit('code_expired', () => ({ ...eventOf(email, elapsed), state }));
  }

  async function attempt(
    hasher: Hasher,
    challengeId: string | undefined,
    { email, code, locale }: ParsedVerify,
    elapsed: Stopwatch,
  ): Promise<VerifyOutcome | { kind: 'no_live_code' }> {
    const { answers } = locale;
    const verificationToken = drawOpaque(hasher);
    const { mailbox, challenge } = keyOf(hasher, email);
    const holder = challengeId === undefined ? undefined : hasher.holder(challengeId);
    const owner = binding === 'client' ? holder : undefined;
    const request = {
      mailbox,
      challenge,
      // A fixed code may have been stored before its end: it still costs an attempt, but nothing matches it.
      code: fixedCodes?.hasEnded(email, code) ? drawDigest() : hasher.code(challenge, code, owner),
      holder,
      token: hasher.token(verificationToken),
      tokenTtl,
    };
    const outcome: AttemptOutcome | Unavailable = await callStore('verify', locale, () =>
      store.attempt(request, storeTimeout),
    );
    switch (outcome.kind) {
      case 'accepted':
        events.emit('verified', () => ({
          ...eventOf(email, elapsed),
          ...(fixedCodes?.codeOf(email) === code && { fixedCode: true }),
        }));
        return {
          kind: 'verified',
          message: answers.verified,
          verificationToken,
          expiresIn: seconds(tokenTtl),
        };
      case 'incorrect': {
        const { attemptsLeft } = outcome;
        events.emit('code_incorrect', () => ({ ...eventOf(email, elapsed), attemptsLeft }));
        return { kind: 'code_incorrect', message: answers.code_incorrect(attemptsLeft), attemptsLeft };
      }
      case 'outdated': {
        const { attemptsLeft } = outcome;
        const { code_expired, code_outdated = code_expired } = answers;
        emitExpired(email, 'outdated', elapsed);
        // Without attempts, the newer code is useless too.
        if (attemptsLeft === 0) return { kind: 'code_expired', message: code_expired };
        return { kind: 'code_expired', message: code_outdated, attemptsLeft };
      }
      case 'expired':
        if (!outcome.live) return { kind: 'no_live_code' };
        emitExpired(email, 'no_attempts_left', elapsed);
        return { kind: 'code_expired', message: answers.code_expired };
      case 'unavailable':
        return outcome;
    }
  }
}
