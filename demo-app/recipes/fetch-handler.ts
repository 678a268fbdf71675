/**
 * The routes for the browser client, and a sign-up, in a fetch-style app. In Next, each is the `POST` of a route.ts: in
 * app/email-verification/[action]/ and in app/sign-up/. Limit the requests of each client before they get here.
 */

import { type EmailVerification, toResponse } from 'express-email-verification';

export function createActions(verification: EmailVerification) {
  return async function POST(request: Request): Promise<Response> {
    const { email, code, challengeId, locale = languageOf(request) } = await fieldsOf(request);
    const action = new URL(request.url).pathname.split('/').at(-1);
    if (action === 'send') return toResponse(await verification.send({ email, challengeId, locale }));
    if (action !== 'verify') return new Response(null, { status: 404 });
    return toResponse(await verification.verify({ email, code, challengeId, locale }), 'verify');
  };
}

type CreateAccount = (email: string, password: unknown) => Promise<void>;

export function createSignUp(verification: EmailVerification, createAccount: CreateAccount) {
  return async function POST(request: Request): Promise<Response> {
    const { email, verificationToken, password, locale = languageOf(request) } = await fieldsOf(request);
    const outcome = await verification.redeem({ email, verificationToken, locale });
    if (outcome.kind !== 'redeemed') return toResponse(outcome);
    try {
      await createAccount(outcome.email, password);
    } catch (error) {
      await verification.release(outcome); // so that the person can try again
      throw error;
    }
    return Response.json({ ok: true }, { status: 201 });
  };
}

/** JSON only: a page of another site cannot post it without a preflight, which nothing here allows. */
async function fieldsOf(request: Request): Promise<Record<string, unknown>> {
  const isJson = /^application\/json\b/i.test(request.headers.get('Content-Type') ?? '');
  return isJson ? Object(await request.json().catch(() => null)) : {};
}
const languageOf = (request: Request) => request.headers.get('Accept-Language')?.split(/[,;]/, 1)[0];
