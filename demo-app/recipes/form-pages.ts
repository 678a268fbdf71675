/** A sign-up of form pages without script: each post redirects to the view, and the session holds the latest answer. */
import express, { type Request, type RequestHandler, type Router } from 'express';
import { type EmailVerification, type OnRefused, requireVerifiedEmail } from 'express-email-verification';

declare module 'express-session' {
  interface SessionData {
    signUp: { email?: string; challengeId?: string; verificationToken?: string; message?: string };
  }
}

/** Mount it behind session({ …, cookie: { sameSite: 'lax' } }), which keeps out the posts of other sites. */
export function signUpPages(verification: EmailVerification, createAccount: RequestHandler): Router {
  const show = (req: Request, answer: object) => {
    req.session.signUp = { ...req.session.signUp, ...answer };
    req.res?.redirect(303, req.baseUrl);
  };
  const onRefused: OnRefused = (req, _res, { message }) =>
    show(req, { message, verificationToken: undefined });
  const email = (req: Request) => req.session.signUp?.email;
  const token = (req: Request) => req.session.signUp?.verificationToken;

  const send: RequestHandler = (req, _res, next) => {
    const fields = { ...req.session.signUp, email: String(req.body.email), request: req };
    const sent = verification.send(fields).then((outcome) => show(req, { ...outcome, email: fields.email }));
    sent.catch(next); // what beforeSend throws
  };
  const verify: RequestHandler = (req, _res, next) => {
    const fields = { ...req.session.signUp, email: email(req), code: req.body.code };
    verification.verify(fields).then((outcome) => show(req, outcome), next);
  };
  return express
    .Router()
    .use(express.urlencoded({ extended: false }))
    .get('/', (req, res) => res.render('sign-up', { path: req.baseUrl, ...req.session.signUp }))
    .post('/send', verification.clientLimit({ onRefused }), send)
    .post('/verify', verify)
    .post('/', requireVerifiedEmail(verification, { email, token, onRefused }), createAccount);
}
