/** From the bytes of a request to judged input: the router's first steps. */
import type { Request, RequestHandler } from 'express';
import type { Core } from '../core.js';
import type { InvalidRequest, JudgedSend, JudgedVerify } from '../operations/input.js';
import { isFromElsewhere } from './cross-site.js';
import { acceptedLocale, localeOf } from './language.js';
import { parseBody } from './parse-body.js';
import { answer, type Flag } from './respond.js';
import { runStep } from './step.js';

/** Parses the body, which tells the language too; refuses what a page elsewhere posts, and what cannot be read. */
export function readBody(core: Core, flag: Flag): RequestHandler {
  return function readBody(req, res, next) {
    const step = async () => {
      const parsed = await parseBody(req, res);
      const locale = localeOf(req, core);
      if (isFromElsewhere(req, core.settings.origin)) {
        return answer(res, flag, { kind: 'refused', message: locale.answers.refused });
      }
      if (parsed.kind === 'parsed') return 'next';
      return answer(res, flag, core.judge.unreadable(locale), parsed.status);
    };
    runStep(step, res, next);
  };
}

type Judging<T> = (
  fields: unknown,
  fallback: ReturnType<typeof acceptedLocale>,
) => Promise<T | InvalidRequest>;

/** Judges the body and keeps what it means for the steps after. */
export function validate<T extends JudgedSend>(core: Core, flag: Flag, judging: Judging<T>): RequestHandler {
  return function validate(req, res, next) {
    const step = async () => {
      const outcome = await judging(req.body, acceptedLocale(req, core));
      if (outcome.kind === 'invalid_request') return answer(res, flag, outcome);
      judged.set(req, outcome);
      return 'next';
    };
    runStep(step, res, next);
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
