/** Browser proofs: only one that holds in every part verifies an address, and only once. With any other, the email is sent. */
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { emailVerificationRouter, MemoryStore, RedisStore } from 'express-email-verification';
import request from 'supertest';
import { SECRET } from '../support/app.js';
import { txt } from '../support/dns-server.js';
import {
  bind,
  createProof,
  EMAIL,
  ed25519,
  ISSUER,
  jwkOf,
  ORIGIN,
  type ProofChanges,
  p256,
  useIssuer,
} from '../support/issuer.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const issuer = useIssuer();
const memory = () => new MemoryStore();
const STORES = [
  ['MemoryStore', memory],
  ['RedisStore', () => new RedisStore(redis.client)],
] as const;
beforeEach(() => redis.flush());

const VERIFIED = {
  ok: true,
  verified: true,
  message: 'Your email address is verified.',
  verificationToken: expect.stringMatching(/^[\w-]{26}$/),
  expiresIn: 900,
};
/** What /send answers without a proof. */
const SENT = {
  ok: true,
  message: 'We sent you a code. Please check your email.',
  challengeId: expect.stringMatching(/^[\w-]{26}$/),
  expiresIn: 180,
  resendIn: 0,
};

const seconds = (ago: number) => Math.floor(Date.now() / 1000) - ago;

describe.each(STORES)('with %s', (_name, createStore) => {
  it('a proof verifies its address without an email, and its token lets one sign-up through', async () => {
    const { post, fields, emails, reasons, verification } = issuer.appWith({ store: createStore() });
    const verified: object[] = [];
    verification.on('verified', (event) => verified.push(event));
    const { body } = await post('/ev/send', await fields()).expect(200);
    expect(body).toEqual(VERIFIED);
    expect([emails, reasons]).toEqual([[], []]);
    expect(verified).toEqual([
      { email: 'p***@mail.example', purpose: 'signup', duration: expect.any(Number), proof: true },
    ]);
    const signUp = { email: EMAIL, verificationToken: body.verificationToken };
    await post('/signup', { ...signUp, email: 'other@mail.example' }).expect(403);
    await post('/signup', signUp).expect(201, { email: EMAIL });
    await post('/signup', signUp).expect(403);
  });

  it('T76: a proof is accepted once: 30 at once get one token, and the others the email', async () => {
    const { post, fields, emails, reasons } = issuer.appWith({ store: createStore() });
    const body = await fields();
    const replies = await Promise.all(Array.from({ length: 30 }, () => post('/ev/send', body).expect(200)));
    expect(replies.filter((reply) => reply.body.verified)).toHaveLength(1);
    expect(emails).toEqual(Array(29).fill(EMAIL));
    expect(new Set(reasons)).toEqual(new Set(['nonce_used']));
    await post('/ev/send', body).expect(200);
    expect(emails).toHaveLength(30);
  });

  it('T76: a proof is used up even if what is stored about its address is forgotten', async () => {
    const { post, fields, emails, verification } = issuer.appWith({ store: createStore() });
    const body = await fields();
    await post('/ev/send', body).expect(200);
    await verification.forget({ email: EMAIL });
    expect((await post('/ev/send', body).expect(200)).body).toEqual(SENT);
    expect(emails).toEqual([EMAIL]);
  });

  it('T76: a proof and a right code at once give one token each, and end every code', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { post, fields, codes } = issuer.appWith({ store: createStore() });
      const email = `${randomUUID()}@mail.example`;
      const sent = await post('/ev/send', { email }).expect(200);
      const code = { email, code: codes[0], challengeId: sent.body.challengeId };
      const proof = await fields({ email }, { email });
      const [proven, entered] = await Promise.all([post('/ev/send', proof), post('/ev/verify', code)]);
      expect(proven.body).toEqual(VERIFIED);
      // Whichever came first: the proof ends the code, and the code leaves the proof alone.
      expect(entered.body.verify ? 'verified' : entered.body.reason).toMatch(/^(verified|code_expired)$/);
      await post('/ev/verify', code).expect(401);
      const tokens = [proven, entered].flatMap(({ body }) => body.verificationToken ?? []);
      for (const verificationToken of tokens) await post('/signup', { email, verificationToken }).expect(201);
    }
  });
});

