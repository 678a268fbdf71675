/**
 * Hands one message to the transport and tells what came of it: it left, it did not, or that is not known.
 * The difference decides whether a code may be taken back (promise 7).
 */
import { Readable } from 'node:stream';
import type { SendMailOptions } from 'nodemailer';
import { propertyOf, textOf } from '../errors.js';
import { DeliveryError, type FailureDetails, failureDetailsOf } from './delivery-error.js';
import type { Endpoint } from './failure-details.js';
import { type Attempt, attemptOf, trackAttempt } from './smtp/pool.js';
import { type AnyTransporter, endpointOf } from './transport.js';

/** A message to one recipient, ready for nodemailer's `sendMail`. */
export type Mail = SendMailOptions & {
  readonly to: { readonly name: ''; readonly address: string };
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

export type DeliveryOutcome = Delivered | Uncertain | Undelivered;

interface Delivered {
  readonly kind: 'left';
}

/** It may have left. */
interface Uncertain {
  readonly kind: 'unknown';
  readonly error: DeliveryError;
}

export interface Undelivered {
  readonly kind: 'failed';
  readonly error: DeliveryError;
  readonly retry: Retry;
}

/**
 * When another try is worth it: `immediate` when a connection that was used before failed, on a fresh one; `soon`
 * after a temporary failure before the message was begun; `later` after one when it may have been begun.
 */
export type Retry = 'immediate' | 'soon' | 'later' | 'never';

/** Settles within `timeout` ms, whatever the transport does. */
export type Deliver = (message: Mail, options: DeliverOptions) => Promise<DeliveryOutcome>;

export interface DeliverOptions {
  readonly timeout: number;
  readonly expiresAt: Date;
  /** Asks for a connection that has carried nothing yet. */
  readonly fresh: boolean;
}

/** Delivery by nodemailer. */
export function createMailer(transporter: AnyTransporter): Deliver {
  // What stands in for a transporter in an app's tests may hold anything.
  const name = textOf(transporter.transporter, 'name') ?? '';
  const isSmtp = name.startsWith('SMTP');
  const endpoint = endpointOf(transporter);
  watch(transporter);
  return async (message, { timeout, fresh }) => {
    const attempt = createAttempt(timeout, fresh);
    // nodemailer's transport without a pool opens a connection for each message.
    if (name === 'SMTP') attempt.used = false;
    const result = await settle(attempt, (signal) => {
      trackAttempt(signal, attempt);
      return transporter.sendMail({ ...message, signal, disableFileAccess: true, disableUrlAccess: true });
    });
    return isSmtp ? smtpOutcome(result, attempt, endpoint) : otherOutcome(result, endpoint);
  };
}

/** Delivery by a function of the app: a rejection means it did not leave, one with `unknown: true` that it may have. */
export function createCustomMailer(
  deliver: (message: Mail, options: { signal: AbortSignal; expiresAt: Date }) => Promise<void>,
): Deliver {
  return async (message, { timeout, expiresAt, fresh }) => {
    const result = await settle(createAttempt(timeout, fresh), (signal) =>
      deliver(message, { signal, expiresAt }),
    );
    const outcome = otherOutcome(result);
    return outcome.kind === 'failed' ? { ...outcome, retry: 'never' } : outcome;
  };
}

function createAttempt(timeout: number, fresh: boolean): Attempt {
  return {
    ...{ deadline: performance.now() + timeout, fresh },
    ...{ begun: () => false, givenUp: false, used: undefined, obstacle: undefined },
  };
}

/** What came of a try: `timedOut` when the transport had not settled by the deadline. */
type Result =
  | { readonly kind: 'sent' }
  | { readonly kind: 'timedOut' }
  | { readonly kind: 'threw'; readonly cause: unknown };

async function settle(attempt: Attempt, send: (signal: AbortSignal) => Promise<unknown>): Promise<Result> {
  const controller = new AbortController();
  const { signal } = controller;
  // Not AbortSignal.timeout(): it would keep the message, and the code in it, until its time is up.
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort(new DOMException('The email took too long.', 'TimeoutError'));
      reject(signal.reason);
    }, attempt.deadline - performance.now()).unref();
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

