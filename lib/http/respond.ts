/** Every refusal in one table, and the one place where an answer of ours is written. */
import type { Response } from 'express';

/** `reason` in an answer, and its HTTP status (RFC 9110 §15; 429: RFC 6585 §4). */
const PROBLEMS = {
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

export type Reason = keyof typeof PROBLEMS;

/** What a route came to: its `kind` is success or a reason, the rest is for the body. */
export interface Outcome {
  readonly kind: string;
  readonly message: string;
  readonly retryAfter?: number;
}

/** The field that tells success at a glance: `verify` for /verify, `ok` elsewhere. */
export type Flag = 'ok' | 'verify';

/**
 * Answers an outcome, unless the app has begun to answer, as by a time-out, or the client is gone. `status` is for
 * an unreadable body alone, where 413 and 415 say more than 400.
 */
export function answer(
  res: Response,
  flag: Flag,
  { kind, message, ...details }: Outcome,
  status?: number,
): 'answered' {
  if (res.headersSent || res.writableEnded || res.destroyed) return 'answered';
  const refused = isReason(kind);
  const body = refused
    ? { [flag]: false, message, reason: kind, ...details }
    : { [flag]: true, message, ...details };
  res.statusCode = refused ? (status ?? PROBLEMS[kind]) : 200;
  if (details.retryAfter !== undefined) res.setHeader('Retry-After', String(details.retryAfter));
  writeJson(res, body);
  return 'answered';
}

function isReason(kind: string): kind is Reason {
  return Object.hasOwn(PROBLEMS, kind);
}

/** Without an ETag, which nobody can use: no answer of ours is kept (RFC 9111 §5.2.2.5). */
function writeJson(res: Response, body: object): void {
  const text = JSON.stringify(body);
  // Not by writeHead(): what an app has put around end() may still change the headers.
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}