/** Each change makes a proof worthless. The reason is what the operator reads. */
const ALTERED: [what: string, change: ProofChanges, reason: string][] = [
  ['another address', { email: 'other@mail.example' }, 'email_mismatch'],
  ['an address of another domain', { email: 'person@evil.example' }, 'email_mismatch'],
  ['a longer address', { email: `${EMAIL}.evil.example` }, 'email_mismatch'],
  ['no address', { email: undefined }, 'malformed'],
  ['an address that is an array', { email: [EMAIL] }, 'malformed'],
  ['an address that is not verified', { evt: { email_verified: false } }, 'email_not_verified'],
  ['an address that is verified as a string', { evt: { email_verified: 'true' } }, 'email_not_verified'],
  ['nothing about its verification', { evt: { email_verified: undefined } }, 'email_not_verified'],
  ['a private address', { evt: { is_private_email: true } }, 'private_email'],
  ['another origin', { origin: 'https://evil.example' }, 'audience'],
  ['our origin over HTTP', { origin: 'http://acme.example' }, 'audience'],
  ['our origin with a path', { origin: `${ORIGIN}/` }, 'audience'],
  ['our origin among others', { origin: [ORIGIN, 'https://evil.example'] }, 'audience'],
  ['no origin', { origin: undefined }, 'audience'],
  ['another nonce', { binding: { nonce: 'another' } }, 'nonce_mismatch'],
  ['no nonce', { binding: { nonce: undefined } }, 'nonce_mismatch'],
  ['an old EVT', { evt: { iat: seconds(700) } }, 'expired'],
  ['an EVT that has expired', { evt: { exp: seconds(70) } }, 'expired'],
  ['an EVT from the future', { evt: { iat: seconds(-1200) } }, 'not_yet_valid'],
  ['an old binding', { binding: { iat: seconds(700) } }, 'expired'],
  ['a binding from the future', { binding: { iat: seconds(-1200) } }, 'not_yet_valid'],
  ['an EVT for later', { evt: { nbf: seconds(-1200) } }, 'not_yet_valid'],
  ['a binding for later', { binding: { nbf: seconds(-1200) } }, 'not_yet_valid'],
  ['a beginning that is no number', { evt: { nbf: 'now' } }, 'malformed'],
  ['no time in the EVT', { evt: { iat: undefined } }, 'malformed'],
  ['a time as a string in the binding', { binding: { iat: String(seconds(0)) } }, 'malformed'],
  ['an end that is no number', { evt: { exp: 'never' } }, 'malformed'],
  ['the hash of another EVT', { binding: { sd_hash: 'AAAA' } }, 'key_binding'],
  ['no hash of the EVT', { binding: { sd_hash: undefined } }, 'key_binding'],
  ['a binding by another key', { bindingKey: p256() }, 'key_binding'],
  ['a binding by another kind of key', { bindingKey: ed25519() }, 'key_binding'],
  ['no key of the browser', { evt: { cnf: undefined } }, 'key_binding'],
  ['an empty key of the browser', { evt: { cnf: { jwk: {} } } }, 'key_binding'],
  [
    'a key whose algorithm is no text',
    { evt: { cnf: { jwk: { ...jwkOf(p256()), alg: { toString: 1 } } } } },
    'key_binding',
  ],
  ['another type of EVT', { evtHeader: { typ: 'JWT' } }, 'malformed'],
  ['the type of a binding as EVT', { evtHeader: { typ: 'kb+jwt' } }, 'malformed'],
  ['another type of binding', { bindingHeader: { typ: 'evt+jwt' } }, 'malformed'],
  ['a critical extension', { evtHeader: { crit: ['x'], x: 1 } }, 'malformed'],
  ['`alg: none` in the EVT', { evtHeader: { alg: 'none' } }, 'algorithm'],
  ['`alg: none` in the binding', { bindingHeader: { alg: 'none' } }, 'algorithm'],
  ['HS256 in the EVT', { evtHeader: { alg: 'HS256' } }, 'algorithm'],
  ['RS256 in the EVT', { evtHeader: { alg: 'RS256' } }, 'algorithm'],
  ['another algorithm than the key has', { evtHeader: { alg: 'ES256' } }, 'signature'],
  ['a key of somebody else', { issuerKey: ed25519() }, 'signature'],
  ['another issuer', { evt: { iss: 'https://evil.example' } }, 'issuer_mismatch'],
  ['a longer issuer', { evt: { iss: `https://${ISSUER}.evil.example` } }, 'issuer_mismatch'],
  ['an issuer with a path', { evt: { iss: `https://${ISSUER}/` } }, 'issuer_mismatch'],
  ['no issuer', { evt: { iss: undefined } }, 'malformed'],
];

it.each(ALTERED)(
  'T76: a proof with %s sends the email, and tells nobody but the operator why',
  async (_what, change, reason) => {
    const { post, fields, emails, reasons } = issuer.appWith({ store: memory() });
    const { body } = await post('/ev/send', await fields(change)).expect(200);
    expect(body).toEqual(SENT);
    expect([emails, reasons]).toEqual([[EMAIL], [reason]]);
  },
);

it.each<[what: string, change: () => ProofChanges]>([
  ['an EVT of a clock that is ahead', () => ({ evt: { iat: seconds(-50), nbf: seconds(-50) } })],
  ['a binding of a clock that is ahead', () => ({ binding: { iat: seconds(-50) } })],
  ['an EVT that a clock ahead calls expired', () => ({ evt: { exp: seconds(30) } })],
  [
    'an EVT of ten minutes ago, by a clock that is behind',
    () => ({ evt: { iat: seconds(630), exp: undefined } }),
  ],
  ['4 kB', () => ({ evt: { x: 'x'.repeat(3000) } })],
])('T76: a proof with %s is accepted', async (_what, change) => {
  const { post, fields } = issuer.appWith({ store: memory() });
  expect((await post('/ev/send', await fields(change()))).body).toEqual(VERIFIED);
});

it('T76: a proof of more than 8 kB is none, whatever it says', async () => {
  const { post, fields, reasons } = issuer.appWith({ store: memory() });
  const body = await fields({ evt: { x: 'x'.repeat(6000) } });
  expect(body.proof.length).toBeGreaterThan(8192);
  expect((await post('/ev/send', body)).body).toEqual(SENT);
  expect(reasons).toEqual(['malformed']);
});

it('T76: each character of a proof counts', async () => {
  const { post, fields, emails } = issuer.appWith({ store: memory() });
  const { proof, ...rest } = await fields();
  // The last one of a part may carry bits that belong to nothing.
  const places = Array.from({ length: 40 }, (_, n) => Math.floor((n * (proof.length - 2)) / 40));
  let sent = 0;
  for (const place of places) {
    const altered = proof[place] === 'A' ? 'B' : 'A';
    const forged = proof.slice(0, place) + altered + proof.slice(place + 1);
    const { body } = await post('/ev/send', { ...rest, proof: forged }).expect(200);
    expect([place, body.verified]).toEqual([place, undefined]);
    sent += 1;
  }
  expect(emails).toHaveLength(sent);
  expect((await post('/ev/send', { ...rest, proof })).body).toEqual(VERIFIED);
});

