/** The options of createEmailVerification(), checked once, when the app starts. */

import { type CodeFormat, digitCodes } from '../challenge/code.js';
import { checkBoolean, checkFunction, checkInteger, readOptionsOf } from '../checks.js';
import { checkLocales, chooseDefault, warnOfDigits } from '../locales/check-locales.js';
import type { PartialLocale } from '../locales/locale.js';
import type { JobQueue } from '../mail/job-queue.js';
import type { CustomDelivery } from '../mail/mailer.js';
import { defaultTemplate, type Template } from '../mail/template.js';
import { createTransports, type Transport, type TransportsOption } from '../mail/transport/transport.js';
import type { BeforeSend } from '../operations/before-send.js';
import type { BrowserProof } from '../operations/browser-proof.js';
import { boundedStore } from '../store/bounded-store.js';
import type { Store } from '../store/store.js';
import { checkFixedCodes, type FixedCode } from './fixed-codes.js';
import { checkRateLimit, type RateLimitOption } from './rate-limit.js';
import {
  checkAppName,
  checkBinding,
  checkBrowserProof,
  checkCodeAlphabet,
  checkCodes,
  checkDelivery,
  checkFrom,
  checkMailbox,
  checkOrigin,
  checkPurpose,
  checkSendLimits,
  chooseStore,
  createHashers,
  DEFAULT_SEND_LIMITS,
  domainOf,
  hostOf,
  type Sender,
  type SendLimit,
} from './rules.js';

/**
 * Every option, once: its sentence, type, default and check. Each is a function that turns the value the app passed, or
 * undefined, into the setting. EmailVerificationOptions, Settings and the list of known names are derived from this table,
 * and a test compares the README with it.
 */
