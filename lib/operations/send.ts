/** Send: draws a code, stores it, emails it, and reports the outcome. */
import { randomUUID } from 'node:crypto';
import { drawDigest, drawOpaque, hasherOf } from '../challenge/digests.js';
import type { Locale } from '../locales/index.js';
import type { Queued } from '../mail/job-queue.js';
import type { DeliveryOutcome } from '../mail/mailer.js';
import { messageIdOf, type OutgoingEmail } from '../mail/message.js';
import type { EmailQueue, Slot } from '../mail/queue.js';
import type { DiscardOutcome, DiscardRequest, OpenOutcome } from '../store/store.js';
import { callBeforeSend, type HookOutcome, refusalText, type SendAttempt } from './before-send.js';
import type { BrowserProofs, Proven } from './browser-proof.js';
import { type OperationContext, type Stopwatch, seconds, stopwatch, type Unavailable } from './context.js';
import type { InvalidRequest, ParsedSend } from './input.js';

/**
 * The input of `send`, validated like the body of the route. `request` is passed to `beforeSend`; `proof` and `nonce` are for
 * `browserProof`.
 */
export interface SendInput {
  readonly email: unknown;
  readonly challengeId?: unknown;
  readonly locale?: unknown;
  readonly proof?: unknown;
  readonly nonce?: unknown;
  readonly request?: SendAttempt['request'];
}

/** All times are whole seconds, rounded up. `message` is in the language of the input. */
export type SendOutcome =
  | (Sent & { readonly kind: 'sent' })
  | (Sent & { readonly kind: 'delivery_unknown' })
  | { readonly kind: 'delivery_failed'; readonly message: string; readonly resendIn: number }
  | { readonly kind: 'refused'; readonly message: string }
  /** Only with `browserProof`. */
  | Proven
  | InvalidRequest
  | TooManyRequests
  | Unavailable;

interface Sent {
  readonly message: string;
  readonly challengeId: string;
  readonly expiresIn: number;
  readonly resendIn: number;
}

export interface TooManyRequests {
  readonly kind: 'too_many_requests';
  readonly message: string;
  readonly retryAfter: number;
  /** Present when the holder of the `challengeId` in the request can still enter a code. */
  readonly challengeId?: string;
  readonly expiresIn?: number;
}

export interface Send {
  send(input: ParsedSend, request?: SendAttempt['request']): Promise<SendOutcome>;
  /** The outcome for a client that has reached its limit, with what it needs to enter the code it already has. */
  limited(input: ParsedSend | undefined, retryAfter: number, locale: Locale): Promise<TooManyRequests>;
}

