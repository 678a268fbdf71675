/** A slow or broken beforeSend stops the send it was called for, and no other. */
import type { ErrorRequestHandler } from 'express';
import type { SendVerdict } from 'express-email-verification';
import { createTestApp } from '../support/app.js';
import { inParallel, memoryInbox, STORES, tally, useServices, WIDE } from './services.js';

const { open, listen, storeOf, redis } = useServices();
const rateLimit = { send: false } as const;

describe.each(STORES)('on %s', (name) => {
  it('T28: a beforeSend that hangs gets its own send a 503 after hookTimeout, and no other send waits', async () => {
    const inbox = memoryInbox();
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const answers: ((value: undefined) => void)[] = [];
    const service = await open({
      ...{ store: storeOf(name), delivery: inbox.delivery, rateLimit, hookTimeout: 300 },
      beforeSend: ({ email }) =>
        email.startsWith('hang') ? new Promise((resolve) => answers.push(resolve)) : undefined,
    });
    const hanging = inParallel(50, (n) => service.send({ email: `hang${n}@example.com` }));
    const passing = await inParallel(50, (n) => service.send({ email: `pass${n}@example.com` }));
    expect(tally(passing)).toEqual({ success: 50 });
    // They are answered although no hook has settled.
    const replies = await hanging;
    expect(tally(replies)).toEqual({ unavailable: 50 });
    for (const { status, headers, body } of replies) {
      expect([status, headers['retry-after']]).toEqual([503, String(body.retryAfter)]);
    }

    // A hook that settles later changes nothing.
    for (const answer of answers) answer(undefined);
    expect((await service.send({ email: 'late@example.com' })).status).toBe(200);
    expect(inbox.codesOf('hang0@example.com')).toEqual([]);
    if (name === 'RedisStore') expect(await redis.client.dbSize()).toBe(102);
    warnings.mockRestore();
  });

  const broken: [what: string, beforeSend: () => SendVerdict | Promise<never>][] = [
    [
      'throws',
      () => {
        throw new Error('the captcha is unreachable');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the captcha is unreachable'))],
    [
      'returns a suppression that cannot be read',
      () => ({
        kind: 'suppress',
        get mail(): never {
          throw new Error('the captcha is unreachable');
        },
      }),
    ],
    [
      'returns a refusal that cannot be read',
      () => ({
        kind: 'refuse',
        get message(): never {
          throw new Error('the captcha is unreachable');
        },
      }),
    ],
  ];
  it.each(broken)(
    'T28: a beforeSend that %s: the error handler of the app is called, nothing is stored and no email is sent',
    async (_what, fails) => {
      const inbox = memoryInbox();
      const { app, verification } = createTestApp({
        ...{ store: storeOf(name), transport: 'smtp://127.0.0.1:9', delivery: inbox.delivery, rateLimit },
        beforeSend: ({ email }) => (email.startsWith('broken') ? fails() : undefined),
      });
      const seen: unknown[] = [];
      const onError: ErrorRequestHandler = (error, _req, res, _next) => {
        seen.push(error);
        res.status(500).json({ app: true });
      };
      const service = await listen(app.use(onError), verification);
      const [bad, good] = await Promise.all([
        service.send({ email: 'broken@example.com' }),
        service.send({ email: 'fine@example.com' }),
      ]);
      expect([bad?.text, good?.status]).toEqual(['{"app":true}', 200]);
      expect(seen).toEqual([new Error('the captcha is unreachable')]);
      expect(inbox.codesOf('broken@example.com')).toEqual([]);
      if (name === 'RedisStore') expect(await redis.client.dbSize()).toBe(2);
    },
  );

  it('T28: a send that beforeSend refuses is not stored, not counted and not sent', async () => {
    const inbox = memoryInbox();
    let isRefusing = true;
    const service = await open({
      ...{ store: storeOf(name), delivery: inbox.delivery, rateLimit },
      beforeSend: () => (isRefusing ? { kind: 'refuse', message: 'Not today.' } : undefined),
    });
    const replies = await inParallel(20, () => service.send({ email: 'minji@example.com' }));
    expect(tally(replies)).toEqual({ refused: 20 });
    expect(await redis.client.dbSize()).toBe(0);
    isRefusing = false;
    expect((await service.send({ email: 'minji@example.com' })).status).toBe(200);
  });
});

it.each([undefined, null, '', 0, 'route'])(
  'T37: without HTTP, a beforeSend that throws %p rejects the send with an error',
  async (thrown) => {
    const { verification } = await open({
      store: storeOf('MemoryStore'),
      beforeSend: () => {
        throw thrown;
      },
    });
    await expect(verification.send({ email: 'minji@example.com' })).rejects.toMatchObject({
      message: expect.stringContaining('was thrown'),
      cause: thrown,
    });
  },
);

it('T37: a listener that throws or rejects causes a warning and nothing else', async () => {
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const inbox = memoryInbox();
  const service = await open({ store: storeOf('MemoryStore'), delivery: inbox.delivery, rateLimit });
  const error = Object.assign(new Error('no metrics today'), { stack: 'where it was thrown' });
  service.verification.on('delivered', () => {
    throw error;
  });
  service.verification.on('delivered', async () => {
    throw undefined;
  });
  expect((await service.send({ email: 'minji@example.com' })).status).toBe(200);
  expect(warnings.mock.calls.map(([sentence, options]) => [sentence, options])).toEqual([
    [
      "A listener of 'delivered' threw: no metrics today",
      { type: 'EmailVerificationWarning', detail: 'where it was thrown' },
    ],
    [expect.stringContaining("A listener of 'delivered' threw: undefined"), expect.anything()],
  ]);
  warnings.mockRestore();
});

/** Rejects only after a while, as a query that nobody awaits. */
const rejecting = () =>
  new Promise<never>((_resolve, reject) => setImmediate(reject, new Error('a query failed')));

it.each<[what: string, verdict: () => unknown, outcome: RegExp]>([
  [
    'a refusal whose message is',
    () => ({ kind: 'refuse', message: rejecting() }),
    /`message` option of the result/,
  ],
  [
    'a refusal whose message returns',
    () => ({ kind: 'refuse', message: rejecting }),
    /`message` option of the result/,
  ],
  ['a suppression whose email is', () => ({ kind: 'suppress', mail: rejecting() }), /delivery_failed/],
  [
    'a suppression whose sender is',
    () => ({ kind: 'suppress', from: rejecting() }),
    /`from` option of the result/,
  ],
  ['a send whose sender is', () => ({ kind: 'send', from: rejecting() }), /`from` option of the result/],
  ['a send whose name is', () => ({ kind: 'send', appName: rejecting() }), /`appName` option of the result/],
  ['a send whose data is', () => ({ kind: 'send', data: rejecting() }), /sent/],
])('T34: %s a promise that rejects does not end the process', async (_what, verdict, expected) => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const unhandled = jest.fn();
  process.on('unhandledRejection', unhandled);
  try {
    const { verification } = await open({
      store: storeOf('RedisStore'),
      delivery: memoryInbox().delivery,
      beforeSend: verdict as () => SendVerdict,
    });
    const outcome = await verification.send({ email: 'minji@example.com' }).then(({ kind }) => kind, String);
    expect(outcome).toMatch(expected);
    // Node reports a rejection at the end of the turn in which it happens.
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off('unhandledRejection', unhandled);
    jest.restoreAllMocks();
  }
});

it('T28: a verdict is read once, and its first kind counts', async () => {
  const inbox = memoryInbox();
  const kinds = ['send', 'suppress', 'refuse'];
  const { verification } = await open({
    store: storeOf('MemoryStore'),
    delivery: inbox.delivery,
    beforeSend: () =>
      ({
        get kind() {
          return kinds.shift();
        },
      }) as SendVerdict,
  });
  expect(await verification.send({ email: 'minji@example.com' })).toMatchObject({ kind: 'sent' });
  expect(inbox.codesOf('minji@example.com')).toHaveLength(1);
});

it('a listener that leaves and adds another at each event, as for a single one, gets each event once', async () => {
  const inbox = memoryInbox();
  const { verification } = await open({ store: storeOf('MemoryStore'), delivery: inbox.delivery, ...WIDE });
  let calls = 0;
  function listenOnce(): void {
    const stop = verification.on('sent', () => {
      stop();
      calls += 1;
      if (calls < 1000) listenOnce();
    });
  }
  listenOnce();
  for (const expected of [1, 2]) {
    await verification.send({ email: 'minji@example.com' });
    expect(calls).toBe(expected);
  }
});
