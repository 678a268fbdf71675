/** What a worker makes of jobs that another worker had before, and did not finish. */
import { MemoryStore } from 'express-email-verification';
import { createJobHandler, type MailJob } from '../../lib/bullmq/job-handler.js';
import { createSealer } from '../../lib/bullmq/sealing.js';
import { createEvents } from '../../lib/events.js';
import type { QueuedEmail } from '../../lib/mail/job-queue.js';
import { createSettings } from '../../lib/options/options.js';
import { FROM, SECRET } from '../support/app.js';
import { recorder } from '../support/mail-queue.js';

const email: QueuedEmail = {
  email: 'person@example.com',
  purpose: 'signup',
  locale: 'en',
  reference: 'the-reference',
  code: '123456',
  lifetime: 180_000,
  expiresAt: Date.now() + 180_000,
  storedAt: Date.now(),
  undo: { mailbox: 'm', challenge: 'c', code: 'd', newHolder: undefined, place: 1, limits: [] },
};

/** A handler whose transport rejects with the given error, and a job for it. */
function handlerWith(reply: object | undefined, { stalled = 0, change = {} } = {}) {
  const sealer = createSealer(SECRET, 'queue');
  const store = new MemoryStore();
  const discards: unknown[] = [];
  store.discard = async (request) => {
    discards.push(request);
    return { kind: 'discarded', resendIn: 0 };
  };
  let sends = 0;
  const transport = {
    async sendMail() {
      sends += 1;
      if (reply) throw Object.assign(new Error('refused'), reply);
    },
  };
  const events = createEvents();
  const settings = createSettings({ store, transport, from: FROM, secret: SECRET });
  const job = {
    id: 'the-reference',
    data: sealer.seal(JSON.stringify({ ...email, ...change }), 'the-reference') as unknown,
    attemptsStarted: 1 + stalled,
    stalledCounter: stalled,
    async updateData(data: unknown) {
      job.data = data;
    },
  } satisfies MailJob;
  const handle = createJobHandler(settings, sealer, events);
  return { handle, job, discards, sends: () => sends, ...recorder(events) };
}

const TEMPORARY = { responseCode: 451, command: 'DATA' };
const REFUSED = { responseCode: 550, command: 'RCPT TO', response: '550 5.1.1 unknown' };
const POLICY = { responseCode: 554, command: 'DATA', response: '554 5.7.1 spam' };

it('a refused email is not tried again by a worker that takes its job later: only the undo is repeated', async () => {
  const first = handlerWith(POLICY);
  await expect(first.handle(first.job)).resolves.toEqual({ kind: 'done' });
  expect([first.sends(), first.discards.length, first.names()]).toEqual([1, 1, ['delivery_failed']]);

  // The first worker was killed before the job was marked as done.
  const again = handlerWith(undefined, { stalled: 1 });
  await expect(again.handle({ ...again.job, data: first.job.data })).resolves.toEqual({ kind: 'done' });
  expect([again.sends(), again.discards, again.names()]).toEqual([0, [email.undo], ['delivery_failed']]);
  const [one, two] = [first, again].map(({ events }) => events[0]?.event.cause);
  expect({ ...two }).toEqual({ ...one });
  expect(two.message).toBe(one.message);
});

it('a failure after a worker that may have sent the email is unknown, and undoes nothing', async () => {
  const { handle, job, discards, events } = handlerWith(POLICY, { stalled: 1 });
  await expect(handle(job)).resolves.toEqual({ kind: 'done' });
  expect(discards).toEqual([]);
  expect(events).toMatchObject([
    { name: 'delivery_unknown', event: { cause: { responseCode: 554, earlier: [{ code: 'EWORKER' }] } } },
  ]);
  expect(events[0]?.event.cause.message).toMatch(
    /^It is not known whether the email was sent: .*; before that, a worker ended while it was sending it \(EWORKER\)$/,
  );
});

it('if the address itself is refused, it was refused the first time, too: the send is undone', async () => {
  const { handle, job, discards, names } = handlerWith(REFUSED, { stalled: 3 });
  await expect(handle(job)).resolves.toEqual({ kind: 'done' });
  expect([discards.length, names()]).toEqual([1, ['delivery_failed']]);
});

it.each([
  [1, 1000],
  [2, 3000],
  [3, 10_000],
  [9, 10_000],
])('a temporary failure of try %i is tried again after %i ms', async (attemptsStarted, delay) => {
  const { handle, job, names } = handlerWith(TEMPORARY);
  await expect(handle({ ...job, attemptsStarted })).resolves.toEqual({ kind: 'again', delay });
  expect(names()).toEqual([]);
});

it('a temporary failure with too little time left is final', async () => {
  const { handle, job, discards, events } = handlerWith(TEMPORARY, {
    change: { expiresAt: Date.now() + 30_500 },
  });
  await expect(handle(job)).resolves.toEqual({ kind: 'done' });
  expect(discards).toHaveLength(1);
  expect(events).toMatchObject([{ name: 'delivery_failed', event: { cause: { responseCode: 451 } } }]);
});

it('a worker whose clock is behind that of the app does not promise more time than a code has', async () => {
  const seen: number[] = [];
  const settings = createSettings({
    store: new MemoryStore(),
    transport: { sendMail() {} },
    from: FROM,
    secret: SECRET,
    template: ({ expiresIn }) => {
      seen.push(expiresIn);
      return { subject: 'code', text: 'code', html: 'code' };
    },
  });
  const sealer = createSealer(SECRET, 'queue');
  const { job } = handlerWith(undefined, { change: { expiresAt: Date.now() + 180_000 + 60_000 } });
  await createJobHandler(settings, sealer, createEvents())(job);
  expect(seen).toEqual([180]);
});

it('a template that throws fails the email, without the code in the event', async () => {
  const sealer = createSealer(SECRET, 'queue');
  const events = createEvents();
  const seen = recorder(events);
  const settings = createSettings({
    store: new MemoryStore(),
    transport: { sendMail() {} },
    from: FROM,
    secret: SECRET,
    template: ({ email, code }) => {
      throw new Error(`for ${email}: ${code}`);
    },
  });
  const job = { ...handlerWith(undefined).job };
  await createJobHandler(settings, sealer, events)(job);
  const [{ name, event } = { name: 'sent', event: undefined }] = seen.events;
  expect([name, event?.cause.code]).toEqual(['delivery_failed', 'ETEMPLATE']);
  expect(event?.cause.message).not.toMatch(/person@|123456/);
});

it('a job that no secret opens is reported by the first try, and by no other until the last', async () => {
  const { job } = handlerWith(undefined);
  const other = createSealer('another secret of the tests, long enough as well', 'queue');
  const data = other.seal('{}', job.id);
  const { handle, names } = handlerWith(undefined);
  const expectAt = async (attemptsStarted: number, kind: string, events: number) => {
    await expect(handle({ ...job, data, attemptsStarted })).resolves.toMatchObject({ kind });
    expect(names()).toHaveLength(events);
  };
  await expectAt(1, 'again', 1);
  await expectAt(2, 'again', 1);
  await expectAt(99, 'again', 1);
  await expectAt(100, 'done', 2);
});

it('what no handler expects neither throws nor shows the email', async () => {
  const { handle, job, names, events } = handlerWith(undefined, {
    change: { locale: 7, undo: null, purpose: null, email: null },
  });
  await expect(handle(job)).resolves.toEqual({ kind: 'again', delay: 10_000 });
  expect(names()).toEqual(['unavailable']);
  expect(events[0]?.event.cause.message).toMatch(
    /^An email could not be processed: \w+ \(job the-reference\)\.$/,
  );
});
