/** In development, prints codes on the console instead of emailing them, and lets you request any number of them. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';
import { createConsoleDelivery, withoutLimits } from 'express-email-verification/testing';

/** With `NODE_ENV=development`, no `transport` is required. With anything else, the options apply as they are. */
export function createVerification(options: EmailVerificationOptions): EmailVerification {
  if (process.env['NODE_ENV'] !== 'development') return createEmailVerification(options);
  return createEmailVerification({ ...options, ...withoutLimits(), delivery: createConsoleDelivery() });
}
