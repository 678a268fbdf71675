/**
 * An issuer of the Email Verification Protocol, the DNS that names it, and a browser that gets proofs from it: real TLS, real
 * DNS, real signatures.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { EmailVerificationOptions } from 'express-email-verification';
import { type EvpOptions, evp } from 'express-email-verification/evp';
import { generate } from 'selfsigned';
import request from 'supertest';
import { createTestApp } from './app.js';
import { startDnsServer, txt, type Zone } from './dns-server.js';

export const ISSUER = 'accounts.issuer.example';
export const ORIGIN = 'https://acme.example';
export const EMAIL = 'person@mail.example';

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const ed25519 = (): Pair => generateKeyPairSync('ed25519');
export const p256 = (): Pair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const jwkOf = ({ publicKey }: Pair): Record<string, unknown> => ({
  ...publicKey.export({ format: 'jwk' }),
});

/** What a test changes in a proof. `undefined` leaves a field out. */
export interface ProofChanges {
  readonly email?: unknown;
  readonly origin?: unknown;
  readonly evtHeader?: object;
  readonly evt?: object;
  readonly bindingHeader?: object;
  readonly binding?: object;
  /** Signs the EVT. @default the issuer's key */
  readonly issuerKey?: Pair;
  /** The key in the EVT. @default a new one */
  readonly browserKey?: Pair;
  /** Signs the binding. @default the one in the EVT */
  readonly bindingKey?: Pair;
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function signJwt(header: object, claims: object, { privateKey: key }: Pair): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  const hash = key.asymmetricKeyType === 'ec' ? 'sha256' : null;
  const signature = sign(hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

const algorithmOf = ({ publicKey }: Pair) => (publicKey.asymmetricKeyType === 'ec' ? 'ES256' : 'EdDSA');

/** What the browser posts, as Chrome and Gmail make it. */
export function createProof(nonce: string, issuerKey: Pair, changes: ProofChanges = {}): string {
  const browserKey = changes.browserKey ?? p256();
  const signer = changes.issuerKey ?? issuerKey;
  const now = Math.floor(Date.now() / 1000);
  const evt = signJwt(
    { alg: algorithmOf(signer), typ: 'evt+jwt', ...changes.evtHeader },
    {
      iss: `https://${ISSUER}`,
      iat: now,
      exp: now + 300,
      cnf: { jwk: jwkOf(browserKey) },
      email: 'email' in changes ? changes.email : EMAIL,
      email_verified: true,
      ...changes.evt,
    },
    signer,
  );
  return `${evt}~${bind(evt, nonce, browserKey, changes)}`;
}

export function bind(evt: string, nonce: string, browserKey: Pair, changes: ProofChanges = {}): string {
  const bindingKey = changes.bindingKey ?? browserKey;
  return signJwt(
    { alg: algorithmOf(bindingKey), typ: 'kb+jwt', ...changes.bindingHeader },
    {
      aud: 'origin' in changes ? changes.origin : ORIGIN,
      nonce,
      iat: Math.floor(Date.now() / 1000),
      sd_hash: createHash('sha256').update(`${evt}~`).digest('base64url'),
      ...changes.binding,
    },
    bindingKey,
  );
}

/** Call it at the top of a test file. Each test starts with an issuer in order. */
export function useIssuer() {
  const issuerKey = ed25519();
  /** What the DNS says. Tests change it. */
  const zone: Record<string, Zone[string]> = {};
  /** What was asked of the issuer: its host and path. */
  const calls: string[] = [];
  const documents = new Map<string, RequestListener>();
  const resolvers: Resolver[] = [];
  let dns: Awaited<ReturnType<typeof startDnsServer>>;
  let server: Server;
  let ca: string;

  const metadata = {
    issuer: `https://${ISSUER}`,
    issuance_endpoint: `https://${ISSUER}/issuance`,
    jwks_uri: `https://${ISSUER}/jwks`,
    signing_alg_values_supported: ['EdDSA', 'ES256'],
  };
  const json =
    (value: unknown): RequestListener =>
    (_req, res) =>
      void res.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));

