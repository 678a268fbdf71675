/** Every option: its sentence, its default, its check. All are checked once, when the app starts. */
import type { Options as RateLimitOptions } from 'express-rate-limit';
import addressparser from 'nodemailer/lib/addressparser';
import { defaultMailbox } from './address.js';
import type { BeforeSend } from './before-send.js';
import { createDigests, type Digests } from './code.js';
import { warn } from './events.js';
import { builtInLocales, type Locale } from './locales/index.js';
import type { Mail } from './mail/mailer.js';
import { defaultTemplate, type Template } from './mail/template.js';
import { createTransport, type Transport, type TransportOption } from './mail/transport.js';
import { boundedStore, checkStore } from './store/bounded-store.js';
import { MemoryStore } from './store/memory-store.js';
import type { Limit, Store } from './store/store.js';

/** Delivery by a function of the app. A rejection means the mail did not leave; one with `unknown: true`, that it may have. */
export type CustomDelivery = (mail: Mail, options: { signal: AbortSignal; expiresAt: Date }) => Promise<void>;

/** At most `max` mails in any `window` seconds. */
export interface SendLimit {
  readonly max: number;
  readonly window: number;
}

/** The options of express-rate-limit, or `false` for none. */
export type ClientLimitOption = Partial<RateLimitOptions> | false;

export interface EmailVerificationOptions {
  /** Where challenges are kept. @default MemoryStore, refused when NODE_ENV is production unless passed on purpose */
  readonly store?: Store;
  /** How mails leave: a nodemailer transporter, its options, or an SMTP URL. With a login, TLS is required unless the host is loopback. */
  readonly transport: TransportOption;
  /** The sender, as `Acme <hello@acme.example>`: one address. */
  readonly from: string | { readonly name: string; readonly address: string };
  /** Keys every digest: at least 32 bytes. An array rotates: the first one writes, all are read. */
  readonly secret?: string | readonly string[];
  /** Digits of a code, 6 to 10. NIST SP 800-63B-4 §3.1.3.2 asks for 6. @default 6 */
  readonly codeLength?: number;
  /** Seconds a code is valid, 60 to 600 (OWASP ASVS 5.0 6.6.3, NIST: 10 minutes at most). @default 180 */
  readonly codeTtl?: number;
  /** Attempts of each `challengeId`, and of all who hold none together, 1 to 10. @default 5 */
  readonly maxAttempts?: number;
  /** Mails to one mailbox, in seconds, windows rising; the first is the cooldown. @default 1 a minute, 5 an hour, 10 a day */
  readonly sendLimits?: readonly SendLimit[];
  /** What limits count on, made from the canonical address. @default the address without +tag, and without dots at Gmail */
  readonly mailbox?: (address: string) => string;
  /** Requests of one client IP, by express-rate-limit. @default 20 sends in 10 minutes, verify unlimited */
  readonly rateLimit?: { readonly send?: ClientLimitOption; readonly verify?: ClientLimitOption };
  /** Seconds a verification token is valid, 60 to 86400. @default 900 */
  readonly tokenTtl?: number;
  /** What is verified for, `[a-z0-9_-]{1,32}`: nothing of one purpose is worth anything for another. @default 'signup' */
  readonly purpose?: string;
  /** `'await'` answers when SMTP has; `'background'` answers first; or a function that delivers. @default 'await' */
  readonly delivery?: 'await' | 'background' | CustomDelivery;
  /** Milliseconds the store may take, 50 to 60000. @default 1000 */
  readonly storeTimeout?: number;
  /** Milliseconds a mail may take, 50 to 60000, from when its code is stored. @default 10000 */
  readonly mailTimeout?: number;
  /** Milliseconds `beforeSend` may take, 50 to 60000. @default 5000 */
  readonly hookTimeout?: number;
  /** Asked before each send: lets it pass, refuses it, or suppresses it so that nobody can tell. @default none */
  readonly beforeSend?: BeforeSend;
  /** The app's name in the mail. @default the name in `from`, else its domain */
  readonly appName?: string;
  /** The page's origin, as `https://acme.example`: browsers then offer the code there and nowhere else. @default none */
  readonly origin?: string;
  /** Writes the mail. @default the package's own */
  readonly template?: Template;
  /** More languages, or other words for one, by tag. @default en and ko */
  readonly locales?: Readonly<Record<string, Locale>>;
  /** The language of those who ask for none that is there. @default 'en' */
  readonly defaultLocale?: string;
  /** Whether the subject shows the code: handy, but seen on locked screens and in logs of mail servers. @default false */
  readonly codeInSubject?: boolean;
}

