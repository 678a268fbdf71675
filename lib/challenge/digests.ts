/**
 * What is drawn at random, and the keyed digests kept in place of all that is secret or personal.
 *
 * Each use has a key of its own, derived from the app's secret by HKDF (RFC 5869), so that a digest made for
 * one use is worth nothing for another. Digests are HMAC-SHA-256 (RFC 2104), cut to 96 bits: nobody without
 * the secret can make or test one, and they are what Redis holds most of.
 */
import { hkdfSync, randomFillSync, randomInt } from 'node:crypto';
import { createMac } from '../fast/hmac.js';

/** The digests under one secret. */
export interface Digests {
  /** Two characters that name the secret: each id and token drawn under it begins with them. */
  readonly name: string;
  readonly mailbox: (mailbox: string) => string;
  /** Bound to the purpose: a challenge of one is not found for another. */
  readonly challenge: (address: string, purpose: string) => string;
  /** Bound to the challenge: the same code of two people gives two digests. */
  readonly code: (challenge: string, code: string) => string;
  readonly client: (challengeId: string) => string;
  readonly token: (verificationToken: string) => string;
  readonly network: (ip: string) => string;
}

const DIGEST_LENGTH = 16;

/** The form of a `challengeId` and of a `verificationToken`: the secret's name, then 144 random bits. */
const OPAQUE = /^[A-Za-z0-9_-]{26}$/;

export function createDigests(secret: string): Digests {
  const digestFor = (label: string) => {
    const key = hkdfSync('sha256', secret, '', `express-email-verification/${label}`, 32);
    const mac = createMac(Buffer.from(key));
    return (text: string) => mac(text).slice(0, DIGEST_LENGTH);
  };
  const challenge = digestFor('challenge');
  const code = digestFor('code');
  return {
    name: digestFor('name')('').slice(0, 2),
    mailbox: digestFor('mailbox'),
    challenge: (address, purpose) => challenge(`${address}\0${purpose}`),
    code: (ofChallenge, digits) => code(`${ofChallenge}\0${digits}`),
    client: digestFor('client'),
    token: digestFor('token'),
    network: digestFor('network'),
  };
}

/** A code of `length` digits, each equally likely (NIST SP 800-63B-4 §3.1.3.2: an approved random source). */
export function drawCode(length: number): string {
  return String(randomInt(10 ** length)).padStart(length, '0');
}

/** A `challengeId` or `verificationToken`, named after the secret it is kept under. */
export function drawOpaque({ name }: Digests): string {
  return name + drawBytes(18).toString('base64url');
}

/** A digest that no code has: what a suppressed send keeps. */
export function drawDigest(): string {
  return drawBytes(12).toString('base64url');
}

/** Random bytes not drawn yet: to ask the system costs more than all the rest of a draw, so it is asked for many. */
const reserve = Buffer.alloc(4096);
let used = reserve.length;

/** Valid until the next draw. */
function drawBytes(count: number): Buffer {
  if (used + count > reserve.length) {
    randomFillSync(reserve);
    used = 0;
  }
  const drawn = reserve.subarray(used, used + count);
  used += count;
  return drawn;
}

/** The secret an id or token was drawn under; none when its form or its name is not known. */
export function secretOf(opaque: string | undefined, secrets: readonly Digests[]): Digests | undefined {
  if (opaque === undefined || !OPAQUE.test(opaque)) return undefined;
  return secrets.find(({ name }) => opaque.startsWith(name));
}
