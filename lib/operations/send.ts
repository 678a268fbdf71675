/** Send: draw a code, enter it and its email in the store, deliver the email, and tell what came of it. */

import { drawCode, drawDigest, drawOpaque, secretOf } from '../challenge/digests.js';
import type { Locale } from '../locales/index.js';
import type { DeliveryOutcome } from '../mail/mailer.js';
import type { OutgoingEmail } from '../mail/message.js';
import type { EmailQueue, Slot } from '../mail/queue.js';
import type { DiscardOutcome, DiscardRequest, OpenOutcome } from '../store/store.js';
import { askBeforeSend, type HookOutcome, type SendAttempt } from './before-send.js';
import type { InvalidRequest, JudgedSend } from './input.js';
import { type ActContext, seconds, type Unavailable } from './operation.js';

/** What `send` takes; it is judged as a body of the route is. `request` is handed to `beforeSend`. */
export interface SendInput {
  readonly email: unknown;
  readonly challengeId?: unknown;
  readonly locale?: unknown;
  readonly request?: SendAttempt['request'];
}

/** All times are whole seconds, rounded up; `message` is in the language of the input. */
export type SendOutcome =
  | (Sent & { readonly kind: 'sent' })
  | (Sent & { readonly kind: 'delivery_unknown' })
  | { readonly kind: 'delivery_failed'; readonly message: string; readonly resendIn: number }
  | { readonly kind: 'refused'; readonly message: string }
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
  /** There when the client that asked can still enter a code. */
  readonly challengeId?: string;
  readonly expiresIn?: number;
}

export interface Sending {
  send(judged: JudgedSend, request?: SendAttempt['request']): Promise<SendOutcome>;
  /** A client that was limited before its send: what it is told, and how it can go on all the same. */
  limited(judged: JudgedSend | undefined, retryAfter: number, locale: Locale): Promise<TooManyRequests>;
}

export function createSending(context: ActContext, queue: EmailQueue): Sending {
  const { settings, events, keyOf, eventOf, ask, unavailable } = context;
  const { store, secrets, purpose, storeTimeout, sendLimits: limits } = settings;
  const [writing] = secrets;

  async function send(judged: JudgedSend, request?: SendAttempt['request']): Promise<SendOutcome> {
    const { email, locale } = judged;
    const attempt = { email, purpose, locale: locale.tag, ...(request && { request }) };
    const verdict = await askBeforeSend(settings.beforeSend, attempt, settings.hookTimeout);
    if (verdict.kind === 'late')
      return unavailable('send', new Error('beforeSend did not answer in time'), locale);
    if (verdict.kind === 'refuse')
      return { kind: 'refused', message: verdict.message ?? locale.answers.refused };
    const key = keyOf(writing, email);
    const code = drawCode(settings.codeLength);
    const digest = verdict.kind === 'suppress' ? drawDigest() : writing.code(key.challenge, code);
    const held = secretOf(judged.challengeId, secrets) === writing ? judged.challengeId : undefined;
    const drawn = drawOpaque(writing);
    const newClient = writing.client(drawn);
    const entry = {
      ...key,
      code: digest,
      codeTtl: settings.codeTtl,
      client: held && writing.client(held),
      newClient,
      maxAttempts: settings.maxAttempts,
      limits,
    };
    const slot = await queue.reserve();
    if (!slot) return unavailable('send', new Error('the email queue is full'), locale);
    const opened = await ask('send', locale, () => store.open(entry, storeTimeout));
    if (opened.kind !== 'opened') {
      slot.release();
      return opened.kind === 'limited' ? tooMany(opened.retryIn, locale, held, opened.expiresIn) : opened;
    }

    const since = stopwatch();
    const { place, kept } = opened;
    const undo = { ...key, code: digest, madeClient: kept ? undefined : newClient, place, limits };
    const outgoing = emailFor(verdict, email, code, locale, opened.expiresIn);
    const recording = deliver(slot, outgoing, undo);
    // An email of the background goes on when its answer has left.
    const recorded = settings.delivery === 'background' ? SENT : await recording;
    if (recorded.kind === 'delivery_failed') {
      const { discarded, recipientRefused } = recorded;
      const undone = discarded.kind === 'discarded' ? discarded.resendIn : opened.resendIn - since();
      return {
        kind: 'delivery_failed',
        message: wordsFor(locale, recipientRefused),
        resendIn: wholeSeconds(undone),
      };
    }
    const { kind } = recorded;
    const challengeId = kept && held ? held : drawn;
    return { kind, message: locale.answers[kind], challengeId, ...timesLeft(opened, since()) };
  }

  /** Resolves when the outcome of the email is recorded and its slot is free; never rejects. */
  async function deliver(
    slot: Slot,
    email: OutgoingEmail | undefined,
    undo: DiscardRequest,
  ): Promise<Recorded> {
    try {
      // A suppressed send differs in nothing else.
      return email ? await record(await slot.send(email), email, undo) : SENT;
    } finally {
      slot.release();
    }
  }

  /** Tells what became of an email; one that is known not to have left costs nothing. */
  async function record(
    outcome: DeliveryOutcome,
    { email, locale }: OutgoingEmail,
    undo: DiscardRequest,
  ): Promise<Recorded> {
    if (outcome.kind === 'left') {
      events.emit('delivered', eventOf(email));
      return SENT;
    }
    events.emit(`delivery_${outcome.kind}`, { ...eventOf(email), cause: outcome.error });
    if (outcome.kind === 'unknown') return { kind: 'delivery_unknown' };
    return {
      kind: 'delivery_failed',
      recipientRefused: outcome.error.recipientRefused,
      discarded: await ask('discard', locale, () => store.discard(undo, storeTimeout)),
    };
  }

  async function limited(
    judged: JudgedSend | undefined,
    retryAfter: number,
    locale: Locale,
  ): Promise<TooManyRequests> {
    const challengeId = judged?.challengeId;
    const secret = secretOf(challengeId, secrets);
    if (!judged || !challengeId || !secret) return tooMany(retryAfter * 1000, locale);
    const client = { ...keyOf(secret, judged.email), client: secret.client(challengeId) };
    const seen = await ask('send', locale, () => store.look(client, storeTimeout));
    return tooMany(retryAfter * 1000, locale, challengeId, 'kind' in seen ? undefined : seen.expiresIn);
  }

  return { send, limited };
}