it('T76: a proof signed with the public key of the issuer as a shared secret is none', async () => {
  const { post, newNonce, reasons } = issuer.appWith({ store: memory() });
  const nonce = await newNonce();
  const browserKey = p256();
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: `https://${ISSUER}`,
    iat: seconds(0),
    cnf: { jwk: jwkOf(browserKey) },
    email: EMAIL,
    email_verified: true,
  };
  for (const alg of ['HS256', 'EdDSA']) {
    const signed = `${encode({ alg, typ: 'evt+jwt' })}.${encode(claims)}`;
    const secret = issuer.issuerKey.publicKey.export({ format: 'pem', type: 'spki' });
    const evt = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    const proof = `${evt}~${bind(evt, nonce, browserKey)}`;
    expect((await post('/ev/send', { email: EMAIL, nonce, proof })).body).toEqual(SENT);
  }
  expect(reasons).toEqual(['algorithm', 'signature']);
});

it('T76: a binding cannot be moved to another EVT, nor a stolen EVT be bound by another browser', async () => {
  const { post, newNonce, reasons } = issuer.appWith({ store: memory() });
  const nonce = await newNonce();
  const [evt = '', binding = ''] = createProof(nonce, issuer.issuerKey).split('~');
  const [other = ''] = createProof(nonce, issuer.issuerKey, { email: 'other@mail.example' }).split('~');
  const thief = p256();
  for (const proof of [`${other}~${binding}`, `${evt}~${bind(evt, nonce, thief)}`]) {
    expect((await post('/ev/send', { email: EMAIL, nonce, proof })).body).toEqual(SENT);
  }
  expect(reasons).toEqual(['key_binding', 'key_binding']);
});

const SHAPES: [what: string, proof: unknown, reason: string | undefined][] = [
  ['an empty proof, as of a browser that has none', '', undefined],
  ['null', null, undefined],
  ['a number', 7, 'malformed'],
  ['an array', ['proof'], 'malformed'],
  ['an object', { proof: 'x' }, 'malformed'],
  ['a word', 'proof', 'malformed'],
  ['separators', '~~~', 'malformed'],
  ['two JWTs of nothing', 'a.b.c~d.e.f', 'malformed'],
  ['8 kB', 'x'.repeat(8200), 'malformed'],
];
it.each(SHAPES)('T76: %s sends the email', async (_what, proof, reason) => {
  const { post, newNonce, emails, reasons } = issuer.appWith({ store: memory() });
  const { body } = await post('/ev/send', { email: EMAIL, nonce: await newNonce(), proof }).expect(200);
  expect(body).toEqual(SENT);
  expect([emails, reasons]).toEqual([[EMAIL], reason ? [reason] : []]);
});

it('T76: a proof with a disclosure, or without its binding, is none', async () => {
  const { post, newNonce, reasons } = issuer.appWith({ store: memory() });
  const nonce = await newNonce();
  const [evt = '', binding = ''] = createProof(nonce, issuer.issuerKey).split('~');
  const disclosed = `${evt}~WyJzYWx0Il0~${binding}`;
  for (const proof of [disclosed, `${evt}~`, evt, `~${binding}`, `${evt}~${binding}~`]) {
    expect((await post('/ev/send', { email: EMAIL, nonce, proof })).body).toEqual(SENT);
  }
  expect(reasons).toEqual(Array(5).fill('malformed'));
});

