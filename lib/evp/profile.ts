/**
 * What the Email Verification Protocol says today, and may say differently tomorrow. All of it is here: a new draft changes
 * this file, and hardly any other.
 *
 * Written by draft-hardt-email-verification-00 of June 2026 and what is known of -02 of August 2026, by the WICG's Email
 * Verification API of June 2026, and by what Chrome 153 and later and Gmail do. Where they differ, both ways are accepted,
 * unless that would accept a proof that one of them calls forged.
 *
 * @see https://datatracker.ietf.org/doc/draft-hardt-email-verification/
 * @see https://wicg.github.io/email-verification/
 */

/** The keys that an algorithm takes, and how node:crypto hashes for it. */
export interface Algorithm {
  readonly kty: 'OKP' | 'EC';
  readonly crv: 'Ed25519' | 'P-256';
  readonly hash: 'sha256' | null;
}

const ED25519: Algorithm = { kty: 'OKP', crv: 'Ed25519', hash: null };

export const PROFILE = {
  name: 'draft-hardt-email-verification-02, Chrome 153, Gmail (October 2026)',

  /** The form of a proof: `<EVT>~<KB-JWT>`, an SD-JWT with key binding (RFC 9901) and without disclosures. */
  separator: '~',

  /** The token that the issuer signs, and the one by which the browser binds it to a page and a nonce. */
  types: { evt: 'evt+jwt', keyBinding: 'kb+jwt' },

  /** -02 knows `Ed25519` and `ES256`. Gmail signs with the older name `EdDSA`, and Chrome accepts no other for such keys. */
  algorithms: new Map<string, Algorithm>([
    ['Ed25519', ED25519],
    ['EdDSA', ED25519],
    ['ES256', { kty: 'EC', crv: 'P-256', hash: 'sha256' }],
  ]),

  claims: {
    issuer: 'iss',
    issuedAt: 'iat',
    expiresAt: 'exp',
    /** Not in the drafts. RFC 7519 §4.1.5 forbids to accept a token before it. */
    notBefore: 'nbf',
    email: 'email',
    emailVerified: 'email_verified',
    isPrivateEmail: 'is_private_email',
    confirmation: 'cnf',
    audience: 'aud',
    nonce: 'nonce',
    evtHash: 'sd_hash',
  },

  /** The digest in `sd_hash`, of the EVT with its separator. */
  hash: 'sha256',

  /** The drafts leave it open how old a token may be. The nonce bounds it anyway. In ms. */
  maxAge: 600_000,
  /** How far the clocks of the issuer and the browser may differ from ours, in ms. */
  clockTolerance: 60_000,

  /** The TXT record by which the domain of an address names its issuer: exactly one, a host in lower case. */
  record: { label: '_email-verification', prefix: 'iss=' },

  /** Issuers are hosts in -00, and origins in -02. The record holds a host in both. */
  issuerScheme: 'https://',

  metadata: {
    path: '/.well-known/email-verification',
    /** Not in -00. If it is there, it must be the issuer. */
    issuer: 'issuer',
    keys: 'jwks_uri',
    algorithms: 'signing_alg_values_supported',
    /** `EdDSA` in -00, `Ed25519` in -02: the same keys. */
    defaultAlgorithm: 'Ed25519',
  },

  /** What a page has in its form, beside a field for the address. The browser fills it in when the form is submitted. */
  field: { autocomplete: 'email-verification-token', nonceAttribute: 'nonce' },
} as const;
