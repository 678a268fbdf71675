/** What an outcome becomes in HTTP: status, headers and body. All refusals are in one table. */
import type { FieldError } from '../operations/input.js';

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

/** The field of the body that is true for success and false for a refusal: `verify` for /verify, `ok` elsewhere. */
export type SuccessField = 'ok' | 'verify';

/** The outcome of a route. Its `kind` is a success or a reason, and the rest goes into the body. */
export interface Outcome {
  readonly kind: string;
  readonly message: string;
  readonly retryAfter?: number;
}

/** A refusal as `onRefused` receives it: the body that would have been sent, and its status. */
export interface Refusal {
  readonly status: number;
  readonly reason: Reason;
  /** In the language of the request. */
  readonly message: string;
  readonly ok?: false;
  readonly verify?: false;
  readonly errors?: readonly FieldError[];
  readonly attemptsLeft?: number;
  readonly challengeId?: string;
  readonly expiresIn?: number;
  readonly resendIn?: number;
  readonly retryAfter?: number;
}

export type Answer =
  | (Parts & { readonly isRefusal: false; readonly body: object })
  | (Parts & { readonly isRefusal: true; readonly body: Omit<Refusal, 'status'> });

interface Parts {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** None of these answers may be cached (RFC 9111 §5.2.2.5). */
export const HEADERS = [['Cache-Control', 'no-store']] as const;

/** @param status In place of the reason's: 413 and 415 for an unreadable body, and `statusCode` of `rateLimit`. */
export function answerOf(
  { kind, message, ...details }: Outcome,
  successField: SuccessField,
  status?: number,
): Answer {
  const { retryAfter } = details;
  const headers =
    retryAfter === undefined ? HEADERS : [...HEADERS, ['Retry-After', String(retryAfter)] as const];
  if (!isReason(kind)) {
    const body = { [successField]: true, message, ...details };
    return { isRefusal: false, status: 200, headers, body };
  }
  const body = { [successField]: false, message, reason: kind, ...details };
  return { isRefusal: true, status: status ?? STATUS[kind], headers, body };
}

/** Whether the outcome of a route, or a refusal of requireVerifiedEmail(), may be of this kind. */
export function isOutcomeKind(kind: unknown): boolean {
  return kind === 'sent' || kind === 'verified' || (typeof kind === 'string' && isReason(kind));
}

function isReason(kind: string): kind is Reason {
  return Object.hasOwn(STATUS, kind);
}
