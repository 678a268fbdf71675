/** The app's own hook, slow or broken: it stops the send it was asked about, and no other. */
import type { ErrorRequestHandler } from 'express';
import { createTestApp } from '../support/app.js';
import { inParallel, memoryInbox, STORES, tally, useFrontDoor } from './front-door.js';

const { open, listen, storeOf, redis } = useFrontDoor();
const rateLimit = { send: false } as const;

describe.each(STORES)('on %s', (name) => {
  it('T28: a hook that hangs: 503 for that send past hookTimeout, and nobody else waits', async () => {
    const inbox = memoryInbox();
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const answers: ((value: undefined) => void)[] = [];
    const door = await open({
      ...{ store: storeOf(name), delivery: inbox.delivery, rateLimit, hookTimeout: 300 },
      beforeSend: ({ email }) =>
        email.startsWith('hang') ? new Promise((resolve) => answers.push(resolve)) : undefined,
    });
    const hanging = inParallel(50, (n) => door.send({ email: `hang${n}@example.com` }));
    const passing = await inParallel(50, (n) => door.send({ email: `pass${n}@example.com` }));
    expect(tally(passing)).toEqual({ success: 50 });
    // Answered, though no hook has answered yet.
    const replies = await hanging;
    expect(tally(replies)).toEqual({ unavailable: 50 });
    for (const { status, headers, body } of replies) {
      expect([status, headers['retry-after']]).toEqual([503, String(body.retryAfter)]);
    }

    // An answer that comes after all changes nothing.
    for (const answer of answers) answer(undefined);
    expect((await door.send({ email: 'late@example.com' })).status).toBe(200);
    expect(inbox.codesOf('hang0@example.com')).toEqual([]);
    if (name === 'RedisStore') expect(await redis.client.dbSize()).toBe(102);
    warnings.mockRestore();
  });

  const broken: [what: string, beforeSend: () => never | Promise<never>][] = [
    [
      'throws',
      () => {
        throw new Error('the captcha is away');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the captcha is away'))],
  ];
  it.each(broken)(
    'T28: a hook that %s: the error handler of the app, nothing kept, nothing mailed',
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
      const door = await listen(app.use(onError), verification);
      const [bad, good] = await Promise.all([
        door.send({ email: 'broken@example.com' }),
        door.send({ email: 'fine@example.com' }),
      ]);
      expect([bad?.text, good?.status]).toEqual(['{"app":true}', 200]);
      expect(seen).toEqual([new Error('the captcha is away')]);
      expect(inbox.codesOf('broken@example.com')).toEqual([]);
      if (name === 'RedisStore') expect(await redis.client.dbSize()).toBe(2);
    },
  );

  it('T28: what a hook refuses is not kept, not counted and not mailed', async () => {
    const inbox = memoryInbox();
    let open403 = true;
    const door = await open({
      ...{ store: storeOf(name), delivery: inbox.delivery, rateLimit },
      beforeSend: () => (open403 ? { kind: 'refuse', message: 'Not today.' } : undefined),
    });
    const replies = await inParallel(20, () => door.send({ email: 'minji@example.com' }));
    expect(tally(replies)).toEqual({ refused: 20 });
    expect(await redis.client.dbSize()).toBe(0);
    open403 = false;
    expect((await door.send({ email: 'minji@example.com' })).status).toBe(200);
  });
});

it.each([undefined, null, '', 0, 'route'])(
  'T37: without HTTP, a hook that throws %p rejects the send with an error',
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

it('T37: a listener that throws or rejects is told by a warning, and ends nothing', async () => {
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const inbox = memoryInbox();
  const door = await open({ store: storeOf('MemoryStore'), delivery: inbox.delivery, rateLimit });
  const error = Object.assign(new Error('no metrics today'), { stack: 'where it was thrown' });
  door.verification.on('delivered', () => {
    throw error;
  });
  door.verification.on('delivered', async () => {
    throw undefined;
  });
  expect((await door.send({ email: 'minji@example.com' })).status).toBe(200);
  expect(warnings.mock.calls.map(([sentence, options]) => [sentence, options])).toEqual([
    [
      "A listener of 'delivered' threw: no metrics today",
      { type: 'EmailVerificationWarning', detail: 'where it was thrown' },
    ],
    [expect.stringContaining("A listener of 'delivered' threw: undefined"), expect.anything()],
  ]);
  warnings.mockRestore();
});
