/**
 * The keyed digests that stand for everything secret or personal in the store, and the ids and tokens drawn for them.
 *
 * Each use has a key of its own, derived from the app's secret by HKDF (RFC 5869), so that a digest made for one use is
 * useless for another. Digests are HMAC-SHA-256 (RFC 2104), truncated to 96 bits: nobody without the secret can
 * make or test one, and they take most of the space in Redis.
 */
import { hkdfSync } from 'node:crypto';
import { createHmac } from '../fast/hmac.js';
import { randomBytes } from '../fast/random-bytes.js';

/** Makes the digests of one secret. */
export interface Hasher {
  /** Two characters that name the secret. Each id and token drawn under it begins with them. */
  readonly name: string;
  readonly mailbox: (mailbox: string) => string;
  /** Bound to the purpose: a challenge of one is not found for another. */
  readonly challenge: (address: string, purpose: string) => string;
  /**
   * Bound to the challenge: the same code for two people has two digests. With the digest of a holder, it is bound to that
   * one, too.
   */
  readonly code: (challenge: string, code: string, holder?: string) => string;
  readonly holder: (challengeId: string) => string;
  readonly token: (verificationToken: string) => string;
  readonly ip: (ip: string) => string;
  /** Signs a nonce, so that it need not be stored. */
  readonly nonce: (body: string) => string;
  /** What the store remembers of a nonce that was used. */
  readonly usedNonce: (nonce: string) => string;
}

const DIGEST_LENGTH = 16;

export function createHasher(secret: string): Hasher {
  const digestFor = (use: string) => {
    const key = hkdfSync('sha256', secret, '', `express-email-verification/${use}`, 32);
    const hmac = createHmac(Buffer.from(key));
    return (text: string) => hmac(text).slice(0, DIGEST_LENGTH);
  };
  const challenge = digestFor('challenge');
  const code = digestFor('code');
  return {
    name: digestFor('name')('').slice(0, 2),
    mailbox: digestFor('mailbox'),
    challenge: (address, purpose) => challenge(`${address}\0${purpose}`),
    code: (ofChallenge, digits, holder) =>
      code(holder === undefined ? `${ofChallenge}\0${digits}` : `${ofChallenge}\0${digits}\0${holder}`),
    holder: digestFor('holder'),
    token: digestFor('token'),
    ip: digestFor('ip'),
    nonce: digestFor('nonce'),
    usedNonce: digestFor('used nonce'),
  };
}

/** A `challengeId` or `verificationToken`: the name of the secret it is stored under, then 144 random bits. */
export function drawOpaque({ name }: Hasher): string {
  return name + randomBytes(18).toString('base64url');
}

const OPAQUE = /^[A-Za-z0-9_-]{26}$/;

/** The hasher of the secret that an id or token was drawn under; undefined if its form or its name is unknown. */
export function hasherOf(opaque: string | undefined, hashers: readonly Hasher[]): Hasher | undefined {
  if (opaque === undefined || !OPAQUE.test(opaque)) return undefined;
  return hashers.find(({ name }) => opaque.startsWith(name));
}

/** A digest that no code has. A suppressed send stores it. */
export function drawDigest(): string {
  return randomBytes(12).toString('base64url');
}
