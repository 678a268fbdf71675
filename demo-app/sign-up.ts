/**
 * The sign-up: form pages for the address, the code, and the account. Without JavaScript, they call the package's
 * operations here on the server; with JavaScript, the page calls the package's two routes instead. The account is
 * created only after the token is redeemed.
 */
import express, { type Request, type Response, type Router } from 'express';
import { type EmailVerification, type Refusal, requireVerifiedEmail } from 'express-email-verification';
import type { Accounts } from './accounts.js';
import { translationOf } from './locales/index.js';
import type { ShowPage } from './pages/layout.js';
import { type SignUpView, signUpPage } from './pages/sign-up.js';
import type { Progress, ProgressCookie } from './progress.js';
import type { Sessions } from './sessions.js';

export interface SignUpOptions {
  readonly verification: EmailVerification;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly progress: ProgressCookie;
  readonly showPage: ShowPage;
  /** Whether the code step links to the development inbox. */
  readonly inbox: boolean;
  readonly codeAlphabet: SignUpView['codeAlphabet'];
}

export function signUpRouter({
  verification,
  accounts,
  sessions,
  progress,
  showPage,
  inbox,
  codeAlphabet,
}: SignUpOptions): Router {
  const router = express.Router();
  const parseForm = express.urlencoded({ extended: false, limit: '16kb' });

  router.get(['/sign-up', '/sign-up/code', '/sign-up/account'], (req, res, next) => {
    if (!sessions.account(req)) return next();
    res.redirect(303, '/welcome');
  });
  router.get('/sign-up', (req, res) => show(req, res, { step: 'address', progress: progress.read(req) }));
  // Without a cookie, the next two pages rely on their script, which keeps the progress in sessionStorage.
  router.get('/sign-up/code', (req, res) => {
    const saved = progress.read(req);
    if (saved?.verificationToken) return res.redirect(303, '/sign-up/account');
    show(req, res, { step: 'code', progress: saved, ...noticeOf(req, saved) });
  });
  router.get('/sign-up/account', (req, res) => {
    const saved = progress.read(req);
    if (saved && !saved.verificationToken) return res.redirect(303, '/sign-up/code');
    show(req, res, { step: 'account', progress: saved });
  });
  router.post('/sign-up/send', parseForm, verification.clientLimit({ onRefused: showSendRefusal }), send);
  router.post('/sign-up/code', parseForm, verify);
  router.post(
    '/sign-up',
    parseForm,
    requireVerifiedEmail(verification, { onRefused: showSignUpRefusal }),
    signUp,
  );
  return router;

  async function send(req: Request, res: Response): Promise<void> {
    const { tag } = translationOf(req);
    const { email, challengeId } = fieldsOf(req);
    const outcome = await verification.send({ email, challengeId, locale: tag, request: req });
    switch (outcome.kind) {
      case 'sent':
      case 'delivery_unknown': {
        const { expiresIn, resendIn, kind } = outcome;
        const notice = kind === 'sent' ? undefined : kind;
        progress.save(res, {
          email,
          challengeId: outcome.challengeId,
          expiresAt: timeIn(expiresIn),
          resendAt: timeIn(resendIn),
          notice,
        });
        return res.redirect(303, '/sign-up/code');
      }
      case 'invalid_request': {
        const fieldErrors = Object.fromEntries(outcome.errors.map(({ field, message }) => [field, message]));
        return show(req, res.status(400), { step: 'address', fieldErrors, values: { email } });
      }
      case 'too_many_requests':
        return showSendRefusal(req, res, { ...outcome, reason: outcome.kind });
      case 'refused':
        return showSendRefusal(req, res.status(403), { ...outcome, reason: outcome.kind });
      case 'delivery_failed':
        return showSendRefusal(req, res.status(500), { ...outcome, reason: outcome.kind });
      case 'unavailable':
        return showSendRefusal(req, res.status(503), { ...outcome, reason: outcome.kind });
    }
  }

  /** A code that was sent earlier still works, so people who may have one stay on the code page. */
  function showSendRefusal(req: Request, res: Response, { reason, message, retryAfter = 0 }: Shown): void {
    const current = progressOf(req);
    if (reason !== 'too_many_requests') {
      show(req, res, { step: current.challengeId ? 'code' : 'address', progress: current, error: message });
      return;
    }
    progress.save(res, { ...current, notice: reason, resendAt: timeIn(retryAfter) });
    res.redirect(303, '/sign-up/code');
  }

  async function verify(req: Request, res: Response): Promise<void> {
    const current = progressOf(req);
    const { code } = fieldsOf(req);
    const { email, challengeId } = current;
    const outcome = await verification.verify({ email, code, challengeId, locale: translationOf(req).tag });
    const refuse = (status: number, view: Partial<SignUpView>) =>
      show(req, res.status(status), { step: 'code', progress: current, values: { code }, ...view });
    switch (outcome.kind) {
      case 'verified':
        progress.save(res, { email, verificationToken: outcome.verificationToken });
        return res.redirect(303, '/sign-up/account');
      case 'invalid_request': {
        const fieldErrors = Object.fromEntries(outcome.errors.map(({ field, message }) => [field, message]));
        return refuse(
          400,
          fieldErrors['email'] === undefined ? { fieldErrors } : { step: 'address', fieldErrors },
        );
      }
      case 'code_incorrect':
      case 'code_expired':
        return refuse(401, { fieldErrors: { code: outcome.message } });
      case 'unavailable':
        return refuse(503, { error: outcome.message });
    }
  }

  /** Runs only for a verified address. A status of 400 or more releases the token, so the form can be resubmitted. */
  async function signUp(req: Request, res: Response): Promise<void> {
    const { errors } = translationOf(req);
    const email = req.verifiedEmail;
    const { name, password, verificationToken } = fieldsOf(req);
    const refuse = (status: number, view: Partial<SignUpView>) =>
      show(req, res.status(status), {
        step: 'account',
        progress: { email, verificationToken },
        values: { name },
        ...view,
      });

    const fieldErrors = {
      ...(!hasLength(name.trim(), 1, 80) && { name: errors.name }),
      ...(!hasLength(password, 8, 200) && { password: errors.password }),
    };
    if (Object.keys(fieldErrors).length > 0) return refuse(400, { fieldErrors });
    const account = await accounts.create({ email, name: name.trim(), password });
    if (!account) return refuse(409, { error: errors.accountExists });

    sessions.start(req, res, account);
    progress.clear(res);
    res.redirect(303, '/welcome');
  }

  function showSignUpRefusal(req: Request, res: Response, { reason, message }: Shown): void {
    const { email, verificationToken, name } = fieldsOf(req);
    if (reason === 'email_not_verified') {
      progress.clear(res);
      const error = translationOf(req).errors.verificationExpired;
      show(req, res, { step: 'address', error, values: { email } });
      return;
    }
    show(req, res, {
      step: 'account',
      progress: { email, verificationToken },
      error: message,
      values: { name },
    });
  }

  /**
   * The address and the ID come from the form, so that tabs stay separate. The times come from the cookie, if it is
   * for the same address.
   */
  function progressOf(req: Request): Progress {
    // No address and no ID is longer, and the size of a cookie is limited.
    const email = fieldsOf(req).email.slice(0, 254);
    const challengeId = fieldsOf(req).challengeId.slice(0, 64);
    const saved = progress.read(req);
    const times = saved?.email === email && !saved.verificationToken ? saved : undefined;
    return { ...times, notice: undefined, email, challengeId: challengeId || times?.challengeId };
  }

  function noticeOf(req: Request, saved: Progress | undefined): Pick<SignUpView, 'error' | 'notice'> {
    const t = translationOf(req);
    const { notice, resendAt = 0 } = saved ?? {};
    if (notice === undefined) return {};
    const { answers } = t.package;
    if (notice === 'delivery_unknown') return { notice: answers.delivery_unknown };
    const left = Math.max(1, Math.ceil((resendAt - Date.now()) / 1000));
    return { error: `${answers.too_many_requests(left)} ${t.errors.enterCode}` };
  }

  function show(req: Request, res: Response, view: SignUpView): void {
    showPage(req, res, signUpPage(translationOf(req), { inbox, codeAlphabet, ...view }));
  }
}

/** What a page shows of a refusal. */
type Shown = Pick<Refusal, 'reason' | 'message' | 'retryAfter'>;

/** The fields of the form. A missing or repeated field becomes an empty string. */
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

function hasLength(text: string, min: number, max: number): boolean {
  return text.length >= min && text.length <= max;
}

function timeIn(seconds: number): number {
  return Date.now() + seconds * 1000;
}
