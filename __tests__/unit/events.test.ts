/** Events tell operators everything that happens, and nothing that is secret. */
import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  type EventName,
  MemoryStore,
} from 'express-email-verification';
import request from 'supertest';
import { createEvents } from '../../lib/events.js';
import { createTestApp, FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { type RawSmtpServer, startRawSmtpServer } from '../support/raw-smtp-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();
const email = 'person@example.com';
const common = { email: 'p***@example.com', purpose: 'signup', duration: expect.any(Number) };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const EVENTS: EventName[] = [
  ...(['sent', 'suppressed', 'refused', 'limited', 'delivered', 'delivery_failed'] as const),
  ...(['delivery_unknown', 'verified', 'code_incorrect', 'code_expired', 'redeemed', 'released'] as const),
  ...(['proof_refused', 'unavailable'] as const),
];

type Received = [name: EventName, event: Record<string, unknown>];

/** Everything that a verification emits from now on. */
function receive(verification: EmailVerification): Received[] {
  const received: Received[] = [];
  for (const name of EVENTS) verification.on(name, (event) => received.push([name, { ...event }]));
  return received;
}

function start(options: Partial<EmailVerificationOptions> = {}) {
  let now = Date.now();
  const store = new MemoryStore({ clock: () => now });
  const verification = createEmailVerification({
    ...{ store, transport: mail.url, from: FROM, secret: SECRET, ...options },
  });
  return {
    verification,
    received: receive(verification),
    pass: (time: number) => {
      now += time;
    },
  };
}

const relays: RawSmtpServer[] = [];
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close();
});

const wrongOf = (code: string) => code.replace(/.$/, (digit) => String((Number(digit) + 1) % 10));

it('report a send, its email, wrong and right codes, and what became of the token', async () => {
  const { verification, received } = start({ codeLength: 10 });
  await verification.send({ email });
  const code = await mail.lastCode(email);
  await verification.verify({ email, code: wrongOf(code) });
  const verified = await verification.verify({ email, code });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  const redeemed = await verification.redeem({ email, verificationToken });
  if (redeemed.kind !== 'redeemed') throw new Error(redeemed.kind);
  await verification.release(redeemed);

  const reference = expect.stringMatching(UUID);
  expect(received).toEqual([
    ['sent', { ...common, reference }],
    ['delivered', { ...common, reference, messageId: expect.stringMatching(/^<.+@acme\.example>$/) }],
    ['code_incorrect', { ...common, attemptsLeft: 4 }],
    ['verified', common],
    ['redeemed', common],
    ['released', common],
  ]);
  for (const [, { duration }] of received) expect(duration).toBeGreaterThan(0);
  for (const secret of [email, code, verificationToken])
    expect(JSON.stringify(received)).not.toContain(secret);
});

it.each([
  ['once', 'is sent'],
  ['with texts of the app', 'is composed by nodemailer'],
])('the reference and the Message-ID of an event are those of the email, %s', async (how) => {
  const template = () => ({ subject: 'x', text: '123456', html: 'x' });
  const { verification, received } = start({
    ...(how === 'once' ? {} : { template }),
    sendLimits: [{ max: 100, window: 60 }],
  });
  // The later ones are composed in advance, unless the texts are the app's.
  for (let n = 0; n < 5; n += 1) await verification.send({ email });
  const emails = mail.messages.map(({ raw }) => ({
    reference: /^X-Entity-Ref-ID: (.+)\r$/m.exec(raw)?.[1],
    messageId: /^Message-ID: (.+)\r$/m.exec(raw)?.[1],
  }));
  const fields = (name: EventName) =>
    received
      .filter(([emitted]) => emitted === name)
      .map(([, { reference, messageId }]) => ({ reference, messageId }));
  expect(emails).toHaveLength(5);
  expect(fields('delivered')).toEqual(emails);
  expect(fields('sent').map(({ reference }) => reference)).toEqual(emails.map(({ reference }) => reference));
  expect(new Set(emails.map(({ reference }) => reference)).size).toBe(5);
});

