/** The checks of individual options. */
import addressparser from 'nodemailer/lib/addressparser';
import { defaultMailbox } from '../challenge/address.js';
import { type CodeFormat, digitCodes, letterCodes } from '../challenge/code.js';
import { createHasher, type Hasher } from '../challenge/digests.js';
import {
  checkFunction,
  checkInteger,
  isOptions,
  isUnset,
  readOptions,
  refuse,
  refuseHidden,
} from '../checks.js';
import { hasMethod } from '../describe.js';
import { warn } from '../events.js';
import { isJobQueue } from '../mail/job-queue.js';
import { checkStore } from '../store/bounded-store.js';
import { MemoryStore } from '../store/memory-store.js';
import type { Limit, Store } from '../store/store.js';

/** At most `max` emails in any `window` seconds. */
export interface SendLimit {
  readonly max: number;
  readonly window: number;
}

/** The sender of an email. */
export interface Sender {
  readonly name?: string | undefined;
  readonly address: string;
}

export const DEFAULT_SEND_LIMITS: readonly SendLimit[] = [
  { max: 1, window: 60 },
  { max: 5, window: 3600 },
  { max: 10, window: 86_400 },
];

export function chooseStore(store: Store | undefined): Store {
  if (store !== undefined) return checkStore(store);
  if (process.env['NODE_ENV'] === 'production') {
    throw new TypeError(
      'The `store` option must be passed when NODE_ENV is production, as in new RedisStore(client).',
    );
  }
  warn('No store was passed: challenges are kept in memory, and are lost when this process ends.');
  return new MemoryStore();
}

export function createHashers(
  secret: string | readonly (string | undefined)[] | undefined,
): readonly [Hasher, ...Hasher[]] {
  const isArray = Array.isArray(secret);
  // Array.from() shows the holes of an array too.
  const secrets: readonly unknown[] = isArray ? Array.from(secret) : [secret];
  const hashers = secrets.map((value, index) => {
    if (typeof value === 'string' && Buffer.byteLength(value) >= 32) return createHasher(value);
    if (isArray) return refuseHidden(`secret[${index}]`, 'a string of at least 32 bytes', value);
    return refuseHidden('secret', SECRETS, value);
  });
  hashers.forEach(({ name }, index) => {
    if (hashers.findIndex((other) => other.name === name) === index) return;
    // Ids and tokens name their secret with two characters. Two secrets have the same two in one of 4096 cases.
    throw new TypeError(
      `The \`secret[${index}]\` option must differ from the ones before it: it is the same as one of them, or cannot be told apart from it. Replace it.`,
    );
  });
  const [first, ...rest] = hashers;
  return first ? [first, ...rest] : refuseHidden('secret', SECRETS, secret);
}

const SECRETS = 'a string of at least 32 bytes, or an array of such strings';

/** @param of what it is an option of, if not of createEmailVerification() */
export function checkFrom(from: string | Sender | undefined, of?: string): Required<Sender> {
  if (isOptions(from)) {
    const place = { path: 'from', ...(of !== undefined && { of }) };
    const { name = '', address } = readOptions(from, { name: true, address: true }, place);
    if (typeof name !== 'string' || !(name === '' || isLine(name))) refuse('from.name', LINE, name, of);
    if (typeof address !== 'string' || !isSender(address))
      return refuse('from.address', 'one address', address, of);
    return { name, address };
  }
  const [sender, ...others] = typeof from === 'string' ? addressparser(from) : [];
  const { name = '', address = '' } = sender ?? {};
  const fits = others.length === 0 && isSender(address) && (name === '' || (isLine(name) && !isUnset(name)));
  return fits
    ? { name, address }
    : refuse('from', "one address, as in 'Acme <hello@acme.example>'", from, of);
}

/** Whether it is one address, and not what a template string makes of an unset environment variable. */
function isSender(address: string): boolean {
  const [local, domain = ''] = address.split('@');
  return (
    /^[^\s\p{Cc}@,;:<>"()[\]]+@[^\s\p{Cc}@,;:<>"()]+$/u.test(address) &&
    ![local, domain, domain.split('.').at(-1)].some(isUnset)
  );
}

export function checkSendLimits(limits: readonly SendLimit[]): Limit[] {
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

/** If the rule returned no string, all people would share one limit. */
export function checkMailbox(option: ((address: string) => string) | undefined): (address: string) => string {
  const rule = checkFunction('mailbox', option);
  if (!rule) return defaultMailbox;
  if (Object.prototype.toString.call(rule) !== '[object Function]')
    refuse('mailbox', 'a function that returns a string, not a promise', rule);
  return function mailbox(address) {
    const name: unknown = rule(address);
    if (typeof name === 'string' && name !== '') return name;
    // An asynchronous rule may also reject, and the rejection would be unhandled.
    Promise.resolve(name).catch(() => {});
    return refuseHidden('mailbox', 'a function that returns a string, not empty and not a promise', name);
  };
}

export function checkCodeAlphabet(alphabet: unknown): CodeFormat['alphabet'] {
  if (alphabet === 'digits' || alphabet === 'letters') return alphabet;
  return refuse('codeAlphabet', "'digits' or 'letters'", alphabet);
}

export function checkCodes(length: number | undefined, alphabet: CodeFormat['alphabet']): CodeFormat {
  if (alphabet === 'digits')
    return digitCodes(checkInteger('codeLength', length === undefined ? 6 : length, 6, 10));
  const codes = letterCodes();
  if (length === undefined || length === codes.length) return codes;
  return refuse('codeLength', `${codes.length}, or left out, with \`codeAlphabet: 'letters'\``, length);
}

export function checkBinding(binding: unknown): 'address' | 'client' {
  if (binding === 'address' || binding === 'client') return binding;
  return refuse('binding', "'address' or 'client'", binding);
}

export function checkPurpose(purpose: unknown): string {
  if (typeof purpose === 'string' && /^[a-z0-9_-]{1,32}$/.test(purpose)) return purpose;
  return refuse('purpose', '1 to 32 of a-z, 0-9, _ and -', purpose);
}

export function checkDelivery<T>(delivery: T): T {
  if (delivery === 'await' || delivery === 'background' || typeof delivery === 'function') return delivery;
  if (isJobQueue(delivery)) return delivery;
  return refuse('delivery', "'await', 'background', a function or a queue", delivery);
}

export function checkBrowserProof<T>(checker: T | undefined): T | undefined {
  if (checker === undefined || hasMethod(checker, 'check')) return checker;
  return refuse('browserProof', 'what evp() returned, or an object with check()', checker);
}

const LINE = 'one line of 1 to 100 characters';

function isLine(text: string): boolean {
  return /^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u.test(text);
}

export function checkAppName(name: string | undefined, of?: string): string | undefined {
  if (name === undefined || (typeof name === 'string' && isLine(name))) return name;
  return refuse('appName', LINE, name, of);
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** @param of what `option` is an option of, if not of createEmailVerification() */
export function checkOrigin(origin: unknown, option = 'origin', of?: string): string | undefined {
  if (origin === undefined) return undefined;
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined;
  const isLoopback =
    url !== undefined && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.origin === origin && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)))
    return url.origin;
  return refuse(option, "an https origin, as in 'https://acme.example'", origin, of);
}

/** The host that a code can be bound to: only for https on the default port (WICG origin-bound one-time codes §3.2). */
export function hostOf(origin: string | undefined): string | undefined {
  const url = origin === undefined ? undefined : new URL(origin);
  return url?.protocol === 'https:' && url.port === '' ? url.hostname : undefined;
}
