/** emailVerificationRouter(): each route as its list of steps. */
import express, { type Request, type RequestHandler, type Router } from 'express';
import { createEmailVerification, type EmailVerification, internalsOf } from '../email-verification.js';
import type { EmailVerificationOptions } from '../options/options.js';
import type { Outcome } from './answer.js';
import { readBody, validate } from './read-request.js';
import {
  type OnRefused,
  type RefusalOptions,
  readRefusalOptions,
  respondWithNonce,
  stateOf,
  step,
} from './respond.js';

/**
 * Two routes to mount on any path of an Express 4.18+ or 5 app: POST /send emails a code, POST /verify checks it. With
 * `browserProof`, GET /nonce is a third. Other methods and paths go on to the app.
 *
 * @param verification What createEmailVerification() returned, or its options if the app needs only the routes.
 * @example
 * app.use('/email-verification', emailVerificationRouter(verification));
 */
export function emailVerificationRouter(
  verification: EmailVerification | EmailVerificationOptions,
  options: RefusalOptions = {},
): Router {
  const { operations, clientLimits } = internalsOf(
    isVerification(verification) ? verification : createEmailVerification(verification),
  );
  const { parsers } = operations;
  const onRefused = readRefusalOptions('emailVerificationRouter()', options);

  const router = express.Router();
  router
    .route('/send')
    .options(passToApp)
    .post(
      readBody(operations, 'ok', onRefused),
      validate(parsers.send, onRefused),
      clientLimits.send(onRefused),
      run(operations.send, onRefused),
    );
  const { proofs } = operations;
  if (proofs)
    router
      .route('/nonce')
      .options(passToApp)
      .get((_req, res) => void respondWithNonce(res, proofs.createNonce()));
  router
    .route('/verify')
    .options(passToApp)
    .post(
      readBody(operations, 'verify', onRefused),
      validate(parsers.verify, onRefused),
      clientLimits.verify(onRefused),
      run(operations.verify, onRefused),
    );
  return router;
}

function isVerification(value: EmailVerification | EmailVerificationOptions): value is EmailVerification {
  return typeof value === 'object' && value !== null && 'clientLimit' in value;
}

/** A Router responds to OPTIONS by itself if a route has no handler for it. */
const passToApp: RequestHandler = (_req, _res, next) => next();

/** The last step: runs an operation and responds with its outcome. */
function run<Input>(
  operation: (input: Input, req: Request) => Promise<Outcome>,
  onRefused: OnRefused | undefined,
): RequestHandler {
  return step(async function run(req, res) {
    const input = stateOf<Input>(res)?.input;
    return input === undefined ? 'next' : { outcome: await operation(input, req) };
  }, onRefused);
}
