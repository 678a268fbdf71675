/** Steps of a route: each goes on, answers, or fails, and whatever becomes of it reaches Express. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { errorOf, messageOf } from '../errors.js';
import { warn } from '../events.js';

/** Whether the request goes on, or the step has answered it. */
export type StepOutcome = 'next' | 'answered';

type Run = (req: Request, res: Response, next: NextFunction) => Promise<StepOutcome>;

/**
 * A middleware that runs a step and goes on, unless it has answered. What it throws or rejects with goes to `next`, once
 * and always as an error. A request that the app has answered meanwhile, for example by a timeout, goes no further:
 * nobody would see the outcome.
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

/** Hands an error to Express. If Express cannot take it, as with a frozen request, the answer is a bare 500. */
export function failWith(thrown: unknown, res: Response, next: NextFunction): void {
  try {
    next(errorOf(thrown));
  } catch (again) {
    warn(`An error could not be handed on (${messageOf(errorOf(again))}): ${messageOf(errorOf(thrown))}`);
    if (res.headersSent || res.writableEnded) return;
    res.statusCode = 500;
    res.end();
  }
}
