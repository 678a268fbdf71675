/** In development, codes are printed instead of emailed, and you can request them as often as you like. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';
import { createConsoleDelivery, withoutLimits } from 'express-email-verification/testing';

/** Needs no `transport` in development. Start the app with `NODE_ENV=development`: elsewhere, nothing changes. */
export function createVerification(options: EmailVerificationOptions): EmailVerification {
  if (process.env['NODE_ENV'] !== 'development') return createEmailVerification(options);
  return createEmailVerification({ ...options, ...withoutLimits(), delivery: createConsoleDelivery() });
}
