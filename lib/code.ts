/**
 * What is drawn at random, and the keyed digests kept in place of all that is secret or personal.
 *
 * Each use has a key of its own, derived from the app's secret by HKDF (RFC 5869), so that a digest made for
 * one use is worth nothing for another. Digests are HMAC-SHA-256 (RFC 2104), cut to 96 bits: nobody without
 * the secret can make or test one, and they are what Redis holds most of.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes, randomInt } from 'node:crypto';

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
  const keyFor = (label: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `express-email-verification/${label}`, 32)));
  const keys = {
    mailbox: keyFor('mailbox'),
    challenge: keyFor('challenge'),
    code: keyFor('code'),
    client: keyFor('client'),
    token: keyFor('token'),
    network: keyFor('network'),
  };
  return {
    name: digest(keyFor('name'), '').slice(0, 2),
    mailbox: (mailbox) => digest(keys.mailbox, mailbox),
    challenge: (address, purpose) => digest(keys.challenge, `${address}\0${purpose}`),
    code: (challenge, code) => digest(keys.code, `${challenge}\0${code}`),
    client: (challengeId) => digest(keys.client, challengeId),
    token: (verificationToken) => digest(keys.token, verificationToken),
    network: (ip) => digest(keys.network, ip),
  };
}

function digest(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, DIGEST_LENGTH);
}

/** A code of `length` digits, each equally likely (NIST SP 800-63B-4 §3.1.3.2: an approved random source). */
export function drawCode(length: number): string {
  return String(randomInt(10 ** length)).padStart(length, '0');
}

/** A `challengeId` or `verificationToken`, named after the secret it is kept under. */
export function drawOpaque({ name }: Digests): string {
  return name + randomBytes(18).toString('base64url');
}

/** A digest that no code has: what a suppressed send keeps. */
export function drawDigest(): string {
  return randomBytes(12).toString('base64url');
}

/** The secret an id or token was drawn under; none when its form or its name is not known. */
export function secretOf(opaque: string | undefined, secrets: readonly Digests[]): Digests | undefined {
  if (opaque === undefined || !OPAQUE.test(opaque)) return undefined;
  return secrets.find(({ name }) => opaque.startsWith(name));
}
