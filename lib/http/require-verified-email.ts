/** requireVerifiedEmail(): lets a request through to its handler with a verified address, once for each token. */
import type { Request, RequestHandler, Response } from 'express';
import { type Core, coreOf } from '../core.js';
import type { EmailVerification } from '../email-verification.js';
import { askHook } from '../operations/hook.js';
import { checkFunction, readOptionsOf } from '../options/checks.js';
import { giveBackAtEnd } from './give-back.js';
import { acceptedLocale } from './language.js';
import { isBytesOrText, parseBytes } from './parse-body.js';
import { answer } from './respond.js';
import { failWith, runStep } from './step.js';

declare global {
  namespace Express {
    interface Request {
      /** The address requireVerifiedEmail() let through, in its canonical form. */
      verifiedEmail: string;
    }
  }
}

export interface RequireVerifiedEmailOptions {
  /** Where the address is, or a promise of it. @default `email` of the parsed body */
  readonly email?: (req: Request) => unknown;
  /** Where the token is, or a promise of it. @default `verificationToken` of the parsed body */
  readonly token?: (req: Request) => unknown;
  /**
   * Whether the token is given back when the handler ends its answer. A promise holds the answer, at most
   * `hookTimeout`; what throws reaches the app's error handler.
   *
   * @default at a status of 400 or more
   */
  readonly giveBack?: (res: Response) => boolean | PromiseLike<boolean>;
}

/**
 * Redeems the token of a request and sets `req.verifiedEmail`, or answers 403 or 503.
 *
 * A handler that answers 400 or more gets its token back before its answer ends, so that the next request finds
 * it. A connection that closes decides nothing: the handler may still succeed. So a handler that is called twice
 * must be safe by a unique address.
 *
 * @throws TypeError that names the option, what it must be and what it is.
 * @example
 * app.post('/signup', express.json(), requireVerifiedEmail(verification), (req, res, next) => {
 *   createAccount(req.verifiedEmail, req.body.password)
 *     .then(() => res.status(201).json({ ok: true }))
 *     .catch(next); // Express 4 does not hear an async handler that rejects
 * });
 */
export function requireVerifiedEmail(
  verification: EmailVerification,
  options: RequireVerifiedEmailOptions = {},
): RequestHandler {
  const core = coreOf(verification);
  const { email, token, giveBack = failed } = readOptions(options);
  const read = { email: email ?? emailInBody, token: token ?? tokenInBody, isInBody: !email };

  return function requireVerifiedEmail(req, res, next) {
    const step = async () => {
      if (!email || !token) await findBody(req, res);
      const outcome = await redeem(core, req, read);
      if (outcome.kind !== 'redeemed') return answer(res, 'ok', outcome);
      const release = () => core.release(outcome);
      if (isUnheard(req, res)) {
        await release();
        return 'answered';
      }
      const within = (decision: PromiseLike<boolean>) => inTime(core, decision);
      const fail = (thrown: unknown) => failWith(thrown, res, next);
      try {
        req.verifiedEmail = outcome.email;
        giveBackAtEnd(res, { rule: giveBack, fallback: failed, within, release }, fail);
      } catch (error) {
        await release();
        throw error;
      }
      return 'next';
    };
    runStep(step, res, next);
  };
}

const OF = 'requireVerifiedEmail()';

function readOptions(options: RequireVerifiedEmailOptions): RequireVerifiedEmailOptions {
  const { email, token, giveBack } = readOptionsOf(OF, options, { email: true, token: true, giveBack: true });
  return {
    email: checkFunction('email', email, OF),
    token: checkFunction('token', token, OF),
    giveBack: checkFunction('giveBack', giveBack, OF),
  };
}

/** Parsed by the app before; by us where it is bytes, as serverless-http hands it over. */
async function findBody(req: Request, res: Response): Promise<void> {
  // A parser that took nothing leaves `undefined` there (body-parser 2) or {} (1).
  if (!('body' in req)) throw new Error(NO_PARSER);
  if (isBytesOrText(req.body)) await parseBytes(req, res);
}

const NO_PARSER =
  '`requireVerifiedEmail()` found no `req.body`: put express.json() before it, or express.urlencoded() for a form';

/** All that can fail comes before the token is used up. */
async function redeem(
  core: Core,
  req: Request,
  read: {
    readonly email: (req: Request) => unknown;
    readonly token: (req: Request) => unknown;
    readonly isInBody: boolean;
  },
) {
  const locale = core.judge.localeOf(req.body, acceptedLocale(req, core));
  const refused = { kind: 'email_not_verified', message: locale.answers.email_not_verified } as const;
  const typed = await read.email(req);
  const verificationToken = await read.token(req);
  const judged = await core.judge.send({ email: typed, locale: locale.tag });
  // An address that cannot be one was not verified: the same answer, whatever is wrong.
  if (judged.kind === 'invalid_request') return refused;
  const { email } = judged;
  if (read.isInBody && !set(req.body, 'email', email)) throw new Error(BODY_KEPT);
  // Nobody is verified yet.
  if (!set(req, 'verifiedEmail', undefined)) throw new Error(REQUEST_KEPT);
  const outcome = await core.redeem({ email, verificationToken, locale: locale.tag }, locale);
  return outcome.kind === 'invalid_request' ? refused : outcome;
}

const BODY_KEPT =
  '`requireVerifiedEmail()` could not write the canonical address into `req.body.email`: leave it writable, ' +
  'or name the address by the `email` option';

const REQUEST_KEPT = '`requireVerifiedEmail()` could not set `req.verifiedEmail`: leave the request writable';

function set(target: object, name: string, value: unknown): boolean {
  return Reflect.set(target, name, value) && Reflect.get(target, name) === value;
}

/** Past its time the token stays used up, as it is where no rule tells otherwise. */
async function inTime(core: Core, decision: PromiseLike<boolean>): Promise<boolean> {
  const answer = await askHook(() => decision, core.settings.hookTimeout);
  if (answer.kind === 'answered') return Boolean(answer.value);
  core.unavailable('release', new Error('`giveBack` did not answer in time'), core.settings.defaultLocale);
  return false;
}

/** The client hung up, or the app has answered, before the handler is called: nobody would hear what it does. */
function isUnheard(req: Request, res: Response): boolean {
  return res.destroyed || res.writableEnded || req.socket?.destroyed;
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
