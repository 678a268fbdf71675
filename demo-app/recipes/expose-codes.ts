/** Gives codes to end-to-end tests, which run in another process than the app. It cannot start in production. */

import { Router } from 'express';
import type { CustomDelivery } from 'express-email-verification';
import { createTestInbox } from 'express-email-verification/testing';

/**
 * Pass `delivery` to createEmailVerification(), and mount `router` in the server that the tests start:
 *
 * if (process.env.NODE_ENV === 'test') app.use('/test-codes', router);
 */
export function exposeCodes(): { delivery: CustomDelivery; router: Router } {
  const inbox = createTestInbox();
  const router = Router();
  router.get('/:email', (req, res) => {
    inbox.codeFor(req.params.email).then(
      (code) => res.json({ code }),
      (error: Error) => res.status(404).json({ message: error.message }),
    );
  });
  return { delivery: inbox.delivery, router };
}
