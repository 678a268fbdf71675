/** requireVerifiedEmail(): lets a request with a verified address through to its handler, once per token. */
import type { Request, RequestHandler, Response } from 'express';
import { checkFunction, readOptionsOf } from '../checks.js';
import { type EmailVerification, internalsOf } from '../email-verification.js';
import { callHook } from '../operations/hook.js';
import type { Operations } from '../operations/operations.js';
import { giveBackAtEnd } from './give-back.js';
import { isBytesOrText, parseBytes } from './parse-body.js';
import { localeOf } from './read-request.js';
import { failWith, type RefusalOptions, step } from './respond.js';

declare global {
  namespace Express {
    interface Request {
      /**
       * The verified address in its canonical form, set by requireVerifiedEmail(). Read it only in handlers behind that: in
       * others, it is undefined. Express' types cannot say so, because all handlers of a route have one request type.
       */
      verifiedEmail: string;
    }
  }
}

export interface RequireVerifiedEmailOptions extends RefusalOptions {
  /** Reads the address, or a promise of it. @default `email` of the parsed body */
  readonly email?: ((req: Request) => unknown) | undefined;
  /** Reads the token, or a promise of it. @default `verificationToken` of the parsed body */
  readonly token?: ((req: Request) => unknown) | undefined;
  /**
   * Whether the token is given back when the handler ends its response. If this returns a promise, the response waits for
   * it, at most `hookTimeout`. What it throws reaches the app's error handler.
   *
   * @default at a status of 400 or more
   */
  readonly giveBack?: ((res: Response) => boolean | PromiseLike<boolean>) | undefined;
}

/**
 * Redeems the token of a request and sets `req.verifiedEmail`, or responds with 403 or 503.
 *
 * If the handler responds with 400 or more, the token is given back before the response ends, so that the next request can
 * use it. A connection that closes decides nothing, because the handler may still succeed. A handler may therefore be
 * called twice for one token, and a unique constraint on the address must make that safe.
 *
 * @throws TypeError that names the option, what was expected and what was received.
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
  const { email, token, giveBack = isFailure, onRefused } = readOptions(options);
  const read = { email: email ?? emailInBody, token: token ?? tokenInBody, isInBody: !email };

  return step(async function requireVerifiedEmail(req, res, next) {
    if (!email || !token) await findBody(req, res);
    const outcome = await redeem(operations, req, read);
    if (outcome.kind !== 'redeemed') return { outcome };
    const release = () => operations.release(outcome);
    if (isResponseOver(req, res)) {
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
  }, onRefused);
}

const OF = 'requireVerifiedEmail()';

const NAMES = { email: true, token: true, giveBack: true, onRefused: true } as const;

function readOptions(options: RequireVerifiedEmailOptions): RequireVerifiedEmailOptions {
  const { email, token, giveBack, onRefused } = readOptionsOf(OF, options, NAMES);
  return {
    email: checkFunction('email', email, OF),
    token: checkFunction('token', token, OF),
    giveBack: checkFunction('giveBack', giveBack, OF),
    onRefused: checkFunction('onRefused', onRefused, OF),
  };
}

/** The app parses the body. If it is still bytes, as serverless-http leaves it, it is parsed here. */
async function findBody(req: Request, res: Response): Promise<void> {
  // A parser that skipped the body leaves `undefined` (body-parser 2) or {} (body-parser 1).
  if (!('body' in req)) throw new Error(NO_PARSER);
  if (isBytesOrText(req.body)) await parseBytes(req, res);
}

const NO_PARSER =
  '`requireVerifiedEmail()` found no `req.body`: put express.json() before it, or express.urlencoded() for a form';

/** Does everything that can fail before the token is used up. */
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
  // An invalid address cannot have been verified. The response is the same, whatever is wrong with it.
  if (parsed.kind === 'invalid_request') return refused;
  const { email } = parsed;
  if (read.isInBody && !set(req.body, 'email', email)) throw new Error(BODY_KEPT);
  // No address is verified yet. This also shows whether the property can be set.
  if (!set(req, 'verifiedEmail', undefined)) throw new Error(REQUEST_KEPT);
  const outcome = await redeem({ email, verificationToken }, locale);
  return outcome.kind === 'invalid_request' ? refused : outcome;
}

const BODY_KEPT =
  '`requireVerifiedEmail()` could not write the canonical address into `req.body.email`: leave it writable, ' +
  'or read the address with the `email` option';

const REQUEST_KEPT = '`requireVerifiedEmail()` could not set `req.verifiedEmail`: leave the request writable';

function set(target: object, name: string, value: unknown): boolean {
  return Reflect.set(target, name, value) && Reflect.get(target, name) === value;
}

/** If the rule takes too long, the token stays used up. */
async function inTime(
  { settings, unavailable }: Operations,
  decision: PromiseLike<boolean>,
): Promise<boolean> {
  const result = await callHook(() => decision, settings.hookTimeout);
  if (result.kind === 'answered') return Boolean(result.value);
  unavailable('release', new Error('`giveBack` did not answer in time'), settings.defaultLocale);
  return false;
}

/** Whether the client hung up or the app responded before the handler is called. Nobody would see the handler's response. */
function isResponseOver(req: Request, res: Response): boolean {
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
