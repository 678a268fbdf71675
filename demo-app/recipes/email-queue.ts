/** Emails through a queue: /send responds when the email is safely in Redis, and workers (email-queue-worker.ts) send it. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';
import { queueDelivery } from 'express-email-verification/bullmq';

/** @param queueUrl the Redis of the queue, with `appendonly yes`. It may be that of the store. */
export function createVerification(options: EmailVerificationOptions, queueUrl: string): EmailVerification {
  const verification = createEmailVerification({
    ...options,
    delivery: queueDelivery({ connection: { url: queueUrl }, secret: options.secret }),
  });
  // The queue did not take the email. What happens to those that it took, the worker reports.
  verification.on('delivery_failed', ({ email, cause }) => console.error(email, cause.message));
  return verification;
}
