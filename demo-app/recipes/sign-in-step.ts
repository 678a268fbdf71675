/**
 * A code by email after the password, which stops people who have only the password. It is not a second factor: NIST SP
 * 800-63B-4 §3.1.3.1 excludes email, because whoever reads the mailbox can often reset the password, too. For Express 5.
 */

import express, { type Router } from 'express';
import { type EmailVerification, toResponse } from 'express-email-verification';

declare module 'express-session' {
  interface SessionData {
    /** The account whose password was right. The address comes from here, never from the request. */
    pending: { id: string; email: string; challengeId?: string; locale?: string | undefined };
    userId: string;
  }
}

/** @param verification with `purpose: 'sign-in'`. Success brings a new session id (OWASP ASVS 5.0 7.2.4). */
export function signInStep(verification: EmailVerification): Router {
  const router = express.Router().use(express.json());
  router.post('/send', verification.clientLimit, async ({ session: { pending } }, res) => {
    if (!pending) return void res.status(401).end();
    pending.locale = res.req.acceptsLanguages('en', 'ko') || undefined; // the languages of your app, the default first
    const outcome = await verification.send(pending);
    if ('challengeId' in outcome) pending.challengeId = outcome.challengeId;
    res.status(toResponse(outcome).status).json({ message: outcome.message });
  });
  router.post('/verify', async ({ session, body }, res, next) => {
    const { pending } = session;
    if (!pending) return void res.status(401).end();
    const outcome = await verification.verify({ ...pending, code: body?.code });
    const { status } = toResponse(outcome, 'verify');
    if (outcome.kind !== 'verified') return void res.status(status).json({ message: outcome.message });
    session.regenerate((error) => {
      if (error) return void next(error);
      res.req.session.userId = pending.id;
      res.json({ message: outcome.message });
    });
  });
  return router;
}
