/**
 * An audit log: one line of JSON for each authentication event, failures included (OWASP ASVS 5.0 16.3.1). Addresses are
 * masked, and no line holds a code or a token.
 */

import type { EmailVerification, EventName } from 'express-email-verification';

const SUCCESSES = ['sent', 'suppressed', 'delivered', 'verified', 'redeemed', 'released'] as const;
const REFUSALS = ['refused', 'limited', 'code_incorrect', 'code_expired'] as const;
const FAULTS = ['delivery_failed', 'delivery_unknown', 'unavailable'] as const;

/**
 * @param write appends a line, for example to what your log collector reads: `(line) => process.stdout.write(line)`.
 * @returns a function that stops the log.
 */
export function writeAuditLog(verification: EmailVerification, write: (line: string) => void): () => void {
  const log = (event: EventName, outcome: 'success' | 'failure') =>
    verification.on(event, (details) => {
      const { cause, ...fields } = { cause: undefined, ...details };
      // JSON.stringify() writes an error as {}.
      const reason = cause instanceof Error ? { cause: cause.message } : {};
      const time = new Date().toISOString();
      write(`${JSON.stringify({ time, event, outcome, ...fields, ...reason })}\n`);
    });
  const stops = [
    ...SUCCESSES.map((event) => log(event, 'success')),
    ...[...REFUSALS, ...FAULTS].map((event) => log(event, 'failure')),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
