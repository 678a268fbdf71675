/** Stronger codes: eight letters that only the client that requested them can enter. */

import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  guessBound,
} from 'express-email-verification';

const STRENGTH = { codeAlphabet: 'letters', codeTtl: 900, binding: 'client' } as const;

/** The chance that blind guessing succeeds against one mailbox in a day: 1.8·10⁻⁸. */
export const { chance } = guessBound(STRENGTH);

/**
 * The page must send the `challengeId` of /send with /verify, as the browser client does. Its code field must accept
 * letters: `<input name="code" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false">`.
 */
export function createVerification(options: EmailVerificationOptions): EmailVerification {
  return createEmailVerification({ ...options, ...STRENGTH });
}
