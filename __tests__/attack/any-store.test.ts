/**
 * A custom store that misbehaves: whatever it does, each operation ends within `storeTimeout`, fails closed and reports
 * the cause. Jest fails the test if a rejection goes unhandled.
 */
import { MemoryStore, type Store } from 'express-email-verification';
import type { Response } from 'supertest';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { secondsLeft } from '../support/seconds-left.js';
import { memoryInbox } from './services.js';

const email = 'minji@example.com';
/** The longest an answer may take, however busy the machine. Without a deadline it would never come. */
const IN_TIME = 8000;

const OPENED = { kind: 'opened', kept: false, place: 1, expiresIn: 180_000, resendIn: 60_000 } as const;

type Operation = Exclude<keyof Store, 'then'>;
type Misbehaviour = (asked: () => Promise<unknown>) => unknown;

const throws = (thrown: unknown) => () => {
  throw thrown;
};
const later = (settle: () => unknown) => () =>
  new Promise((resolve) => setTimeout(resolve, 400)).then(settle);

/** A promise as other libraries make them. */
const thenable = (then: (yes: (value: unknown) => void, no: (error: Error) => void) => void) => () =>
  Object.fromEntries([['then', then]]);

const misbehaviours: [how: string, misbehaviour: Misbehaviour, cause: RegExp][] = [
  ['never settles', () => new Promise(() => {}), /\w+\(\) of the store did not settle within 100 ms/],
  ['settles long after the deadline', (asked) => later(asked)(), /did not settle within 100 ms/],
  ['rejects long after the deadline', later(throws(new Error('too late'))), /did not settle within 100 ms/],
  ['rejects with nothing long after the deadline', later(throws(undefined)), /did not settle within 100 ms/],
  ['throws at once', throws(new Error('a bug of the store')), /^a bug of the store$/],
  ['throws undefined at once', throws(undefined), /failed with undefined/],
  ['throws null at once', throws(null), /failed with null/],
  ['rejects', () => Promise.reject(new Error('no connection')), /^no connection$/],
  ...[undefined, null, false, 0, '', Number.NaN].map((nothing): [string, Misbehaviour, RegExp] => [
    `rejects with ${nothing === '' ? 'an empty string' : nothing}`,
    () => Promise.reject(nothing),
    /\w+\(\) of the store failed with (undefined|null|false|0|''|NaN)/,
  ]),
  ['rejects with a string', () => Promise.reject('no connection'), /failed with 'no connection'/],
  [
    'is a promise of another library that rejects',
    thenable((_yes, no) => no(new Error('thenable'))),
    /^thenable$/,
  ],
  ['is a promise of another library that throws', thenable(throws(new Error('then'))), /^then$/],
  ['is a promise of another library that never settles', thenable(() => {}), /did not settle within 100 ms/],
  ['returns nothing', () => undefined, /returned undefined/],
  ['resolves with null', () => Promise.resolve(null), /returned null/],
  ['resolves with an empty object', () => Promise.resolve({}), /returned an object, /],
  ['resolves with a string', () => Promise.resolve('accepted'), /returned a string/],
  [
    'resolves with an unknown kind',
    () => Promise.resolve({ kind: 'fine' }),
    /returned \{ kind: 'fine', … \}/,
  ],
];