/** What is known of an email when its outcome is recorded. */
type Recorded =
  | { readonly kind: 'sent' | 'delivery_unknown' }
  | {
      readonly kind: 'delivery_failed';
      readonly discarded: DiscardOutcome | Unavailable;
      /** Whether the address is to be doubted. */
      readonly recipientRefused: boolean;
    };

const SENT: Recorded = { kind: 'sent' };

/** An address is doubted only when it was refused: for all else the person can do nothing but wait. */
function wordsFor({ answers }: Locale, recipientRefused = false): string {
  return (recipientRefused ? answers.recipient_refused : undefined) ?? answers.delivery_failed;
}

/** The email to send: the code's, the one the app put in its place, or none. */
function emailFor(
  verdict: HookOutcome,
  email: string,
  code: string,
  locale: Locale,
  lifetime: number,
): OutgoingEmail | undefined {
  const common = { email, locale, lifetime, expiresAt: Date.now() + lifetime };
  if (verdict.kind === 'suppress') return verdict.mail && { ...common, content: verdict.mail };
  return { ...common, code };
}

function tooMany(retryIn: number, locale: Locale, challengeId?: string, expiresIn?: number): TooManyRequests {
  const retryAfter = seconds(retryIn);
  const goesOn = challengeId !== undefined && expiresIn !== undefined;
  return {
    kind: 'too_many_requests',
    message: locale.answers.too_many_requests(retryAfter),
    retryAfter,
    ...(goesOn && { challengeId, expiresIn: seconds(expiresIn) }),
  };
}

/** Time passes between the store's reply and our answer: an email may take seconds. */
function stopwatch(): () => number {
  const start = performance.now();
  return () => performance.now() - start;
}

function timesLeft(
  opened: OpenOutcome & { kind: 'opened' },
  passed: number,
): { expiresIn: number; resendIn: number } {
  return {
    expiresIn: wholeSeconds(opened.expiresIn - passed),
    resendIn: wholeSeconds(opened.resendIn - passed),
  };
}

function wholeSeconds(milliseconds: number): number {
  return Math.max(0, Math.ceil(milliseconds / 1000));
}
