/** Reads a proof, and checks everything about it that needs no network: what it says, and the signature of the browser. */
import { createHash } from 'node:crypto';
import { normalizeEmail } from '../challenge/address.js';
import { propertyOf, textOf } from '../errors.js';
import { type Jwt, parseJwt, publicKeyIn, verifyJwt } from './jwt.js';
import { PROFILE } from './profile.js';

const { algorithms, claims, types } = PROFILE;

/** What a proof must say to be accepted. */
export interface Expected {
  /** The canonical address. */
  readonly email: string;
  readonly nonce: string;
  readonly origins: readonly string[];
  /** Whether the proof may be of a private address that the provider gave in place of the one typed. */
  readonly privateEmail: boolean;
  /** In ms. */
  readonly now: number;
}

export type Reading =
  | {
      readonly kind: 'read';
      /** The canonical address that the proof is about. */
      readonly email: string;
      /** The host that claims to have issued it. Whether it may is for the DNS to say, and whether it did for its keys. */
      readonly issuer: string;
      readonly evt: Jwt;
    }
  | Refused;

export interface Refused {
  readonly kind: 'refused';
  readonly reason: string;
  readonly cause?: unknown;
}

/** Several times what proofs have today. */
const MAX_LENGTH = 8192;

export function readPresentation(proof: string, expected: Expected): Reading {
  const parts = proof.length <= MAX_LENGTH ? proof.split(PROFILE.separator) : [];
  const [evt, binding] = parts.map(parseJwt);
  if (parts.length !== 2 || !evt || !binding) return refused('malformed');
  if (evt.type !== types.evt || binding.type !== types.keyBinding) return refused('malformed');
  if (!algorithms.has(evt.algorithm) || !algorithms.has(binding.algorithm)) return refused('algorithm');

  const key = propertyOf(evt.claims[claims.confirmation], 'jwk');
  // Before anything that the key vouches for is believed.
  if (!verifyJwt(binding, publicKeyIn(key))) return refused('key_binding');
  if (binding.claims[claims.evtHash] !== hashOf(evt)) return refused('key_binding');
  if (!expected.origins.some((origin) => binding.claims[claims.audience] === origin))
    return refused('audience');
  if (binding.claims[claims.nonce] !== expected.nonce) return refused('nonce_mismatch');
  return timeFaultOf(evt, binding, expected.now) ?? readClaims(evt, expected);
}

function readClaims(evt: Jwt, { email, privateEmail }: Expected): Reading {
  if (evt.claims[claims.emailVerified] !== true) return refused('email_not_verified');
  const proven = normalizeEmail(evt.claims[claims.email]);
  const issuer = hostOf(textOf(evt.claims, claims.issuer));
  if (proven === undefined || issuer === undefined) return refused('malformed');
  const isPrivate = evt.claims[claims.isPrivateEmail] === true;
  if (isPrivate && !privateEmail) return refused('private_email');
  if (!isPrivate && proven !== email) return refused('email_mismatch');
  return { kind: 'read', email: proven, issuer, evt };
}

function hashOf(evt: Jwt): string {
  return createHash(PROFILE.hash).update(evt.compact).update(PROFILE.separator).digest('base64url');
}

/** The host of an issuer, which tokens write as a host or as an origin. */
function hostOf(issuer: string | undefined): string | undefined {
  const scheme = PROFILE.issuerScheme;
  return issuer?.startsWith(scheme) ? issuer.slice(scheme.length) : issuer;
}

function timeFaultOf(evt: Jwt, binding: Jwt, now: number): Refused | undefined {
  const { maxAge, clockTolerance } = PROFILE;
  for (const { claims: its } of [evt, binding]) {
    const issuedAt = timeOf(its[claims.issuedAt]);
    if (issuedAt === undefined) return refused('malformed');
    if (issuedAt > now + clockTolerance) return refused('not_yet_valid');
    if (issuedAt < now - maxAge - clockTolerance) return refused('expired');
    // Neither need be there.
    const start = timeOf(its[claims.notBefore] ?? 0);
    const end = timeOf(its[claims.expiresAt] ?? Number.MAX_SAFE_INTEGER);
    if (start === undefined || end === undefined) return refused('malformed');
    if (start > now + clockTolerance) return refused('not_yet_valid');
    if (end <= now - clockTolerance) return refused('expired');
  }
  return undefined;
}

/** A NumericDate (RFC 7519 §2) in ms. */
function timeOf(claim: unknown): number | undefined {
  return typeof claim === 'number' && Number.isFinite(claim) ? claim * 1000 : undefined;
}

export function refused(reason: string, cause?: unknown): Refused {
  return { kind: 'refused', reason, ...(cause !== undefined && { cause }) };
}
