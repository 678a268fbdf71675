/**
 * Hands one message to the transport and reports the outcome: it left, it did not leave, or nobody can know. The
 * outcome decides whether its code may be taken back (promise 7).
 */
import { Readable } from 'node:stream';
import type { SendMailOptions } from 'nodemailer';
import { propertyOf, textOf } from '../errors.js';
import { DeliveryError, type FailureDetails, failureDetailsOf } from './delivery-error.js';
import type { Endpoint } from './failure-details.js';
import { type Attempt, attemptOf, type RawMessage, trackAttempt } from './smtp/pool.js';
import { type AnyTransporter, endpointOf, type Transport } from './transport.js';

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
 * When to try again: `immediate`, on a fresh connection, after a used one failed; `soon` after a temporary failure
 * before the message was begun; `later` after one when it may have been begun.
 */
export type Retry = 'immediate' | 'soon' | 'later' | 'never';

/** Settles within `timeout` ms, whatever the transport does. */
export type Deliver<Message = Mail> = (message: Message, options: DeliverOptions) => Promise<DeliveryOutcome>;

export interface DeliverOptions {
  readonly timeout: number;
  readonly expiresAt: Date;
  /** Asks for a connection that has not been used yet. */
  readonly fresh: boolean;
}

/** Delivery by nodemailer. */
export function createMailer({ transporter }: Transport): Deliver {
  // A stand-in for a transporter in an app's tests may hold anything.
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

/** Delivery of composed messages, where the transport takes them. */
export function createRawMailer({ transporter, pool }: Transport): Deliver<RawMessage> | undefined {
  if (!pool) return undefined;
  const endpoint = endpointOf(transporter);
  return async (message, { timeout, fresh }) => {
    const attempt = createAttempt(timeout, fresh);
    const result = await settle(attempt, (signal) => {
      trackAttempt(signal, attempt);
      return pool.sendRaw(message, signal);
    });
    return smtpOutcome(result, attempt, endpoint);
  };
}

/** Delivery by a function of the app: a rejection means that it did not leave, one with `unknown: true` that it may have. */
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

/** How a try ended: `timedOut` when the transport had not settled by the deadline. */
type Result =
  | { readonly kind: 'sent' }
  | { readonly kind: 'timedOut' }
  | { readonly kind: 'threw'; readonly cause: unknown };

async function settle(attempt: Attempt, send: (signal: AbortSignal) => Promise<unknown>): Promise<Result> {
  const controller = new AbortController();
  const { signal } = controller;
  // Not AbortSignal.timeout(): it would keep the message, with the code in it, in memory until it fires.
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

/** LMTP replies for each recipient after the message, and some transports resolve with the recipients they refused. */
function refusalIn(info: unknown): unknown {
  const [accepted, rejected] = ['accepted', 'rejected'].map((name) => propertyOf(info, name));
  const isRefused = Array.isArray(rejected) && rejected.length > 0;
  if (!isRefused || (Array.isArray(accepted) && accepted.length > 0)) return undefined;
  return propertyOf(propertyOf(info, 'rejectedErrors'), '0') ?? { code: 'EENVELOPE' };
}

/** An email is known not to have left when the server refused it, or when no byte of its message was read. */
function smtpOutcome(result: Result, attempt: Attempt, endpoint: Endpoint | undefined): DeliveryOutcome {
  if (result.kind === 'sent') return { kind: 'left' };
  const begun = attempt.begun();
  const details = detailsOf(result, endpoint, begun ? undefined : attempt.obstacle);
  if (begun && !isRefusal(details)) return { kind: 'unknown', error: new DeliveryError('unknown', details) };
  const error = new DeliveryError('failed', details);
  if (begun) return { kind: 'failed', error, retry: later(error) };
  const isImmediate = result.kind === 'threw' && mayBlameConnection(error, attempt);
  return { kind: 'failed', error, retry: isImmediate ? 'immediate' : error.temporary ? 'soon' : 'never' };
}

/**
 * Other transports do not show whether a message was begun. After a rejection it did not leave; after a timeout it may
 * have.
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
 * Whether a used connection may be to blame. A permanent refusal of a sender that the server accepted before in the
 * same session is about the session, for example after too many messages.
 */
function mayBlameConnection(error: DeliveryError, { fresh, used }: Attempt): boolean {
  if (fresh || used === false) return false;
  const isAboutSession = used && (error.command === 'MAIL FROM' || error.command === 'DATA');
  return error.temporary || (isAboutSession ?? false);
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
 * Tells each attempt whether its message has been read, which is when SMTP begins to send it. A message that is read
 * only after we gave up on it is destroyed: it must not leave with a code that has been taken back.
 */
function watch(transporter: AnyTransporter): void {
  if (watched.has(transporter) || typeof transporter.use !== 'function') return;
  watched.add(transporter);
  transporter.use('stream', (mail, done) => {
    const attempt = attemptOf(mail.data.signal);
    if (!attempt) return done();
    mail.message.processFunc((message) => {
      if (attempt.givenUp) return message.destroy(new Error('The email was given up on.'));
      const whole = inOneChunk(message);
      const begunBefore = attempt.begun;
      attempt.begun = () => begunBefore() || whole.readableDidRead;
      return whole;
    });
    done();
  });
}

/** nodemailer writes a message in a dozen small chunks, and the writes to the socket are the largest cost of an email. */
function inOneChunk(message: Readable): Readable {
  return Readable.from(
    (async function* () {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk);
      yield Buffer.concat(chunks);
    })(),
    { objectMode: false },
  );
}
