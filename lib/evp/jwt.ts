/**
 * Reads a JWT in compact form (RFC 7519) and verifies its signature, with node:crypto. Two algorithms need no library: the
 * well-kept one, jose, is a module that CommonJS cannot load on Node before 20.19, nor Jest before Node 24. A test compares
 * the verdicts with those of jose.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { propertyOf, textOf } from '../errors.js';
import { type Algorithm, PROFILE } from './profile.js';

export interface Jwt {
  readonly compact: string;
  readonly algorithm: string;
  readonly type: string | undefined;
  /** The name of the key, if the header has one. */
  readonly keyId: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: string;
  readonly signature: Buffer;
}

/** A key, and the only algorithm that it is for. */
export interface PublicKey {
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
}

/** Undefined if it is not one, or if its header asks for what we do not know (`crit`, RFC 7515 §4.1.11). */
export function parseJwt(compact: string): Jwt | undefined {
  const parts = compact.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every((part) => BASE64URL.test(part))) return undefined;
  const fields = objectIn(header);
  const claims = objectIn(payload);
  const algorithm = textOf(fields, 'alg');
  const keyId = propertyOf(fields, 'kid');
  if (!claims || algorithm === undefined || propertyOf(fields, 'crit') !== undefined) return undefined;
  if (keyId !== undefined && typeof keyId !== 'string') return undefined;
  return {
    compact,
    algorithm,
    type: textOf(fields, 'typ'),
    // An empty one names no key.
    keyId: keyId || undefined,
    claims,
    signed: `${header}.${payload}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** @param its The key of whoever should have signed it. Undefined verifies nothing. */
export function verifyJwt({ algorithm, signed, signature }: Jwt, its: PublicKey | undefined): boolean {
  if (!its || PROFILE.algorithms.get(algorithm) !== its.algorithm) return false;
  const key = { key: its.key, dsaEncoding: 'ieee-p1363' } as const;
  return verify(its.algorithm.hash, Buffer.from(signed), key, signature);
}

/**
 * @param jwk A JSON Web Key (RFC 7517) as it came.
 * @returns undefined if it is for no algorithm of ours, not for signatures, or private: no issuer publishes that.
 */
export function publicKeyIn(jwk: unknown): PublicKey | undefined {
  const { kty, crv, x, y, d, k, alg, use, key_ops: uses }: Record<string, unknown> = Object(jwk);
  const algorithm = [...PROFILE.algorithms.values()].find((one) => one.kty === kty && one.crv === crv);
  if (!algorithm || d !== undefined || k !== undefined) return undefined;
  // By what keys it takes, because `EdDSA` is another name of `Ed25519`.
  if (alg !== undefined && (typeof alg !== 'string' || PROFILE.algorithms.get(alg) !== algorithm))
    return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (uses !== undefined && !(Array.isArray(uses) && uses.includes('verify'))) return undefined;
  if (typeof x !== 'string' || (algorithm.kty === 'EC' && typeof y !== 'string')) return undefined;
  try {
    const point = algorithm.kty === 'EC' ? { x, y: String(y) } : { x };
    const { kty, crv } = algorithm;
    return { algorithm, key: createPublicKey({ key: { kty, crv, ...point }, format: 'jwk' }) };
  } catch {
    return undefined;
  }
}

const BASE64URL = /^[A-Za-z0-9_-]+$/;

function objectIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
