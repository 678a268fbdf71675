/** A change of address: the new one is verified first, and the old one is notified (OWASP ASVS 5.0 6.3.7). */

import express, { type Request, type RequestHandler, type Router } from 'express';
import type { EmailVerification } from 'express-email-verification';
import { emailVerificationRouter, requireVerifiedEmail } from 'express-email-verification';

export interface Accounts {
  /** The account that is signed in, if any. */
  of(req: Request): { readonly id: string; readonly email: string } | undefined;
  changeEmail(id: string, email: string): Promise<void>;
}

/**
 * @param verification with a purpose of its own, because a code for a sign-up must not change an address.
 * @param notify emails the old address: that it was replaced, and what to do if its owner did not do it.
 */
export function changeOfEmail(
  verification: EmailVerification,
  accounts: Accounts,
  notify: (oldEmail: string) => Promise<unknown>,
): Router {
  const requireSignIn: RequestHandler = (req, res, next) =>
    accounts.of(req) ? next() : void res.status(401).json({ ok: false, message: 'Please sign in.' });

  const change: RequestHandler = (req, res, next) => {
    const account = accounts.of(req);
    if (!account) return void res.status(401).end();
    accounts
      .changeEmail(account.id, req.verifiedEmail)
      .then(() => res.json({ ok: true }))
      .then(() => notify(account.email))
      .catch((error) => (res.headersSent ? console.error(error) : next(error)));
  };
  return express
    .Router()
    .use(requireSignIn)
    .use('/verification', emailVerificationRouter(verification))
    .post('/', express.json(), requireVerifiedEmail(verification), change);
}
