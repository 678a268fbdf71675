/** Two mail providers: if the first is down or refuses, the second sends the email, and the operators learn of it. */

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
  // `from` must be allowed, and its domain have SPF and DKIM, at both.
  const verification = createEmailVerification({ ...options, transport: [first, second] });
  verification.on('delivery_failed', ({ cause }) => {
    for (const error of [...(cause.earlier ?? []), cause]) log(error.message);
  });
  return verification;
}

/** Logs in to both now and then: while the second works, nobody else would notice that the first does not. */
export function watch(
  verification: EmailVerification,
  log: (sentence: string) => void,
  every = 300_000,
): () => void {
  const timer = setInterval(async () => {
    for (const problem of (await verification.check()).problems) log(problem);
  }, every);
  return () => clearInterval(timer);
}