/** @param proofs Undefined without `browserProof`. */
export function createSend(
  context: OperationContext,
  queue: EmailQueue,
  proofs: BrowserProofs | undefined,
): Send {
  const { settings, events, keyOf, eventOf, callStore, unavailable } = context;
  const { store, hashers, purpose, codes, binding, storeTimeout, sendLimits: limits } = settings;
  const [hasher] = hashers;

  async function send(input: ParsedSend, request?: SendAttempt['request']): Promise<SendOutcome> {
    const { email, locale } = input;
    const lasted = stopwatch();
    const attempt = { email, purpose, locale: locale.tag, ...(request && { request }) };
    const verdict = await callBeforeSend(settings.beforeSend, attempt, settings.hookTimeout);
    if (verdict.kind === 'late')
      return unavailable('send', new Error('beforeSend did not answer in time'), locale);
    if (verdict.kind === 'refuse') {
      const message = refusalText(verdict.message, locale.answers);
      events.emit('refused', () => eventOf(email, lasted));
      return { kind: 'refused', message };
    }
    if (proofs && input.proof !== undefined) {
      const proven = await proofs.accept(input, verdict.kind === 'suppress', lasted);
      if (proven) return proven;
    }

    const key = keyOf(hasher, email);
    const fixedCode = verdict.kind === 'suppress' ? undefined : settings.fixedCodes?.codeOf(email);
    const code = fixedCode ?? codes.draw();
    const heldId = hasherOf(input.challengeId, hashers) === hasher ? input.challengeId : undefined;
    const holder = heldId && hasher.holder(heldId);
    const newId = drawOpaque(hasher);
    const newHolder = hasher.holder(newId);
    const digestFor = (owner: string | undefined) =>
      verdict.kind === 'suppress' ? drawDigest() : hasher.code(key.challenge, code, owner);
    const digests =
      binding === 'client'
        ? { code: digestFor(holder), codeOfNewHolder: digestFor(newHolder), sharedAttempts: 0 }
        : { code: digestFor(undefined) };
    const slot = await queue.reserve();
    if (!slot) return unavailable('send', new Error('the email queue is full'), locale);
    const entry = {
      ...key,
      ...digests,
      codeTtl: settings.codeTtl,
      holder,
      newHolder,
      maxAttempts: settings.maxAttempts,
      limits,
    };
    const opened = await callStore('send', locale, () => store.open(entry, storeTimeout));
    if (opened.kind !== 'opened') {
      slot.release();
      if (opened.kind === 'unavailable') return opened;
      const outcome = tooMany(opened.retryIn, locale, heldId, opened.expiresIn);
      const { retryAfter } = outcome;
      events.emit('limited', () => ({
        ...eventOf(email, lasted),
        limit: 'mailbox',
        operation: 'send',
        retryAfter,
      }));
      return outcome;
    }

    // Between the store's reply and our response, sending an email may take seconds.
    const elapsed = stopwatch();
    const reference = randomUUID();
    // One of the two, at the same point: a listener must not make a suppressed address take another time.
    events.emit(verdict.kind === 'suppress' ? 'suppressed' : 'sent', () => ({
      ...eventOf(email, lasted),
      reference,
      ...(fixedCode !== undefined && { fixedCode: true }),
    }));
    const { place, kept } = opened;
    const stored = (!kept && digests.codeOfNewHolder) || digests.code;
    const undo = { ...key, code: stored, newHolder: kept ? undefined : newHolder, place, limits };
    const outgoing = emailFor(
      verdict,
      input,
      fixedCode === undefined ? codes.write(code) : undefined,
      reference,
      opened.expiresIn,
    );
    const delivery = deliver(slot, outgoing, undo);
    // In the background the response does not wait. `delivery` never rejects.
    const outcome = settings.delivery === 'background' ? SENT : await delivery;
    if (outcome.kind === 'delivery_failed') {
      const { discarded, recipientRefused } = outcome;
      const resendIn = discarded.kind === 'discarded' ? discarded.resendIn : opened.resendIn - elapsed();
      return {
        kind: 'delivery_failed',
        message: messageForFailure(locale, recipientRefused),
        resendIn: wholeSeconds(resendIn),
      };
    }
    const { kind } = outcome;
    const challengeId = kept && heldId ? heldId : newId;
    return { kind, message: locale.answers[kind], challengeId, ...timesLeft(opened, elapsed()) };
  }

  /** Resolves when the outcome of the email is recorded and its slot is released. Never rejects. */
  async function deliver(slot: Slot, email: OutgoingEmail, undo: DiscardRequest): Promise<Recorded> {
    const elapsed = stopwatch();
    try {
      // Without an email, a suppressed send or one for a fixed code differs in nothing else.
      const isBlank = email.code === undefined && email.content === undefined;
      if (isBlank && !queue.takesBlanks) return SENT;
      return await record(await slot.send(email, undo), email, undo, elapsed);
    } finally {
      slot.release();
    }
  }

  /** Emits the event of an outcome, and undoes the send if the email is known not to have been sent. */
  async function record(
    outcome: DeliveryOutcome | Queued,
    { email, locale, reference, words }: OutgoingEmail,
    undo: DiscardRequest,
    elapsed: Stopwatch,
  ): Promise<Recorded> {
    const eventOfEmail = () => ({
      ...eventOf(email, elapsed),
      reference,
      messageId: messageIdOf(reference, words?.from ?? settings.from),
    });
    if (outcome.kind === 'queued') return SENT;
    if (outcome.kind === 'sent') {
      events.emit('delivered', eventOfEmail);
      return SENT;
    }
    const { error } = outcome;
    events.emit(`delivery_${outcome.kind}`, () => ({ ...eventOfEmail(), cause: error }));
    if (outcome.kind === 'unknown') return { kind: 'delivery_unknown' };
    return {
      kind: 'delivery_failed',
      recipientRefused: outcome.error.recipientRefused,
      discarded: await callStore('discard', locale, () => store.discard(undo, storeTimeout)),
    };
  }

  async function limited(
    input: ParsedSend | undefined,
    retryAfter: number,
    locale: Locale,
  ): Promise<TooManyRequests> {
    const challengeId = input?.challengeId;
    const named = hasherOf(challengeId, hashers);
    if (!input || !challengeId || !named) return tooMany(retryAfter * 1000, locale);
    const request = { ...keyOf(named, input.email), holder: named.holder(challengeId) };
    const seen = await callStore('send', locale, () => store.peek(request, storeTimeout));
    return tooMany(retryAfter * 1000, locale, challengeId, 'kind' in seen ? undefined : seen.expiresIn);
  }

  return { send, limited };
}

/** What is known about an email once its outcome is recorded. */
type Recorded =
  | { readonly kind: 'sent' | 'delivery_unknown' }
  | {
      readonly kind: 'delivery_failed';
      readonly discarded: DiscardOutcome | Unavailable;
      readonly recipientRefused: boolean;
    };

const SENT: Recorded = { kind: 'sent' };

/** The message questions the address only if the server refused it. Otherwise, the person can only wait. */
function messageForFailure({ answers }: Locale, recipientRefused: boolean): string {
  return (recipientRefused ? answers.recipient_refused : undefined) ?? answers.delivery_failed;
}

/** The email with the code, the one that the app sends instead, or one with neither: a fixed code is not sent. */
function emailFor(
  verdict: HookOutcome & { kind: 'pass' | 'suppress' },
  { email, locale }: ParsedSend,
  code: string | undefined,
  reference: string,
  lifetime: number,
): OutgoingEmail {
  const { words } = verdict;
  const common = { email, locale, reference, lifetime, expiresAt: Date.now() + lifetime, words };
  if (verdict.kind === 'suppress') return verdict.mail ? { ...common, content: verdict.mail } : common;
  return code === undefined ? common : { ...common, code };
}

function tooMany(retryIn: number, locale: Locale, challengeId?: string, expiresIn?: number): TooManyRequests {
  const retryAfter = seconds(retryIn);
  const canGoOn = challengeId !== undefined && expiresIn !== undefined;
  return {
    kind: 'too_many_requests',
    message: locale.answers.too_many_requests(retryAfter),
    retryAfter,
    ...(canGoOn && { challengeId, expiresIn: seconds(expiresIn) }),
  };
}

function timesLeft(
  opened: OpenOutcome & { kind: 'opened' },
  elapsed: number,
): { expiresIn: number; resendIn: number } {
  return {
    expiresIn: wholeSeconds(opened.expiresIn - elapsed),
    resendIn: wholeSeconds(opened.resendIn - elapsed),
  };
}

function wholeSeconds(milliseconds: number): number {
  return Math.max(0, Math.ceil(milliseconds / 1000));
}
