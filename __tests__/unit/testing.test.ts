/** What the package offers for an app's own tests: the inbox, the clock, codes on the console; refused in production. */
import express from 'express';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  type Mail,
  MemoryStore,
  RedisStore,
  type Store,
} from 'express-email-verification';
import {
  createConsoleDelivery,
  createTestClock,
  createTestInbox,
  describeStoreContract,
  withoutLimits,
} from 'express-email-verification/testing';
import request from 'supertest';
import { createTestApp, FROM, SECRET } from '../support/app.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const person = 'person@example.com';

function verificationOf(options: Partial<EmailVerificationOptions>) {
  return createEmailVerification({ store: new MemoryStore(), from: FROM, secret: SECRET, ...options });
}

/** A code that never arrives, awaited while the other tests run. */
let waited: Promise<Error>;
beforeAll(() => {
  waited = createTestInbox()
    .codeFor(person)
    .then(Error, (error) => error);
});

describe('the inbox', () => {
  it('gives the newest code for an address, in any spelling, which verifies it', async () => {
    const inbox = createTestInbox();
    const verification = verificationOf({ delivery: inbox.delivery });
    const sent = await verification.send({ email: person });
    await verification.send({ email: 'other@example.com' });
    if (sent.kind !== 'sent') throw new Error(sent.kind);
    const code = await inbox.codeFor('  Person@EXAMPLE.com\u200b');
    expect(code).toMatch(/^\d{6}$/);
    const { challengeId } = sent;
    expect(await verification.verify({ email: person, code, challengeId })).toMatchObject({
      kind: 'verified',
    });
  });

  it('finds the code in a template that shows other numbers', async () => {
    const inbox = createTestInbox();
    const template = ({ code }: { code: string }) => ({
      subject: 'Order 123456',
      text: `Call 555123 or 987654. ${code.slice(0, 3)} ${code.slice(3)} is your code, not 111222.`,
      html: '<p>333444</p>',
    });
    const verification = verificationOf({ delivery: inbox.delivery, template });
    await verification.send({ email: person });
    const code = await inbox.codeFor(person);
    expect(inbox.messages[0]?.text).toContain(`${code.slice(0, 3)} ${code.slice(3)} is your code`);
    expect(await verification.verify({ email: person, code })).toMatchObject({ kind: 'verified' });
  });

  it('gives the code of a resend, and after clear() waits for the next one', async () => {
    const clock = createTestClock();
    const inbox = createTestInbox({ timeout: 60_000 });
    const verification = verificationOf({
      store: new MemoryStore({ clock: clock.now }),
      delivery: inbox.delivery,
      codeLength: 10,
    });
    await verification.send({ email: person });
    const first = await inbox.codeFor(person);
    clock.advance(60_000);
    await verification.send({ email: person });
    const second = await inbox.codeFor(person);
    expect(second).not.toBe(first);
    expect(inbox.messages.map(({ code }) => code)).toEqual([first, second]);

    inbox.clear();
    expect(inbox.messages).toEqual([]);
    clock.advance(60_000);
    const third = inbox.codeFor(person);
    await verification.send({ email: 'other@example.com' });
    await verification.send({ email: person });
    expect(await third).toBe(inbox.messages[1]?.code);
  });

  it('keeps the message as a delivery function gets it, and what it is about', async () => {
    const inbox = createTestInbox();
    const received: Mail[] = [];
    const verification = verificationOf({
      delivery: async (mail, options) => {
        received.push(mail);
        await inbox.delivery(mail, options);
      },
    });
    await verification.send({ email: 'Person@example.com' });
    const message = await inbox.messageFor(person);
    expect(message).toMatchObject({ ...received[0], email: person, code: await inbox.codeFor(person) });
    expect(message.expiresAt.getTime()).toBeGreaterThan(Date.now());
  });

  it('says what arrived instead of a code, without the codes', async () => {
    const inbox = createTestInbox({ timeout: 20 });
    const verification = verificationOf({
      delivery: inbox.delivery,
      codeInSubject: true,
      beforeSend: ({ email }) => {
        const mail = { subject: 'You have an account', text: 'Sign in.', html: '<p>Sign in.</p>' };
        return email === person ? { kind: 'suppress', mail } : undefined;
      },
    });
    await expect(inbox.codeFor(person)).rejects.toThrow(
      'No code for person@example.com arrived within 0.02 s. The inbox is empty: is `inbox.delivery`',
    );
    await verification.send({ email: person });
    await verification.send({ email: 'other@example.com' });
    const error: Error = await inbox.codeFor('PERSON@example.com').catch((thrown) => thrown);
    expect(error.message).toContain("person@example.com: 'You have an account', without a code");
    expect(error.message).toMatch(/other@example\.com: '[^']*######[^']*', with a code/);
    expect(error.stack).not.toContain(await inbox.codeFor('other@example.com'));
    expect(error.stack).toContain(__filename);
    expect(await inbox.messageFor(person)).toMatchObject({ subject: 'You have an account', code: undefined });
  });

  it('refuses what is not an address, and a timeout out of range', async () => {
    const inbox = createTestInbox();
    for (const email of ['person', '', 'a@example.com, b@example.com'])
      await expect(inbox.codeFor(email)).rejects.toThrow(/is not an email address/);
    expect(() => createTestInbox({ timeout: -1 })).toThrow(
      'The `timeout` option of createTestInbox() must be a whole number of milliseconds from 0 to 600000. Received -1.',
    );
    expect(() => createTestInbox({ wait: 1 } as never)).toThrow('Unknown option `wait` of createTestInbox()');
  });

  it.each([
    [
      'that contains the code',
      (code: string) => `See https://a.example/help. Or https://a.example/v?c=${code}!`,
      '',
      'v',
    ],
    ['that comes first in the text', () => '(https://a.example/first), http://a.example/2', '', 'first'],
    [
      'in the HTML',
      () => 'no link',
      '<a class="b" href="https://a.example/html?a=1&amp;b=2">x</a>',
      'html?a=1&b=2',
    ],
    [
      'in the HTML that contains the code',
      (code: string) => code,
      "<a href='https://a.example/code'>",
      'code',
    ],
  ])('gives the link %s', async (_which, text, html, path) => {
    const inbox = createTestInbox();
    const template = ({ code }: { code: string }) => ({
      subject: 'Link',
      text: text(code),
      html: html.replace('/code', `/code?${code}`),
    });
    await verificationOf({ delivery: inbox.delivery, template }).send({ email: person });
    const code = await inbox.codeFor(person);
    const expected = { v: `v?c=${code}`, code: `code?${code}` }[path] ?? path;
    expect(await inbox.linkFor(person)).toBe(`https://a.example/${expected}`);
  });

  it('says that no link arrived if the newest message has none', async () => {
    const inbox = createTestInbox({ timeout: 0 });
    await verificationOf({ delivery: inbox.delivery }).send({ email: person });
    await expect(inbox.linkFor(person)).rejects.toThrow('No link for person@example.com arrived within 0 s.');
  });
});

