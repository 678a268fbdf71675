/** Sessions, signing in and out, and the page for signed-in people. */
import { createHmac } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import session, { type Store } from 'express-session';
import { textsOf } from '../site/site.js';
import type { Account, Accounts } from './accounts.js';

declare module 'express-session' {
  interface SessionData {
    account: Account;
  }
}

export interface Sessions {
  /** Reads the session of a request. */
  readonly load: RequestHandler;
  /** Signs an account in. A new session ID prevents session fixation. */
  start(req: Request, account: Account): Promise<void>;
}

export interface SessionOptions {
  readonly secret: string;
  /** Whether the origin has HTTPS. Then the cookie is `Secure`, and only this host can set it (RFC 6265bis §4.1.3.2). */
  readonly secure: boolean;
  /** @default the memory of this process */
  readonly store?: Store | undefined;
}

export function createSessions({ secret, secure, store }: SessionOptions): Sessions {
  return {
    load: session({
      name: secure ? '__Host-session' : 'session',
      secret: createHmac('sha256', secret).update('demo sessions').digest('base64url'),
      ...(store && { store }),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: 7 * 24 * 3600 * 1000 },
    }),
    start: (req, account) =>
      new Promise((resolve, reject) => {
        req.session.regenerate((error: unknown) => {
          if (error) return reject(error);
          req.session.account = account;
          resolve();
        });
      }),
  };
}

export function signInRouter({ accounts, sessions }: { accounts: Accounts; sessions: Sessions }): Router {
  const router = express.Router();
  const readForm = express.urlencoded({ extended: false, limit: '16kb' });

  router.get('/', sessions.load, (req, res) =>
    res.redirect(303, req.session.account ? '/welcome' : '/sign-up'),
  );
  router.get('/welcome', sessions.load, (req, res) => {
    const { account } = req.session;
    if (!account) return res.redirect(303, '/sign-in');
    res.render('welcome', { account });
  });
  router.get('/sign-in', (_req, res) => res.render('sign-in', { email: '', error: undefined }));
  router.post('/sign-in', readForm, limitFailures(), sessions.load, async (req, res) => {
    const { email, password } = fieldsOf(req);
    // No password is longer than this, so a longer input is not worth hashing.
    const account = password.length <= 200 ? await accounts.authenticate(email, password) : undefined;
    if (!account) return refuse(req, res.status(401), textsOf(res).errors.signIn);
    await sessions.start(req, account);
    res.redirect(303, '/welcome');
  });
  router.post('/sign-out', sessions.load, (req, res, next) => {
    // Browsers keep pages in memory for their Back button. The page of the account must not come back.
    res.set('Clear-Site-Data', '"cache"');
    req.session.destroy((error: unknown) => (error ? next(error) : res.redirect(303, '/sign-in')));
  });
  return router;
}

/** Ten failures in ten minutes per IP address. */
function limitFailures(): RequestHandler {
  return rateLimit({
    windowMs: 600_000,
    limit: 10,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    skipSuccessfulRequests: true,
    validate: { xForwardedForHeader: false },
    handler: (req, res) => refuse(req, res.status(429), textsOf(res).errors.tooManySignIns),
  });
}

function refuse(req: Request, res: Response, error: string): void {
  res.render('sign-in', { email: fieldsOf(req).email, error });
}

function fieldsOf(req: Request): { email: string; password: string } {
  const { email, password }: Record<string, unknown> = Object(req.body);
  return {
    email: typeof email === 'string' ? email : '',
    password: typeof password === 'string' ? password : '',
  };
}
