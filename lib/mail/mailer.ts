/**
 * Hands one message to the transport and reports the outcome: it was sent, it was not sent, or that is unknown. The
 * outcome decides whether its code may be taken back (lib/README.md, promise 7).
 */
import type { SendMailOptions } from 'nodemailer';
import { propertyOf, textOf } from '../errors.js';
import { DeliveryError } from './delivery-error.js';
import { type Endpoint, type FailureDetails, failureDetailsOf } from './failure-details.js';
import { type Attempt, attemptOf, createAttempt, registerAttempt, trackReading } from './smtp/attempt.js';
import type { RawMessage } from './smtp/composer.js';
import { oneChunk } from './smtp/one-chunk.js';
import { type AnyTransporter, endpointOf, isSmtpName, type Transport } from './transport/transport.js';

/** A message to one recipient, ready for nodemailer's `sendMail`. */
export type Mail = SendMailOptions & {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: { readonly name: ''; readonly address: string };
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** Delivery by a function of the app. A rejection means "not sent"; with `unknown: true`, "may have been sent". */
export type CustomDelivery = (mail: Mail, options: CustomDeliveryOptions) => Promise<void>;

export interface CustomDeliveryOptions {
  /** Aborted when the email has taken longer than `mailTimeout`. */
  readonly signal: AbortSignal;
  /** When the code expires. */
  readonly expiresAt: Date;
  /** The `reference` of the events. Pass it to the provider, so that you can join its bounces to their sends. */
  readonly reference: string;
  /**
   * The code in the message, for providers that fill in templates of their own. It is as secret as the message: keep it out of
   * logs. Undefined for the `mail` of a suppressed address.
   */
  readonly code?: string;
}

export type DeliveryOutcome =
  | { readonly kind: 'sent' }
  /** It may have been sent. */
  | { readonly kind: 'unknown'; readonly error: DeliveryError }
  | FailedDelivery;

export interface FailedDelivery {
  readonly kind: 'failed';
  readonly error: DeliveryError;
  readonly retry: Retry;
}

/**
 * When to try again: `immediate`, on a fresh connection, after a used one failed; `soon` after a temporary failure before
 * the message was begun; `later` after a temporary failure once the message may have been begun.
 */
export type Retry = 'immediate' | 'soon' | 'later' | 'never';

/** Settles within `timeout` ms, whatever the transport does. */
export type Deliver<Message = Mail> = (message: Message, options: DeliverOptions) => Promise<DeliveryOutcome>;

export interface DeliverOptions {
  readonly timeout: number;
  /** The ms until the message must be begun, so that another transport has time left. @default `timeout` */
  readonly beginWithin?: number | undefined;
  readonly expiresAt: Date;
  readonly reference: string;
  /** The code in the message, if it has one. */
  readonly code: string | undefined;
  /** As in `Attempt`. */
  readonly fresh: boolean;
}

/** Delivers with any nodemailer transporter, ours or the app's. */
export function createMailer({ transporter }: Transport): Deliver {
  // An object with only `sendMail`, as in an app's tests, has no name.
  const name = textOf(transporter.transporter, 'name') ?? '';
  const endpoint = endpointOf(transporter);
  // An object of the app's own around a transporter may have its name without its plugins.
  const isSmtp = installTracking(transporter) && isSmtpName(name);
  return async (message, { timeout, beginWithin, fresh }) => {
    const attempt = createAttempt(timeout, fresh);
    // nodemailer's transport without a pool opens a connection for each message.
    if (name === 'SMTP') attempt.used = false;
    // Other transports do not show whether a message was begun: giving up early would only make the outcome unknown.
    const timeToBegin = isSmtp ? beginWithin : timeout;
    const result = await resultOf(attempt, timeToBegin, (signal) => {
      registerAttempt(signal, attempt);
      return transporter.sendMail({ ...message, signal, disableFileAccess: true, disableUrlAccess: true });
    });
    return isSmtp ? smtpOutcome(result, attempt, endpoint) : otherOutcome(result, endpoint);
  };
}

/** Delivers messages that are already composed, where the transport takes them. */
export function createRawMailer({ transporter, pool }: Transport): Deliver<RawMessage> | undefined {
  if (!pool) return undefined;
  const endpoint = endpointOf(transporter);
  return async (message, { timeout, beginWithin, fresh }) => {
    const attempt = createAttempt(timeout, fresh);
    const result = await resultOf(attempt, beginWithin, (signal) => {
      registerAttempt(signal, attempt);
      return pool.sendRaw(message, signal);
    });
    return smtpOutcome(result, attempt, endpoint);
  };
}

export function createCustomMailer(deliver: CustomDelivery): Deliver {
  return async (message, { timeout, beginWithin: _unused, fresh, ...options }) => {
    const result = await resultOf(createAttempt(timeout, fresh), timeout, (signal) =>
      deliver(message, { signal, ...options }),
    );
    const outcome = otherOutcome(result);
    return outcome.kind === 'failed' ? { ...outcome, retry: 'never' } : outcome;
  };
}

/** How a try ended: `timedOut` when the transport had not settled by the deadline. */
type Result =
  | { readonly kind: 'sent' }
  | { readonly kind: 'timedOut' }
  | { readonly kind: 'threw'; readonly cause: unknown };

async function resultOf(
  attempt: Attempt,
  beginWithin: number | undefined,
  send: (signal: AbortSignal) => Promise<unknown>,
): Promise<Result> {
  const controller = new AbortController();
  const { signal } = controller;
  // Not AbortSignal.timeout(): it would keep the message, with the code in it, in memory until it fires.
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_resolve, reject) => {
    const timeout = attempt.deadline - performance.now();
    const wait = (milliseconds: number) => {
      timer = setTimeout(giveUp, milliseconds).unref();
    };
    function giveUp(): void {
      const remaining = attempt.deadline - performance.now();
      if (remaining >= 1 && attempt.begun()) {
        wait(remaining);
        return;
      }
      controller.abort(new DOMException('The email took too long.', 'TimeoutError'));
      reject(signal.reason);
    }
    wait(Math.min(timeout, beginWithin ?? timeout));
  });
  try {
    const refusal = refusalIn(await Promise.race([send(signal), timedOut]));
    return refusal === undefined ? { kind: 'sent' } : { kind: 'threw', cause: refusal };
  } catch (cause) {
    attempt.givenUp = true;
    return signal.aborted ? { kind: 'timedOut' } : { kind: 'threw', cause };
  } finally {
    clearTimeout(timer);
  }
}

