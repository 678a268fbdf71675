/** requireVerifiedEmail(): lets a request through to its handler with a verified address, once for each token. */
import type { Request, RequestHandler, Response } from 'express';
import type { Redeemed } from './acts/redeem.js';
import { type Core, coreOf } from './core.js';
import type { EmailVerification } from './email-verification.js';
import { acceptedLocale } from './language.js';
import { answer } from './problem.js';

declare global {
  namespace Express {
    interface Request {
      /** The address requireVerifiedEmail() let through, in its canonical form. */
      verifiedEmail: string;
    }
  }
}

export interface RequireVerifiedEmailOptions {
  /** Where the address is. @default `email` of the parsed body */
  readonly email?: (req: Request) => unknown;
  /** Where the token is. @default `verificationToken` of the parsed body */
  readonly token?: (req: Request) => unknown;
  /** Whether the token is given back when the handler ends its answer. @default at a status of 400 or more */
  readonly giveBack?: (res: Response) => boolean;
}

/**
 * Redeems the token of a request and sets `req.verifiedEmail`, or answers 403 or 503.
 *
 * A handler that answers 400 or more gets its token back before its answer ends, so that the next request finds
 * it. A connection that closes decides nothing: the handler may still succeed. So a handler that is called twice
 * must be safe by a unique address.
 *
 * @example
 * app.post('/signup', express.json(), requireVerifiedEmail(verification), async (req, res) => {
 *   await createAccount(req.verifiedEmail, req.body.password);
 *   res.status(201).json({ ok: true });
 * });
 */
export function requireVerifiedEmail(
  verification: EmailVerification,
  { email, token, giveBack = failed }: RequireVerifiedEmailOptions = {},
): RequestHandler {
  const core = coreOf(verification);
  return function requireVerifiedEmail(req, res, next) {
    if (req.body === undefined && (!email || !token)) {
      return next(new Error('requireVerifiedEmail found no parsed body: put express.json() before it'));
    }
    redeem(core, req, { email: email ?? emailInBody, token: token ?? tokenInBody })
      .then(async (outcome) => {
        if (outcome.kind !== 'redeemed') return void answer(res, 'ok', outcome);
        if (isGone(req, res)) {
          await core.release(outcome);
          return;
        }
        req.verifiedEmail = outcome.email;
        if (!email) req.body.email = outcome.email;
        giveBackAtEnd(core, res, outcome, giveBack);
        next();
      })
      .catch(next);
  };
}

async function redeem(
  core: Core,
  req: Request,
  read: { email: (req: Request) => unknown; token: (req: Request) => unknown },
) {
  const locale = core.judge.localeOf(req.body, acceptedLocale(req, core));
  const input = { email: read.email(req), verificationToken: read.token(req), locale: locale.tag };
  const outcome = await core.redeem(input, locale);
  // An address that cannot be one was not verified: the same answer, whatever is wrong.
  if (outcome.kind !== 'invalid_request') return outcome;
  return { kind: 'email_not_verified', message: locale.answers.email_not_verified } as const;
}

/**
 * Decides once, when the handler ends its answer, by the status at that moment. The end waits until the token is
 * back. Not on `close`: Node emits it with status 200 when a client hangs up, and one token would run any number
 * of handlers.
 */
function giveBackAtEnd(
  core: Core,
  res: Response,
  redeemed: Redeemed,
  giveBack: (res: Response) => boolean,
): void {
  const end = res.end;
  res.end = function endOnce(...args: unknown[]): Response {
    res.end = end;
    if (!giveBack(res)) return Reflect.apply(end, res, args);
    const thaw = freezeHead(res);
    res.end = () => res;
    void core.release(redeemed).then(() => {
      res.end = end;
      thaw();
      Reflect.apply(end, res, args);
    });
    return res;
  };
}

/** The answer was given: what the handler still does to its head while the end waits, as by a late throw, is undone. */
function freezeHead(res: Response): () => void {
  const { statusCode } = res;
  const headers = { ...res.getHeaders() };
  return () => {
    if (res.headersSent) return;
    res.statusCode = statusCode;
    for (const name of res.getHeaderNames()) if (!(name in headers)) res.removeHeader(name);
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader(name, value);
  };
}

/** The client hung up before the handler was called: nobody would hear what it does. */
function isGone(req: Request, res: Response): boolean {
  return res.destroyed || req.socket?.destroyed;
}

function failed(res: Response): boolean {
  return res.statusCode >= 400;
}

function emailInBody(req: Request): unknown {
  return req.body?.email;
}

function tokenInBody(req: Request): unknown {
  return req.body?.verificationToken;
}
