/** The options of captcha(), checked when the app starts. */
import { isUnset, isWhole, readOptionsOf, refuse, refuseHidden } from '../checks.js';

export interface CaptchaOptions {
  /** Whose widget the page shows. reCAPTCHA is v2 or v3. */
  readonly provider: 'turnstile' | 'hcaptcha' | 'recaptcha';
  /** The secret key that the provider issued. */
  readonly secret: string | undefined;
  /** The field of the body with the token. The widget's own field, such as `cf-turnstile-response`, works too. @default 'captcha' */
  readonly field?: string | undefined;
  /** The host of your page, or several: tokens solved elsewhere are refused. @default any that the site key allows */
  readonly hostname?: string | readonly string[] | undefined;
  /** The action that the page gives to the widget (Turnstile, reCAPTCHA v3). @default any */
  readonly action?: string | undefined;
  /** The lowest score that passes, from 0, a robot, to 1 (reCAPTCHA v3). @default 0.5 */
  readonly minScore?: number | undefined;
  /** What happens to a send while the provider does not answer. @default 'refuse' */
  readonly whenUnreachable?: 'refuse' | 'allow' | undefined;
  /** Milliseconds the provider may take, 50 to 60000. Keep it below `hookTimeout`. @default 3000 */
  readonly timeout?: number | undefined;
  /** Where tokens are verified, such as a proxy or a test server. @default the provider's own URL */
  readonly url?: string | undefined;
}

const PROVIDERS = {
  turnstile: {
    // https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
    url: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
    field: 'cf-turnstile-response',
    hasAction: true,
    defaultMinScore: undefined,
  },
  hcaptcha: {
    // https://docs.hcaptcha.com/#verify-the-user-response-server-side
    url: 'https://api.hcaptcha.com/siteverify',
    field: 'h-captcha-response',
    hasAction: false,
    defaultMinScore: undefined,
  },
  recaptcha: {
    // https://developers.google.com/recaptcha/docs/verify, and docs/v3 for the score: 0.5 is its proposal.
    url: 'https://www.google.com/recaptcha/api/siteverify',
    field: 'g-recaptcha-response',
    hasAction: true,
    defaultMinScore: 0.5,
  },
} as const;

/** The options after defaults and checks. */
export type CaptchaSettings = ReturnType<typeof createCaptchaSettings>;

const OF = 'captcha()';

const NAMES = {
  provider: true,
  secret: true,
  field: true,
  hostname: true,
  action: true,
  minScore: true,
  whenUnreachable: true,
  timeout: true,
  url: true,
} as const;

/** @throws TypeError or RangeError that names the option, what was expected and what was received. */
export function createCaptchaSettings(passed: CaptchaOptions) {
  const options = readOptionsOf(OF, passed, NAMES);
  const {
    provider,
    field = 'captcha',
    action,
    minScore,
    whenUnreachable = 'refuse',
    timeout = 3000,
  } = options;
  if (!isProvider(provider))
    return refuse('provider', "'turnstile', 'hcaptcha' or 'recaptcha'", provider, OF);
  const its = PROVIDERS[provider];
  if (typeof field !== 'string' || field === '')
    refuse('field', 'the name of a field of the body', field, OF);
  if (action !== undefined && (!its.hasAction || typeof action !== 'string' || action === ''))
    refuse('action', its.hasAction ? 'a string' : 'left out: hCaptcha reports none', action, OF);
  if (minScore !== undefined && (its.defaultMinScore === undefined || !isScore(minScore)))
    refuse('minScore', 'a number from 0 to 1, for reCAPTCHA v3 alone', minScore, OF);
  if (whenUnreachable !== 'refuse' && whenUnreachable !== 'allow')
    refuse('whenUnreachable', "'refuse' or 'allow'", whenUnreachable, OF);
  if (!isWhole(timeout, 50, 60_000)) refuse('timeout', 'a whole number from 50 to 60000', timeout, OF);
  return {
    provider,
    secret: checkSecret(options.secret),
    fields: [field, its.field],
    hostnames: checkHostnames(options.hostname),
    action,
    minScore: minScore ?? its.defaultMinScore,
    /** reCAPTCHA v2 has no score. An app that passes `minScore` counts on one. */
    isScoreRequired: minScore !== undefined,
    whenUnreachable,
    timeout,
    url: checkUrl(options.url ?? its.url),
  };
}

function isProvider(value: unknown): value is keyof typeof PROVIDERS {
  return typeof value === 'string' && Object.hasOwn(PROVIDERS, value);
}

function isScore(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

/** A secret with white space was copied badly, and the provider would refuse it at the first send. */
function checkSecret(secret: unknown): string {
  if (typeof secret === 'string' && /^[\x21-\x7e]+$/.test(secret) && !isUnset(secret)) return secret;
  return refuseHidden('secret', "the provider's secret key, without white space", secret, OF);
}

function checkHostnames(option: unknown): readonly string[] | undefined {
  if (option === undefined) return undefined;
  const hosts: readonly unknown[] = Array.isArray(option) ? Array.from(option) : [option];
  if (hosts.length === 0) refuse('hostname', HOSTNAMES, option, OF);
  return hosts.map((host) => {
    const isHost = typeof host === 'string' && /^[^\s/:@]+$/.test(host) && !isUnset(host);
    return isHost ? host.toLowerCase() : refuse('hostname', HOSTNAMES, option, OF);
  });
}

const HOSTNAMES = "a host as in 'www.acme.example', without scheme and port, or an array of these";

/** The secret is sent there, so it must be encrypted on its way. */
function checkUrl(url: unknown): string {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(parsed?.hostname ?? '');
  // fetch() refuses a URL with a password, in an error that shows it.
  if (parsed?.username || parsed?.password)
    return refuseHidden('url', 'a URL without a user and a password', url, OF);
  if (parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback)) return parsed.href;
  return refuseHidden('url', 'an https URL, or an http URL of localhost', url, OF);
}