/** The options after defaults and checks, in milliseconds. */
export interface Settings {
  readonly store: Store;
  readonly transport: Transport;
  readonly from: { readonly name: string; readonly address: string };
  /** The first writes; all are read. */
  readonly secrets: readonly [Digests, ...Digests[]];
  readonly codeLength: number;
  readonly codeTtl: number;
  readonly maxAttempts: number;
  readonly sendLimits: readonly Limit[];
  readonly mailbox: (address: string) => string;
  readonly rateLimit: { readonly send: ClientLimitOption; readonly verify: ClientLimitOption };
  readonly tokenTtl: number;
  readonly purpose: string;
  readonly delivery: 'await' | 'background' | CustomDelivery;
  readonly storeTimeout: number;
  readonly mailTimeout: number;
  readonly hookTimeout: number;
  readonly beforeSend: BeforeSend | undefined;
  readonly appName: string;
  readonly origin: string | undefined;
  readonly template: Template;
  /** By tag in lower case; the default one first. */
  readonly locales: ReadonlyMap<string, Locale>;
  readonly defaultLocale: Locale;
  readonly codeInSubject: boolean;
}

/** @throws TypeError or RangeError that names the option, its range and its value (never of `secret` or `transport`). */
export function createSettings(options: EmailVerificationOptions): Settings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('createEmailVerification takes an object of options');
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) throw new TypeError(`there is no option ${JSON.stringify(name)}`);
  }
  const integer = (name: NumberOption, fallback: number, min: number, max: number) =>
    checkInteger(name, options[name] ?? fallback, min, max);
  const from = checkFrom(options.from);
  const locales = checkLocales(options.locales, options.defaultLocale ?? 'en');
  return {
    store: chooseStore(options.store),
    secrets: checkSecrets(options.secret),
    from,
    codeLength: integer('codeLength', 6, 6, 10),
    codeTtl: integer('codeTtl', 180, 60, 600) * 1000,
    maxAttempts: integer('maxAttempts', 5, 1, 10),
    sendLimits: checkSendLimits(options.sendLimits ?? DEFAULT_SEND_LIMITS),
    mailbox: checkFunction('mailbox', options.mailbox) ?? defaultMailbox,
    rateLimit: checkRateLimit(options.rateLimit),
    tokenTtl: integer('tokenTtl', 900, 60, 86_400) * 1000,
    purpose: checkPurpose(options.purpose ?? 'signup'),
    delivery: checkDelivery(options.delivery ?? 'await'),
    storeTimeout: integer('storeTimeout', 1000, 50, 60_000),
    mailTimeout: integer('mailTimeout', 10_000, 50, 60_000),
    hookTimeout: integer('hookTimeout', 5000, 50, 60_000),
    beforeSend: checkFunction('beforeSend', options.beforeSend),
    appName: checkAppName(
      options.appName ?? (from.name || from.address.slice(from.address.lastIndexOf('@') + 1)),
    ),
    origin: checkOrigin(options.origin),
    template: checkFunction('template', options.template) ?? defaultTemplate,
    locales,
    defaultLocale: locales.values().next().value ?? fail('defaultLocale', 'one of the locales', undefined),
    codeInSubject: checkBoolean('codeInSubject', options.codeInSubject ?? false),
    transport: checkTransport(options.transport),
  };
}

const DEFAULT_SEND_LIMITS: readonly SendLimit[] = [
  { max: 1, window: 60 },
  { max: 5, window: 3600 },
  { max: 10, window: 86_400 },
];

const DEFAULT_RATE_LIMIT = { send: { windowMs: 600_000, limit: 20 }, verify: false } as const;

type NumberOption =
  | 'codeLength'
  | 'codeTtl'
  | 'maxAttempts'
  | 'tokenTtl'
  | 'storeTimeout'
  | 'mailTimeout'
  | 'hookTimeout';

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof EmailVerificationOptions>([
  'store',
  'transport',
  'from',
  'secret',
  'codeLength',
  'codeTtl',
  'maxAttempts',
  'sendLimits',
  'mailbox',
  'rateLimit',
  'tokenTtl',
  'purpose',
  'delivery',
  'storeTimeout',
  'mailTimeout',
  'hookTimeout',
  'beforeSend',
  'appName',
  'origin',
  'template',
  'locales',
  'defaultLocale',
  'codeInSubject',
]);

/** An option that is not as it must be; `value` is left out where it is a secret. */
function fail(name: string, range: string, value: unknown): never {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  throw new (typeof value === 'number' ? RangeError : TypeError)(`${name} must be ${range}, and is ${shown}`);
}

function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return fail(name, `a whole number from ${min} to ${max}`, value);
}

function checkFunction<T>(name: string, value: T | undefined): T | undefined {
  return value === undefined || typeof value === 'function' ? value : fail(name, 'a function', value);
}

function checkBoolean(name: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : fail(name, 'true or false', value);
}

