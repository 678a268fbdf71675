/** An app as a user of the package writes it, with whatever options a test needs. */

import express, { type Express, type RequestHandler } from 'express';
import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  requireVerifiedEmail,
} from 'express-email-verification';
import { expectDocumented } from './documented.js';

export const SECRET = 'a secret of the tests, long enough by far';
export const FROM = 'Acme <hello@acme.example>';

export interface TestApp {
  readonly app: Express;
  readonly verification: EmailVerification;
}

/** The router on /ev and a sign-up on /signup that answers 201 with the address it got. */
export function createTestApp(
  options: Required<Pick<EmailVerificationOptions, 'store'>> & Partial<EmailVerificationOptions>,
  signUp: RequestHandler = (req, res) => void res.status(201).json({ email: req.verifiedEmail }),
): TestApp {
  // A busy machine must not look like an unresponsive Redis; tests about timeouts set their own.
  const verification = createEmailVerification({
    from: FROM,
    secret: SECRET,
    storeTimeout: 10_000,
    ...options,
  });
  const app = express();
  // Each test chooses its client by X-Forwarded-For.
  app.set('trust proxy', 'loopback');
  if (!hasOwnResponses(options)) app.use('/ev', expectDocumented);
  app.use('/ev', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), signUp);
  return { app, verification };
}

/** `rateLimit` can replace the status and the body of a 429. */
function hasOwnResponses({ rateLimit }: Partial<EmailVerificationOptions>): boolean {
  if (!rateLimit) return false;
  return [rateLimit.send, rateLimit.verify].some((limit) => limit && (limit.handler || limit.statusCode));
}
