/** Every option: its sentence, its default, its check. All are checked once, when the app starts. */
import addressparser from 'nodemailer/lib/addressparser';
import { defaultMailbox } from '../challenge/address.js';
import { createHasher, type Hasher } from '../challenge/digests.js';
import { warn } from '../events.js';
import {
  type ClientLimitOption,
  type ClientLimitSettings,
  checkRateLimit,
} from '../http/client-limit/options.js';
import { checkLocales } from '../locales/check-locales.js';
import type { Locale } from '../locales/index.js';
import type { Mail } from '../mail/mailer.js';
import { defaultTemplate, type Template } from '../mail/template.js';
import { createTransport, type Transport, type TransportOption } from '../mail/transport.js';
import type { BeforeSend } from '../operations/before-send.js';
import { boundedStore, checkStore } from '../store/bounded-store.js';
import { MemoryStore } from '../store/memory-store.js';
import type { Limit, Store } from '../store/store.js';
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  isOptions,
  isUnset,
  readOptions,
  readOptionsOf,
  refuse,
  refuseHidden,
} from './checks.js';

/** Delivery by a function of the app. A rejection means the mail did not leave; one with `unknown: true`, that it may have. */
export type CustomDelivery = (mail: Mail, options: { signal: AbortSignal; expiresAt: Date }) => Promise<void>;

/** At most `max` mails in any `window` seconds. */
export interface SendLimit {
  readonly max: number;
  readonly window: number;
}