export const OPTIONS = {
  /** Where challenges are stored. @default MemoryStore; in production a store must be passed */
  store: (store?: Store) => boundedStore(chooseStore(store)),

  /**
   * A nodemailer transporter, its options, or an SMTP URL. With a login, TLS is required unless the host is loopback or
   * `requireTLS: false` is passed. In an array, each is tried only when the ones before are known not to have sent the email.
   * Not required if `delivery` is a function or a queue, which then sends every email.
   */
  transport: (transport?: TransportsOption) => createTransports(transport),

  /** The sender: one address, such as `Acme <hello@acme.example>`. */
  from: (from: string | Sender | undefined) => checkFrom(from),

  /** The key of every digest: at least 32 bytes. In an array, the first one makes new digests, and all are accepted. */
  secret: (secret: string | readonly (string | undefined)[] | undefined) => createHashers(secret),

  /** Digits of a code, 6 to 10. NIST SP 800-63B-4 §3.1.3.2 requires 6. With `codeAlphabet: 'letters'`, always 8 letters. @default 6 */
  codeLength: (length?: number, alphabet: CodeFormat['alphabet'] = 'digits') => checkCodes(length, alphabet),

  /** `'letters'` for 8 of `BCDFGHJKLMNPQRSTVWXZ` (RFC 8628 §6.1), shown as `BCDF-GHJK` and read in any case. @default 'digits' */
  codeAlphabet: (alphabet: 'digits' | 'letters' = 'digits') => checkCodeAlphabet(alphabet),

  /**
   * Seconds a code is valid, 60 to 600: 10 minutes at most by OWASP ASVS 5.0 6.5.5 and NIST. Codes of letters are strong
   * enough for 900. @default 180
   */
  codeTtl: (seconds = 180, alphabet: CodeFormat['alphabet'] = 'digits') =>
    checkInteger('codeTtl', seconds, 60, alphabet === 'letters' ? 900 : 600) * 1000,

  /**
   * Who can enter a code: whoever has it, or with `'client'` only the client that requested it, by its `challengeId`
   * (OWASP ASVS 5.0 6.6.2). @default 'address'
   */
  binding: (binding: 'address' | 'client' = 'address') => checkBinding(binding),

  /** Attempts for each `challengeId`, and for all requests without one together, 1 to 10. @default 5 */
  maxAttempts: (attempts = 5) => checkInteger('maxAttempts', attempts, 1, 10),

  /**
   * Limits of emails to one mailbox: at most `max` (1 to 1000) in any `window` seconds (1 to 86400), each window longer than the
   * one before. @default 1 a minute, 5 an hour, 10 a day
   */
  sendLimits: (limits: readonly SendLimit[] = DEFAULT_SEND_LIMITS) => checkSendLimits(limits),

  /** Turns the canonical address into the mailbox that limits are counted for. @default the address without +tag, and without dots at Gmail */
  mailbox: (rule?: (address: string) => string) => checkMailbox(rule),

  /** Limits the requests per client IP, with express-rate-limit; `false` for no limit. @default 20 sends in 10 minutes, verify unlimited */
  rateLimit: (limits?: RateLimitOption) => checkRateLimit(limits),

  /** Seconds a verification token is valid, 60 to 86400. @default 900 */
  tokenTtl: (seconds = 900) => checkInteger('tokenTtl', seconds, 60, 86_400) * 1000,

  /** What the address is verified for, `[a-z0-9_-]{1,32}`. A code or token of one purpose is not valid for another. @default 'signup' */
  purpose: (purpose = 'signup') => checkPurpose(purpose),

  /** Codes that stay the same until their end, for addresses that get no email: app-store reviewers and canaries. @default none */
  fixedCodes: (fixed: readonly FixedCode[] = [], codes = digitCodes(6)) => checkFixedCodes(fixed, codes),

  /**
   * `'await'` responds after SMTP, `'background'` responds first, and a function delivers the email itself. With a queue,
   * as queueDelivery() of `express-email-verification/bullmq` returns it, workers send the emails. @default 'await'
   */
  delivery: (delivery: 'await' | 'background' | CustomDelivery | JobQueue = 'await') =>
    checkDelivery(delivery),

  /** Milliseconds the store may take, 50 to 60000. @default 1000 */
  storeTimeout: (milliseconds = 1000) => checkInteger('storeTimeout', milliseconds, 50, 60_000),

  /** Milliseconds an email may take once its code is stored, 50 to 60000. @default 10000 */
  mailTimeout: (milliseconds = 10_000) => checkInteger('mailTimeout', milliseconds, 50, 60_000),

  /** Milliseconds that `beforeSend`, or a promise of `giveBack`, may take, 50 to 60000. @default 5000 */
  hookTimeout: (milliseconds = 5000) => checkInteger('hookTimeout', milliseconds, 50, 60_000),

  /** Called before each send: lets it pass, refuses it, or suppresses it so that nobody notices. @default none */
  beforeSend: (hook?: BeforeSend) => checkFunction('beforeSend', hook),

  /**
   * Checks browser proofs that a person controls the address, as evp() of `express-email-verification/evp` does: with one
   * that holds, no email is sent. Experimental. @default none
   */
  browserProof: (checker?: BrowserProof) => checkBrowserProof(checker),

  /** The app's name in the email. @default the name in `from`, else its domain */
  appName: (name?: string) => checkAppName(name),

  /** The origin of the page, such as `https://acme.example`: browsers then offer the code only there. @default none */
  origin: (origin?: string) => checkOrigin(origin),

  /** Returns the subject, text and HTML of an email. @default defaultTemplate */
  template: (template?: Template) => checkFunction('template', template) ?? defaultTemplate,

  /** More languages, or other texts for those that are there, by language tag. Missing texts come from the same language, or else from English. @default en and ko */
  locales: (locales: Readonly<Record<string, PartialLocale | undefined>> = {}) => checkLocales(locales),

  /** The language for requests that ask for no available one. @default 'en' */
  defaultLocale: (tag = 'en') => tag,

  /** Whether the subject shows the code. That is convenient, but others can see it on locked screens and in mail logs. @default false */
  codeInSubject: (shows = false) => checkBoolean('codeInSubject', shows),
};

