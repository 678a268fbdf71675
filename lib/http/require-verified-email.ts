/** requireVerifiedEmail(): lets a request with a verified address through to its handler, once for each token. */
import type { Request, RequestHandler, Response } from 'express';
import { checkFunction, readOptionsOf } from '../checks.js';
import { type EmailVerification, internalsOf } from '../email-verification.js';
import { callHook } from '../operations/hook.js';
import type { Operations } from '../operations/operations.js';
import { giveBackAtEnd } from './give-back.js';
import { isBytesOrText, parseBytes } from './parse-body.js';
import { localeOf } from './read-request.js';
import { respond } from './respond.js';
import { failWith, step } from './step.js';

declare global {
  namespace Express {
    interface Request {
      /** The verified address in its canonical form, set by requireVerifiedEmail(). */
      verifiedEmail: string;
    }
  }
}

export interface RequireVerifiedEmailOptions {
  /** Reads the address, or a promise of it. @default `email` of the parsed body */
  readonly email?: (req: Request) => unknown;
  /** Reads the token, or a promise of it. @default `verificationToken` of the parsed body */
  readonly token?: (req: Request) => unknown;
  /**
   * Whether the token is given back when the handler ends its answer. The answer waits for a promise, at most
   * `hookTimeout`. What it throws reaches the app's error handler.
   *
   * @default at a status of 400 or more
   */
  readonly giveBack?: (res: Response) => boolean | PromiseLike<boolean>;
}

/**
 * Redeems the token of a request and sets `req.verifiedEmail`, or answers 403 or 503.
 *
 * A handler that answers 400 or more gets its token back before its answer ends, so that the next request finds it. A
 * connection that closes decides nothing, because the handler may still succeed. So a handler may be called twice, and a
 * unique constraint on the address must make that safe.
 *
 * @throws TypeError that names the option, what it must be and what it is.
 * @example
 * app.post('/signup', express.json(), requireVerifiedEmail(verification), (req, res, next) => {
 *   createAccount(req.verifiedEmail, req.body.password)
 *     .then(() => res.status(201).json({ ok: true }))
 *     .catch(next); // Express 4 does not catch a handler's rejection
 * });
 */
export function requireVerifiedEmail(
  verification: EmailVerification,
  options: RequireVerifiedEmailOptions = {},
): RequestHandler {
  const { operations } = internalsOf(verification);
  const { email, token, giveBack = isFailure } = readOptions(options);
  const read = { email: email ?? emailInBody, token: token ?? tokenInBody, isInBody: !email };

  return step(async function requireVerifiedEmail(req, res, next) {
    if (!email || !token) await findBody(req, res);
    const outcome = await redeem(operations, req, read);
    if (outcome.kind !== 'redeemed') return respond(res, outcome);
    const release = () => operations.release(outcome);
    if (isUnheard(req, res)) {
      await release();
      return 'answered';
    }
    const within = (decision: PromiseLike<boolean>) => inTime(operations, decision);
    const fail = (thrown: unknown) => failWith(thrown, res, next);
    try {
      req.verifiedEmail = outcome.email;
      giveBackAtEnd(res, { rule: giveBack, fallback: isFailure, within, release }, fail);
    } catch (error) {
      await release();
      throw error;
    }
    return 'next';
  });
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

/** The app has parsed the body. If it is still bytes, as serverless-http leaves it, we parse it. */
async function findBody(req: Request, res: Response): Promise<void> {
  // A parser that skipped the body leaves `undefined` (body-parser 2) or {} (body-parser 1).
  if (!('body' in req)) throw new Error(NO_PARSER);
  if (isBytesOrText(req.body)) await parseBytes(req, res);
}

const NO_PARSER =
  '`requireVerifiedEmail()` found no `req.body`: put express.json() before it, or express.urlencoded() for a form';

/** Everything that can fail comes before the token is used up. */
async function redeem(
  { settings, parsers, redeem }: Operations,
  req: Request,
  read: {
    readonly email: (req: Request) => unknown;
    readonly token: (req: Request) => unknown;
    readonly isInBody: boolean;
  },
) {
  const locale = localeOf(req, settings);
  const refused = { kind: 'email_not_verified', message: locale.answers.email_not_verified } as const;
  const typed = await read.email(req);
  const verificationToken = await read.token(req);
  const parsed = await parsers.send({ email: typed }, locale);
  // An address that cannot be one was not verified: the same answer, whatever is wrong.
  if (parsed.kind === 'invalid_request') return refused;
  const { email } = parsed;
  if (read.isInBody && !set(req.body, 'email', email)) throw new Error(BODY_KEPT);
  // Nobody is verified yet.
  if (!set(req, 'verifiedEmail', undefined)) throw new Error(REQUEST_KEPT);
  const outcome = await redeem({ email, verificationToken }, locale);
  return outcome.kind === 'invalid_request' ? refused : outcome;
}

const BODY_KEPT =
  '`requireVerifiedEmail()` could not write the canonical address into `req.body.email`: leave it writable, ' +
  'or name the address by the `email` option';

const REQUEST_KEPT = '`requireVerifiedEmail()` could not set `req.verifiedEmail`: leave the request writable';

function set(target: object, name: string, value: unknown): boolean {
  return Reflect.set(target, name, value) && Reflect.get(target, name) === value;
}

/** A rule that takes too long leaves the token used up, as it is without a rule. */
async function inTime(
  { settings, unavailable }: Operations,
  decision: PromiseLike<boolean>,
): Promise<boolean> {
  const answer = await callHook(() => decision, settings.hookTimeout);
  if (answer.kind === 'answered') return Boolean(answer.value);
  unavailable('release', new Error('`giveBack` did not answer in time'), settings.defaultLocale);
  return false;
}

/** The client hung up, or the app has answered, before the handler is called: nobody would see its answer. */
function isUnheard(req: Request, res: Response): boolean {
  return res.destroyed || res.writableEnded || req.socket?.destroyed;
}

function isFailure(res: Response): boolean {
  return res.statusCode >= 400;
}

function emailInBody(req: Request): unknown {
  return req.body?.email;
}

function tokenInBody(req: Request): unknown {
  return req.body?.verificationToken;
}
