/** From the bytes of a request to judged input: the router's first steps. */
import express, { type Request, type RequestHandler } from 'express';
import type { Core } from './core.js';
import { acceptedLocale, localeOf } from './language.js';
import { readPlainJson } from './plain-json.js';
import { answer, type Flag } from './problem.js';
import type { InvalidRequest, JudgedSend, JudgedVerify } from './validate.js';

/** The largest body: a captcha token fits. */
const LARGEST_BODY = 16 * 1024;

const parseJson = express.json({ limit: LARGEST_BODY });
const parseForm = express.urlencoded({ limit: LARGEST_BODY, extended: false });

/** Parses JSON and forms, unless the app has; what cannot be read is answered in our own form. */
export function readBody(core: Core, flag: Flag): RequestHandler {
  return function readBody(req, res, next) {
    // Read by the app's own parser, which may be of another Express than ours.
    if (req.body !== undefined && req.readableEnded) return next();
    const refuse = (status: number) => answer(res, flag, core.judge.unreadable(localeOf(req, core)), status);

    const plain = req.body === undefined ? readPlainJson(req, LARGEST_BODY) : undefined;
    if (plain) {
      const goOn = (body: object) => {
        req.body = body;
        next();
      };
      return void plain.then(goOn, () => refuse(400)).catch(next);
    }

    parseJson(req, res, (jsonError?: unknown) => {
      if (jsonError) return refuse(statusOf(jsonError));
      parseForm(req, res, (formError?: unknown) => {
        if (formError) return refuse(statusOf(formError));
        if (req.is(['json', 'urlencoded']) === false) return refuse(415);
        next();
      });
    });
  };
}

/** A page elsewhere can make a browser post a form here, unasked; Fetch metadata tells (W3C Fetch Metadata §2.3). */
export function refuseCrossSiteForm(core: Core, flag: Flag): RequestHandler {
  return function refuseCrossSiteForm(req, res, next) {
    if (req.headers['sec-fetch-site'] !== 'cross-site' || !req.is('urlencoded')) return next();
    answer(res, flag, { kind: 'refused', message: localeOf(req, core).answers.refused });
  };
}

type Judging<T> = (
  fields: unknown,
  fallback: ReturnType<typeof acceptedLocale>,
) => Promise<T | InvalidRequest>;

/** Judges the body and keeps what it means for the steps after. */
export function validate<T extends JudgedSend>(core: Core, flag: Flag, judging: Judging<T>): RequestHandler {
  return function validate(req, res, next) {
    judging(req.body, acceptedLocale(req, core)).then((outcome) => {
      if (outcome.kind === 'invalid_request') return answer(res, flag, outcome);
      judged.set(req, outcome);
      next();
    }, next);
  };
}

const judged = new WeakMap<Request, JudgedSend | JudgedVerify>();

/** What the body of this request means; nothing where it was not judged, as on the app's own routes. */
export function judgedSend(req: Request): JudgedSend | undefined {
  return judged.get(req);
}

export function judgedVerify(req: Request): JudgedVerify | undefined {
  const input = judged.get(req);
  return input && 'code' in input ? input : undefined;
}

/** Body parsers tell 413 and 415 apart; all else is a body that is not what it says it is. */
function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return status === 413 || status === 415 ? status : 400;
}