describe('T76: a nonce', () => {
  it('has 128 random bits, lives for 10 minutes, and costs no Redis', async () => {
    const { app } = issuer.appWith({ store: new RedisStore(redis.client) });
    const seen = new Set<string>();
    for (let n = 0; n < 20; n += 1) {
      const { body, headers } = await request(app).get('/ev/nonce').expect(200);
      expect(body).toEqual({ nonce: expect.stringMatching(/^[\w-]{48}$/), expiresIn: 600 });
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': /json/ });
      seen.add(body.nonce);
    }
    expect(seen.size).toBe(20);
    expect(await redis.client.dbSize()).toBe(0);
  });

  it.each<[string, (nonce: string) => unknown, string]>([
    ['is missing', () => undefined, 'malformed'],
    ['is an array', (nonce) => [nonce], 'malformed'],
    ['is empty', () => '', 'nonce_invalid'],
    ['is not ours', () => 'n-0S6_WzA2Mj', 'nonce_invalid'],
    ['is altered', (nonce) => nonce.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')), 'nonce_invalid'],
    ['has another time', (nonce) => `${nonce.slice(0, 30)}AA${nonce.slice(32)}`, 'nonce_invalid'],
    ['is longer', (nonce) => `${nonce}A`, 'nonce_invalid'],
  ])('that %s is refused', async (_what, alter, reason) => {
    const { post, newNonce, reasons } = issuer.appWith({ store: memory() });
    const nonce = alter(await newNonce());
    const proof = createProof(String(nonce), issuer.issuerKey);
    expect((await post('/ev/send', { email: EMAIL, nonce, proof })).body).toEqual(SENT);
    expect(reasons).toEqual([reason]);
    expect(issuer.calls).toEqual([]);
  });

  it('of another secret or another purpose is refused', async () => {
    const { post, reasons } = issuer.appWith({ store: memory() });
    for (const other of [{ secret: 'another secret, which is also long enough' }, { purpose: 'reset' }]) {
      const { newNonce } = issuer.appWith({ store: memory(), ...other });
      const nonce = await newNonce();
      const proof = createProof(nonce, issuer.issuerKey);
      expect((await post('/ev/send', { email: EMAIL, nonce, proof })).body).toEqual(SENT);
    }
    expect(reasons).toEqual(['nonce_invalid', 'nonce_invalid']);
  });

  it('is accepted until its end, and not after it', async () => {
    const { post, newNonce, reasons } = issuer.appWith({ store: memory() });
    const made = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(made);
    const nonces = [await newNonce(), await newNonce()];
    const sendAt = (time: number, nonce = '') => {
      clock.mockReturnValue(time);
      return post('/ev/send', { email: EMAIL, nonce, proof: createProof(nonce, issuer.issuerKey) });
    };
    try {
      expect((await sendAt(made + 599_999, nonces[0])).body).toEqual(VERIFIED);
      expect((await sendAt(made + 600_000, nonces[1])).body).toEqual(SENT);
      expect(reasons).toEqual(['nonce_expired']);
    } finally {
      clock.mockRestore();
    }
  });

  it('T76: of a server whose clock is ahead is accepted within a minute, and remembered until it ends there', async () => {
    const { post, newNonce, reasons } = issuer.appWith({ store: memory() });
    const now = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now + 60_000);
    const sendAt = (time: number, nonce: string) => {
      clock.mockReturnValue(time);
      return post('/ev/send', { email: EMAIL, nonce, proof: createProof(nonce, issuer.issuerKey) });
    };
    try {
      const nonce = await newNonce();
      clock.mockReturnValue(now + 60_001);
      const tooFar = await newNonce();
      expect((await sendAt(now, tooFar)).body).toEqual(SENT);
      expect((await sendAt(now, nonce)).body).toEqual(VERIFIED);
      expect((await sendAt(now + 659_999, nonce)).body).toEqual(SENT);
      expect(reasons).toEqual(['nonce_expired', 'nonce_used']);
    } finally {
      clock.mockRestore();
    }
  });

  it('of an older secret is accepted while secrets rotate, once', async () => {
    const store = new RedisStore(redis.client);
    const old = issuer.appWith({ store });
    const body = await old.fields();
    const secret = ['a new secret, which is long enough as well', SECRET];
    const { post, reasons } = issuer.appWith({ store, secret });
    const proven = await post('/ev/send', body).expect(200);
    expect(proven.body).toEqual(VERIFIED);
    await old.post('/ev/send', body).expect(200);
    await post('/ev/send', body).expect(200);
    expect([reasons, old.reasons]).toEqual([['nonce_used'], ['nonce_used']]);
    const { verificationToken } = proven.body;
    await post('/signup', { email: EMAIL, verificationToken }).expect(201);
  });
});

const RECORD = '_email-verification.mail.example';
describe('T76: the DNS decides who may speak for a domain:', () => {
  const RECORDS: [what: string, zone: (typeof issuer.zone)[string] | undefined, reason: string][] = [
    ['no record', {}, 'no_issuer'],
    ['no such name', undefined, 'no_issuer'],
    ['another issuer', { TXT: [txt('iss=other.example')] }, 'issuer_mismatch'],
    ['two issuers', { TXT: [txt(`iss=${ISSUER}`), txt('iss=other.example')] }, 'issuer_record'],
    ['the same issuer twice', { TXT: [txt(`iss=${ISSUER}`), txt(`iss=${ISSUER}`)] }, 'issuer_record'],
    ['another record beside it', { TXT: [txt(`iss=${ISSUER}`), txt('v=spf1 -all')] }, 'issuer_record'],
    ['another record', { TXT: [txt('v=spf1 -all')] }, 'issuer_record'],
    ['an origin', { TXT: [txt(`iss=https://${ISSUER}`)] }, 'issuer_record'],
    ['capitals', { TXT: [txt(`iss=${ISSUER.toUpperCase()}`)] }, 'issuer_record'],
    ['white space', { TXT: [txt(`iss= ${ISSUER}`)] }, 'issuer_record'],
    ['a port', { TXT: [txt(`iss=${ISSUER}:8443`)] }, 'issuer_record'],
    ['a path', { TXT: [txt(`iss=${ISSUER}/x`)] }, 'issuer_record'],
    ['an IP address', { TXT: [txt('iss=127.0.0.1')] }, 'issuer_record'],
    ['localhost', { TXT: [txt('iss=localhost')] }, 'issuer_record'],
    ['a name of a local network', { TXT: [txt('iss=metadata.google.internal')] }, 'issuer_record'],
    ['nothing', { TXT: [txt('iss=')] }, 'issuer_record'],
    ['a server that fails', 'servfail', 'dns'],
  ];
  it.each(RECORDS)('%s', async (_what, records, reason) => {
    if (records) issuer.zone[RECORD] = records;
    else delete issuer.zone[RECORD];
    const { post, fields, reasons } = issuer.appWith({ store: memory() });
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(reasons).toEqual([reason]);
    expect(issuer.calls).toEqual([]);
  });

  it('a record in several strings is one record', async () => {
    issuer.zone[RECORD] = { TXT: [txt('iss=', ISSUER.slice(0, 5), ISSUER.slice(5))] };
    const { post, fields } = issuer.appWith({ store: memory() });
    expect((await post('/ev/send', await fields())).body).toEqual(VERIFIED);
  });

  it('an issuer speaks only for the domains that name it', async () => {
    issuer.zone['_email-verification.bank.example'] = { TXT: [txt('iss=login.bank.example')] };
    const { post, fields, reasons } = issuer.appWith({ store: memory() });
    const email = 'person@bank.example';
    expect((await post('/ev/send', await fields({ email }, { email }))).body).toEqual(SENT);
    expect(reasons).toEqual(['issuer_mismatch']);
  });

  it('with `issuers`, no other is asked, nor the DNS', async () => {
    const { post, fields, reasons } = issuer.appWith(
      { store: memory() },
      { issuers: ['accounts.google.com'] },
    );
    const before = issuer.queries().length;
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(reasons).toEqual(['issuer_not_allowed']);
    expect(issuer.queries()).toHaveLength(before);
    const open = issuer.appWith({ store: memory() }, { issuers: ['accounts.google.com', ISSUER] });
    expect((await open.post('/ev/send', await open.fields())).body).toEqual(VERIFIED);
  });
});