describe.each([
  ['MemoryStore', (clock: () => number): Store => new MemoryStore({ clock })],
  ['RedisStore', (clock: () => number): Store => new RedisStore(redis.client, { clock })],
])('a clock in %s', (_name, createStore) => {
  beforeEach(() => redis.flush());

  it('ends cooldowns, codes, tokens and the limits of clients, and no email', async () => {
    const clock = createTestClock();
    const inbox = createTestInbox();
    const { app } = createTestApp({
      store: createStore(clock.now),
      delivery: inbox.delivery,
      rateLimit: { send: { windowMs: 600_000, limit: 4 } },
    });
    const send = () => request(app).post('/ev/send').send({ email: person });
    const verify = (code: string) => request(app).post('/ev/verify').send({ email: person, code });
    const signUp = (verificationToken: string) =>
      request(app).post('/signup').send({ email: person, verificationToken });

    await send().expect(200);
    const expired = await inbox.codeFor(person);
    const { body: early } = await send().expect(429);
    expect(early.retryAfter).toBe(60);
    clock.advance(59_999);
    expect((await send().expect(429)).body.retryAfter).toBe(1);
    clock.advance(1);
    await send().expect(200);
    // The client has used up its four requests in ten minutes.
    clock.advance(120_000);
    const { body: tooMany } = await send().expect(429);
    // This wait is counted down in real time, which a busy machine may take some of.
    expect(tooMany.retryAfter).toBeGreaterThan(360);
    expect(tooMany.retryAfter).toBeLessThanOrEqual(420);
    expect((await verify(expired)).body.reason).toMatch(/^code_(expired|incorrect)$/);
    const second = await inbox.codeFor(person);
    const { body: accepted } = await verify(second).expect(200);
    clock.advance(900_000);
    await signUp(accepted.verificationToken).expect(403);

    // Days later by the store's clock: emails go by real time, and are still sent.
    clock.advance(3 * 86_400_000);
    inbox.clear();
    await send().expect(200);
    const message = await inbox.messageFor(person);
    expect(message.expiresAt.getTime() - Date.now()).toBeGreaterThan(100_000);
    expect(message.expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(180_000);
    const { body: verified } = await verify(await inbox.codeFor(person)).expect(200);
    clock.advance(899_999);
    await signUp(verified.verificationToken).expect(201);
  });

  it('gives a token back with its end by that clock', async () => {
    const clock = createTestClock();
    const inbox = createTestInbox();
    clock.advance(30 * 86_400_000);
    const { app } = createTestApp(
      { store: createStore(clock.now), delivery: inbox.delivery },
      (_req, res) => void res.status(409).end(),
    );
    await request(app).post('/ev/send').send({ email: person }).expect(200);
    const code = await inbox.codeFor(person);
    const { body } = await request(app).post('/ev/verify').send({ email: person, code }).expect(200);
    const signUp = () =>
      request(app).post('/signup').send({ email: person, verificationToken: body.verificationToken });
    await signUp().expect(409);
    clock.advance(899_999);
    await signUp().expect(409);
    clock.advance(1);
    await signUp().expect(403);
  });
});

it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '60000', undefined])(
  'the clock is not advanced by %p',
  (ms) => {
    const clock = createTestClock();
    const before = clock.now();
    expect(() => clock.advance(ms as number)).toThrow(
      'advance() takes a whole number of milliseconds, at least 0. Received',
    );
    expect(clock.now()).toBe(before);
  },
);