it('all tries of an email have one reference and one Message-ID, and so has the event of its failure', async () => {
  const relay = await startRawSmtpServer({ dot: '451 4.7.0 later' });
  relays.push(relay);
  const { verification, received } = start({ transport: relay.url, delivery: 'background' });
  const idsIn = (header: string) =>
    relay.received
      .filter((line) => line.startsWith(`${header}: `))
      .map((line) => line.slice(header.length + 2));
  await verification.send({ email });
  await until('the email is tried twice', () => idsIn('X-Entity-Ref-ID').length > 1);
  await verification.close();
  const [, failed] = received.find(([name]) => name === 'delivery_failed') ?? [];
  expect(failed).toMatchObject({ cause: { responseCode: 451 } });
  expect([...new Set(idsIn('Message-ID'))]).toEqual([failed?.['messageId']]);
  expect([...new Set(idsIn('X-Entity-Ref-ID'))]).toEqual([failed?.['reference']]);
});

it('a delivery function gets the reference and the Message-ID', async () => {
  const delivery = jest.fn(async () => {});
  const { verification, received } = start({ delivery });
  await verification.send({ email });
  const [, delivered] = received.find(([name]) => name === 'delivered') ?? [];
  const { reference, messageId } = delivered ?? {};
  expect(delivery).toHaveBeenCalledWith(
    expect.objectContaining({ messageId }),
    expect.objectContaining({ reference }),
  );
  expect(messageId).toBe(`<${reference}@acme.example>`);
});

it('an international domain is ASCII in the Message-ID', async () => {
  const { verification, received } = start({ from: 'hello@애크미.example', delivery: async () => {} });
  await verification.send({ email });
  expect(received.at(-1)?.[1]['messageId']).toMatch(/@xn--[a-z0-9]+\.example>$/);
});

describe('code_expired says why', () => {
  it('no code is live', async () => {
    const { verification, received } = start();
    await verification.verify({ email, code: '123456' });
    expect(received).toEqual([['code_expired', { ...common, state: 'no_live_code' }]]);
  });

  it('no attempts are left', async () => {
    const { verification, received } = start({ maxAttempts: 1 });
    await verification.send({ email });
    const code = await mail.lastCode(email);
    await verification.verify({ email, code: wrongOf(code) });
    await verification.verify({ email, code });
    expect(received.slice(2)).toEqual([
      ['code_incorrect', { ...common, attemptsLeft: 0 }],
      ['code_expired', { ...common, state: 'no_attempts_left' }],
    ]);
  });

  it('a newer code is live', async () => {
    const { verification, received, pass } = start();
    await verification.send({ email });
    const code = await mail.lastCode(email);
    pass(170_000);
    await verification.send({ email });
    pass(10_000);
    await verification.verify({ email, code });
    expect(received.at(-1)).toEqual(['code_expired', { ...common, state: 'outdated' }]);
  });
});

describe('limited says which limit is full', () => {
  it('that of a mailbox', async () => {
    const { verification, received } = start();
    await verification.send({ email });
    const { retryAfter } = Object(await verification.send({ email }));
    expect(received.at(-1)).toEqual([
      'limited',
      { ...common, limit: 'mailbox', operation: 'send', retryAfter },
    ]);
  });

  it.each([
    ['/ev/send', 'send', undefined],
    ['/ev/verify', 'verify', undefined],
    [
      '/ev/send',
      'send',
      (_req: unknown, res: { status(code: number): { end(): void } }) => res.status(429).end(),
    ],
  ] as const)(
    'that of a client at %s (%s), also if a handler of the app responds',
    async (path, operation, handler) => {
      const limit = { windowMs: 60_000, limit: 1, ...(handler && { handler }) };
      const { app, verification } = createTestApp({
        ...{ store: new MemoryStore(), transport: mail.url, rateLimit: { send: limit, verify: limit } },
      });
      const received = receive(verification);
      await request(app).post(path).send({ email, code: '123456' });
      await request(app).post(path).send({ email, code: '123456' }).expect(429);
      const { email: masked, purpose } = common;
      expect(received.slice(path === '/ev/send' ? 2 : 1)).toEqual([
        ['limited', { email: masked, purpose, limit: 'client', operation, retryAfter: expect.any(Number) }],
      ]);
    },
  );

  it('that of a client on a route of the app, where the address is not known', async () => {
    const { app, verification } = createTestApp({
      ...{ store: new MemoryStore(), transport: mail.url, rateLimit: { send: { limit: 1 } } },
    });
    app.get('/own', verification.clientLimit, (_req, res) => void res.end());
    const received = receive(verification);
    await request(app).get('/own').expect(200);
    await request(app).get('/own').expect(429);
    expect(received).toEqual([
      ['limited', { purpose: 'signup', limit: 'client', operation: 'send', retryAfter: expect.any(Number) }],
    ]);
  });
});

