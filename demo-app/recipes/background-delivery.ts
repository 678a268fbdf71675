/** Background delivery: /send responds before SMTP does, and the log shows the outcome of each email. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';

export interface Logger {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** @param log a pino logger, or any other that takes an object and a sentence. */
export function createVerification(options: EmailVerificationOptions, log: Logger): EmailVerification {
  const verification = createEmailVerification({ ...options, delivery: 'background' });
  verification.on('delivered', ({ email, purpose }) => log.info({ email, purpose }, 'email delivered'));
  verification.on('delivery_failed', ({ email, cause }) =>
    log.error({ email, temporary: cause.temporary }, cause.message),
  );
  verification.on('delivery_unknown', ({ email, cause }) => log.error({ email }, cause.message));
  verification.on('unavailable', ({ operation, cause }) =>
    log.error({ operation, err: cause }, 'verification unavailable'),
  );
  return verification;
}
