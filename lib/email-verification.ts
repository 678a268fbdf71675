/**
 * createEmailVerification(): puts the layers together, and offers the operations without HTTP. The router and
 * requireVerifiedEmail() are one way to call them; a resolver, a job or a form page is another.
 */

import { guessWarning } from './challenge/guess-bound.js';
import { shown } from './checks.js';
import { type EventName, type Listener, warn } from './events.js';
import {
  type ClientLimitHandler,
  type ClientLimits,
  createClientLimitHandler,
  createClientLimits,
} from './http/client-limit/client-limit.js';
import { chooseLocale } from './locales/index.js';
import { checkTemplate } from './mail/message.js';
import type { Nonce } from './operations/browser-proof.js';
import { createOperations, type Operations } from './operations/operations.js';
import type { Redeemed, RedeemInput, RedeemOutcome, ReleaseOutcome } from './operations/redeem.js';
import type { SendInput, SendOutcome } from './operations/send.js';
import type { ForgetOutcome, StatusOutcome, SupportInput } from './operations/support.js';
import type { VerifyInput, VerifyOutcome } from './operations/verify.js';
import { createSettings, type EmailVerificationOptions, type Settings } from './options/options.js';

/** The operations. A failure of the store or the email is an outcome, never a rejection. */
export interface EmailVerification {
  /** Emails a code. Rejects only with what `beforeSend` threw, before anything is stored or sent. */
  send(input: SendInput): Promise<SendOutcome>;
  /** Checks a code, and returns a verification token for a right one. */
  verify(input: VerifyInput): Promise<VerifyOutcome>;
  /** Uses up a verification token. */
  redeem(input: RedeemInput): Promise<RedeemOutcome>;
  /** Gives a redeemed token back. It still expires at its original time. */
  release(redeemed: Redeemed): Promise<ReleaseOutcome>;
  /** Tells support staff what is stored about an address. Changes nothing. */
  status(input: SupportInput): Promise<StatusOutcome>;
  /**
   * Deletes what is stored about an address, and the emails that count for its mailbox, so that a person who is locked out
   * can begin again. For support staff only: after each call, the limits of emails and guesses begin anew.
   */
  forget(input: SupportInput): Promise<ForgetOutcome>;
  /**
   * A nonce for a page whose browser may prove the address. Send it back with the proof.
   *
   * @throws TypeError without `browserProof`.
   */
  createNonce(): Nonce;
  /** Checks that the store is reachable and suitable, the transport can log in, and guesses are unlikely enough. */
  check(): Promise<CheckOutcome>;
  /** Finishes the emails that are being sent, then stops. The app's own Redis client and transporter stay open. */
  close(): Promise<void>;
  /** Listens to an event, and returns a function that stops listening. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  /**
   * The router's limit on sends per client IP, for the app's own routes: a middleware.
   *
   * @example
   * app.post('/send', verification.clientLimit, handler);
   * app.post('/form', verification.clientLimit({ onRefused: showForm }), handler);
   */
  readonly clientLimit: ClientLimitHandler;
  /** @internal What the router and requireVerifiedEmail() need beyond this. */
  readonly internals: Internals;
}

interface Internals {
  readonly operations: Operations;
  readonly clientLimits: ClientLimits;
}

export interface CheckOutcome {
  /** Whether everything works as it should. Fixed codes, which somebody chose, do not count against it. */
  readonly ok: boolean;
  /** What is wrong, and which addresses have fixed codes, as sentences without addresses or secrets. */
  readonly problems: readonly string[];
}

/**
 * Checks all options and prepares the operations.
 *
 * @throws TypeError or RangeError that names the option, its range and its value.
 * @example
 * const verification = createEmailVerification({ store: new RedisStore(redis), transport, from, secret });
 * app.use('/email-verification', emailVerificationRouter(verification));
 */
export function createEmailVerification(options: EmailVerificationOptions): EmailVerification {
  return verificationOf(createSettings(options));
}

/** @internal */
export function verificationOf(settings: Settings): EmailVerification {
  checkTemplate(settings);
  const weakness = guessWarning(settings);
  if (weakness) warn(weakness);
  const { fixedCodes } = settings;
  if (fixedCodes) warn(fixedCodes.notes().join(' '));
  const operations = createOperations(settings);
  const clientLimits = createClientLimits(operations);
  const { parsers } = operations;
  const localeOf = (input: { readonly locale?: unknown }) =>
    chooseLocale(settings, input?.locale) ?? settings.defaultLocale;

  return {
    async send(input) {
      const parsed = await parsers.send(input, localeOf(input));
      return parsed.kind === 'invalid_request' ? parsed : operations.send(parsed, input.request);
    },
    async verify(input) {
      const parsed = await parsers.verify(input, localeOf(input));
      return parsed.kind === 'invalid_request' ? parsed : operations.verify(parsed);
    },
    redeem: (input) => operations.redeem(input),
    release: (redeemed) => operations.release(redeemed),
    status: (input) => operations.status(input),
    forget: (input) => operations.forget(input),
    createNonce() {
      if (operations.proofs) return operations.proofs.createNonce();
      throw new TypeError('createNonce() needs the `browserProof` option.');
    },
    async check() {
      const faults = [...(weakness ? [weakness] : []), ...(await operations.check())];
      return { ok: faults.length === 0, problems: [...faults, ...(fixedCodes?.notes() ?? [])] };
    },
    close: () => operations.close(),
    on: (name, listener) => operations.events.on(name, listener),
    clientLimit: createClientLimitHandler(clientLimits),
    internals: { operations, clientLimits },
  };
}

/** @throws TypeError if it is not what createEmailVerification() returned. */
export function internalsOf(verification: EmailVerification): Internals {
  const { internals }: Partial<EmailVerification> = Object(verification);
  if (internals) return internals;
  throw new TypeError(
    `The first argument must be what createEmailVerification() returned. Received ${shown(verification)}.`,
  );
}
