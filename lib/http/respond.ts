/** How a step of a route ends: with the next step, a response, or an error. All refusals are in one table. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { errorOf, messageOf } from '../errors.js';
import { warn } from '../events.js';
import type { Locale } from '../locales/index.js';

/** Every `reason` in a response, and its HTTP status (RFC 9110 §15; 429: RFC 6585 §4). */
const STATUS = {
  invalid_request: 400,
  refused: 403,
  too_many_requests: 429,
  delivery_failed: 500,
  delivery_unknown: 500,
  unavailable: 503,
  code_incorrect: 401,
  code_expired: 401,
  email_not_verified: 403,
} as const;

export type Reason = keyof typeof STATUS;

/** The outcome of a route. Its `kind` is a success or a reason, and the rest goes into the body. */
export interface Outcome {
  readonly kind: string;
  readonly message: string;
  readonly retryAfter?: number;
}

/** What a route knows about its request, from the first step on. */
export interface RouteState<Input = unknown> {
  /** The field of the body that is true for success and false for a refusal: `verify` for /verify, `ok` elsewhere. */
  readonly successField: 'ok' | 'verify';
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
 * Responds with an outcome, unless the app has already begun to respond, for example after a timeout, or the client has
 * disconnected.
 *
 * @param status In place of the reason's: 413 and 415 for an unreadable body, and `statusCode` of `rateLimit`.
 */
export function respond(res: Response, { kind, message, ...details }: Outcome, status?: number): 'answered' {
  if (res.headersSent || res.writableEnded || res.destroyed) return 'answered';
  const successField = stateOf(res)?.successField ?? 'ok';
  const isRefusal = isReason(kind);
  const body = isRefusal
    ? { [successField]: false, message, reason: kind, ...details }
    : { [successField]: true, message, ...details };
  res.statusCode = isRefusal ? (status ?? STATUS[kind]) : 200;
  if (details.retryAfter !== undefined) res.setHeader('Retry-After', String(details.retryAfter));
  writeJson(res, body);
  return 'answered';
}

function isReason(kind: string): kind is Reason {
  return Object.hasOwn(STATUS, kind);
}

/** Without an ETag, which would be useless: none of these responses may be cached (RFC 9111 §5.2.2.5). */
function writeJson(res: Response, body: object): void {
  const text = JSON.stringify(body);
  // Not with writeHead(): if the app has wrapped end(), its wrapper may still change the headers.
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

/** Whether the request goes on to the next step, or the step has responded. */
export type StepOutcome = 'next' | 'answered';

type Run = (req: Request, res: Response, next: NextFunction) => Promise<StepOutcome>;

/**
 * A middleware that runs a step and calls `next`, unless the step has responded. What the step throws or rejects with goes
 * to `next`, once and always as an error. If the app has responded in the meantime, for example after a timeout, the
 * request goes no further: nobody would see the outcome.
 */
export function step(run: Run): RequestHandler {
  const handler: RequestHandler = (req, res, next) => {
    if (!res.writableEnded) void settle(run, req, res, next);
  };
  return Object.defineProperty(handler, 'name', { value: run.name });
}

async function settle(run: Run, req: Request, res: Response, next: NextFunction): Promise<void> {
  try {
    const outcome = await run(req, res, next);
    if (outcome === 'next' && !res.writableEnded) next();
  } catch (thrown) {
    failWith(thrown, res, next);
  }
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