it('the clock begins now and stands still', async () => {
  const before = Date.now();
  const clock = createTestClock();
  const began = clock.now();
  expect(began).toBeGreaterThanOrEqual(before);
  expect(began).toBeLessThanOrEqual(Date.now());
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(clock.now()).toBe(began);
});

describe('fake timers', () => {
  afterEach(() => jest.useRealTimers());

  const useFakes = () => jest.useFakeTimers();

  it.each([
    ['before the store is created', [useFakes], []],
    ['after the store is created', [], [useFakes]],
    ['before, replaced by real ones, and installed again', [useFakes, jest.useRealTimers], [useFakes]],
  ])('installed %s move codes and cooldowns', async (_when, before, after) => {
    for (const install of before) install();
    const inbox = createTestInbox();
    const { app } = createTestApp({
      store: new MemoryStore(),
      delivery: inbox.delivery,
    });
    for (const install of after) install();
    const send = () => request(app).post('/ev/send').send({ email: person });

    await send().expect(200);
    const code = await inbox.codeFor(person);
    await send().expect(429);
    jest.advanceTimersByTime(60_000);
    await send().expect(200);
    jest.advanceTimersByTime(180_000);
    await request(app).post('/ev/verify').send({ email: person, code }).expect(401);
    jest.setSystemTime(Date.now() + 86_400_000);
    await send().expect(200);
  });

  it('do not keep codeFor() from resolving, or from timing out', async () => {
    jest.useFakeTimers();
    const inbox = createTestInbox({ timeout: 20 });
    await expect(inbox.codeFor(person)).rejects.toThrow('No code');
    const patient = createTestInbox({ timeout: 60_000 });
    const waiting = patient.codeFor(person);
    await verificationOf({ delivery: patient.delivery }).send({ email: person });
    expect(await patient.codeFor(person)).toBe(await waiting);
  });
});