it('report a send that beforeSend refused', async () => {
  const { verification, received } = start({ beforeSend: () => ({ kind: 'refuse' }) });
  await verification.send({ email });
  expect(received).toEqual([['refused', common]]);
});

it.each(['await', 'background'] as const)(
  'a suppressed send emits its event in place of `sent`, and of its email only if it has one (%s)',
  async (delivery) => {
    const content = { subject: 'You have an account', text: 'Sign in.', html: '<p>Sign in.' };
    const verdicts = [undefined, { kind: 'suppress' }, { kind: 'suppress', mail: content }] as const;
    const courses = [];
    for (const verdict of verdicts) {
      const { verification, received } = start({ delivery, beforeSend: () => verdict });
      const outcome = await verification.send({ email });
      await verification.close();
      courses.push({ received, outcome: { ...outcome, challengeId: '' } });
    }
    const [sent, suppressed, withMail] = courses;
    const reference = expect.stringMatching(UUID);
    const delivered = ['delivered', { ...common, reference, messageId: expect.any(String) }];
    expect(sent?.received).toEqual([['sent', { ...common, reference }], delivered]);
    expect(suppressed?.received).toEqual([['suppressed', { ...common, reference }]]);
    expect(withMail?.received).toEqual([['suppressed', { ...common, reference }], delivered]);
    // The email that was sent instead carries its reference too.
    const [, event] = withMail?.received[1] ?? [];
    expect(mail.messages.at(-1)?.raw).toContain(`X-Entity-Ref-ID: ${event?.['reference']}`);
    expect(suppressed?.outcome).toEqual(sent?.outcome);
    expect(withMail?.outcome).toEqual(sent?.outcome);
  },
);

it.each([
  ['delivery_failed', {}],
  ['delivery_unknown', { unknown: true }],
] as const)('the first %s becomes a warning if nobody listens, without the address', async (name, fields) => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    const verification = createEmailVerification({
      ...{ store: new MemoryStore(), from: FROM, secret: SECRET, sendLimits: [{ max: 5, window: 60 }] },
      delivery: () => Promise.reject(Object.assign(new Error('no'), fields)),
    });
    for (let n = 0; n < 2; n += 1) await verification.send({ email });
    const sentences = warned.mock.calls
      .map(([sentence]) => String(sentence))
      .filter((sentence) => sentence.includes(`Listen to '${name}'`));
    expect(sentences).toEqual([expect.stringMatching(new RegExp(`^${name}: .+\\. Listen to `))]);
    expect(sentences[0]).not.toContain(email);
  } finally {
    warned.mockRestore();
  }
});

it('are built once for all listeners, and not at all if nobody listens', () => {
  const events = createEvents();
  const build = jest.fn(() => ({ email: 'p***@example.com', purpose: 'signup', duration: 1 }));
  const listener = jest.fn();
  events.emit('verified', build);
  expect(build).not.toHaveBeenCalled();
  const stops = [events.on('verified', listener), events.on('verified', (event) => listener(event))];
  events.emit('verified', build);
  expect([build, listener].map(({ mock }) => mock.calls.length)).toEqual([1, 2]);
  for (const stop of stops) stop();
  events.emit('verified', build);
  expect(build).toHaveBeenCalledTimes(1);
});
