/**
 * The package's middleware refuses a request with JSON, which suits a script but not a form that the browser
 * submitted itself. This runs such a middleware and renders a page in place of the JSON.
 */
import type { Request, RequestHandler, Response } from 'express';

export interface Refusal {
  readonly reason: string;
  readonly message: string;
  readonly retryAfter?: number;
}

/** @param render Sends the page. The status and `Retry-After` are already set. */
export function renderRefusal(
  middleware: RequestHandler,
  render: (req: Request, res: Response, refusal: Refusal) => void,
): RequestHandler {
  return function renderRefusal(req, res, next) {
    const { end } = res;
    let isRefusal = true;
    // Not restored when the request passes, because the middleware may have wrapped `end` as well.
    res.end = (...args: unknown[]): Response => {
      if (!isRefusal) return Reflect.apply(end, res, args);
      isRefusal = false;
      res.removeHeader('Content-Type');
      res.removeHeader('Content-Length');
      render(req, res, JSON.parse(String(args[0])));
      return res;
    };
    middleware(req, res, (error?: unknown) => {
      isRefusal = false;
      next(error);
    });
  };
}