describe('for development', () => {
  let warnings: jest.SpyInstance;
  beforeEach(() => {
    warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  });
  afterEach(() => warnings.mockRestore());
  const warned = () => warnings.mock.calls.map(([sentence]) => sentence).join('\n');

  it('createConsoleDelivery prints each code, and warns', async () => {
    const lines: string[] = [];
    const log = jest.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
    const verification = verificationOf({
      delivery: createConsoleDelivery(),
      beforeSend: ({ email }) => {
        const mail = { subject: 'Hello', text: 'You have an account.', html: '' };
        return email === person ? undefined : { kind: 'suppress', mail };
      },
    });
    await verification.send({ email: person });
    await verification.send({ email: 'known@example.com' });
    log.mockRestore();
    const [, code = ''] =
      /^Code for person@example\.com: (\d{6}) \(valid for 1\d\d seconds\)$/.exec(lines[0] ?? '') ?? [];
    expect(await verification.verify({ email: person, code })).toMatchObject({ kind: 'verified' });
    expect(lines.slice(1)).toEqual([
      'Email without a code to known@example.com: Hello\nYou have an account.',
    ]);
    expect(warned()).toContain('Codes are printed, not emailed');
  });

  it('a function that prints and rejects makes the delivery fail, and does not end the process', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const print = async () => Promise.reject(new Error('no terminal'));
    const verification = verificationOf({ delivery: createConsoleDelivery({ print }) });
    expect(await verification.send({ email: person })).toMatchObject({ kind: 'delivery_failed' });
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('createConsoleDelivery prints with a function of the app', async () => {
    const lines: string[] = [];
    const delivery = createConsoleDelivery({ print: (line) => void lines.push(line) });
    await verificationOf({ delivery }).send({ email: person });
    expect(lines).toEqual([expect.stringMatching(/^Code for person@example\.com: \d{6}/)]);
    expect(() => createConsoleDelivery({ print: 'stdout' } as never)).toThrow(
      "The `print` option of createConsoleDelivery() must be a function. Received 'stdout'.",
    );
  });

  it('withoutLimits lets one person request many codes, and the weakness is reported', async () => {
    const inbox = createTestInbox();
    const verification = verificationOf({ delivery: inbox.delivery, ...withoutLimits() });
    const app = express().use(emailVerificationRouter(verification));
    for (let n = 0; n < 30; n += 1) await request(app).post('/send').send({ email: person }).expect(200);
    const code = await inbox.codeFor(person);
    await request(app).post('/verify').send({ email: person, code }).expect(200);
    expect(warned()).toContain('blind guessing succeeds');
    expect((await verification.check()).ok).toBe(false);
  });
});

describe('in production', () => {
  const { NODE_ENV } = process.env;
  beforeEach(() => {
    process.env['NODE_ENV'] = 'production';
  });
  afterEach(() => {
    process.env['NODE_ENV'] = NODE_ENV;
  });

  it.each<[string, () => unknown]>([
    ['createTestClock()', () => createTestClock()],
    ['createTestInbox()', () => createTestInbox()],
    ['createConsoleDelivery()', () => createConsoleDelivery()],
    ['withoutLimits()', () => withoutLimits()],
    ['describeStoreContract()', () => describeStoreContract('it', () => new MemoryStore())],
  ])('%s is refused', (name, call) => {
    expect(call).toThrow(`${name} is for tests and development, and NODE_ENV is production.`);
  });
});

it('the inbox waits less than the five seconds that test runners give a test', async () => {
  expect((await waited).message).toContain('No code for person@example.com arrived within 4.5 s.');
});
