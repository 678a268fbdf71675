/** AWS Lambda behind an API Gateway or a function URL. The same holds for any platform that stops after the response. */

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
    // Not 'background': after the response the process is frozen, and the email would be sent late or never.
    delivery: 'await',
    // Less than the timeout of the function, so that the person gets an answer.
    mailTimeout: 8000,
  });
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), (req, res) => {
    res.status(201).json({ email: req.verifiedEmail });
  });
  return serverless(app);
}
