/**
 * Browser proofs that a person controls an address, in place of a code. Here is the port, the nonces, and what a proof is
 * worth; what it must look like is known to whoever checks it.
 */
import { normalizeEmail } from '../challenge/address.js';
import { drawOpaque } from '../challenge/digests.js';
import { createNonce, NONCE_KNOWN_FOR, NONCE_TTL, readNonce } from '../challenge/nonce.js';
import { nameOf } from '../describe.js';
import { isName } from '../errors.js';
import { type OperationContext, operationOf, type Stopwatch, seconds, type Unavailable } from './context.js';
import { callHook } from './hook.js';
import type { ParsedSend } from './input.js';

/** Checks proofs for the `browserProof` option. evp() of `express-email-verification/evp` returns one. */
export interface BrowserProof {
  /** A rejection, or no verdict within `hookTimeout`, refuses the proof. */
  check(presented: PresentedProof): Promise<ProofVerdict>;
}

export interface PresentedProof {
  /** The canonical address of the send. */
  readonly email: string;
  /** As it was received. */
  readonly proof: string;
  /** One of ours that has not expired. The proof must be bound to it. */
  readonly nonce: string;
}

export type ProofVerdict =
  /** `email` is the address that is proven. It may differ from that of the send. */
  | { readonly kind: 'accepted'; readonly email: string }
  /** `reason` is for the operator: a few values, in snake_case. */
  | { readonly kind: 'refused'; readonly reason: string; readonly cause?: unknown };

/** A nonce for the page: the browser binds its proof to it. */
export interface Nonce {
  readonly nonce: string;
  /** Whole seconds. */
  readonly expiresIn: number;
}

/** The browser has proven the address, and no email was sent. */
export interface Proven {
  readonly kind: 'verified';
  readonly verified: true;
  readonly message: string;
  readonly verificationToken: string;
  readonly expiresIn: number;
  /** The address that was verified, if it differs from the one typed: a private one that the provider gave. */
  readonly email?: string;
}

export interface BrowserProofs {
  createNonce(): Nonce;
  /** Undefined if there is no proof, or none that is accepted: the send goes on. */
  accept(
    input: ParsedSend,
    isSuppressed: boolean,
    lasted: Stopwatch,
  ): Promise<Proven | Unavailable | undefined>;
}

/**
 * @returns undefined without `browserProof`
 * @throws TypeError if the store cannot remember nonces.
 */
export function createBrowserProofs(context: OperationContext): BrowserProofs | undefined {
  const { settings, events, keyOf, eventOf, callStore } = context;
  const { browserProof: checker, store, hashers, purpose, hookTimeout, storeTimeout, tokenTtl } = settings;
  if (!checker) return undefined;
  const prove = operationOf(store, 'prove', '`browserProof`');

  async function verdictOn(presented: PresentedProof): Promise<ProofVerdict> {
    try {
      const result = await callHook(async () => checker?.check(presented), hookTimeout);
      if (result.kind === 'late') return { kind: 'refused', reason: 'timeout' };
      return verdictIn(result.value);
    } catch (cause) {
      return { kind: 'refused', reason: 'check_failed', cause };
    }
  }

  return {
    createNonce: () => ({
      nonce: createNonce(hashers[0], purpose, Date.now()),
      expiresIn: seconds(NONCE_TTL),
    }),

    async accept({ email, proof, nonce, locale }, isSuppressed, lasted) {
      if (proof === undefined) return undefined;
      const refused = (reason: string, cause?: unknown) => {
        events.emit('proof_refused', () => ({
          ...eventOf(email, lasted),
          reason,
          ...(cause !== undefined && { cause }),
        }));
        return undefined;
      };

      if (typeof proof !== 'string' || typeof nonce !== 'string') return refused('malformed');
      const its = readNonce(nonce, hashers, purpose, Date.now());
      if (its.kind !== 'valid') return refused(`nonce_${its.kind}`);
      const verdict = await verdictOn({ email, proof, nonce });
      if (verdict.kind === 'refused') return refused(verdict.reason, verdict.cause);
      // Only now: a suppressed address must not differ in time by a proof that does not hold. Nor may it differ by a proof of
      // another address, which anybody can have.
      if (isSuppressed && verdict.email === email) return refused('suppressed');

      const { hasher } = its;
      const verificationToken = drawOpaque(hasher);
      const request = {
        ...keyOf(hasher, verdict.email),
        nonce: hasher.usedNonce(nonce),
        nonceTtl: NONCE_KNOWN_FOR,
        token: hasher.token(verificationToken),
        tokenTtl,
      };
      const outcome = await callStore('send', locale, () => prove(request, storeTimeout));
      if (outcome.kind === 'unavailable') return outcome;
      if (outcome.kind === 'used') return refused('nonce_used');
      events.emit('verified', () => ({ ...eventOf(verdict.email, lasted), proof: true }));
      return {
        kind: 'verified',
        verified: true,
        message: locale.answers.verified,
        verificationToken,
        expiresIn: seconds(tokenTtl),
        ...(verdict.email !== email && { email: verdict.email }),
      };
    },
  };
}

/**
 * Reads each field once: the check may be the app's own. What is not exactly an acceptance must never become one.
 *
 * @throws TypeError if it is no verdict.
 */
function verdictIn(returned: unknown): ProofVerdict {
  const { kind, email, reason, cause }: Readonly<Record<string, unknown>> = Object(returned);
  const proven = kind === 'accepted' ? normalizeEmail(email) : undefined;
  if (proven !== undefined) return { kind: 'accepted', email: proven };
  // It becomes an attribute of metrics.
  if (kind === 'refused')
    return { kind, reason: typeof reason === 'string' && isName(reason) ? reason : 'other', cause };
  throw new TypeError(
    `check() of \`browserProof\` must resolve to { kind: 'accepted', email } or { kind: 'refused', reason }. Received ${received(kind, returned)}.`,
  );
}

/** Not the address. */
function received(kind: unknown, returned: unknown): string {
  if (kind === 'accepted') return "{ kind: 'accepted' } without an address";
  return typeof kind === 'string' ? 'another `kind`' : nameOf(returned);
}
