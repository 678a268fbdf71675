/** The email for an address that has an account already: it says so, and how to sign in. */
import type { MailContent } from 'express-email-verification';
import { existingAccountMessage } from '../existing-account.js';
import { translationFor } from '../locales/index.js';

export function existingAccountEmail(locale: string, origin: string): MailContent {
  return existingAccountMessage(translationFor(locale), origin);
}