  beforeAll(async () => {
    const made = await generate([{ name: 'commonName', value: ISSUER }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: ISSUER },
            { type: 2, value: 'keys.issuer.example' },
          ],
        },
      ],
    });
    ca = made.cert;
    server = createServer({ key: made.private, cert: made.cert }, (req, res) => {
      const [path = ''] = (req.url ?? '').split('?');
      calls.push(`${req.headers.host}${path}`);
      const answer = documents.get(path);
      if (answer) answer(req, res);
      else res.writeHead(404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    dns = await startDnsServer(zone);
  });
  beforeEach(() => {
    for (const name of Object.keys(zone)) delete zone[name];
    zone['_email-verification.mail.example'] = { TXT: [txt(`iss=${ISSUER}`)] };
    calls.length = 0;
    documents.clear();
    documents.set('/.well-known/email-verification', json(metadata));
    // Without a name, as Gmail publishes its keys.
    documents.set('/jwks', json({ keys: [jwkOf(issuerKey)] }));
  });
  afterEach(() => {
    for (const resolver of resolvers.splice(0)) resolver.cancel();
  });
  afterAll(() => {
    dns.close();
    server.closeAllConnections();
    server.close();
  });

  const portOf = () => (server.address() as AddressInfo).port;

  function optionsOf(changes: Partial<EvpOptions> = {}): EvpOptions {
    const resolver = new Resolver({ timeout: 60_000, tries: 1 });
    resolver.setServers([dns.address]);
    resolvers.push(resolver);
    return {
      origins: [ORIGIN],
      // A busy machine must not look like a slow issuer.
      timeout: 60_000,
      dns: resolver,
      localIssuers: {
        [ISSUER]: { port: portOf(), ca },
        'keys.issuer.example': { port: portOf(), ca },
      },
      ...changes,
    };
  }

  /** Serves what Chromium asks for besides: its DNS over HTTPS, the account that is signed in, and a token for that. */
  function serveBrowsers(email = EMAIL) {
    const record = { type: 16, TTL: 60, data: `iss=${ISSUER}` };
    documents.set('/resolve', json({ Status: 0, Answer: [record] }));
    const identity = { accounts_endpoint: `https://${ISSUER}/accounts`, login_url: `https://${ISSUER}/` };
    documents.set('/.well-known/web-identity', json(identity));
    documents.set('/accounts', json({ accounts: [{ id: '1', name: 'A person', email }] }));
    documents.set('/jwks', json({ keys: [{ ...jwkOf(issuerKey), kid: '1', alg: 'EdDSA', use: 'sig' }] }));
    documents.set('/', (_req, res) => {
      res.setHeader('Set-Login', 'logged-in');
      res.setHeader('Set-Cookie', 'session=1; Secure; HttpOnly; SameSite=None; Path=/');
      res.setHeader('Content-Type', 'text/html').end('Signed in');
    });
    documents.set('/issuance', async (req, res) => {
      await text(req);
      const header = String(req.headers['signature-key']);
      const jwk = Object.fromEntries(
        [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
      );
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: `https://${ISSUER}`,
        iat: now,
        exp: now + 300,
        cnf: { jwk },
        email,
        email_verified: true,
      };
      const token = signJwt({ alg: 'EdDSA', kid: '1', typ: 'evt+jwt' }, claims, issuerKey);
      json({ issuance_token: `${token}~` })(req, res);
    });
  }

  /** An app whose emails and refused proofs a test can read. */
  function appWith(
    options: Required<Pick<EmailVerificationOptions, 'store'>> & Partial<EmailVerificationOptions>,
    changes: Partial<EvpOptions> = {},
  ) {
    const emails: string[] = [];
    const codes: string[] = [];
    const reasons: string[] = [];
    const causes: unknown[] = [];
    const { app, verification } = createTestApp({
      sendLimits: [{ max: 60, window: 86_400 }],
      codeLength: 10,
      rateLimit: false,
      hookTimeout: 60_000,
      delivery: async ({ to }, { code = '' }) => {
        emails.push(to.address);
        codes.push(code);
      },
      browserProof: evp(optionsOf(changes)),
      ...options,
    });
    verification.on('proof_refused', ({ reason, cause }) => {
      reasons.push(reason);
      if (cause !== undefined) causes.push(cause);
    });
    const post = (path: string, body: object) => request(app).post(path).send(body);
    const newNonce = async (): Promise<string> =>
      (await request(app).get('/ev/nonce').expect(200)).body.nonce;

    /** What a page posts with a proof, and with what else a test adds. */
    async function fields(change: ProofChanges = {}, more: object = {}) {
      const nonce = await newNonce();
      return { email: EMAIL, nonce, proof: createProof(nonce, issuerKey, change), ...more };
    }
    return { app, verification, emails, codes, reasons, causes, post, newNonce, fields };
  }

  return {
    issuerKey,
    metadata,
    zone,
    calls,
    documents,
    json,
    appWith,
    optionsOf,
    portOf,
    serveBrowsers,
    queries: () => dns.queries,
  };
}
