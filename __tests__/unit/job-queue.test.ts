/** `delivery` may be a queue outside the process: what goes in, and how its outcomes are answered. */
import {
  createEmailVerification,
  type EmailVerificationOptions,
  type EnqueueOutcome,
  type JobQueue,
  MemoryStore,
  type QueuedEmail,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';

function queueWith(outcome: EnqueueOutcome = { kind: 'queued' }) {
  const emails: QueuedEmail[] = [];
  const timeouts: number[] = [];
  const state = { open: 0, problems: [] as string[] };
  const delivery: JobQueue = {
    async enqueue(email, timeout) {
      emails.push(email);
      timeouts.push(timeout);
      return outcome;
    },
    check: async () => state.problems,
    open() {
      state.open += 1;
      return async () => {
        state.open -= 1;
      };
    },
  };
  return { delivery, emails, timeouts, state };
}

function verificationOn(delivery: JobQueue, options: Partial<EmailVerificationOptions> = {}) {
  const verification = createEmailVerification({
    store: new MemoryStore(),
    from: FROM,
    secret: SECRET,
    delivery,
    ...options,
  });
  const events: string[] = [];
  for (const name of ['sent', 'suppressed', 'delivered', 'delivery_failed', 'delivery_unknown'] as const)
    verification.on(name, () => events.push(name));
  return { verification, events };
}

const email = 'person@example.com';

it('a send is answered when its email is in the queue, with all that a worker needs', async () => {
  const queue = queueWith();
  const { verification, events } = verificationOn(queue.delivery, { purpose: 'login', mailTimeout: 777 });
  const outcome = await verification.send({ email, locale: 'ko' });
  expect(outcome.kind).toBe('sent');
  expect(queue.timeouts).toEqual([777]);
  const [queued] = queue.emails;
  expect(JSON.parse(JSON.stringify(queued))).toMatchObject({
    email,
    purpose: 'login',
    locale: 'ko',
    code: expect.stringMatching(/^\d{6}$/),
    lifetime: expect.any(Number),
    expiresAt: expect.any(Number),
    storedAt: expect.any(Number),
    undo: { mailbox: expect.any(String), challenge: expect.any(String), place: expect.any(Number) },
  });
  // The worker reports what becomes of it.
  expect(events).toEqual(['sent']);
  const verified = await verification.verify({ email, code: queued?.code });
  expect(verified.kind).toBe('verified');
});

it('an email that the queue refuses has failed: its code is gone, and its place is given back', async () => {
  const queue = queueWith({ kind: 'failed', code: 'OOM' });
  const { verification, events } = verificationOn(queue.delivery);
  const causes: string[] = [];
  verification.on('delivery_failed', ({ cause }) => causes.push(cause.message));
  await expect(verification.send({ email })).resolves.toMatchObject({ kind: 'delivery_failed', resendIn: 0 });
  expect(events).toEqual(['sent', 'delivery_failed']);
  expect(causes).toEqual(['The email was not sent: the queue is out of memory (EQUEUE, OOM)']);
  const code = queue.emails[0]?.code;
  await expect(verification.verify({ email, code })).resolves.toMatchObject({ kind: 'code_expired' });
});

it('an email that may be in the queue is unknown: its code works', async () => {
  const queue = queueWith({ kind: 'unknown', code: 'ETIMEDOUT' });
  const { verification, events } = verificationOn(queue.delivery);
  await expect(verification.send({ email })).resolves.toMatchObject({ kind: 'delivery_unknown' });
  expect(events).toEqual(['sent', 'delivery_unknown']);
  await expect(verification.verify({ email, code: queue.emails[0]?.code })).resolves.toMatchObject({
    kind: 'verified',
  });
});

it('a suppressed send without an email goes through the queue, too, and is answered the same way', async () => {
  for (const outcome of [{ kind: 'queued' }, { kind: 'failed', code: 'OOM' }] as const) {
    const queue = queueWith(outcome);
    const answers = [];
    for (const beforeSend of [undefined, () => ({ kind: 'suppress' as const })]) {
      const { verification } = verificationOn(queue.delivery, { beforeSend });
      const { challengeId: _drawn, ...answer }: Record<string, unknown> = {
        ...(await verification.send({ email })),
      };
      answers.push(answer);
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(queue.emails.map(({ code, content }) => code ?? content)).toEqual([expect.any(String), undefined]);
  }
});

it('the `mail` of a suppressed send is queued as well', async () => {
  const queue = queueWith();
  const mail = { subject: 'You have an account', text: 'Sign in.', html: '<p>Sign in.</p>' };
  const { verification } = verificationOn(queue.delivery, { beforeSend: () => ({ kind: 'suppress', mail }) });
  await verification.send({ email });
  expect(queue.emails).toMatchObject([{ email, content: mail }]);
});

it('no transport is needed, check() asks the queue, and close() closes it', async () => {
  const queue = queueWith();
  const { verification } = verificationOn(queue.delivery);
  expect(queue.state.open).toBe(1);
  await expect(verification.check()).resolves.toEqual({ ok: true, problems: [] });
  queue.state.problems = ['The email queue is unavailable: it is a test'];
  await expect(verification.check()).resolves.toEqual({ ok: false, problems: queue.state.problems });
  await verification.close();
  expect(queue.state.open).toBe(0);
  await expect(verification.send({ email })).resolves.toMatchObject({ kind: 'unavailable' });
});

it('an object that is no queue is refused', () => {
  expect(() =>
    createEmailVerification({
      store: new MemoryStore(),
      from: FROM,
      secret: SECRET,
      transport: 'smtp://127.0.0.1:1',
      delivery: { enqueue() {} } as never,
    }),
  ).toThrow("The `delivery` option must be 'await', 'background', a function or a queue.");
});
