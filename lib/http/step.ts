/** The steps of a route. Each one goes on, responds or fails, and every failure reaches Express. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { errorOf, messageOf } from '../errors.js';
import { warn } from '../events.js';

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
