/** A route that gives codes to end-to-end tests, which run in another process. It requires NODE_ENV=test. */

import { Router } from 'express';
import type { EmailVerificationOptions } from 'express-email-verification';
import { createTestInbox } from 'express-email-verification/testing';

/**
 * For the server that the tests start.
 *
 * @example
 * const { options: testOptions, router } = exposeCodes();
 * const verification = createEmailVerification({ ...options, ...testOptions });
 * app.use('/test-codes', router);
 */
export function exposeCodes(): { options: Partial<EmailVerificationOptions>; router: Router } {
  if (process.env['NODE_ENV'] !== 'test') throw new Error('Codes are exposed only if NODE_ENV is test.');
  const inbox = createTestInbox();
  const router = Router();
  router.get('/:email', (req, res) => {
    inbox.codeFor(req.params.email).then(
      (code) => res.json({ code }),
      (error: Error) => res.status(404).json({ message: error.message }),
    );
  });
  // All tests share one IP, which would soon reach its limit.
  return { options: { delivery: inbox.delivery, rateLimit: false }, router };
}
