/** `express-email-verification/evp` (experimental): browser proofs that a person controls an address. */

import type { BrowserProof, ProofVerdict } from '../operations/browser-proof.js';
import { createDiscovery, type IssuerKeys } from './discovery.js';
import { type Jwt, verifyJwt } from './jwt.js';
import { createEvpSettings, type EvpOptions } from './options.js';
import { type Reading, readPresentation, refused } from './presentation.js';

export type { BrowserProof, PresentedProof, ProofVerdict } from '../operations/browser-proof.js';
export type { EvpDns, EvpOptions, LocalIssuer } from './options.js';

/**
 * Checks proofs of the Email Verification Protocol, for the `browserProof` option. With a proof that holds, a person enters no
 * code, and no email is sent; with any other, or none, the email is sent as usual.
 *
 * Experimental: the protocol is a draft, so this may change in any version.
 *
 * @throws TypeError or RangeError that names the option, what was expected and what was received.
 * @example
 * createEmailVerification({ ...options, browserProof: evp({ origins: ['https://acme.example'] }) });
 */
export function evp(options: EvpOptions): BrowserProof {
  const settings = createEvpSettings(options);
  const { origins, privateEmail, issuers, timeout } = settings;
  const discovery = createDiscovery(settings);

  async function check(email: string, proof: string, nonce: string): Promise<ProofVerdict> {
    const reading = readPresentation(proof, { email, nonce, origins, privateEmail, now: Date.now() });
    if (reading.kind === 'refused') return reading;
    if (issuers && !issuers.has(reading.issuer)) return refused('issuer_not_allowed');
    return (await issuerFault(reading)) ?? { kind: 'accepted', email: reading.email };
  }

  /** Asks the DNS whether the issuer speaks for the domain, and the issuer for its keys. */
  async function issuerFault({ email, issuer, evt }: Exclude<Reading, { kind: 'refused' }>) {
    const named = await discovery.issuerOf(email.slice(email.lastIndexOf('@') + 1));
    if (named.kind === 'refused') return named;
    if (named.host !== issuer) return refused('issuer_mismatch');
    const published = await discovery.keysOf(issuer);
    if (published.kind === 'refused') return published;
    if (isSignedBy(published, evt)) return undefined;
    // The issuer may have new keys.
    if (!discovery.forgetKeys(issuer)) return refused('signature');
    const renewed = await discovery.keysOf(issuer);
    if (renewed.kind === 'refused') return renewed;
    return isSignedBy(renewed, evt) ? undefined : refused('signature');
  }

  return {
    async check({ email, proof, nonce }) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<ProofVerdict>((resolve) => {
        timer = setTimeout(() => resolve(refused('timeout')), timeout);
      });
      try {
        return await Promise.race([check(email, proof, nonce), late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function isSignedBy({ keys, algorithms }: IssuerKeys, evt: Jwt): boolean {
  return keys.some((key) => {
    // A key with another name is another key.
    const mayBeIt = evt.keyId === undefined || key.keyId === undefined || key.keyId === evt.keyId;
    return mayBeIt && algorithms.has(key.algorithm) && verifyJwt(evt, key);
  });
}