/** LMTP answers for each recipient after the message, and some transports tell of a refusal in what they resolve to. */
function refusalIn(info: unknown): unknown {
  const [accepted, rejected] = ['accepted', 'rejected'].map((name) => propertyOf(info, name));
  const isRefused = Array.isArray(rejected) && rejected.length > 0;
  if (!isRefused || (Array.isArray(accepted) && accepted.length > 0)) return undefined;
  return propertyOf(propertyOf(info, 'rejectedErrors'), '0') ?? { code: 'EENVELOPE' };
}

/** An email is known not to have left when the server refused it, or when not a byte of the message was asked for. */
function smtpOutcome(result: Result, attempt: Attempt, endpoint: Endpoint | undefined): DeliveryOutcome {
  if (result.kind === 'sent') return { kind: 'left' };
  const begun = attempt.begun();
  const details = detailsOf(result, endpoint, begun ? undefined : attempt.obstacle);
  if (begun && !isRefusal(details)) return { kind: 'unknown', error: new DeliveryError('unknown', details) };
  const error = new DeliveryError('failed', details);
  if (begun) return { kind: 'failed', error, retry: later(error) };
  const isImmediate = result.kind === 'threw' && failedByItsConnection(error, attempt);
  return { kind: 'failed', error, retry: isImmediate ? 'immediate' : error.temporary ? 'soon' : 'never' };
}

/**
 * A transport other than SMTP does not show whether a message was begun: what it rejects did not leave, what it keeps
 * us waiting for may have.
 */
function otherOutcome(result: Result, endpoint?: Endpoint): DeliveryOutcome {
  if (result.kind === 'sent') return { kind: 'left' };
  const details = detailsOf(result, endpoint);
  const mayHaveLeft = result.kind === 'timedOut' || propertyOf(result.cause, 'unknown') === true;
  if (mayHaveLeft) return { kind: 'unknown', error: new DeliveryError('unknown', details) };
  const error = new DeliveryError('failed', details);
  return { kind: 'failed', error, retry: later(error) };
}

/**
 * Whether a connection may be to blame that was used before. A server that took this sender on it and now refuses
 * for good means the session, as after too many messages.
 */
function failedByItsConnection(error: DeliveryError, { fresh, used }: Attempt): boolean {
  if (fresh || used === false) return false;
  const isOfTheSession = used && (error.command === 'MAIL FROM' || error.command === 'DATA');
  return error.temporary || (isOfTheSession ?? false);
}

function later(error: DeliveryError): Retry {
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

const watched = new WeakSet<AnyTransporter>();

/**
 * Lets each attempt see whether its message is being read, which is when SMTP begins to send it. A message
 * that is only asked for after we gave up is taken away: it must not go out with a code that is gone.
 */
function watch(transporter: AnyTransporter): void {
  if (watched.has(transporter) || typeof transporter.use !== 'function') return;
  watched.add(transporter);
  transporter.use('stream', (mail, done) => {
    const attempt = attemptOf(mail.data.signal);
    if (!attempt) return done();
    mail.message.processFunc((message) => {
      if (attempt.givenUp) return message.destroy(new Error('The email was given up on.'));
      const whole = inOnePiece(message);
      const begunBefore = attempt.begun;
      attempt.begun = () => begunBefore() || whole.readableDidRead;
      return whole;
    });
    done();
  });
}

/** nodemailer writes a message in a dozen small pieces, and to write to a socket is what an email costs most. */
function inOnePiece(message: Readable): Readable {
  return Readable.from(
    (async function* () {
      const pieces: Buffer[] = [];
      for await (const piece of message) pieces.push(piece);
      yield Buffer.concat(pieces);
    })(),
    { objectMode: false },
  );
}
