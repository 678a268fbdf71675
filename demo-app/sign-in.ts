/** Signing in and out, and the page for signed-in people. */
import express, { type Request, type Response, type Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Accounts } from './accounts.js';
import { translationOf } from './locales/index.js';
import type { ShowPage } from './pages/layout.js';
import { signInPage, welcomePage } from './pages/sign-in.js';
import type { Sessions } from './sessions.js';

export interface SignInOptions {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly showPage: ShowPage;
}

export function signInRouter({ accounts, sessions, showPage }: SignInOptions): Router {
  const router = express.Router();

  router.get('/', (req, res) => res.redirect(303, sessions.account(req) ? '/welcome' : '/sign-up'));
  router.get('/welcome', (req, res) => {
    const account = sessions.account(req);
    if (!account) return res.redirect(303, '/sign-in');
    showPage(req, res, welcomePage(translationOf(req), account));
  });
  router.get('/sign-in', (req, res) => showPage(req, res, signInPage(translationOf(req))));
  router.post('/sign-in', express.urlencoded({ extended: false, limit: '16kb' }), limitFailures(), signIn);
  router.post('/sign-out', (req, res) => {
    sessions.end(req, res);
    res.redirect(303, '/sign-in');
  });
  return router;

  async function signIn(req: Request, res: Response): Promise<void> {
    const { email, password } = fieldsOf(req);
    // No password is longer than this, so a longer input is not worth hashing.
    const account = password.length <= 200 ? await accounts.authenticate(email, password) : undefined;
    if (!account) return refuse(req, res.status(401), translationOf(req).errors.signIn);
    sessions.start(req, res, account);
    res.redirect(303, '/welcome');
  }

  /** Allows ten failures in ten minutes per IP address. */
  function limitFailures() {
    return rateLimit({
      windowMs: 600_000,
      limit: 10,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      skipSuccessfulRequests: true,
      validate: { xForwardedForHeader: false },
      handler: (req, res) => refuse(req, res.status(429), translationOf(req).errors.tooManySignIns),
    });
  }

  function refuse(req: Request, res: Response, error: string): void {
    showPage(req, res, signInPage(translationOf(req), { email: fieldsOf(req).email, error }));
  }
}

function fieldsOf(req: Request): { email: string; password: string } {
  const { email, password } = req.body ?? {};
  return {
    email: typeof email === 'string' ? email : '',
    password: typeof password === 'string' ? password : '',
  };
}
