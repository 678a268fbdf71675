/** captcha(): a `beforeSend` that verifies the token of a Turnstile, hCaptcha or reCAPTCHA widget. */

import { shown } from '../checks.js';
import { propertyOf } from '../errors.js';
import { warn } from '../events.js';
import type { SendVerdict } from '../operations/before-send.js';
import { type CaptchaOptions, type CaptchaSettings, createCaptchaSettings } from './options.js';
import { siteverify, type Verdict } from './siteverify.js';

export type { CaptchaOptions } from './options.js';

export type CaptchaRefusal = Extract<SendVerdict, { kind: 'refuse' }>;

/** What captcha() reads of a send. Without a request, there is no token, and the send is refused. */
export interface CaptchaAttempt {
  readonly request?: { readonly body?: unknown } | undefined;
}

/**
 * Sends pass only with a token that the provider accepts. A missing, malformed, expired or used token is refused, and so
 * is one of another `hostname`, another `action`, or a low score. If the provider refuses the secret itself, the send is
 * rejected with an error, which reaches the app's error handler.
 *
 * @returns A function for `beforeSend`, or to call in your own hook: it resolves to a refusal or to nothing.
 * @throws TypeError or RangeError that names the option, what was expected and what was received, never the secret.
 * @example
 * createEmailVerification({ ...options, beforeSend: captcha({ provider: 'turnstile', secret: process.env.TURNSTILE_SECRET }) });
 * @example
 * const passes = captcha({ provider: 'hcaptcha', secret: process.env.HCAPTCHA_SECRET });
 * const beforeSend = async (attempt) =>
 *   (await passes(attempt)) ?? ((await hasAccount(attempt.email)) ? { kind: 'suppress' } : undefined);
 */
export function captcha(
  options: CaptchaOptions,
): (attempt: CaptchaAttempt) => Promise<CaptchaRefusal | undefined> {
  const settings = createCaptchaSettings(options);
  const { whenUnreachable } = settings;
  const tell = createReports(settings);

  return async function captcha({ request }) {
    const token = tokenIn(request?.body, settings.fields);
    if (token === undefined) return REFUSED;
    const verdict = await siteverify(settings, token);
    tell.reachable(verdict);
    if (verdict.kind === 'unreachable') return whenUnreachable === 'allow' ? undefined : UNAVAILABLE;
    const reasons = reasonsAgainst(verdict, settings);
    if (reasons.some((reason) => WRONG_SECRET.has(reason))) throw new Error(wrongSecret(settings));
    for (const reason of reasons) tell.once(reason);
    return reasons.length > 0 ? REFUSED : undefined;
  };
}

const REFUSED: CaptchaRefusal = {
  kind: 'refuse',
  message: ({ captcha, refused }) => captcha ?? refused,
};

const UNAVAILABLE: CaptchaRefusal = { kind: 'refuse', message: ({ unavailable }) => unavailable };

/** Providers promise no form of their tokens. All are printable ASCII, and Turnstile's have 2048 characters at most. */
const TOKEN = /^[\x21-\x7e]{1,10000}$/;

/** The token in the app's field, or in the one that the widget adds to a form. */
function tokenIn(body: unknown, fields: readonly string[]): string | undefined {
  const token = fields.map((name) => propertyOf(body, name)).find((value) => value !== undefined);
  return typeof token === 'string' && TOKEN.test(token) ? token : undefined;
}

/** Why a verdict refuses the token: the provider's error codes, or sentences about what does not match the options. */
function reasonsAgainst(
  verdict: Exclude<Verdict, { kind: 'unreachable' }>,
  { hostnames, action, minScore, isScoreRequired }: CaptchaSettings,
): readonly string[] {
  if (verdict.kind === 'failed') return verdict.codes;
  const { hostname, score } = verdict;
  const reasons: string[] = [];
  if (hostnames && !(typeof hostname === 'string' && hostnames.includes(hostname.toLowerCase())))
    reasons.push(`its hostname was ${shown(hostname)}`);
  if (action !== undefined && verdict.action !== action)
    reasons.push(`its action was ${shown(verdict.action)}`);
  if (typeof score === 'number' && minScore !== undefined && score < minScore) reasons.push(LOW_SCORE);
  if (typeof score !== 'number' && isScoreRequired)
    reasons.push('it has no score: `minScore` is for reCAPTCHA v3');
  return reasons;
}

/** No token can cause these. */
const WRONG_SECRET: ReadonlySet<string> = new Set(['missing-input-secret', 'invalid-input-secret']);

function wrongSecret({ provider }: CaptchaSettings): string {
  return `${provider} refused the \`secret\` of captcha(): pass the secret key that belongs to the site key of the page.`;
}

const LOW_SCORE = 'low-score';

/** What happens to people and robots every day. Everything else may be the operator's mistake. */
const ORDINARY: ReadonlySet<string> = new Set([
  'missing-input-response',
  'invalid-input-response',
  'timeout-or-duplicate',
  'expired-input-response',
  'already-seen-response',
  'invalid-or-already-seen-response',
  LOW_SCORE,
]);

/** Tells the operator what a person cannot: by one process warning for each outage, and for each unusual reason. */
function createReports({ provider, whenUnreachable }: CaptchaSettings) {
  const told = new Set<string>();
  let isReachable = true;
  return {
    reachable(verdict: Verdict): void {
      if (verdict.kind === 'unreachable' && isReachable) {
        const consequence = whenUnreachable === 'allow' ? 'pass without a captcha' : 'are refused';
        warn(
          `captcha(): ${provider} is unreachable (${verdict.cause}). Emails ${consequence} until it recovers.`,
        );
      }
      isReachable = verdict.kind !== 'unreachable';
    },
    once(reason: string): void {
      // A robot can cause any number of reasons.
      if (ORDINARY.has(reason) || told.has(reason) || told.size >= 10) return;
      told.add(reason);
      warn(
        `captcha() refused a token of ${provider}: ${reason}. Further ones are refused without a warning.`,
      );
    },
  };
}
