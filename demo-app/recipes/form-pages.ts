/** A sign-up without script, in English and Korean. Posts redirect to the view, which shows what the session holds. */

import express, { type Request, type RequestHandler, type Router } from 'express';
import { type EmailVerification, type OnRefused, requireVerifiedEmail } from 'express-email-verification';

declare module 'express-session' {
  interface SessionData {
    signUp: { email?: string; challengeId?: string; verificationToken?: string; message?: string };
  }
}

/** Mount it behind session({ …, cookie: { sameSite: 'lax' } }), and save form-pages.ejs as views/sign-up.ejs. */
export function signUpPages(verification: EmailVerification, createAccount: RequestHandler): Router {
  const show = (req: Request, fields: object) => {
    req.session.signUp = { ...req.session.signUp, ...{ errors: undefined }, ...fields };
    req.res?.redirect(303, req.baseUrl);
  };
  const onRefused: OnRefused = (req, _, { message }) => show(req, { message, verificationToken: undefined });
  const email = (req: Request) => req.session.signUp?.email;
  const token = (req: Request) => req.session.signUp?.verificationToken;
  const refuseOtherSites: RequestHandler = ({ method, headers }, res, next) =>
    method === 'POST' && headers['sec-fetch-site'] === 'cross-site' ? void res.sendStatus(403) : next();
  const send: RequestHandler = (req, _res, next) => {
    const fields = { email: String(req.body?.email), locale: req.acceptsLanguages('en', 'ko') || undefined };
    const sent = verification.send({ ...req.session.signUp, ...fields, request: req });
    sent.then((outcome) => show(req, { ...outcome, ...fields })).catch(next);
  };
  const verify: RequestHandler = (req, _res, next) => {
    const fields = { ...req.session.signUp, email: email(req), code: req.body?.code };
    const shown = verification.verify(fields).then((outcome) => show(req, outcome));
    shown.catch(next);
  };
  return express
    .Router()
    .use(refuseOtherSites, express.urlencoded({ extended: false }))
    .get('/', (req, res) => res.render('sign-up', { path: req.baseUrl, ...req.session.signUp }))
    .post('/send', verification.clientLimit({ onRefused }), send)
    .post('/verify', verify)
    .post('/', requireVerifiedEmail(verification, { email, token, onRefused }), createAccount);
}