export interface EmailVerificationOptions {
  /** Where challenges are kept. @default MemoryStore, refused when NODE_ENV is production unless passed on purpose */
  readonly store?: Store;
  /** How mails leave: a nodemailer transporter, its options, or an SMTP URL. With a login, TLS is required unless the host is loopback. */
  readonly transport: TransportOption | undefined;
  /** The sender, as `Acme <hello@acme.example>`: one address. */
  readonly from: string | Sender | undefined;
  /** Keys every digest: at least 32 bytes. An array rotates: the first one writes, all are read. */
  readonly secret: string | readonly (string | undefined)[] | undefined;
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
  /** Requests of one client IP, by express-rate-limit; `false` for no limit. @default 20 sends in 10 minutes, verify unlimited */
  readonly rateLimit?: { readonly send?: ClientLimitOption; readonly verify?: ClientLimitOption } | false;
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

/** Who an email is from. */
export interface Sender {
  readonly name?: string;
  readonly address: string;
}

/** The options after defaults and checks, in milliseconds. */
export interface Settings {
  readonly store: Store;
  readonly transport: Transport;
  readonly from: { readonly name: string; readonly address: string };
  /** One for each secret. New digests are made by the first one, and all are looked up. */
  readonly hashers: readonly [Hasher, ...Hasher[]];
  readonly codeLength: number;
  readonly codeTtl: number;
  readonly maxAttempts: number;
  readonly sendLimits: readonly Limit[];
  readonly mailbox: (address: string) => string;
  readonly rateLimit: ClientLimitSettings;
  readonly tokenTtl: number;
  readonly purpose: string;
  readonly delivery: 'await' | 'background' | CustomDelivery;
  readonly storeTimeout: number;
  readonly mailTimeout: number;
  readonly hookTimeout: number;
  readonly beforeSend: BeforeSend | undefined;
  readonly appName: string;
  readonly origin: string | undefined;
  readonly originHost: string | undefined;
  readonly template: Template;
  /** By tag in lower case; the default one first. */
  readonly locales: ReadonlyMap<string, Locale>;
  readonly defaultLocale: Locale;
  readonly codeInSubject: boolean;
}

/** @throws TypeError or RangeError that names the option, its range and its value (never of `secret` or `transport`). */
export function createSettings(given: EmailVerificationOptions): Settings {
  const options = readOptionsOf('createEmailVerification()', given, OPTION_NAMES);
  const {
    codeLength = 6,
    codeTtl = 180,
    maxAttempts = 5,
    sendLimits = DEFAULT_SEND_LIMITS,
    tokenTtl = 900,
    purpose = 'signup',
    delivery = 'await',
    storeTimeout = 1000,
    mailTimeout = 10_000,
    hookTimeout = 5000,
    locales = {},
    defaultLocale = 'en',
    codeInSubject = false,
  } = options;
  const from = checkFrom(options.from);
  const { all, first } = checkLocales(locales, defaultLocale);
  return {
    store: chooseStore(options.store),
    hashers: checkSecrets(options.secret),
    from,
    codeLength: checkInteger('codeLength', codeLength, 6, 10),
    codeTtl: checkInteger('codeTtl', codeTtl, 60, 600) * 1000,
    maxAttempts: checkInteger('maxAttempts', maxAttempts, 1, 10),
    sendLimits: checkSendLimits(sendLimits),
    mailbox: checkMailbox(options.mailbox),
    rateLimit: checkRateLimit(options.rateLimit),
    tokenTtl: checkInteger('tokenTtl', tokenTtl, 60, 86_400) * 1000,
    purpose: checkPurpose(purpose),
    delivery: checkDelivery(delivery),
    storeTimeout: checkInteger('storeTimeout', storeTimeout, 50, 60_000),
    mailTimeout: checkInteger('mailTimeout', mailTimeout, 50, 60_000),
    hookTimeout: checkInteger('hookTimeout', hookTimeout, 50, 60_000),
    beforeSend: checkFunction('beforeSend', options.beforeSend),
    appName: checkAppName(
      options.appName === undefined ? from.name || domainOf(from.address) : options.appName,
    ),
    origin: checkOrigin(options.origin),
    originHost: boundHost(options.origin),
    template: checkFunction('template', options.template) ?? defaultTemplate,
    locales: all,
    defaultLocale: first,
    codeInSubject: checkBoolean('codeInSubject', codeInSubject),
    transport: createTransport(options.transport),
  };
}

const DEFAULT_SEND_LIMITS: readonly SendLimit[] = [
  { max: 1, window: 60 },
  { max: 5, window: 3600 },
  { max: 10, window: 86_400 },
];

const OPTION_NAMES: { readonly [Name in keyof EmailVerificationOptions]-?: true } = {
  store: true,
  transport: true,
  from: true,
  secret: true,
  codeLength: true,
  codeTtl: true,
  maxAttempts: true,
  sendLimits: true,
  mailbox: true,
  rateLimit: true,
  tokenTtl: true,
  purpose: true,
  delivery: true,
  storeTimeout: true,
  mailTimeout: true,
  hookTimeout: true,
  beforeSend: true,
  appName: true,
  origin: true,
  template: true,
  locales: true,
  defaultLocale: true,
  codeInSubject: true,
};

function chooseStore(store: Store | undefined): Store {
  if (store !== undefined) return boundedStore(checkStore(store));
  if (process.env['NODE_ENV'] === 'production') {
    throw new TypeError(
      'The `store` option must be passed when NODE_ENV is production, as in new RedisStore(client).',
    );
  }
  warn('No store was passed: challenges are kept in memory, and end with this process.');
  return new MemoryStore();
}

function checkSecrets(secret: EmailVerificationOptions['secret']): [Hasher, ...Hasher[]] {
  const isArray = Array.isArray(secret);
  // Array.from() also tells the holes of an array.
  const given: readonly unknown[] = isArray ? Array.from(secret) : [secret];
  const hashers = given.map((one, index) => {
    if (typeof one === 'string' && Buffer.byteLength(one) >= 32) return createHasher(one);
    if (isArray) return refuseHidden(`secret[${index}]`, 'a string of at least 32 bytes', one);
    return refuseHidden('secret', SECRETS, one);
  });
  hashers.forEach(({ name }, index) => {
    if (hashers.findIndex((other) => other.name === name) === index) return;
    // Ids and tokens tell their secret by a name of two characters, which two secrets share once in 4096 times.
    throw new TypeError(
      `The \`secret[${index}]\` option must differ from the ones before it: it is the same as one of them, or cannot be told apart from it. Replace it.`,
    );
  });
  const [first, ...rest] = hashers;
  return first ? [first, ...rest] : refuseHidden('secret', SECRETS, secret);
}

const SECRETS = 'a string of at least 32 bytes, or an array of such strings';

function checkFrom(from: EmailVerificationOptions['from']): { name: string; address: string } {
  if (isOptions(from)) {
    const { name = '', address } = readOptions(from, { name: true, address: true }, { path: 'from' });
    if (typeof name !== 'string' || !(name === '' || isLine(name))) refuse('from.name', LINE, name);
    if (typeof address !== 'string' || !isSender(address))
      return refuse('from.address', 'one address', address);
    return { name, address };
  }
  const [sender, ...others] = typeof from === 'string' ? addressparser(from) : [];
  const { name = '', address = '' } = sender ?? {};
  const fits = others.length === 0 && isSender(address) && (name === '' || (isLine(name) && !isUnset(name)));
  return fits ? { name, address } : refuse('from', "one address, as in 'Acme <hello@acme.example>'", from);
}

/** One address, and not what a template string makes of a variable that is not set. */
function isSender(address: string): boolean {
  const [local, domain = ''] = address.split('@');
  return (
    /^[^\s\p{Cc}@,;:<>"()[\]]+@[^\s\p{Cc}@,;:<>"()]+$/u.test(address) &&
    ![local, domain, domain.split('.').at(-1)].some(isUnset)
  );
}

function checkSendLimits(limits: readonly SendLimit[]): Limit[] {
  if (!Array.isArray(limits) || limits.length === 0)
    return refuse('sendLimits', 'an array of { max, window }', limits);
  let previous = 0;
  return Array.from(limits, (limit: SendLimit | undefined, index) => {
    const path = `sendLimits[${index}]`;
    if (!isOptions(limit)) return refuse(path, '{ max, window }', limit);
    const entry = readOptions(limit, { max: true, window: true }, { path });
    const max = checkInteger(`${path}.max`, entry.max, 1, 1000);
    const window = checkInteger(`${path}.window`, entry.window, 1, 86_400);
    if (window <= previous) refuse(`${path}.window`, `longer than the one before, ${previous}`, window);
    previous = window;
    return { max, window: window * 1000 };
  });
}

/** A rule that gives no string would put the mails of all people on one count. */
function checkMailbox(option: ((address: string) => string) | undefined): (address: string) => string {
  const rule = checkFunction('mailbox', option);
  if (!rule) return defaultMailbox;
  if (Object.prototype.toString.call(rule) !== '[object Function]')
    refuse('mailbox', 'a function that returns a string, not a promise', rule);
  return function mailbox(address) {
    const name: unknown = rule(address);
    if (typeof name === 'string' && name !== '') return name;
    // One that is asynchronous may reject as well, and nobody would hear it.
    Promise.resolve(name).catch(() => {});
    return refuseHidden('mailbox', 'a function that returns a string, not empty and not a promise', name);
  };
}

function checkPurpose(purpose: unknown): string {
  if (typeof purpose === 'string' && /^[a-z0-9_-]{1,32}$/.test(purpose)) return purpose;
  return refuse('purpose', '1 to 32 of a-z, 0-9, _ and -', purpose);
}

function checkDelivery(delivery: NonNullable<EmailVerificationOptions['delivery']>): Settings['delivery'] {
  if (delivery === 'await' || delivery === 'background' || typeof delivery === 'function') return delivery;
  return refuse('delivery', "'await', 'background' or a function", delivery);
}

const LINE = 'one line of 1 to 100 characters';

function isLine(text: string): boolean {
  return /^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u.test(text);
}

function checkAppName(appName: unknown): string {
  return typeof appName === 'string' && isLine(appName) ? appName : refuse('appName', LINE, appName);
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

function checkOrigin(origin: unknown): string | undefined {
  if (origin === undefined) return undefined;
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined;
  const isLoopback =
    url !== undefined && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.origin === origin && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)))
    return url.origin;
  return refuse('origin', "an https origin, as in 'https://acme.example'", origin);
}

/** A code is bound to a host, which means https on its own port (WICG origin-bound one-time codes §3.2). */
function boundHost(origin: string | undefined): string | undefined {
  const url = origin === undefined ? undefined : new URL(origin);
  return url?.protocol === 'https:' && url.port === '' ? url.hostname : undefined;
}
