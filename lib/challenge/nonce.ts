/**
 * Nonces for browser proofs. They are not stored when they are made: each carries its time, and a digest that nobody
 * without the secret can make. The store learns of one when a proof with it is accepted, and accepts no other with it.
 */
import { timingSafeEqual } from 'node:crypto';
import { randomBytes } from '../fast/random-bytes.js';
import type { Hasher } from './digests.js';

/** How long a nonce may be used, in ms. */
export const NONCE_TTL = 600_000;

/** How far the clocks of the servers of one app may differ, in ms. */
const CLOCK_TOLERANCE = 60_000;

/** How long the store must remember a nonce that was used, in ms. */
export const NONCE_KNOWN_FOR = NONCE_TTL + 2 * CLOCK_TOLERANCE;

/** 128 random bits, and the time in 6 bytes. */
const RANDOM_BYTES = 16;
const TIME_BYTES = 6;

/** The name of the secret, the random bits and the time in 30 characters, and the digest. */
const FORM = /^([A-Za-z0-9_-]{2})([A-Za-z0-9_-]{30})([A-Za-z0-9_-]{16})$/;

/** @param now In ms. */
export function createNonce({ name, nonce }: Hasher, purpose: string, now: number): string {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeUIntBE(now, 0, TIME_BYTES);
  const body = Buffer.concat([randomBytes(RANDOM_BYTES), time]).toString('base64url');
  return name + body + nonce(`${body}\0${purpose}`);
}

export type NonceReading =
  | { readonly kind: 'valid'; readonly hasher: Hasher }
  /** Not one of ours, or of another purpose. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'expired' };

export function readNonce(
  nonce: string,
  hashers: readonly Hasher[],
  purpose: string,
  now: number,
): NonceReading {
  const [, name, body = '', digest = ''] = FORM.exec(nonce) ?? [];
  const hasher = hashers.find((candidate) => candidate.name === name);
  if (!hasher || !isSame(digest, hasher.nonce(`${body}\0${purpose}`))) return { kind: 'invalid' };
  const madeAt = Buffer.from(body, 'base64url').readUIntBE(RANDOM_BYTES, TIME_BYTES);
  const isLive = now < madeAt + NONCE_TTL && now >= madeAt - CLOCK_TOLERANCE;
  return isLive ? { kind: 'valid', hasher } : { kind: 'expired' };
}

function isSame(digest: string, expected: string): boolean {
  return timingSafeEqual(Buffer.from(digest), Buffer.from(expected));
}
