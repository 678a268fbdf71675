/**
 * The package's middleware answers refusals as JSON, which is right for a script and not for a form that a
 * browser posted itself. This runs one, and lets a page say what it would have answered.
 */
import type { Request, RequestHandler, Response } from 'express';

export interface Refusal {
  readonly reason: string;
  readonly message: string;
  readonly retryAfter?: number;
}

/** @param show Writes the page. The status and `Retry-After` are set. */
export function answerAsPage(
  middleware: RequestHandler,
  show: (req: Request, res: Response, refusal: Refusal) => void,
): RequestHandler {
  return function answerAsPage(req, res, next) {
    const { end } = res;
    let isOurs = true;
    // Stays in place when the middleware has let the request through, as it may have put its own around it.
    res.end = (...args: unknown[]): Response => {
      if (!isOurs) return Reflect.apply(end, res, args);
      isOurs = false;
      res.removeHeader('Content-Type');
      res.removeHeader('Content-Length');
      show(req, res, JSON.parse(String(args[0])));
      return res;
    };
    middleware(req, res, (error?: unknown) => {
      isOurs = false;
      next(error);
    });
  };
}
