/** toResponse(): the router's responses for fetch-style handlers, as in Next, Hono or Remix. */
import { refuse, refuseHidden } from '../checks.js';
import type { Redeemed, RedeemOutcome } from '../operations/redeem.js';
import type { SendOutcome } from '../operations/send.js';
import type { VerifyOutcome } from '../operations/verify.js';
import { answerOf, isOutcomeKind, type SuccessField } from './answer.js';

/** An outcome that the router, or requireVerifiedEmail(), would respond with. */
export type RespondableOutcome = SendOutcome | VerifyOutcome | Exclude<RedeemOutcome, Redeemed>;

/**
 * Turns an outcome into the response that the router would send: the same status, headers and body. The browser client
 * works with routes that respond like this.
 *
 * @param outcome Of `send` or `verify`, or a refusal of `redeem`.
 * @param successField `'verify'` for the outcomes of `verify`. @default 'ok'
 * @throws TypeError for anything else.
 * @example
 * export async function POST(request: Request) {
 *   const { email, challengeId, locale } = await request.json();
 *   return toResponse(await verification.send({ email, challengeId, locale }));
 * }
 */
export function toResponse(outcome: RespondableOutcome, successField: SuccessField = 'ok'): Response {
  // Anything else with a message, such as an error, would become a success.
  if (typeof outcome?.message !== 'string' || !isOutcomeKind(outcome.kind))
    refuseHidden('outcome', OUTCOME, outcome, 'toResponse()');
  if (successField !== 'ok' && successField !== 'verify')
    refuse('successField', "'ok' or 'verify'", successField, 'toResponse()');
  const { status, headers, body } = answerOf(outcome, successField);
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...Object.fromEntries(headers), 'Content-Type': 'application/json; charset=utf-8' },
  });
}

const OUTCOME = 'an outcome of send() or verify(), or a refusal of redeem()';
