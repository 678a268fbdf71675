/** attachProof(): the page's side of browser proofs, on a real server, with a field that a test fills in as a browser would. */

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import { type EmailVerificationOptions, MemoryStore } from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';
import { attachProof, type ProofField } from 'express-email-verification/client/proof';
import { PROFILE } from '../../lib/evp/profile.js';
import { createProof, EMAIL, useIssuer } from '../support/issuer.js';
import { until } from '../support/until.js';

const issuer = useIssuer();
const servers: Server[] = [];
const attached: ProofField[] = [];
afterEach(async () => {
  for (const field of attached.splice(0)) field.detach();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

/** A field in a page. */
function createField() {
  const attributes = new Map<string, string>();
  return {
    value: '',
    attributes,
    setAttribute: (name: string, value: string) => void attributes.set(name, value),
    removeAttribute: (name: string) => void attributes.delete(name),
    nonce: () => attributes.get(PROFILE.field.nonceAttribute) ?? '',
  };
}

async function site(options: Partial<EmailVerificationOptions> = {}) {
  const { app, emails } = issuer.appWith({ store: new MemoryStore(), ...options });
  const server = createServer(app);
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ev`;
  const asked: string[] = [];
  const field = createField();
  const proof = attachProof(field, {
    baseUrl,
    fetch: (url, init) => {
      asked.push(String(url).slice(baseUrl.length));
      return fetch(url, init);
    },
  });
  attached.push(proof);
  const nextNonce = async (before = '') => {
    await until('there is another nonce', () => field.nonce() !== before);
    return field.nonce();
  };
  return {
    baseUrl,
    emails,
    asked,
    field,
    proof,
    nextNonce,
    client: createEmailVerificationClient({ baseUrl }),
  };
}

it('a proof that the browser fills in verifies the address at once, and the next nonce is another', async () => {
  const { client, emails, field, proof, nextNonce } = await site();
  const first = await nextNonce();
  field.value = createProof(first, issuer.issuerKey);
  const outcome = await client.send({ email: EMAIL, extra: proof.take() });
  expect(outcome).toMatchObject({ kind: 'verified', expiresIn: 900 });
  expect(client.state).toMatchObject({
    status: 'verified',
    email: EMAIL,
    verificationToken: expect.stringMatching(/^[\w-]{26}$/),
    message: 'Your email address is verified.',
  });
  expect(emails).toEqual([]);

  const second = await nextNonce(first);
  field.value = createProof(second, issuer.issuerKey);
  expect(await client.send({ email: EMAIL, extra: proof.take() })).toMatchObject({ kind: 'verified' });
});

it('a proof is taken once', async () => {
  const { field, proof, nextNonce } = await site();
  const nonce = await nextNonce();
  field.value = 'a proof';
  expect(proof.take()).toEqual({ proof: 'a proof', nonce });
  expect(field.value).toBe('');
  expect(proof.take()).toEqual({});
});

it('a proof whose send was lost is sent again with its own nonce, when the browser fills it in again', async () => {
  const { baseUrl, emails, field, proof, nextNonce } = await site();
  const first = await nextNonce();
  const made = createProof(first, issuer.issuerKey);
  const lost = createEmailVerificationClient({ baseUrl: 'http://127.0.0.1:1' });
  field.value = made;
  expect(await lost.send({ email: EMAIL, extra: proof.take() })).toMatchObject({ kind: 'offline' });
  await nextNonce(first);
  field.value = made;
  const client = createEmailVerificationClient({ baseUrl });
  expect(await client.send({ email: EMAIL, extra: proof.take() })).toMatchObject({ kind: 'verified' });
  expect(emails).toEqual([]);
});

it('a nonce that was used is no longer in the field, whether or not there is another', async () => {
  let isOnline = true;
  const field = createField();
  const fetch = async () => {
    if (!isOnline) throw new TypeError('offline');
    return Response.json({ nonce: 'n', expiresIn: 600 });
  };
  const proof = attachProof(field, { baseUrl: 'http://localhost/ev', fetch });
  attached.push(proof);
  await until('there is a nonce', () => field.nonce() === 'n');
  isOnline = false;
  field.value = 'a proof';
  expect(proof.take()).toEqual({ proof: 'a proof', nonce: 'n' });
  expect(field.attributes.size).toBe(0);
});

it('a browser without proofs sends what it always sent, and asks for one nonce', async () => {
  const { client, emails, asked, proof, nextNonce } = await site();
  await nextNonce();
  expect(proof.take()).toEqual({});
  expect(await client.send({ email: EMAIL, extra: proof.take() })).toMatchObject({ kind: 'sent' });
  expect([emails, asked]).toEqual([[EMAIL], ['/nonce']]);
});

it('a private address that the provider gave is that of the state', async () => {
  const privateEmail = 'u7x9@mail.example';
  const browserProof = { check: async () => ({ kind: 'accepted', email: privateEmail }) as const };
  const { client, field, proof, nextNonce } = await site({ browserProof });
  await nextNonce();
  field.value = 'a proof';
  expect(await client.send({ email: EMAIL, extra: proof.take() })).toMatchObject({ email: privateEmail });
  expect(client.state).toMatchObject({ status: 'verified', email: privateEmail });
});

const MISUSE = 'attachProof() takes the field of the proof and { baseUrl }.';
it.each<[what: string, input: unknown, options: unknown, message: string]>([
  ['no field', null, { baseUrl: '/ev' }, MISUSE],
  ['no options', createField(), undefined, MISUSE],
  ['no base URL', createField(), {}, MISUSE],
  ['a base URL that is no string', createField(), { baseUrl: new URL('http://localhost') }, MISUSE],
  ['an unknown option', createField(), { baseUrl: '/ev', fetcher: fetch }, 'Unknown option `fetcher`.'],
])('a page that passes %s is told so at once', (_what, input, options, message) => {
  expect(() => attachProof(input as never, options as never)).toThrow(new TypeError(message));
});

it('where the server makes no nonces, there is none, and nothing is thrown', async () => {
  const { asked, field, proof } = await site({ browserProof: undefined });
  await until('it was asked', () => asked.length === 1);
  expect(proof.take()).toEqual({});
  expect(field.nonce()).toBe('');
  for (const fetch of [
    () => Promise.reject(new TypeError('offline')),
    async () => new Response('<!doctype html>', { status: 200 }),
    async () => Response.json({ nonce: 7, expiresIn: 600 }),
    async () => Response.json({ nonce: 'x', expiresIn: 600 }, { status: 500 }),
  ]) {
    const other = createField();
    attached.push(attachProof(other, { baseUrl: 'http://localhost', fetch }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(other.attributes.size).toBe(0);
  }
});

it('a nonce is renewed when it ends, and no longer once the field is detached', async () => {
  let made = 0;
  const field = createField();
  const proof = attachProof(field, {
    baseUrl: 'http://localhost/ev/',
    fetch: async (url) => {
      expect(url).toBe('http://localhost/ev/nonce');
      made += 1;
      return Response.json({ nonce: `nonce-${made}`, expiresIn: 0.01 });
    },
  });
  await until('it was renewed', () => field.nonce() === 'nonce-3');
  field.value = 'a proof';
  proof.detach();
  expect([field.value, field.attributes.size]).toEqual(['', 0]);
  const before = made;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(made).toBeLessThanOrEqual(before + 1);
  expect(field.attributes.size).toBe(0);
});

it('a nonce that arrives after the field was detached is not used', async () => {
  const field = createField();
  let respond = (_response: Response) => {};
  const response = new Promise<Response>((resolve) => {
    respond = resolve;
  });
  const proof = attachProof(field, { baseUrl: '/ev', fetch: () => response });
  proof.detach();
  respond(Response.json({ nonce: 'late', expiresIn: 600 }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(field.attributes.size).toBe(0);
});

it('is under 600 bytes minified and gzipped, and imports nothing', () => {
  const source = readFileSync(join(__dirname, '../../lib/client/proof.ts'), 'utf8');
  const { code } = transformSync(source, { loader: 'ts', target: 'es2022', minify: true, format: 'esm' });
  expect(code).not.toMatch(/\bimport\b|\brequire\b/);
  expect(gzipSync(code).length).toBeLessThan(600);
});
