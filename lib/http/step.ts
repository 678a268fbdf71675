/** Runs one asynchronous step of a request, so that whatever becomes of it reaches Express. */
import type { NextFunction, Response } from 'express';
import { errorOf, messageOf } from '../errors.js';
import { warn } from '../events.js';

/** Whether the request goes on, or a step has answered it. */
export type StepOutcome = 'next' | 'answered';

/**
 * Runs a step and goes on, unless it has answered. What it throws or rejects with goes to `next`, once and always
 * as an error. A request that the app has answered meanwhile, as by a time-out, goes no further: nobody would
 * hear what came of it.
 */
export function runStep(step: () => Promise<StepOutcome>, res: Response, next: NextFunction): void {
  if (res.writableEnded) return;
  step()
    .then((outcome) => {
      if (outcome === 'next' && !res.writableEnded) next();
    })
    .catch((thrown: unknown) => failWith(thrown, res, next));
}

/** Hands an error to Express. Where that cannot take it, as of a frozen request, the answer is a bare 500. */
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
