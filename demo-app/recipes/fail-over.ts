/** Two email providers: if the first is down or refuses, the second sends the email. Failures of both are logged. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';

export function createVerification(
  options: EmailVerificationOptions,
  [first, second]: readonly [first: string | undefined, second: string | undefined],
  log: (sentence: string) => void,
): EmailVerification {
  // Both must be allowed to send for `from`, and its domain needs SPF and DKIM for both.
  const verification = createEmailVerification({ ...options, transport: [first, second] });
  // Its message describes the failures of both.
  verification.on('delivery_failed', ({ cause }) => log(cause.message));
  return verification;
}

/**
 * Logs in to both from time to time: while the second works, nobody would notice that the first does not.
 *
 * @param interval in milliseconds.
 */
export function watch(
  verification: EmailVerification,
  log: (sentence: string) => void,
  interval = 300_000,
): () => void {
  const timer = setInterval(async () => {
    for (const problem of (await verification.check()).problems) log(problem);
  }, interval);
  return () => clearInterval(timer);
}