describe('T77: what an issuer publishes is read with care:', () => {
  const describeAs = (changes: object) => () => {
    issuer.documents.set('/.well-known/email-verification', issuer.json({ ...issuer.metadata, ...changes }));
  };
  const answerWith =
    (status: number, headers: Record<string, string> = {}, body = '') =>
    () => {
      issuer.documents.set(
        '/.well-known/email-verification',
        (_req, res) => void res.writeHead(status, headers).end(body),
      );
    };
  const keysAs = (keys: unknown) => () => void issuer.documents.set('/jwks', issuer.json(keys));

  const FAULTS: [what: string, fault: () => void, reason: string][] = [
    ['it answers 404', answerWith(404), 'issuer_unreachable'],
    ['it answers 500', answerWith(500), 'issuer_unreachable'],
    [
      'it redirects to itself',
      answerWith(302, { Location: `https://${ISSUER}/other` }),
      'issuer_unreachable',
    ],
    ['it redirects to loopback', answerWith(302, { Location: 'http://127.0.0.1:1/' }), 'issuer_unreachable'],
    ['it answers in HTML', answerWith(200, {}, '<!doctype html>'), 'issuer_metadata'],
    ['it answers nothing', answerWith(200), 'issuer_metadata'],
    ['it answers null', answerWith(200, {}, 'null'), 'issuer_metadata'],
    ['it answers 100 kB', describeAs({ x: 'x'.repeat(100_000) }), 'issuer_metadata'],
    [
      'its keys have 100 kB',
      () => keysAs({ keys: [jwkOf(issuer.issuerKey)], x: 'x'.repeat(100_000) })(),
      'issuer_metadata',
    ],
    ['it has huge headers', answerWith(200, { 'X-Padding': 'x'.repeat(40_000) }, '{}'), 'issuer_unreachable'],
    [
      'it closes the connection in the middle',
      () =>
        void issuer.documents.set('/.well-known/email-verification', (_req, res) => {
          res.writeHead(200, { 'Content-Length': 999 }).write('{', () => res.destroy());
        }),
      'issuer_unreachable',
    ],
    ['it names another issuer', describeAs({ issuer: 'https://evil.example' }), 'issuer_metadata'],
    ['it names no keys', describeAs({ jwks_uri: undefined }), 'issuer_metadata'],
    ['its keys come over HTTP', describeAs({ jwks_uri: `http://${ISSUER}/jwks` }), 'issuer_forbidden'],
    [
      'its keys are on another port',
      describeAs({ jwks_uri: `https://${ISSUER}:8443/jwks` }),
      'issuer_forbidden',
    ],
    ['its keys are at an IP address', describeAs({ jwks_uri: 'https://127.0.0.1/jwks' }), 'issuer_forbidden'],
    ['its keys are at an IPv6 address', describeAs({ jwks_uri: 'https://[::1]/jwks' }), 'issuer_forbidden'],
    ['its keys are at a number', describeAs({ jwks_uri: 'https://2130706433/jwks' }), 'issuer_forbidden'],
    ['its keys are on localhost', describeAs({ jwks_uri: 'https://localhost/jwks' }), 'issuer_forbidden'],
    ['its keys are in a file', describeAs({ jwks_uri: 'file:///etc/passwd' }), 'issuer_forbidden'],
    ['its keys need a login', describeAs({ jwks_uri: `https://a:b@${ISSUER}/jwks` }), 'issuer_forbidden'],
    ['its keys are no array', keysAs({ keys: {} }), 'issuer_metadata'],
    ['it has 21 keys', keysAs({ keys: Array(21).fill(jwkOf(ed25519())) }), 'issuer_metadata'],
    ['it has no keys', keysAs({ keys: [] }), 'signature'],
    ['its keys are nothing', keysAs({ keys: [null, 7, 'key', {}] }), 'signature'],
    ['it signs otherwise', describeAs({ signing_alg_values_supported: ['ES256'] }), 'signature'],
    ['it knows no algorithm', describeAs({ signing_alg_values_supported: ['RS256'] }), 'signature'],
  ];
  it.each(FAULTS)('%s', async (_what, fault, reason) => {
    fault();
    const { post, fields, reasons, causes } = issuer.appWith({ store: memory() });
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(reasons).toEqual([reason]);
    for (const cause of causes) expect(String(cause)).not.toContain(EMAIL);
  });

  it.each<[string, () => void]>([
    ['keys with names', () => keysAs({ keys: [{ ...jwkOf(issuer.issuerKey), kid: 'a', use: 'sig' }] })()],
    ['keys on another host', describeAs({ jwks_uri: 'https://keys.issuer.example/jwks' })],
    ['the newer name of its algorithm', describeAs({ signing_alg_values_supported: ['Ed25519'] })],
    ['no algorithms', describeAs({ signing_alg_values_supported: undefined })],
    ['no name of its own, as in the first draft', describeAs({ issuer: undefined })],
    [
      'other keys beside it',
      () =>
        keysAs({
          keys: [jwkOf(p256()), { kty: 'RSA', n: 'x', e: 'AQAB' }, jwkOf(ed25519()), jwkOf(issuer.issuerKey)],
        })(),
    ],
  ])('with %s, its proofs are accepted', async (_what, change) => {
    change();
    const { post, fields } = issuer.appWith({ store: memory() });
    expect((await post('/ev/send', await fields())).body).toEqual(VERIFIED);
  });

  it.each<[string, object]>([
    ['for encryption', { use: 'enc' }],
    ['for something else', { key_ops: ['sign'] }],
    ['for another algorithm', { alg: 'ES256' }],
    ['of another name', { kid: 'b' }],
    ['private', { d: 'AAAA' }],
  ])('a key %s is none', async (_what, change) => {
    keysAs({ keys: [{ ...jwkOf(issuer.issuerKey), ...change }] })();
    const { post, fields, reasons } = issuer.appWith({ store: memory() });
    expect((await post('/ev/send', await fields({ evtHeader: { kid: 'a' } }))).body).toEqual(SENT);
    expect(reasons).toEqual(['signature']);
  });

  it.each([
    ['ES256', p256(), {}],
    ['Ed25519', ed25519(), { alg: 'Ed25519' }],
  ] as const)(
    'proofs signed with %s are accepted, with an issuer as a host, too',
    async (_name, issuerKey, evtHeader) => {
      keysAs({ keys: [jwkOf(issuerKey)] })();
      const { post, fields } = issuer.appWith({ store: memory() });
      const browserKey = ed25519();
      const change = { issuerKey, evtHeader, browserKey, evt: { iss: ISSUER, exp: undefined } };
      expect((await post('/ev/send', await fields(change))).body).toEqual(VERIFIED);
    },
  );

  it('is asked once for many proofs at once, and not again for a while', async () => {
    const { post, fields } = issuer.appWith({ store: memory() });
    const bodies = await Promise.all(Array.from({ length: 20 }, () => fields()));
    const replies = await Promise.all(bodies.map((body) => post('/ev/send', body)));
    for (const { body } of replies) expect(body).toEqual(VERIFIED);
    await post('/ev/send', await fields());
    expect(issuer.calls).toEqual([`${ISSUER}/.well-known/email-verification`, `${ISSUER}/jwks`]);
  });

  it('is not asked again and again after a failure, or for signatures of nobody', async () => {
    const { post, fields } = issuer.appWith({ store: memory() });
    for (let n = 0; n < 5; n += 1) await post('/ev/send', await fields({ issuerKey: ed25519() }));
    expect(issuer.calls).toHaveLength(2);
    issuer.calls.length = 0;
    answerWith(500)();
    const other = issuer.appWith({ store: memory() });
    for (let n = 0; n < 5; n += 1) await other.post('/ev/send', await other.fields());
    expect(issuer.calls).toHaveLength(1);
  });

  it('is asked again after ten minutes, as is the DNS, and after a failure in half a minute', async () => {
    const { post, fields } = issuer.appWith({ store: memory() });
    const queries = () => issuer.queries().filter((query) => query.includes('_email-verification')).length;
    const clock = jest.spyOn(performance, 'now');
    const start = performance.now();
    const before = queries();
    const sendAt = async (later: number, fault?: () => void) => {
      fault?.();
      clock.mockImplementation(() => start + later);
      await post('/ev/send', await fields()).expect(200);
      return [queries() - before, issuer.calls.length];
    };
    try {
      expect(await sendAt(0)).toEqual([1, 2]);
      expect(await sendAt(590_000)).toEqual([1, 2]);
      expect(await sendAt(601_000, answerWith(500))).toEqual([2, 3]);
      expect(await sendAt(630_000)).toEqual([2, 3]);
      expect(await sendAt(632_000)).toEqual([2, 4]);
    } finally {
      clock.mockRestore();
    }
  });

  it('is asked again for new keys after a minute', async () => {
    const { post, fields, reasons } = issuer.appWith({ store: memory() });
    await post('/ev/send', await fields());
    const issuerKey = p256();
    keysAs({ keys: [jwkOf(issuerKey)] })();
    expect((await post('/ev/send', await fields({ issuerKey }))).body).toEqual(SENT);
    const clock = jest.spyOn(performance, 'now');
    const start = performance.now();
    try {
      clock.mockImplementation(() => start + 61_000);
      expect((await post('/ev/send', await fields({ issuerKey }))).body).toEqual(VERIFIED);
    } finally {
      clock.mockRestore();
    }
    expect(reasons).toEqual(['signature']);
  });
});

