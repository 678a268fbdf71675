/**
 * A provider of the Email Verification Protocol that vouches for any address, and the browser that asks it: for people whose
 * own browser and provider cannot prove an address. The app checks its proofs as it checks those of Chrome and Gmail.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { EvpOptions } from 'express-email-verification/evp';
import { generate } from 'selfsigned';

const HOST = 'issuer.acme.example';

export type Issuer = Awaited<ReturnType<typeof startIssuer>>;

/** @param origin The origin of the page that the browser shows. */
export async function startIssuer(origin: string) {
  const provider = generateKeyPairSync('ed25519');
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/email-verification': { issuer: `https://${HOST}`, jwks_uri: `https://${HOST}/keys` },
    '/keys': { keys: [provider.publicKey.export({ format: 'jwk' })] },
  };
  const extensions = [{ name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: HOST }] }];
  const made = await generate([{ name: 'commonName', value: HOST }], { keyType: 'ec', extensions });
  const server = createServer({ key: made.private, cert: made.cert }, ({ url = '' }, res) => {
    res.end(JSON.stringify(documents[url] ?? {}));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port }: Pick<AddressInfo, 'port'> = Object(server.address());

  /** Every domain names this issuer. */
  const options: Omit<EvpOptions, 'origins'> = {
    localIssuers: { [HOST]: { port, ca: made.cert } },
    dns: { resolveTxt: async () => [[`iss=${HOST}`]], resolve4: async () => [], resolve6: async () => [] },
  };

  /** What the browser fills in, if the person is signed in to the provider. */
  function prove(email: string, nonce: string): string {
    const browser = generateKeyPairSync('ed25519');
    const iat = Math.floor(Date.now() / 1000);
    const cnf = { jwk: browser.publicKey.export({ format: 'jwk' }) };
    const vouched = { iss: `https://${HOST}`, iat, cnf, email, email_verified: true };
    const token = `${signed('evt+jwt', vouched, provider.privateKey)}~`;
    const hash = createHash('sha256').update(token).digest('base64url');
    return token + signed('kb+jwt', { aud: origin, nonce, iat, sd_hash: hash }, browser.privateKey);
  }

  return { options, prove, stop: () => void server.close() };
}

function signed(typ: string, claims: object, key: KeyObject): string {
  const parts = [{ alg: 'EdDSA', typ }, claims].map((part) => Buffer.from(JSON.stringify(part)));
  const text = parts.map((part) => part.toString('base64url')).join('.');
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
}
