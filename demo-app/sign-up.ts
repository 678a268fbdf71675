/**
 * The sign-up as form pages: address, code, account. They work without a script, by the acts of the package;
 * a page's script goes by its two routes instead. No account is made before the token is redeemed.
 */
import express, { type Request, type Response, type Router } from 'express';
import { type EmailVerification, requireVerifiedEmail } from 'express-email-verification';
import type { Accounts } from './accounts.js';
import { answerAsPage, type Refusal } from './answer-as-page.js';
import type { ShowPage } from './pages/layout.js';
import { type SignUpView, signUpPage } from './pages/sign-up.js';
import type { Progress, ProgressCookie } from './progress.js';
import type { Sessions } from './sessions.js';
import { wordsOf } from './words/index.js';

export interface SignUpParts {
  readonly verification: EmailVerification;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly progress: ProgressCookie;
  readonly showPage: ShowPage;
  /** Whether the code step leads to the development inbox. */
  readonly inbox: boolean;
}

export function signUpRouter({
  verification,
  accounts,
  sessions,
  progress,
  showPage,
  inbox,
}: SignUpParts): Router {
  const router = express.Router();
  const readForm = express.urlencoded({ extended: false, limit: '16kb' });

  router.get(['/sign-up', '/sign-up/code', '/sign-up/account'], (req, res, next) => {
    if (!sessions.account(req)) return next();
    res.redirect(303, '/welcome');
  });
  router.get('/sign-up', (req, res) => show(req, res, { step: 'address', progress: progress.read(req) }));
  // Without a cookie these two pages wait for their script, which keeps in its tab how far it is.
  router.get('/sign-up/code', (req, res) => {
    const kept = progress.read(req);
    if (kept?.verificationToken) return res.redirect(303, '/sign-up/account');
    show(req, res, { step: 'code', progress: kept, ...noticeOf(req, kept) });
  });
  router.get('/sign-up/account', (req, res) => {
    const kept = progress.read(req);
    if (kept && !kept.verificationToken) return res.redirect(303, '/sign-up/code');
    show(req, res, { step: 'account', progress: kept });
  });
  router.post('/sign-up/send', readForm, answerAsPage(verification.clientLimit, sendRefused), send);
  router.post('/sign-up/code', readForm, verify);
  router.post('/sign-up', readForm, answerAsPage(requireVerifiedEmail(verification), signUpRefused), signUp);
  return router;

  async function send(req: Request, res: Response): Promise<void> {
    const { tag } = wordsOf(req);
    const { email, challengeId } = fieldsOf(req);
    const outcome = await verification.send({ email, challengeId, locale: tag, request: req });
    switch (outcome.kind) {
      case 'sent':
      case 'delivery_unknown': {
        const { expiresIn, resendIn, kind } = outcome;
        const notice = kind === 'sent' ? undefined : kind;
        progress.keep(res, {
          email,
          challengeId: outcome.challengeId,
          expiresAt: inSeconds(expiresIn),
          resendAt: inSeconds(resendIn),
          notice,
        });
        return res.redirect(303, '/sign-up/code');
      }
      case 'invalid_request': {
        const errors = Object.fromEntries(outcome.errors.map(({ field, message }) => [field, message]));
        return show(req, res.status(400), { step: 'address', errors, typed: { email } });
      }
      case 'too_many_requests':
        return sendRefused(req, res, { ...outcome, reason: outcome.kind });
      case 'refused':
        return sendRefused(req, res.status(403), { ...outcome, reason: outcome.kind });
      case 'delivery_failed':
        return sendRefused(req, res.status(500), { ...outcome, reason: outcome.kind });
      case 'unavailable':
        return sendRefused(req, res.status(503), { ...outcome, reason: outcome.kind });
    }
  }

  /** A code that was mailed before still works: whoever has asked for one stays where it can be entered. */
  function sendRefused(req: Request, res: Response, { reason, message, retryAfter = 0 }: Refusal): void {
    const kept = keptOf(req);
    if (reason !== 'too_many_requests') {
      show(req, res, { step: kept.challengeId ? 'code' : 'address', progress: kept, problem: message });
      return;
    }
    progress.keep(res, { ...kept, notice: reason, resendAt: inSeconds(retryAfter) });
    res.redirect(303, '/sign-up/code');
  }

  async function verify(req: Request, res: Response): Promise<void> {
    const kept = keptOf(req);
    const { code } = fieldsOf(req);
    const { email, challengeId } = kept;
    const outcome = await verification.verify({ email, code, challengeId, locale: wordsOf(req).tag });
    const refuse = (status: number, refusal: Partial<SignUpView>) =>
      show(req, res.status(status), { step: 'code', progress: kept, typed: { code }, ...refusal });
    switch (outcome.kind) {
      case 'verified':
        progress.keep(res, { email, verificationToken: outcome.verificationToken });
        return res.redirect(303, '/sign-up/account');
      case 'invalid_request': {
        const errors = Object.fromEntries(outcome.errors.map(({ field, message }) => [field, message]));
        return refuse(400, errors['email'] === undefined ? { errors } : { step: 'address', errors });
      }
      case 'code_incorrect':
      case 'code_expired':
        return refuse(401, { errors: { code: outcome.message } });
      case 'unavailable':
        return refuse(503, { problem: outcome.message });
    }
  }

  /** Reached with a verified address only. At 400 or more the token is given back, so that the form can be sent again. */
  async function signUp(req: Request, res: Response): Promise<void> {
    const words = wordsOf(req);
    const email = req.verifiedEmail;
    const { name, password, verificationToken } = fieldsOf(req);
    const refuse = (status: number, refusal: Partial<SignUpView>) =>
      show(req, res.status(status), {
        step: 'account',
        progress: { email, verificationToken },
        typed: { name },
        ...refusal,
      });

    const errors = {
      ...(!fits(name.trim(), 1, 80) && { name: words.problems.name }),
      ...(!fits(password, 8, 200) && { password: words.problems.password }),
    };
    if (Object.keys(errors).length > 0) return refuse(400, { errors });
    const account = await accounts.create({ email, name: name.trim(), password });
    if (!account) return refuse(409, { problem: words.problems.taken });

    sessions.start(req, res, account);
    progress.clear(res);
    res.redirect(303, '/welcome');
  }

  function signUpRefused(req: Request, res: Response, { reason, message }: Refusal): void {
    const { email, verificationToken, name } = fieldsOf(req);
    const again = reason === 'email_not_verified';
    if (again) progress.clear(res);
    const view: SignUpView = again
      ? { step: 'address', problem: wordsOf(req).problems.expiredToken, typed: { email } }
      : {
          step: 'account',
          progress: { email, verificationToken },
          problem: message,
          typed: { name },
        };
    show(req, res, view);
  }

  /** What the form carries is what its tab shows; the times are in the cookie, if it is of the same address. */
  function keptOf(req: Request): Progress {
    // A cookie has room for what can be an address and an id, and for no more.
    const email = fieldsOf(req).email.slice(0, 254);
    const challengeId = fieldsOf(req).challengeId.slice(0, 64);
    const kept = progress.read(req);
    const times = kept?.email === email && !kept.verificationToken ? kept : undefined;
    return { ...times, notice: undefined, email, challengeId: challengeId || times?.challengeId };
  }

  function noticeOf(req: Request, kept: Progress | undefined): Pick<SignUpView, 'problem' | 'notice'> {
    const words = wordsOf(req);
    const { notice, resendAt = 0 } = kept ?? {};
    if (notice === undefined) return {};
    const { answers } = words.package;
    if (notice === 'delivery_unknown') return { notice: answers.delivery_unknown };
    const left = Math.max(1, Math.ceil((resendAt - Date.now()) / 1000));
    return { problem: `${answers.too_many_requests(left)} ${words.problems.enterCode}` };
  }

  function show(req: Request, res: Response, view: SignUpView): void {
    showPage(req, res, signUpPage(wordsOf(req), { inbox, ...view }));
  }
}

/** The fields of a form as text; what came twice or not at all is empty. */
function fieldsOf(
  req: Request,
): Record<'email' | 'challengeId' | 'code' | 'name' | 'password' | 'verificationToken', string> {
  const body: unknown = req.body;
  const text = (name: string): string => {
    const value = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    return typeof value === 'string' ? value : '';
  };
  return {
    email: text('email'),
    challengeId: text('challengeId'),
    code: text('code'),
    name: text('name'),
    password: text('password'),
    verificationToken: text('verificationToken'),
  };
}

function fits(text: string, min: number, max: number): boolean {
  return text.length >= min && text.length <= max;
}

function inSeconds(seconds: number): number {
  return Date.now() + seconds * 1000;
}
