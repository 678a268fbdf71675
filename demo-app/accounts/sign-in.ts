/** Sessions, signing in and out, and the page for signed-in people. */
import { createHmac } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import session, { type Store } from 'express-session';
import { isBetween, textOf, textsOf } from '../site/site.js';
import type { Account, Accounts } from './accounts.js';

declare module 'express-session' {
  interface SessionData {
    account: Account;
  }
}

export type Sessions = ReturnType<typeof createSessions>;

interface SessionOptions {
  readonly secret: string;
  /** Whether the origin is HTTPS. Then the cookie is `Secure`, and only this host can set it (RFC 6265bis §4.1.3.2). */
  readonly secure: boolean;
  /** @default the memory of this process */
  readonly store?: Store | undefined;
}

export function createSessions({ secret, secure, store }: SessionOptions) {
  const read = session({
    name: secure ? '__Host-session' : 'session',
    secret: createHmac('sha256', secret).update('demo sessions').digest('base64url'),
    ...(store && { store }),
    resave: false,
    saveUninitialized: false,
    // A proxy tells by X-Forwarded-Proto that the browser uses HTTPS. Without that, there would be no cookie.
    proxy: secure,
    cookie: { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: 7 * 24 * 3600 * 1000 },
  });
  /** Reads the session of a request. While Redis is unresponsive, it fails after three seconds. */
  const load: RequestHandler = async (req, res, next) => {
    const isTooLate = wait(3000, UNAVAILABLE, { ref: false });
    const isRead = new Promise((resolve) => read(req, res, resolve));
    next((await Promise.race([isRead, isTooLate])) && UNAVAILABLE);
  };
  return {
    load,
    /** Signs an account in. A new session ID prevents session fixation. */
    async start(req: Request, res: Response, account: Account): Promise<void> {
      await new Promise((resolve) => load(req, res, resolve)).then(failIfError);
      await new Promise((resolve) => req.session.regenerate(resolve)).then(failIfError);
      req.session.account = account;
    },
  };
}

const UNAVAILABLE = Object.assign(new Error('The session store is unavailable.'), { status: 503 });

function failIfError(error: unknown): void {
  if (error) throw error;
}

export function signInRouter({ accounts, sessions }: { accounts: Accounts; sessions: Sessions }): Router {
  const router = express.Router();
  const readForm = express.urlencoded({ extended: false, limit: '16kb' });
  /** Ten failures in ten minutes per IP address. */
  const limitFailures = rateLimit({
    ...{ windowMs: 600_000, limit: 10, skipSuccessfulRequests: true },
    ...{ standardHeaders: 'draft-8', legacyHeaders: false, validate: { xForwardedForHeader: false } },
    handler: (req, res) => refuse(req, res.status(429), textsOf(res).errors.tooManySignIns),
  });

  router.get('/', sessions.load, (req, res) =>
    res.redirect(303, req.session.account ? '/welcome' : '/sign-up'),
  );
  router.get('/welcome', sessions.load, (req, res) => {
    const { account } = req.session;
    if (!account) return res.redirect(303, '/sign-in');
    res.render('welcome', { account });
  });
  router.get('/sign-in', (_req, res) => res.render('sign-in', { email: '', error: undefined }));
  router.post('/sign-in', readForm, limitFailures, async (req, res) => {
    const password = textOf(req.body, 'password');
    // No password is longer than this, so a longer input is not worth hashing.
    const isPossible = isBetween(password, 0, 200);
    const account = isPossible && (await accounts.authenticate(textOf(req.body, 'email'), password));
    if (!account) return refuse(req, res.status(401), textsOf(res).errors.signIn);
    await sessions.start(req, res, account);
    res.redirect(303, '/welcome');
  });
  router.post('/sign-out', sessions.load, (req, res, next) => {
    // Browsers keep pages in memory for their Back button. The page of the account must not come back.
    res.set('Clear-Site-Data', '"cache"');
    req.session.destroy((error: unknown) => (error ? next(error) : res.redirect(303, '/sign-in')));
  });
  return router;
}

function refuse(req: Request, res: Response, error: string): void {
  res.render('sign-in', { email: textOf(req.body, 'email'), error });
}
