/** One try at sending one email. The mailer starts it and may give up on it; the connection pool reports on it. */
import type { Readable } from 'node:stream';

export interface Attempt {
  /** When it times out, by `performance.now()`. */
  readonly deadline: number;
  /** Asks for a connection that has not been used yet. */
  readonly fresh: boolean;
  /** Whether any of the message was read, which is when SMTP begins to send it. */
  begun: () => boolean;
  givenUp: boolean;
  /** Whether its connection was used before; undefined if the transport does not report it. */
  used: boolean | undefined;
  /** Why no connection could be opened while this attempt waited. */
  obstacle: unknown;
}

/** @param timeout in ms */
export function createAttempt(timeout: number, fresh: boolean): Attempt {
  return {
    deadline: performance.now() + timeout,
    fresh,
    begun: () => false,
    givenUp: false,
    used: undefined,
    obstacle: undefined,
  };
}

/** Found by the signal, because nothing else that we pass to nodemailer reaches a transport unchanged. */
const attempts = new WeakMap<AbortSignal, Attempt>();

export function registerAttempt(signal: AbortSignal, attempt: Attempt): void {
  attempts.set(signal, attempt);
}

export function attemptOf(signal: AbortSignal | undefined): Attempt | undefined {
  return signal && attempts.get(signal);
}

/** The attempt has begun once this stream of its message, or an earlier one, is read. */
export function trackReading(attempt: Attempt, message: Readable): void {
  const begunBefore = attempt.begun;
  attempt.begun = () => begunBefore() || message.readableDidRead;
}
