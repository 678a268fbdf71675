/**
 * Hands one mail to the transport and tells what came of it: it left, it did not, or that is not known.
 * The difference decides whether a code may be taken back (promise 7).
 */
import { Readable } from 'node:stream';
import type { SendMailOptions } from 'nodemailer';
import { propertyOf } from '../cause.js';
import { DeliveryError, type FailureDetails, failureDetailsOf } from './delivery-error.js';
import type { Endpoint } from './failure-details.js';
import { type AnyTransporter, endpointOf } from './transport.js';

/** A mail to one recipient, ready for nodemailer's `sendMail`. */
export type Mail = SendMailOptions & {
  readonly to: { readonly name: ''; readonly address: string };
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

export type DeliveryOutcome =
  | { readonly kind: 'left' }
  | { readonly kind: 'failed' | 'unknown'; readonly error: DeliveryError };

/** Settles within `timeout` ms, whatever the transport does. */
export type Deliver = (
  mail: Mail,
  options: { readonly timeout: number; readonly expiresAt: Date },
) => Promise<DeliveryOutcome>;

/** Delivery by nodemailer. */
export function createMailer(transporter: AnyTransporter): Deliver {
  const isSmtp = transporter.transporter?.name?.startsWith('SMTP') ?? false;
  const endpoint = endpointOf(transporter);
  watch(transporter);
  return (mail, { timeout }) =>
    settle(
      timeout,
      isSmtp,
      (signal, attempt) => {
        attempts.set(signal, attempt);
        return transporter.sendMail({ ...mail, signal, disableFileAccess: true, disableUrlAccess: true });
      },
      endpoint,
    );
}

/** Delivery by a function of the app: a rejection means it did not leave, one with `unknown: true` that it may have. */
export function createCustomMailer(
  deliver: (mail: Mail, options: { signal: AbortSignal; expiresAt: Date }) => Promise<void>,
): Deliver {
  return (mail, { timeout, expiresAt }) =>
    settle(timeout, false, (signal) => deliver(mail, { signal, expiresAt }));
}

/** One try at one mail: whether its message was begun, and whether we gave up on it. */
interface Attempt {
  begun: () => boolean;
  givenUp: boolean;
}

/** The signal is the one thing that a mail carries through nodemailer as it is. */
const attempts = new WeakMap<AbortSignal, Attempt>();

async function settle(
  timeout: number,
  tellsBegin: boolean,
  send: (signal: AbortSignal, attempt: Attempt) => Promise<unknown>,
  endpoint?: Endpoint,
): Promise<DeliveryOutcome> {
  const attempt: Attempt = { begun: () => false, givenUp: false };
  const controller = new AbortController();
  const { signal } = controller;
  // Not AbortSignal.timeout(): it would keep the mail, and the code in it, until its time is up.
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort(new DOMException('The mail took too long.', 'TimeoutError'));
      reject(signal.reason);
    }, timeout).unref();
  });
  try {
    await Promise.race([send(signal, attempt), timedOut]);
    return { kind: 'left' };
  } catch (cause) {
    attempt.givenUp = true;
    const codes = signal.aborted ? { code: 'ETIMEDOUT', endpoint } : failureDetailsOf(cause, endpoint);
    const kind = mayHaveLeft(cause, codes, attempt, signal, tellsBegin) ? 'unknown' : 'failed';
    return { kind, error: new DeliveryError(kind, codes) };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A mail is known not to have left when the server refused it, or when not a byte of the message was asked for.
 * A transport other than SMTP does not show that: what it rejects did not leave, what it keeps us waiting for may.
 */
function mayHaveLeft(
  cause: unknown,
  { responseCode }: FailureDetails,
  attempt: Attempt,
  signal: AbortSignal,
  tellsBegin: boolean,
): boolean {
  const isRefused = responseCode !== undefined && responseCode >= 400;
  if (tellsBegin) return !isRefused && attempt.begun();
  return propertyOf(cause, 'unknown') === true || (signal.aborted && !isRefused);
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
    const attempt = mail.data.signal && attempts.get(mail.data.signal);
    if (!attempt) return done();
    mail.message.processFunc((message) => {
      if (attempt.givenUp) return message.destroy(new Error('The mail was given up on.'));
      const whole = inOnePiece(message);
      const begunBefore = attempt.begun;
      attempt.begun = () => begunBefore() || whole.readableDidRead;
      return whole;
    });
    done();
  });
}

/** nodemailer writes a message in a dozen small pieces, and to write to a socket is what a mail costs most. */
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