describe('T77: a request never reaches the own network of the app', () => {
  const LOOPBACK = Buffer.of(127, 0, 0, 1);
  const v6 = (...groups: number[]) => Buffer.from(groups.flatMap((group) => [group >> 8, group & 255]));

  it.each<[string, object]>([
    ['loopback', { A: [LOOPBACK] }],
    ['loopback beside a public address', { A: [Buffer.of(93, 184, 216, 34), LOOPBACK] }],
    ['a private network', { A: [Buffer.of(10, 0, 0, 1)] }],
    ['the metadata of a cloud', { A: [Buffer.of(169, 254, 169, 254)] }],
    ['a shared network', { A: [Buffer.of(100, 64, 0, 1)] }],
    ['this host', { A: [Buffer.of(0, 0, 0, 0)] }],
    ['loopback of IPv6', { AAAA: [v6(0, 0, 0, 0, 0, 0, 0, 1)] }],
    ['loopback as a mapped address', { AAAA: [v6(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1)] }],
    ['a unique local address', { AAAA: [v6(0xfd00, 0, 0, 0, 0, 0, 0, 1)] }],
    ['a link-local address', { AAAA: [v6(0xfe80, 0, 0, 0, 0, 0, 0, 1)] }],
    ['NAT64 of loopback', { AAAA: [v6(0x64, 0xff9b, 0, 0, 0, 0, 0x7f00, 1)] }],
    ['6to4 of loopback', { AAAA: [v6(0x2002, 0x7f00, 1, 0, 0, 0, 0, 1)] }],
  ])('if the host of an issuer has an address of %s', async (_what, addresses) => {
    issuer.zone[ISSUER] = addresses;
    const { post, fields, reasons, causes } = issuer.appWith({ store: memory() }, { localIssuers: {} });
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(reasons).toEqual(['issuer_forbidden']);
    expect(String(causes[0])).toContain(`${ISSUER} has an address that is not public`);
  });

  it('if its keys are there', async () => {
    issuer.zone['inside.example'] = { A: [LOOPBACK] };
    issuer.documents.set(
      '/.well-known/email-verification',
      issuer.json({ ...issuer.metadata, jwks_uri: 'https://inside.example/jwks' }),
    );
    const { post, fields, reasons } = issuer.appWith({ store: memory() });
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(reasons).toEqual(['issuer_forbidden']);
  });

  it('and an issuer without an address is just unreachable', async () => {
    const { post, fields, reasons } = issuer.appWith({ store: memory() }, { localIssuers: {} });
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(reasons).toEqual(['issuer_unreachable']);
  });
});