/** A MemoryStore with one operation that misbehaves. */
function storeThat(operation: Operation, misbehaviour: Misbehaviour): Store {
  const memory = new MemoryStore();
  const store: Record<string, unknown> = {};
  for (const name of ['open', 'attempt', 'discard', 'redeem', 'release', 'peek', 'count', 'check']) {
    const method = (memory as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[name];
    const asked = (...args: unknown[]) => method?.apply(memory, args) ?? Promise.reject(new Error(name));
    store[name] = name === operation ? (...args: unknown[]) => misbehaviour(() => asked(...args)) : asked;
  }
  return store as unknown as Store;
}

describe.each(misbehaviours)('T39: a store that %s', (how, misbehaviour, cause) => {
  const inbox = memoryInbox();
  const noLimit = { rateLimit: { send: false, verify: false } } as const;

  /** The test app on that store, and the problems it reported. */
  function start(
    operation: Operation,
    options: Parameters<typeof createTestApp>[0] | object = {},
    status = 201,
  ) {
    const store = storeThat(operation, misbehaviour);
    const { app, verification } = createTestApp(
      {
        transport: 'smtp://127.0.0.1:1',
        delivery: inbox.delivery,
        storeTimeout: 100,
        ...noLimit,
        ...options,
        store,
      },
      (_req, res) => void res.status(status).json({}),
    );
    const reported: { operation: string; message: string }[] = [];
    verification.on('unavailable', ({ operation, cause }) =>
      reported.push({ operation, message: cause instanceof Error ? cause.message : `no Error: ${cause}` }),
    );
    verification.on('delivery_failed', () => {});
    const ask = (path: string, body: object) => request(app).post(path).timeout(IN_TIME).send(body);
    return { ask, reported, verification };
  }

  async function tokenBy(ask: (path: string, body: object) => Promise<Response>): Promise<string> {
    await ask('/ev/send', { email });
    const { body } = await ask('/ev/verify', { email, code: inbox.lastCode(email) });
    return body.verificationToken;
  }

  it('open(): /send answers 503', async () => {
    const { ask, reported } = start('open');
    const { status, body } = await ask('/ev/send', { email });
    expect([status, body.reason, body.retryAfter]).toEqual([503, 'unavailable', 5]);
    expect(reported).toEqual([{ operation: 'send', message: expect.stringMatching(cause) }]);
  });

  it('attempt(): /verify answers 503 and returns no token', async () => {
    const { ask, reported } = start('attempt');
    await ask('/ev/send', { email });
    const { status, body } = await ask('/ev/verify', { email, code: inbox.lastCode(email) });
    expect([status, body.reason, body.verificationToken]).toEqual([503, 'unavailable', undefined]);
    expect(reported).toEqual([{ operation: 'verify', message: expect.stringMatching(cause) }]);
  });

  it('discard(): /send still reports that the email was not sent', async () => {
    const refuse = () => Promise.reject(new Error('550'));
    const { ask, reported } = start('discard', { delivery: refuse });
    const { status, body } = await ask('/ev/send', { email });
    expect([status, body.reason]).toEqual([500, 'delivery_failed']);
    expect(body.resendIn).toBeGreaterThan(50);
    expect(reported).toEqual([{ operation: 'discard', message: expect.stringMatching(cause) }]);
  });

  it('redeem(): the sign-up answers 503 and its handler is not called', async () => {
    const { ask, reported } = start('redeem');
    const verificationToken = await tokenBy(ask);
    const { status, body } = await ask('/signup', { email, verificationToken });
    expect([status, body.reason]).toEqual([503, 'unavailable']);
    expect(reported).toEqual([{ operation: 'redeem', message: expect.stringMatching(cause) }]);
  });

  it('peek(): a rate-limited client still gets its 429', async () => {
    const { ask, reported } = start('peek', { rateLimit: { send: { limit: 1 } } });
    const { challengeId } = (await ask('/ev/send', { email })).body;
    const { status, body } = await ask('/ev/send', { email, challengeId });
    expect([status, body.reason, body.challengeId]).toEqual([429, 'too_many_requests', undefined]);
    // Any object is a valid outcome of peek(), which may find no open challenge.
    if (/empty object|unknown kind/.test(how)) return expect(reported).toEqual([]);
    expect(reported).toEqual([{ operation: 'send', message: expect.stringMatching(cause) }]);
  });

  it('count(): a rate-limited route answers 503', async () => {
    const { ask, reported } = start('count', { rateLimit: { send: { limit: 1 }, verify: { limit: 1 } } });
    expect((await ask('/ev/send', { email })).status).toBe(503);
    expect((await ask('/ev/verify', { email, code: '123456' })).status).toBe(503);
    expect(reported).toEqual([
      { operation: 'send', message: expect.stringMatching(cause) },
      { operation: 'verify', message: expect.stringMatching(cause) },
    ]);
  });

  it('check(): check() reports the cause', async () => {
    const { verification } = start('check', { delivery: inbox.delivery });
    const checked = await bounded(verification.check());
    expect(checked).toEqual({ ok: false, problems: [expect.any(String)] });
    expect(checked.problems[0]).toMatch(/^The store is unavailable: /);
    expect(checked.problems[0]?.replace(/^The store is unavailable: /, '')).toMatch(cause);
  });
});

// What release() resolves with does not matter.
const troubles = misbehaviours.filter(([, , cause]) => !/returned/.test(cause.source));

it.each(troubles)(
  "T39: a store that %s in release(): the handler's answer is still sent",
  async (_how, misbehaviour, cause) => {
    const inbox = memoryInbox();
    const { app, verification } = createTestApp(
      {
        store: storeThat('release', misbehaviour),
        ...{ transport: 'smtp://127.0.0.1:1', delivery: inbox.delivery, storeTimeout: 100 },
      },
      (_req, res) => void res.status(409).json({ taken: true }),
    );
    const reported: unknown[] = [];
    verification.on('unavailable', ({ operation, cause }) =>
      reported.push([operation, cause instanceof Error && cause.message]),
    );
    const released = jest.fn();
    verification.on('released', released);
    await request(app).post('/ev/send').send({ email }).expect(200);
    const { body } = await request(app)
      .post('/ev/verify')
      .send({ email, code: inbox.lastCode(email) });
    const { verificationToken } = body;
    await request(app)
      .post('/signup')
      .timeout(IN_TIME)
      .send({ email, verificationToken })
      .expect(409, { taken: true });
    expect(reported).toEqual([['release', expect.stringMatching(cause)]]);
    expect(released).not.toHaveBeenCalled();
  },
);

it('T39: a store result that arrives after the deadline is dropped, and the next operation works', async () => {
  const inbox = memoryInbox();
  let waits = 300;
  let settled = () => {};
  const late = new Promise<void>((resolve) => {
    settled = resolve;
  });
  const store = storeThat('attempt', async (asked) => {
    await new Promise((resolve) => setTimeout(resolve, waits));
    return asked().finally(settled);
  });
  const { verification } = createTestApp({
    ...{ store, transport: 'smtp://127.0.0.1:1', delivery: inbox.delivery, storeTimeout: 50 },
  });
  verification.on('unavailable', () => {});
  await verification.send({ email });
  const wrong = inbox.lastCode(email) === '000000' ? '111111' : '000000';
  expect(await verification.verify({ email, code: wrong })).toMatchObject({ kind: 'unavailable' });
  await late;
  waits = 0;
  expect(await verification.verify({ email, code: inbox.lastCode(email) })).toMatchObject({
    kind: 'verified',
  });
});

it('T39: a store that returns a plain value instead of a promise is accepted', async () => {
  const { verification } = createTestApp({
    ...{
      store: storeThat('open', () => OPENED),
      transport: 'smtp://127.0.0.1:1',
      delivery: memoryInbox().delivery,
    },
  });
  expect(await verification.send({ email })).toMatchObject({
    kind: 'sent',
    expiresIn: secondsLeft(180),
    resendIn: secondsLeft(60),
  });
});

it.each([
  ['open', { ...OPENED, resendIn: undefined }],
  ['open', { ...OPENED, expiresIn: Number.NaN }],
  ['open', { kind: 'limited', retryIn: '5' }],
  ['attempt', { kind: 'incorrect' }],
  ['attempt', { kind: 'expired' }],
  ['redeem', { kind: 'redeemed' }],
  ['redeem', { kind: 'redeemed', end: Number.NaN }],
] as const)(
  'T39: %s() that resolves with the incomplete outcome %j is answered with 503',
  async (operation, outcome) => {
    const inbox = memoryInbox();
    const { app, verification } = createTestApp({
      ...{
        store: storeThat(operation, () => outcome),
        transport: 'smtp://127.0.0.1:1',
        delivery: inbox.delivery,
      },
    });
    const reported: unknown[] = [];
    verification.on('unavailable', ({ cause }) => reported.push(cause instanceof Error && cause.message));
    const sent = await request(app).post('/ev/send').send({ email });
    const code = inbox.lastCode(email) || '123456';
    const verified = await request(app).post('/ev/verify').send({ email, code });
    const { verificationToken = '' } = verified.body;
    const signedUp = await request(app).post('/signup').send({ email, verificationToken });
    const statuses = { open: sent, attempt: verified, redeem: signedUp };
    expect(statuses[operation].status).toBe(503);
    expect(reported).toEqual([expect.stringMatching(`^${operation}\\(\\) of the store returned`)]);
  },
);

it('T39: a built-in store whose methods are replaced while the app runs is held to the deadline as well', async () => {
  const store = new MemoryStore();
  const { app, verification } = createTestApp({
    ...{ store, transport: 'smtp://127.0.0.1:1', delivery: memoryInbox().delivery, storeTimeout: 100 },
  });
  verification.on('unavailable', () => {});
  await request(app).post('/ev/send').send({ email }).expect(200);
  jest.spyOn(store, 'attempt').mockReturnValue(new Promise(() => {}));
  await request(app).post('/ev/verify').timeout(IN_TIME).send({ email, code: '123456' }).expect(503);
});

const PASSWORD = 'redis://:hidden@redis.example';
const noStores: [what: string, store: unknown, fault: string][] = [
  ['a promise of one', Promise.resolve(new MemoryStore()), 'Received a promise: await it'],
  [
    'a client',
    { evalSha() {}, options: { url: PASSWORD } },
    'Received a Redis client: pass `new RedisStore(client)`',
  ],
  ['a client of another library', { evalsha() {}, options: { url: PASSWORD } }, 'Received a Redis client'],
  ['a class', MemoryStore, 'Received the function MemoryStore'],
  ['a URL', PASSWORD, 'Received a string'],
  ['null', null, 'Received null'],
  ['an object that holds one', { store: new MemoryStore(), url: PASSWORD }, 'Received an object'],
  [
    'half a store',
    { open() {}, attempt() {}, url: PASSWORD },
    'Received an object without discard(), redeem(), release()',
  ],
  [
    'a store without peek()',
    { ...storeThat('open', () => {}), peek: 1 },
    'Received an object without peek()',
  ],
];

it.each(noStores)(
  'T39: %s is refused as a store when the app starts, and not shown',
  (_what, store, fault) => {
    const start = () => createTestApp({ store: store as Store, transport: 'smtp://127.0.0.1:1' });
    expect(start).toThrow(
      `The \`store\` option must be a RedisStore, a MemoryStore or a Store of your own. ${fault}`,
    );
    expect(start).not.toThrow('hidden');
  },
);

async function bounded<T>(promise: Promise<T>): Promise<T> {
  const tooLate = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error('not in time')), IN_TIME).unref();
  });
  return Promise.race([promise, tooLate]);
}