type Table = typeof OPTIONS;
type OptionValues = { readonly [Name in keyof Table]: Parameters<Table[Name]>[0] };
type RequiredName = 'from' | 'secret';

/** Each takes `undefined`, too, so that apps with `exactOptionalPropertyTypes` can pass what `process.env` gives. */
type OptionalValues = {
  readonly [Name in Exclude<keyof Table, RequiredName>]?: OptionValues[Name] | undefined;
};

/** The options of createEmailVerification(). All are checked when the app starts. `undefined` means the default. */
export interface EmailVerificationOptions extends Pick<OptionValues, RequiredName>, OptionalValues {}

/** The options after defaults and checks. Times are milliseconds. */
export type Settings = ReturnType<typeof createSettings>;

/** What the verifications of several purposes have in common. */
export interface Shared {
  readonly store: Store;
  readonly transports: readonly Transport[] | undefined;
}

/** @throws TypeError or RangeError that names the option, its range and its value (never of `secret` or `transport`). */
export function createSettings(passed: EmailVerificationOptions, shared?: Shared) {
  const options = readOptionsOf('createEmailVerification()', passed, OPTIONS);
  const from = OPTIONS.from(options.from);
  const origin = OPTIONS.origin(options.origin);
  const strength = strengthOf(options);
  const delivery = OPTIONS.delivery(options.delivery);
  const locales = OPTIONS.locales(options.locales);
  if (strength.codes.alphabet === 'letters') warnOfDigits(locales);
  const isTransportUnused = typeof delivery !== 'string' && options.transport === undefined;
  return {
    from,
    origin,
    originHost: hostOf(origin),
    store: shared?.store ?? OPTIONS.store(options.store),
    /** One for each secret. The first one makes new digests, and all are accepted. */
    hashers: OPTIONS.secret(options.secret),
    ...strength,
    mailbox: OPTIONS.mailbox(options.mailbox),
    rateLimit: OPTIONS.rateLimit(options.rateLimit),
    tokenTtl: OPTIONS.tokenTtl(options.tokenTtl),
    purpose: OPTIONS.purpose(options.purpose),
    fixedCodes: OPTIONS.fixedCodes(options.fixedCodes, strength.codes),
    delivery,
    storeTimeout: OPTIONS.storeTimeout(options.storeTimeout),
    mailTimeout: OPTIONS.mailTimeout(options.mailTimeout),
    hookTimeout: OPTIONS.hookTimeout(options.hookTimeout),
    beforeSend: OPTIONS.beforeSend(options.beforeSend),
    browserProof: OPTIONS.browserProof(options.browserProof),
    appName: OPTIONS.appName(options.appName) ?? (from.name || domainOf(from.address)),
    template: OPTIONS.template(options.template),
    codeInSubject: OPTIONS.codeInSubject(options.codeInSubject),
    ...chooseDefault(locales, OPTIONS.defaultLocale(options.defaultLocale)),
    transports: isTransportUnused ? [] : (shared?.transports ?? OPTIONS.transport(options.transport)),
  };
}

/** The options that decide how likely a guess is. */
export type StrengthOptions = Pick<
  EmailVerificationOptions,
  'codeAlphabet' | 'codeLength' | 'codeTtl' | 'binding' | 'maxAttempts' | 'sendLimits'
>;

export function strengthOf(options: StrengthOptions) {
  const codeAlphabet = OPTIONS.codeAlphabet(options.codeAlphabet);
  return {
    codes: OPTIONS.codeLength(options.codeLength, codeAlphabet),
    codeTtl: OPTIONS.codeTtl(options.codeTtl, codeAlphabet),
    binding: OPTIONS.binding(options.binding),
    maxAttempts: OPTIONS.maxAttempts(options.maxAttempts),
    sendLimits: OPTIONS.sendLimits(options.sendLimits),
  };
}