describe('T77: what does not answer delays a send by `timeout` at most:', () => {
  const document = (path: string, answer: RequestListener) => () => void issuer.documents.set(path, answer);
  const trickle: RequestListener = (_req, res) => {
    res.writeHead(200);
    const timer = setInterval(() => res.write(' '), 10);
    res.on('close', () => clearInterval(timer));
  };

  it.each<[string, () => void]>([
    [
      'the DNS',
      () => {
        issuer.zone[RECORD] = 'silent';
      },
    ],
    ['the issuer', document('/.well-known/email-verification', () => {})],
    ['its keys, which trickle', document('/jwks', trickle)],
  ])('%s', async (_what, stall) => {
    stall();
    const { post, fields, emails, reasons } = issuer.appWith({ store: memory() }, { timeout: 100 });
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(emails).toEqual([EMAIL]);
    expect(['timeout', 'dns', 'issuer_unreachable']).toContain(reasons[0]);
  });

  it('a host that accepts and says nothing', async () => {
    const silent = createServer(() => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const { post, fields, emails } = issuer.appWith(
      { store: memory() },
      { timeout: 100, localIssuers: { [ISSUER]: { port, ca: '' } } },
    );
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(emails).toEqual([EMAIL]);
    silent.close();
  });
});

describe('beside everything else that decides about a send:', () => {
  const suppress = { beforeSend: () => ({ kind: 'suppress' }) as const };

  it('T23: a suppressed address answers a forged proof as any other does, and a true one with the email', async () => {
    const plain = issuer.appWith({ store: memory() });
    const suppressed = issuer.appWith({ store: memory(), ...suppress });
    for (const { post, fields } of [plain, suppressed]) {
      expect((await post('/ev/send', await fields({ issuerKey: ed25519() }))).body).toEqual(SENT);
    }
    // Both asked the issuer, so neither answers sooner.
    expect(issuer.calls).toHaveLength(4);
    expect([plain.reasons, suppressed.reasons]).toEqual([['signature'], ['signature']]);
    expect((await suppressed.post('/ev/send', await suppressed.fields())).body).toEqual(SENT);
    expect(suppressed.reasons).toEqual(['signature', 'suppressed']);
  });

  it('an address that is refused stays refused, and nobody is asked', async () => {
    const { post, fields } = issuer.appWith({ store: memory(), beforeSend: () => ({ kind: 'refuse' }) });
    await post('/ev/send', await fields()).expect(403);
    expect(issuer.calls).toEqual([]);
  });

  it('a proof does not count as an email, but as a request of its client', async () => {
    const limits = {
      sendLimits: [{ max: 1, window: 3600 }],
      rateLimit: { send: { windowMs: 60_000, limit: 3 } },
    };
    const { post, fields, emails } = issuer.appWith({ store: memory(), ...limits });
    for (let n = 0; n < 2; n += 1) expect((await post('/ev/send', await fields())).body).toEqual(VERIFIED);
    await post('/ev/send', { email: EMAIL }).expect(200);
    expect(emails).toEqual([EMAIL]);
    await post('/ev/send', await fields()).expect(429);
  });

  it('a mailbox that has reached its limit can still be proven', async () => {
    const { post, fields } = issuer.appWith({ store: memory(), sendLimits: [{ max: 1, window: 3600 }] });
    await post('/ev/send', { email: EMAIL }).expect(200);
    await post('/ev/send', { email: EMAIL }).expect(429);
    await post('/ev/send', await fields({ issuerKey: ed25519() })).expect(429);
    expect((await post('/ev/send', await fields())).body).toEqual(VERIFIED);
  });

  it('a proof proves every spelling of its address', async () => {
    const { post, fields } = issuer.appWith({ store: memory() });
    const body = await fields({ email: 'Person@Mail.Example' }, { email: ' PERSON@mail.example ' });
    const { verificationToken } = (await post('/ev/send', body).expect(200)).body;
    await post('/signup', { email: EMAIL, verificationToken }).expect(201);
  });

  it('with `privateEmail`, the address that the provider gave in its place is verified', async () => {
    issuer.zone['_email-verification.relay.example'] = { TXT: [txt(`iss=${ISSUER}`)] };
    const email = 'u7x9k2m4@relay.example';
    const { post, fields, emails } = issuer.appWith({ store: memory() }, { privateEmail: true });
    const change = { email, evt: { is_private_email: true } };
    const { body } = await post('/ev/send', await fields(change)).expect(200);
    expect(body).toEqual({ ...VERIFIED, email });
    const { verificationToken } = body;
    await post('/signup', { email: EMAIL, verificationToken }).expect(403);
    await post('/signup', { email, verificationToken }).expect(201);
    // Another address that is not called private is still another address.
    expect((await post('/ev/send', await fields({ email }))).body).toEqual(SENT);
    expect(emails).toEqual([EMAIL]);
  });

  it('T23: with `privateEmail`, an address that is suppressed answers the proof of another as any other does', async () => {
    issuer.zone['_email-verification.relay.example'] = { TXT: [txt(`iss=${ISSUER}`)] };
    const email = 'u7x9k2m4@relay.example';
    const change = { email, evt: { is_private_email: true } };
    for (const hook of [{}, suppress]) {
      const { post, fields } = issuer.appWith({ store: memory(), ...hook }, { privateEmail: true });
      expect((await post('/ev/send', await fields(change))).body).toEqual({ ...VERIFIED, email });
    }
  });

  it('while the store is unreachable, a proof is not accepted', async () => {
    const store = Object.assign(memory(), { prove: () => Promise.reject(new Error('unreachable')) });
    const { post, fields, emails } = issuer.appWith({ store });
    await post('/ev/send', await fields()).expect(503);
    expect(emails).toEqual([]);
  });

  it('T33: after a proof timed out with a 503, it still works, once (promise 10)', async () => {
    const store = new RedisStore(redis.client);
    const hasty = issuer.appWith({ store, storeTimeout: 300 });
    const patient = issuer.appWith({ store });
    const before = await hasty.post('/ev/send', await hasty.fields()).expect(200);
    expect(before.body).toEqual(VERIFIED);
    const body = await hasty.fields();
    redis.server.pause();
    const replies = await Promise.all(Array.from({ length: 5 }, () => hasty.post('/ev/send', body))).finally(
      () => redis.server.resume(),
    );
    await redis.client.ping();
    expect(replies.map(({ status }) => status)).toEqual(Array(5).fill(503));
    expect((await patient.post('/ev/send', body)).body).toEqual(VERIFIED);
    expect((await patient.post('/ev/send', body)).body).toEqual(SENT);
    expect(patient.reasons).toEqual(['nonce_used']);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['returns nothing', () => undefined],
    ['never settles', () => new Promise(() => {})],
  ])('a check of the app that %s refuses the proof', async (_what, check) => {
    const { post, fields, emails, reasons } = issuer.appWith({
      store: memory(),
      hookTimeout: 100,
      browserProof: { check } as never,
    });
    expect((await post('/ev/send', await fields())).body).toEqual(SENT);
    expect(emails).toEqual([EMAIL]);
    expect(reasons[0]).toMatch(/^(check_failed|timeout)$/);
  });

  it('Redis learns no address and no nonce', async () => {
    const { post, fields } = issuer.appWith({ store: new RedisStore(redis.client) });
    const body = await fields();
    await post('/ev/send', body).expect(200);
    const keys = await redis.client.keys('*');
    expect(keys).toHaveLength(2);
    // Both on one node of a cluster.
    const tags = keys.map((key) => /^ev:(\{[^{}]+\})/.exec(key)?.[1]);
    expect(tags).toEqual([expect.any(String), tags[0]]);
    for (const text of [EMAIL, 'person', body.nonce, body.proof]) expect(keys.join(' ')).not.toContain(text);
    const ends = new Map(
      await Promise.all(keys.map(async (key) => [key.length, await redis.client.pTTL(key)] as const)),
    );
    const [challenge = 0, nonce = 0] = [...ends].sort(([a], [b]) => a - b).map(([, end]) => end);
    expect(challenge).toBeGreaterThan(0);
    expect(challenge).toBeLessThanOrEqual(900_000);
    // Longer than a server whose clock is a minute behind accepts it, and not for ever.
    expect(nonce).toBeGreaterThan(660_000);
    expect(nonce).toBeLessThanOrEqual(720_000);
  });
});

describe('without `browserProof`', () => {
  it('there is no route for nonces, and a proof is a field like any other', async () => {
    const { app, emails, post } = issuer.appWith({ store: memory(), browserProof: undefined });
    await request(app).get('/ev/nonce').expect(404);
    const nonce = 'n'.repeat(48);
    const proof = createProof(nonce, issuer.issuerKey);
    for (const fields of [{ proof, nonce }, { proof: 7 }, { proof: [proof], nonce: {} }]) {
      expect((await post('/ev/send', { email: EMAIL, ...fields }).expect(200)).body).toEqual(SENT);
    }
    expect(emails).toHaveLength(3);
    expect(issuer.calls).toEqual([]);
  });

  it('T34: a response that the app has ended stays as it is', async () => {
    const { verification } = issuer.appWith({ store: memory() });
    const errors: unknown[] = [];
    const app = express()
      .use((_req, res, next) => {
        res.status(503).end('too late');
        next();
      })
      .use('/ev', emailVerificationRouter(verification))
      .use(((error, _req, _res, next) => {
        errors.push(error);
        next(error);
      }) satisfies ErrorRequestHandler);
    await request(app).get('/ev/nonce').expect(503, 'too late');
    expect(errors).toEqual([]);
  });

  it('other methods of the route for nonces go on to the app', async () => {
    const { app, post } = issuer.appWith({ store: memory() });
    await post('/ev/nonce', {}).expect(404);
    await request(app).options('/ev/nonce').expect(404);
    await request(app).head('/ev/nonce').expect(200);
  });
});
