/** emailVerificationRouter(): each route as its list of steps. */
import express, { type RequestHandler, type Router } from 'express';
import { type Core, coreOf } from '../core.js';
import { createEmailVerification, type EmailVerification } from '../email-verification.js';
import type { EmailVerificationOptions } from '../options/options.js';
import { judgedSend, judgedVerify, readBody, validate } from './read-request.js';
import { answer } from './respond.js';
import { runStep } from './step.js';

/**
 * Two routes to mount on any path of an Express 4.18+ or 5 app: POST /send mails a code, POST /verify checks it.
 * Other methods and paths go on to the app.
 *
 * @param verification What createEmailVerification() made; or its options, for an app that needs the routes alone.
 * @example
 * app.use('/email-verification', emailVerificationRouter(verification));
 */
export function emailVerificationRouter(verification: EmailVerification | EmailVerificationOptions): Router {
  const made = isMade(verification) ? verification : createEmailVerification(verification);
  const core = coreOf(made);

  const router = express.Router();
  // A route that has POST alone is told of by a Router itself, when it is asked with OPTIONS.
  const leaveToTheApp: RequestHandler = (_req, _res, next) => next();
  router
    .route('/send')
    .options(leaveToTheApp)
    .post(readBody(core, 'ok'), validate(core, 'ok', core.judge.send), core.clientLimits.send, send(core));
  router
    .route('/verify')
    .options(leaveToTheApp)
    .post(
      readBody(core, 'verify'),
      validate(core, 'verify', core.judge.verify),
      core.clientLimits.verify,
      verify(core),
    );
  return router;
}

function isMade(
  verification: EmailVerification | EmailVerificationOptions,
): verification is EmailVerification {
  return typeof verification === 'object' && verification !== null && 'clientLimit' in verification;
}

function send(core: Core): RequestHandler {
  return function send(req, res, next) {
    const input = judgedSend(req);
    if (!input) return next();
    runStep(async () => answer(res, 'ok', await core.send(input, req)), res, next);
  };
}

function verify(core: Core): RequestHandler {
  return function verify(req, res, next) {
    const input = judgedVerify(req);
    if (!input) return next();
    runStep(async () => answer(res, 'verify', await core.verify(input)), res, next);
  };
}