function chooseStore(store: Store | undefined): Store {
  if (store !== undefined) return boundedStore(checkStore(store));
  if (process.env['NODE_ENV'] === 'production') {
    throw new TypeError('store must be passed when NODE_ENV is production: new RedisStore(client)');
  }
  warn('No store was passed: challenges are kept in memory, and end with this process.');
  return new MemoryStore();
}

function checkTransport(transport: TransportOption): Transport {
  if (transport === undefined || transport === null)
    throw new TypeError('transport must be passed: a nodemailer transporter, its options or an SMTP URL');
  return createTransport(transport);
}

function checkSecrets(secret: string | readonly string[] | undefined): [Digests, ...Digests[]] {
  const secrets = Array.isArray(secret) ? secret : [secret];
  if (!secrets.every((one) => typeof one === 'string' && Buffer.byteLength(one) >= 32)) {
    throw new TypeError('secret must be a string of at least 32 bytes, or an array of such strings');
  }
  const [first, ...rest] = secrets.map(createDigests);
  if (!first) throw new TypeError('secret must hold at least one string');
  if (new Set([first, ...rest].map(({ name }) => name)).size !== secrets.length) {
    throw new TypeError(
      'secret holds two that are the same, or that cannot be told apart: replace one of them',
    );
  }
  return [first, ...rest];
}

function checkFrom(from: EmailVerificationOptions['from']): { name: string; address: string } {
  const parsed = typeof from === 'string' ? addressparser(from) : [from];
  const [sender] = parsed;
  const fits =
    parsed.length === 1 && typeof sender?.address === 'string' && /^[^\s@]+@[^\s@]+$/.test(sender.address);
  return fits
    ? { name: sender.name ?? '', address: sender.address ?? '' }
    : fail('from', 'one address, as "Acme <hello@acme.example>"', from);
}

function checkSendLimits(limits: readonly SendLimit[]): Limit[] {
  if (!Array.isArray(limits) || limits.length === 0)
    return fail('sendLimits', 'an array of { max, window }', limits);
  return limits.map((limit: SendLimit, index) => {
    const max = checkInteger(`sendLimits[${index}].max`, limit?.max, 1, 1000);
    const window = checkInteger(`sendLimits[${index}].window`, limit?.window, 1, 86_400);
    const previous = limits[index - 1]?.window ?? 0;
    if (window <= previous)
      fail(`sendLimits[${index}].window`, `longer than the one before (${previous})`, window);
    return { max, window: window * 1000 };
  });
}

function checkRateLimit(rateLimit: EmailVerificationOptions['rateLimit'] = {}): Settings['rateLimit'] {
  for (const limit of [rateLimit, rateLimit?.send, rateLimit?.verify]) {
    if (limit === null || (limit !== undefined && limit !== false && typeof limit !== 'object')) {
      fail('rateLimit', '{ send, verify }, each express-rate-limit options or false', limit);
    }
  }
  const { send = DEFAULT_RATE_LIMIT.send, verify = DEFAULT_RATE_LIMIT.verify } = rateLimit;
  return { send: send && { ...DEFAULT_RATE_LIMIT.send, ...send }, verify };
}

function checkPurpose(purpose: unknown): string {
  if (typeof purpose === 'string' && /^[a-z0-9_-]{1,32}$/.test(purpose)) return purpose;
  return fail('purpose', '1 to 32 of a-z, 0-9, _ and -', purpose);
}

function checkDelivery(delivery: NonNullable<EmailVerificationOptions['delivery']>): Settings['delivery'] {
  if (delivery === 'await' || delivery === 'background' || typeof delivery === 'function') return delivery;
  return fail('delivery', "'await', 'background' or a function", delivery);
}

function checkAppName(appName: unknown): string {
  if (typeof appName === 'string' && /^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u.test(appName)) return appName;
  return fail('appName', 'one line of 1 to 100 characters', appName);
}

function checkOrigin(origin: string | undefined): string | undefined {
  if (origin === undefined) return undefined;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isLoopback =
    url !== undefined && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.origin === origin && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)))
    return origin;
  return fail('origin', 'an https origin, as "https://acme.example"', origin);
}

function checkLocales(
  locales: Readonly<Record<string, Locale>> = {},
  defaultTag: string,
): Map<string, Locale> {
  const all = new Map(
    Object.entries({ ...builtInLocales, ...locales }).map(([tag, words]) => [tag.toLowerCase(), words]),
  );
  for (const [tag, words] of all) {
    if (!words?.answers || !words.fields || !words.mail) fail(`locales.${tag}`, 'a Locale', words);
  }
  const first = typeof defaultTag === 'string' ? all.get(defaultTag.toLowerCase()) : undefined;
  if (!first) return fail('defaultLocale', `one of ${[...all.keys()].join(', ')}`, defaultTag);
  return new Map([[defaultTag.toLowerCase(), first], ...all]);
}
