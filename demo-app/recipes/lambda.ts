/** An app on AWS Lambda. Other platforms that freeze the process after the response need the same options. */

import express from 'express';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  requireVerifiedEmail,
} from 'express-email-verification';
import serverless from 'serverless-http';

/** Call it once, outside the handler, so that the connections to Redis and SMTP serve many requests. */
export function createHandler(options: EmailVerificationOptions) {
  const verification = createEmailVerification({
    ...options,
    // Not 'background': the process is frozen after the response, so the email would be sent late or never.
    delivery: 'await',
    // Less than the timeout of the function, so that the person gets a response.
    mailTimeout: 8000,
  });
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), (req, res) => {
    res.status(201).json({ email: req.verifiedEmail });
  });
  return serverless(app);
}
