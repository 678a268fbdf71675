/** Lets the reviewers of an app store sign in with an address and a code from the review notes, without an email. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';

/**
 * Set these variables for the review, and give the reviewers the first two:
 *
 * - REVIEW_EMAIL: an address of yours that no person uses, such as app-review@acme.example
 * - REVIEW_CODE: 10 to 64 letters and digits, drawn by a password manager
 * - REVIEW_UNTIL: when the code stops working, such as 2026-12-31, at most 90 days ahead
 *
 * While none is set, every address gets emails.
 */
export function createVerification(options: EmailVerificationOptions, env = process.env): EmailVerification {
  const { REVIEW_EMAIL: email, REVIEW_CODE: code, REVIEW_UNTIL: until } = env;
  const isUnderReview = [email, code, until].some(Boolean);
  return createEmailVerification({ ...options, fixedCodes: isUnderReview ? [{ email, code, until }] : [] });
}
