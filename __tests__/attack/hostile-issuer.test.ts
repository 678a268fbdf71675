/** Anybody can set up an issuer. Whatever it answers, it is asked for a bounded time, and remembered in a bounded space. */
import { execFile } from 'node:child_process';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MemoryStore } from 'express-email-verification';
import type { EvpOptions } from 'express-email-verification/evp';
import { createDiscovery } from '../../lib/evp/discovery.js';
import { createEvpSettings } from '../../lib/evp/options.js';
import { PROFILE } from '../../lib/evp/profile.js';
import { txt } from '../support/dns-server.js';
import { ed25519, ISSUER, jwkOf, useIssuer } from '../support/issuer.js';
import { until } from '../support/until.js';

const issuer = useIssuer();
const METADATA = '/.well-known/email-verification';

/** Writes bytes in place of a response, again and again until the connection ends. */
const bytes =
  (first: string, again = ''): RequestListener =>
  (_req, { socket }) => {
    socket?.write(first);
    const timer = setInterval(() => again && socket?.write(again), 5);
    socket?.on('close', () => clearInterval(timer)).on('error', () => {});
  };
const localOf = ({ localIssuers }: EvpOptions) => localIssuers?.[ISSUER] ?? { port: 0, ca: '' };
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('T77: an issuer delays one answer, and then no other, that sends', () => {
  it.each<[string, RequestListener]>([
    ['another protocol', bytes(`${SWITCHING}Connection: Upgrade\r\nUpgrade: x\r\n\r\n`)],
    ['another protocol without a name', bytes(`${SWITCHING}\r\n`)],
    ['nothing that is HTTP', bytes('SSH-2.0-OpenSSH_9.0\r\n')],
    ['no body', bytes('HTTP/1.1 204 No Content\r\n\r\n')],
    ['chunk extensions without end', bytes(`${CHUNKED}1`, ';a=b'.repeat(500))],
    ['trailers without end', bytes(`${CHUNKED}1\r\n{\r\n0\r\n`, 'a: b\r\n'.repeat(500))],
  ])('%s', async (_what, answer) => {
    issuer.documents.set(METADATA, answer);
    // The timeout is a minute: none of these waits for it.
    const { post, fields, reasons } = issuer.appWith({ store: new MemoryStore() });
    for (let n = 0; n < 2; n += 1) await post('/ev/send', await fields()).expect(200);
    expect(reasons).toEqual(['issuer_unreachable', 'issuer_unreachable']);
  });

  it.each<[string, RequestListener]>([
    ['100 Continue without end', bytes('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100))],
    ['early hints without end', bytes('', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(100))],
    ['a head without end', bytes('HTTP/1.1 200 OK\r\n', 'X-A: b\r\n')],
    ['an upgrade beside a body', bytes('HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')],
  ])('%s', async (_what, answer) => {
    let closed = 0;
    issuer.documents.set(METADATA, (req, res) => {
      req.socket.on('close', () => {
        closed += 1;
      });
      answer(req, res);
    });
    const { post, fields, reasons, causes, emails } = issuer.appWith(
      { store: new MemoryStore() },
      { timeout: 200 },
    );
    for (let n = 0; n < 2; n += 1) await post('/ev/send', await fields()).expect(200);
    expect(emails).toHaveLength(2);
    // The second one finds what the first one came to.
    expect(reasons[1]).toBe('issuer_unreachable');
    expect(String(causes.at(-1))).toContain(`${ISSUER} did not answer within 200 ms.`);
    await until('the connection has ended', () => closed === 1);
  });
});

it('T77: a certificate must be for the host of the issuer', async () => {
  const host = 'login.other.example';
  issuer.zone['_email-verification.mail.example'] = { TXT: [txt(`iss=${host}`)] };
  const localIssuers = { [host]: localOf(issuer.optionsOf()) };
  const { post, fields, reasons, causes } = issuer.appWith({ store: new MemoryStore() }, { localIssuers });
  await post('/ev/send', await fields({ evt: { iss: `https://${host}` } })).expect(200);
  expect(reasons).toEqual(['issuer_unreachable']);
  expect(String(causes[0])).toContain('altnames');
});

it('T77: a certificate is verified even where NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
  const { port } = localOf(issuer.optionsOf());
  // Jest gives a test an environment of its own, which the TLS of Node does not read.
  const script = `
    const { createFetchJson } = require('./lib/evp/fetch-json.ts');
    const localIssuers = new Map([['${ISSUER}', { port: ${port}, ca: '' }]]);
    createFetchJson({ dns: {}, localIssuers })('https://${ISSUER}${METADATA}', AbortSignal.timeout(60_000))
      .then(() => console.log('read'), ({ message }) => console.log(message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: join(__dirname, '../..'),
    env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
  });
  expect(stdout).toContain('could not be read: self-signed certificate');
});

it('T77: the DNS and the issuer together have no more time than `timeout`', async () => {
  issuer.documents.set(METADATA, () => {});
  const dns = {
    resolveTxt: async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return [[`iss=${ISSUER}`]];
    },
    resolve4: async () => [],
    resolve6: async () => [],
  };
  const { post, fields, reasons } = issuer.appWith({ store: new MemoryStore() }, { dns, timeout: 300 });
  await post('/ev/send', await fields()).expect(200);
  // With a time of its own for each, it would be the issuer that was too slow.
  expect(reasons).toEqual(['timeout']);
});

it('T77: while fifty domains are looked up, others send at once, and are looked up once those have ended', async () => {
  const domains = Array.from({ length: 60 }, (_, n) => `d${n}.example`);
  for (const domain of domains) issuer.zone[`_email-verification.${domain}`] = 'silent';
  const { verification, fields, emails, reasons } = issuer.appWith(
    { store: new MemoryStore() },
    { timeout: 2000 },
  );
  const inputs = [];
  for (const domain of domains) {
    const email = `person@${domain}`;
    inputs.push(await fields({ email }, { email }));
  }
  const sends = inputs.map((input) => verification.send(input));
  await until('ten were refused', () => reasons.length >= 10);
  expect(reasons).toEqual(Array(10).fill('busy'));
  for (const outcome of await Promise.all(sends)) expect(outcome.kind).toBe('sent');
  expect(emails).toHaveLength(60);
  expect(await verification.send(await fields())).toMatchObject({ kind: 'verified' });
});

it('T77: of what an issuer publishes, only what is used is kept: the rest may be thousands of values', async () => {
  const key = jwkOf(issuer.issuerKey);
  const names = ['RS256', 7, 'EdDSA', 'Ed25519', ...Array(2000).fill([])];
  issuer.documents.set(METADATA, issuer.json({ ...issuer.metadata, signing_alg_values_supported: names }));
  const nothing = Array(2000).fill([]);
  const keys = [
    { ...key, kid: 'a', x5c: nothing },
    { ...key, kid: nothing },
    nothing,
    { ...jwkOf(ed25519()) },
  ];
  issuer.documents.set('/jwks', issuer.json({ keys }));
  const algorithm = PROFILE.algorithms.get('EdDSA');
  expect(await createDiscovery(createEvpSettings(issuer.optionsOf())).keysOf(ISSUER)).toEqual({
    kind: 'keys',
    algorithms: new Set([algorithm]),
    keys: [
      { keyId: 'a', algorithm, key: expect.anything() },
      { keyId: undefined, algorithm, key: expect.anything() },
    ],
  });
});

it('T77: what an issuer wrote makes no long or second line in a log', async () => {
  for (const jwks_uri of [
    `https://${ISSUER}/${'x'.repeat(50_000)}`,
    `https://${'x'.repeat(50_000)}`,
    'ftp://a\nb\u2028c',
  ]) {
    issuer.documents.set(METADATA, issuer.json({ ...issuer.metadata, jwks_uri }));
    const { post, fields, causes } = issuer.appWith({ store: new MemoryStore() });
    await post('/ev/send', await fields()).expect(200);
    expect(String(causes[0]).length).toBeLessThan(300);
    expect(String(causes[0])).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]+$/u);
  }
});
