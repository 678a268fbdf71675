/** How a step of a route ends: with the next step, a response, or an error. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { checkFunction, readOptionsOf } from '../checks.js';
import { errorOf, messageOf } from '../errors.js';
import { warn } from '../events.js';
import type { Locale } from '../locales/index.js';
import type { Nonce } from '../operations/browser-proof.js';
import { answerOf, HEADERS, type Outcome, type Refusal, type SuccessField } from './answer.js';

/** What a route knows about its request, from the first step on. */
export interface RouteState<Input = unknown> {
  readonly successField: SuccessField;
  readonly locale: Locale;
  /** Present once the body is validated. */
  input?: Input;
}

/** Kept under one key of `res.locals`. Undefined on the app's own routes. */
export function stateOf<Input>(res: Response): RouteState<Input> | undefined {
  return res.locals['emailVerification'];
}

export function setState(res: Response, state: RouteState): void {
  res.locals['emailVerification'] = state;
}

/**
 * Responds to a refused request in place of the JSON body. The status, Cache-Control and Retry-After are already set. It
 * responds, or passes an error to `next`; what it throws or rejects with reaches `next` too.
 */
export type OnRefused = (req: Request, res: Response, refusal: Refusal, next: NextFunction) => void;

export interface RefusalOptions {
  /**
   * Responds to refused requests, for example with a form page. @default JSON
   *
   * @example
   * (req, res, { message }) => res.render('sign-up', { email: req.body.email, message })
   */
  readonly onRefused?: OnRefused | undefined;
}

/** @param of The function that takes the options, for error messages. */
export function readRefusalOptions(of: string, options: RefusalOptions): OnRefused | undefined {
  return checkFunction('onRefused', readOptionsOf(of, options, { onRefused: true }).onRefused, of);
}

/** What a step responds with. `status` is in place of the one that belongs to the outcome. */
export interface StepResponse {
  readonly outcome: Outcome;
  readonly status?: number;
}

/** The request goes on to the next step, the step has responded by itself, or this is its response. */
export type StepOutcome = 'next' | 'answered' | StepResponse;

type Run = (req: Request, res: Response, next: NextFunction) => Promise<StepOutcome>;

/**
 * A middleware that runs a step, and then responds or calls `next`. What the step throws or rejects with goes to `next`,
 * once and always as an error. If the app has responded in the meantime, for example after a timeout, the request goes no
 * further: nobody would see the outcome.
 */
export function step(run: Run, onRefused?: OnRefused): RequestHandler {
  const handler: RequestHandler = (req, res, next) => {
    if (!res.writableEnded) void settle(run, onRefused, req, res, next);
  };
  return Object.defineProperty(handler, 'name', { value: run.name });
}

async function settle(
  run: Run,
  onRefused: OnRefused | undefined,
  req: Request,
  res: Response,
  next: NextFunction,
): Promise<void> {
  try {
    const outcome = await run(req, res, next);
    if (outcome === 'answered') return;
    if (outcome !== 'next') {
      const responding = respond(req, res, next, outcome, onRefused);
      if (responding !== undefined) await responding;
    } else if (!res.writableEnded) next();
  } catch (thrown) {
    failWith(thrown, res, next);
  }
}

/**
 * Responds, unless the app has already begun to, for example after a timeout, or the client has disconnected.
 *
 * @returns what `onRefused` returned, which may be a promise
 */
function respond(
  req: Request,
  res: Response,
  next: NextFunction,
  { outcome, status }: StepResponse,
  onRefused: OnRefused | undefined,
): unknown {
  if (res.headersSent || res.writableEnded || res.destroyed) return undefined;
  const answer = answerOf(outcome, stateOf(res)?.successField ?? 'ok', status);
  res.statusCode = answer.status;
  for (const [name, value] of answer.headers) res.setHeader(name, value);
  if (!answer.isRefusal || !onRefused) return writeJson(res, answer.body);
  return onRefused(req, res, { ...answer.body, status: answer.status }, onlyWithError(next));
}

/**
 * Without an error, the refused request would go on to the app's handler. So it would with 'route', if the middleware was
 * mounted by `app.use()`.
 */
function onlyWithError(next: NextFunction): NextFunction {
  return (error?: unknown) => {
    const isError = error && error !== 'route' && error !== 'router';
    next(isError ? error : new TypeError(NO_ERROR));
  };
}

const NO_ERROR = '`onRefused` called next() without an error: it must respond, or pass one.';

/** The one response without a message: nobody reads it. The app may have responded before. */
export function respondWithNonce(res: Response, nonce: Nonce): void {
  if (res.headersSent || res.writableEnded) return;
  for (const [name, value] of HEADERS) res.setHeader(name, value);
  writeJson(res, nonce);
}

/** Without an ETag, which would be useless: none of these responses may be cached. */
function writeJson(res: Response, body: object): void {
  const text = JSON.stringify(body);
  // Not with writeHead(): if the app has wrapped end(), its wrapper may still change the headers.
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

/** Passes an error to Express. If Express cannot handle it, as with a frozen request, the response is a bare 500. */
export function failWith(thrown: unknown, res: Response, next: NextFunction): void {
  try {
    next(errorOf(thrown));
  } catch (again) {
    warn(
      `An error could not be passed to Express (${messageOf(errorOf(again))}): ${messageOf(errorOf(thrown))}`,
    );
    if (res.headersSent || res.writableEnded) return;
    res.statusCode = 500;
    res.end();
  }
}
