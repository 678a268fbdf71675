/** An example of every response: outcomes as the operations return them, with the default options and the texts in English. */
import { en } from '../../locales/en.js';
import { RETRY_AFTER } from '../../operations/context.js';
import type { Redeemed, RedeemOutcome } from '../../operations/redeem.js';
import type { SendOutcome } from '../../operations/send.js';
import type { VerifyOutcome } from '../../operations/verify.js';
import { MAX_BODY_SIZE } from '../parse-body.js';

/** A response that occurs, under a name that is unique for its route. */
export interface DocumentedResponse<Outcome> {
  readonly name: string;
  readonly summary: string;
  readonly outcome: Outcome;
  /** In place of the status that belongs to the reason. */
  readonly status?: 413 | 415;
}

/** Opaque, so any text of this form will do. */
export const ID = 'kTq3VbWn0sYh5xUe8rJc2LfZaM';
const TOKEN = 'kT9mPd4Xw1QzRv7GyB6uNiSoEh';
export const EMAIL = 'person@example.com';
export const NONCE = { nonce: 'kTb2mQx8Vn4Rz1Lw6Ys0Hd9Gp3JcAZ9tKXUvE7iN5oFrSa', expiresIn: 600 };
/** The default options. */
const [CODE_LENGTH, CODE_TTL, COOLDOWN, TOKEN_TTL, MAX_ATTEMPTS] = [6, 180, 60, 900, 5];

export function sendResponses(): readonly DocumentedResponse<SendOutcome>[] {
  const { answers, fields } = en;
  const times = { challengeId: ID, expiresIn: CODE_TTL, resendIn: COOLDOWN };
  const retryAfter = 42;
  const limited = {
    kind: 'too_many_requests',
    message: answers.too_many_requests(retryAfter),
    retryAfter,
  } as const;
  return [
    {
      name: 'sent',
      summary: 'The code was sent',
      outcome: { kind: 'sent', message: answers.sent, ...times },
    },
    {
      name: 'proven',
      summary: 'The browser has proven the address (`browserProof`)',
      outcome: {
        kind: 'verified',
        verified: true,
        message: answers.verified,
        verificationToken: TOKEN,
        expiresIn: TOKEN_TTL,
      },
    },
    {
      name: 'invalid_field',
      summary: 'A field is not valid',
      outcome: invalid('email', fields.email),
    },
    ...unreadable(),
    {
      name: 'refused',
      summary: 'Refused by `beforeSend`, or posted by a page of another site',
      outcome: { kind: 'refused', message: answers.refused },
    },
    {
      name: 'captcha',
      summary: 'Refused because the captcha was not solved',
      outcome: { kind: 'refused', message: answers.captcha ?? answers.refused },
    },
    {
      name: 'limited',
      summary: 'Too many emails to this mailbox, or too many requests from this client',
      outcome: limited,
    },
    {
      name: 'limited_with_code',
      summary: 'The same, but the code that was already sent can still be entered',
      outcome: { ...limited, challengeId: ID, expiresIn: CODE_TTL - (COOLDOWN - retryAfter) },
    },
    {
      name: 'recipient_refused',
      summary: 'The mail server refused the address',
      outcome: {
        kind: 'delivery_failed',
        message: answers.recipient_refused ?? answers.delivery_failed,
        resendIn: 0,
      },
    },
    {
      name: 'delivery_failed',
      summary: 'The email could not be sent',
      outcome: { kind: 'delivery_failed', message: answers.delivery_failed, resendIn: 0 },
    },
    {
      name: 'delivery_unknown',
      summary: 'The mail server did not confirm the email in time',
      outcome: { kind: 'delivery_unknown', message: answers.delivery_unknown, ...times },
    },
    unavailable(),
  ];
}

export function verifyResponses(): readonly DocumentedResponse<
  VerifyOutcome | Extract<SendOutcome, { kind: RefusedByRouter }>
>[] {
  const { answers, fields } = en;
  const retryAfter = COOLDOWN;
  return [
    {
      name: 'verified',
      summary: 'The address is verified',
      outcome: {
        kind: 'verified',
        message: answers.verified,
        verificationToken: TOKEN,
        expiresIn: TOKEN_TTL,
      },
    },
    {
      name: 'invalid_field',
      summary: 'A field is not valid',
      outcome: invalid('code', fields.code(CODE_LENGTH)),
    },
    ...unreadable(),
    {
      name: 'code_incorrect',
      summary: 'A wrong code',
      outcome: incorrect(MAX_ATTEMPTS - 1),
    },
    {
      name: 'no_attempts_left',
      summary: 'A wrong code, and the last attempt',
      outcome: incorrect(0),
    },
    {
      name: 'code_expired',
      summary: 'Expired, used, out of attempts or never sent',
      outcome: { kind: 'code_expired', message: answers.code_expired },
    },
    {
      name: 'code_outdated',
      summary: 'The code of an earlier email, while a newer one can still be entered',
      outcome: {
        kind: 'code_expired',
        message: answers.code_outdated ?? answers.code_expired,
        attemptsLeft: MAX_ATTEMPTS - 1,
      },
    },
    {
      name: 'refused',
      summary: 'Posted by a page of another site',
      outcome: { kind: 'refused', message: answers.refused },
    },
    {
      name: 'limited',
      summary: 'Too many requests from this client, if `rateLimit.verify` is set',
      outcome: { kind: 'too_many_requests', message: answers.too_many_requests(retryAfter), retryAfter },
    },
    unavailable(),
  ];
}

/** Refusals of both routes that do not come from the operation. */
type RefusedByRouter = 'refused' | 'too_many_requests';

function incorrect(attemptsLeft: number): VerifyOutcome {
  return { kind: 'code_incorrect', message: en.answers.code_incorrect(attemptsLeft), attemptsLeft };
}

function invalid(field: string, message: string) {
  const errors = [{ field, message }];
  return { kind: 'invalid_request', message: en.answers.invalid_request, errors } as const;
}

function unreadable() {
  const outcome = invalid('body', en.fields.body);
  return [
    { name: 'malformed', summary: 'The body cannot be read', outcome },
    { name: 'too_large', summary: `The body is over ${MAX_BODY_SIZE / 1024} kB`, outcome, status: 413 },
    { name: 'wrong_type', summary: 'The body is neither JSON nor a form', outcome, status: 415 },
  ] as const;
}

export function unavailable() {
  const outcome = { kind: 'unavailable', message: en.answers.unavailable, retryAfter: RETRY_AFTER } as const;
  return { name: 'unavailable', summary: 'Something that the server needs is unavailable', outcome };
}

export function emailNotVerified(): DocumentedResponse<Exclude<RedeemOutcome, Redeemed>> {
  const outcome = { kind: 'email_not_verified', message: en.answers.email_not_verified } as const;
  return { name: 'email_not_verified', summary: 'No valid token for this address', outcome };
}
