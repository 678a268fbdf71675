/** emailVerificationRouter(): each route as its list of steps. */
import express, { type RequestHandler, type Router } from 'express';
import { type Core, coreOf } from './core.js';
import { createEmailVerification, type EmailVerification } from './email-verification.js';
import type { EmailVerificationOptions } from './options.js';
import { answer } from './problem.js';
import { judgedSend, judgedVerify, readBody, refuseCrossSiteForm, validate } from './read-request.js';

/**
 * Two routes to mount on any path of an Express 4.18+ or 5 app: POST /send mails a code, POST /verify checks it.
 * Other methods and paths go on to the app.
 *
 * @param verification What createEmailVerification() made; or its options, for an app that needs the routes alone.
 * @example
 * app.use('/email-verification', emailVerificationRouter(verification));
 */
export function emailVerificationRouter(verification: EmailVerification | EmailVerificationOptions): Router {
  const made = 'clientLimit' in verification ? verification : createEmailVerification(verification);
  const core = coreOf(made);

  const router = express.Router();
  router.post(
    '/send',
    readBody(core, 'ok'),
    refuseCrossSiteForm(core, 'ok'),
    validate(core, 'ok', core.judge.send),
    core.clientLimits.send,
    send(core),
  );
  router.post(
    '/verify',
    readBody(core, 'verify'),
    refuseCrossSiteForm(core, 'verify'),
    validate(core, 'verify', core.judge.verify),
    core.clientLimits.verify,
    verify(core),
  );
  return router;
}

function send(core: Core): RequestHandler {
  return function send(req, res, next) {
    const input = judgedSend(req);
    if (!input) return next();
    core
      .send(input, req)
      .then((outcome) => answer(res, 'ok', outcome))
      .catch(next);
  };
}

function verify(core: Core): RequestHandler {
  return function verify(req, res, next) {
    const input = judgedVerify(req);
    if (!input) return next();
    core
      .verify(input)
      .then((outcome) => answer(res, 'verify', outcome))
      .catch(next);
  };
}
