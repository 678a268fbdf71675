/** Lets the reviewers of an app store sign in with an address of yours and a code in their notes, without an email. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
} from 'express-email-verification';

/**
 * Set these for the review, and give the reviewers the first two:
 *
 * - REVIEW_EMAIL: an address of yours that no person uses, such as app-review@acme.example
 * - REVIEW_CODE: 10 to 64 letters and digits, drawn by a password manager
 * - REVIEW_UNTIL: when the code stops working, such as 2026-12-31, at most 90 days ahead
 *
 * While they are not set, each address gets an email.
 */
export function createVerification(options: EmailVerificationOptions, env = process.env): EmailVerification {
  const { REVIEW_EMAIL: email, REVIEW_CODE: code, REVIEW_UNTIL: until } = env;
  const isUnderReview = [email, code, until].some(Boolean);
  return createEmailVerification({ ...options, fixedCodes: isUnderReview ? [{ email, code, until }] : [] });
}