/** LMTP replies for each recipient after the message, and some transports resolve even if they refused the recipient. */
function refusalIn(info: unknown): unknown {
  const [accepted, rejected] = ['accepted', 'rejected'].map((name) => propertyOf(info, name));
  const isRefused = Array.isArray(rejected) && rejected.length > 0;
  if (!isRefused || (Array.isArray(accepted) && accepted.length > 0)) return undefined;
  return propertyOf(propertyOf(info, 'rejectedErrors'), '0') ?? { code: 'EENVELOPE' };
}

/** An email is known not to have been sent if the server refused it, or if no byte of its message was read. */
function smtpOutcome(result: Result, attempt: Attempt, endpoint: Endpoint | undefined): DeliveryOutcome {
  if (result.kind === 'sent') return result;
  const begun = attempt.begun();
  const details = detailsOf(result, endpoint, begun ? undefined : attempt.obstacle);
  if (begun && !isRefusal(details)) return { kind: 'unknown', error: new DeliveryError('unknown', details) };
  const error = new DeliveryError('failed', details);
  if (begun) return { kind: 'failed', error, retry: laterOrNever(error) };
  const isImmediate = result.kind === 'threw' && mayBlameConnection(error, attempt);
  return { kind: 'failed', error, retry: isImmediate ? 'immediate' : error.temporary ? 'soon' : 'never' };
}

/**
 * Other transports do not show whether a message was begun. After a rejection it was not sent; after a timeout it may
 * have been.
 */
function otherOutcome(result: Result, endpoint?: Endpoint): DeliveryOutcome {
  if (result.kind === 'sent') return result;
  const details = detailsOf(result, endpoint);
  const mayBeSent = result.kind === 'timedOut' || propertyOf(result.cause, 'unknown') === true;
  if (mayBeSent) return { kind: 'unknown', error: new DeliveryError('unknown', details) };
  const error = new DeliveryError('failed', details);
  return { kind: 'failed', error, retry: laterOrNever(error) };
}

/**
 * Whether a used connection may be to blame. A permanent refusal of a sender that the server accepted before in the
 * same session is about the session, for example after too many messages.
 */
function mayBlameConnection(error: DeliveryError, { fresh, used }: Attempt): boolean {
  if (fresh || used === false) return false;
  const isAboutSession = used && (error.command === 'MAIL FROM' || error.command === 'DATA');
  return error.temporary || (isAboutSession ?? false);
}

function laterOrNever(error: DeliveryError): Retry {
  return error.temporary ? 'later' : 'never';
}

function detailsOf(
  result: Exclude<Result, { kind: 'sent' }>,
  endpoint: Endpoint | undefined,
  obstacle?: unknown,
): FailureDetails {
  if (result.kind === 'threw') return failureDetailsOf(result.cause, endpoint);
  return obstacle === undefined ? { code: 'ETIMEDOUT', endpoint } : failureDetailsOf(obstacle, endpoint);
}

function isRefusal({ responseCode = 0 }: FailureDetails): boolean {
  return responseCode >= 400;
}

const tracked = new WeakSet<AnyTransporter>();

/**
 * Lets each attempt know when its message is read. A message that would be read only after it was given up on is
 * destroyed: it must not be sent with a code that has been taken back.
 *
 * @returns Whether the transporter takes plugins, without which nothing shows whether a message was begun.
 */
function installTracking(transporter: AnyTransporter): boolean {
  if (typeof transporter.use !== 'function') return false;
  if (tracked.has(transporter)) return true;
  tracked.add(transporter);
  transporter.use('stream', (mail, done) => {
    const attempt = attemptOf(mail.data.signal);
    if (!attempt) return done();
    mail.message.processFunc((message) => {
      if (attempt.givenUp) return message.destroy(new Error('The email was given up on.'));
      const whole = oneChunk(message);
      trackReading(attempt, whole);
      return whole;
    });
    done();
  });
  return true;
}
