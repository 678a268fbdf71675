/** One try at one email: what the mailer and the connection pool have to tell each other about it. */
export interface Attempt {
  /** When it is given up on, by `performance.now()`. */
  readonly deadline: number;
  /** Asks for a connection that has carried nothing yet. */
  readonly fresh: boolean;
  /** Whether a byte of the message was asked for, which is when SMTP begins to send it. */
  begun: () => boolean;
  givenUp: boolean;
  /** Whether its connection had carried other messages; unknown where the transport does not tell. */
  used: boolean | undefined;
  /** Why no connection could be opened while it waited for one. */
  obstacle: unknown;
}

/** nodemailer hands each message's signal to the transport as it is. */
const attempts = new WeakMap<AbortSignal, Attempt>();

export function trackAttempt(signal: AbortSignal, attempt: Attempt): void {
  attempts.set(signal, attempt);
}

export function attemptOf(signal: AbortSignal | undefined): Attempt | undefined {
  return signal && attempts.get(signal);
}
