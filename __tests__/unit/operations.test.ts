/** The operations without HTTP: their outcomes, deliveries, events, check() and close(). */
import { setTimeout as pause } from 'node:timers/promises';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  MemoryStore,
  RedisStore,
} from 'express-email-verification';
import nodemailer from 'nodemailer';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';
import { secondsLeft } from '../support/seconds-left.js';
import { until } from '../support/until.js';

const redis = useRedis();
const mail = useMailServer();
beforeEach(() => redis.flush());
const email = 'person@example.com';

const create = (options: Partial<EmailVerificationOptions> = {}) =>
  createEmailVerification({
    store: new MemoryStore(),
    transport: mail.url,
    from: FROM,
    secret: SECRET,
    ...options,
  });

it('sends, verifies, redeems and releases without a route', async () => {
  const verification = create();
  const sent = await verification.send({ email: 'Person@example.com', locale: 'ko' });
  expect(sent).toMatchObject({
    kind: 'sent',
    message: '인증번호를 보냈습니다. 메일함을 확인해 주세요.',
    expiresIn: secondsLeft(180),
    resendIn: secondsLeft(60),
  });
  const verified = await verification.verify({ email, code: await mail.lastCode(email) });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  const redeemed = await verification.redeem({ email, verificationToken });
  expect(redeemed).toMatchObject({ kind: 'redeemed', email, verificationToken });
  expect(await verification.redeem({ email, verificationToken })).toMatchObject({
    kind: 'email_not_verified',
  });
  if (redeemed.kind !== 'redeemed') throw new Error(redeemed.kind);
  expect(await verification.release(redeemed)).toEqual({ kind: 'released' });
  expect(await verification.redeem({ email, verificationToken })).toMatchObject({ kind: 'redeemed' });
});

it.each([
  ['an end that is not a number', { end: Number.NaN }],
  ['an infinite end', { end: Number.POSITIVE_INFINITY }],
  ['a fractional end', { end: 1.5 }],
  ['an end as a string', { end: '1800000000000' }],
  ['an end as a Date', { end: new Date() }],
  ['no end', { end: undefined }],
  ['null as its end', { end: null }],
  ['no token', { verificationToken: undefined }],
  ['a token of another form', { verificationToken: 'x' }],
  ['a number as its token', { verificationToken: 5 }],
  ['no address', { email: undefined }],
  ['an address in a list', { email: [email] }],
  ['nothing', undefined],
  ['null', null],
])('release() refuses %s, emits no event and gives nothing back', async (_what, wrong) => {
  const verification = create();
  const received = jest.fn();
  verification.on('released', received);
  await verification.send({ email });
  const verified = await verification.verify({ email, code: await mail.lastCode(email) });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  const redeemed = await verification.redeem({ email, verificationToken });
  const given = wrong && { ...redeemed, ...wrong };
  await expect(verification.release(given as never)).rejects.toThrow(
    'release() takes the outcome of redeem().',
  );
  expect(received).not.toHaveBeenCalled();
  expect(await verification.redeem({ email, verificationToken })).toMatchObject({
    kind: 'email_not_verified',
  });
});

it('release() gives nothing back for a token that has ended', async () => {
  let now = Date.now();
  for (const store of [
    new MemoryStore({ clock: () => now }),
    new RedisStore(redis.client, { clock: () => now }),
  ]) {
    mail.clear();
    const verification = create({ store });
    await verification.send({ email });
    const verified = await verification.verify({ email, code: await mail.lastCode(email) });
    if (verified.kind !== 'verified') throw new Error(verified.kind);
    const { verificationToken } = verified;
    const redeemed = await verification.redeem({ email, verificationToken });
    if (redeemed.kind !== 'redeemed') throw new Error(redeemed.kind);
    now = redeemed.end;
    await redis.flush();
    expect(await verification.release(redeemed)).toEqual({ kind: 'released' });
    expect(await verification.redeem({ email, verificationToken })).toMatchObject({
      kind: 'email_not_verified',
    });
    expect(await redis.client.dbSize()).toBe(0);
  }
});

it('validates its input as the routes do', async () => {
  const verification = create();
  expect(await verification.send({ email: ['a@b.co'] })).toMatchObject({
    kind: 'invalid_request',
    errors: [{ field: 'email' }],
  });
  expect(await verification.verify({ email, code: 123456 })).toMatchObject({
    kind: 'invalid_request',
    errors: [{ field: 'code' }],
  });
  expect(await verification.redeem({ email: null, verificationToken: 'x' })).toMatchObject({
    kind: 'invalid_request',
  });
});

it('keeps the codes and tokens of two purposes apart', async () => {
  const store = new MemoryStore();
  const [signup, reset] = [create({ store }), create({ store, purpose: 'reset' })];
  await signup.send({ email });
  const code = await mail.lastCode(email);
  expect(await reset.verify({ email, code })).toMatchObject({ kind: 'code_expired' });
  const verified = await signup.verify({ email, code });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  expect(await reset.redeem({ email, verificationToken })).toMatchObject({ kind: 'email_not_verified' });
  expect(await signup.redeem({ email, verificationToken })).toMatchObject({ kind: 'redeemed' });
});

describe('beforeSend', () => {
  it('gets the address, purpose and locale, and suppresses the send undetectably', async () => {
    const inputs: unknown[] = [];
    const verification = create({
      beforeSend: async (attempt) => {
        inputs.push(attempt);
        return {
          kind: 'suppress',
          mail: { subject: 'You have an account', text: 'Sign in.', html: '<p>Sign in.' },
        };
      },
    });
    const sent = await verification.send({ email: 'Person@Example.com' });
    expect(sent).toMatchObject({
      kind: 'sent',
      expiresIn: secondsLeft(180),
      resendIn: secondsLeft(60),
      challengeId: expect.any(String),
    });
    expect(inputs).toEqual([{ email, purpose: 'signup', locale: 'en' }]);
    expect(mail.messages.map(({ subject }) => subject)).toEqual(['You have an account']);
    expect(await verification.send({ email })).toMatchObject({ kind: 'too_many_requests' });
  });

  it('answers 503 for its own send if it is too slow; if it throws, the app gets the error', async () => {
    const slow = create({ hookTimeout: 50, beforeSend: () => new Promise(() => {}) });
    expect(await slow.send({ email })).toMatchObject({ kind: 'unavailable', retryAfter: 5 });
    const broken = create({
      beforeSend: () => {
        throw new Error('a bug');
      },
    });
    await expect(broken.send({ email })).rejects.toThrow('a bug');
    expect(mail.messages).toHaveLength(0);
  });
});

describe('delivery', () => {
  it('by a function fails if it rejects, and is unknown if the error says so', async () => {
    const fail = (more = {}) =>
      create({ delivery: () => Promise.reject(Object.assign(new Error('no'), more)) });
    expect(await fail().send({ email })).toMatchObject({ kind: 'delivery_failed', resendIn: 0 });
    expect(await fail({ unknown: true }).send({ email })).toMatchObject({
      kind: 'delivery_unknown',
      resendIn: secondsLeft(60),
    });
  });

  it('names the cause in the message of its event', async () => {
    mail.server.respondWith({ stage: 'rcpt', code: 550, text: `5.1.1 No such mailbox ${email}` });
    const refused = create();
    const silent = create({ mailTimeout: 60, delivery: () => new Promise(() => {}) });
    const messages: string[] = [];
    refused.on('delivery_failed', ({ cause }) => messages.push(cause.message));
    silent.on('delivery_unknown', ({ cause }) => messages.push(cause.message));
    await refused.send({ email });
    await silent.send({ email });
    expect(messages).toEqual([
      `The email was not sent: 127.0.0.1:${mail.server.port} refused the recipient (EENVELOPE, RCPT TO, 550, 5.1.1)`,
      'It is not known whether the email was sent: the server did not answer in time (ETIMEDOUT)',
    ]);
  });

  it('by a function that never settles ends at mailTimeout as unknown', async () => {
    let aborted = false;
    const verification = create({
      mailTimeout: 60,
      delivery: (_message, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
        }),
    });
    expect(await verification.send({ email })).toMatchObject({ kind: 'delivery_unknown' });
    expect(aborted).toBe(true);
  });

  it('is not aborted at mailTimeout once it has finished', async () => {
    const signals: AbortSignal[] = [];
    const verification = create({
      mailTimeout: 50,
      delivery: async (_message, { signal }) => void signals.push(signal),
    });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    await pause(150);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('lets a bounded number of sends wait for a slot in a full queue, and refuses one more at once', async () => {
    const silent = await startRawSmtpServer({ greeting: 'stall' });
    const verification = create({ transport: silent.url, delivery: 'background' });
    const sendTo = (person: string) => verification.send({ email: `${person}@example.com` });
    const many = (name: string) => Promise.all(Array.from({ length: 1000 }, (_, i) => sendTo(`${name}${i}`)));
    for (const { kind } of await many('posted')) expect(kind).toBe('sent');
    let stillWaiting = true;
    const waiting = many('waiting').finally(() => {
      stillWaiting = false;
    });
    const causes: unknown[] = [];
    verification.on('unavailable', ({ cause }) => causes.push(cause));
    expect(await sendTo('one-more')).toMatchObject({ kind: 'unavailable' });
    expect(causes).toEqual([new Error('the email queue is full')]);
    expect(stillWaiting).toBe(true);
    for (const { kind } of await waiting) expect(kind).toBe('unavailable');
    await silent.close();
    await verification.close();
  });

  it('in the background answers first and reports the outcome by an event', async () => {
    const verification = create({ delivery: 'background' });
    const delivered = new Promise((resolve) => verification.on('delivered', resolve));
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(mail.messages).toHaveLength(0);
    expect(await delivered).toMatchObject({ email: 'p***@example.com', purpose: 'signup' });
    await verification.verify({ email, code: await mail.lastCode(email) });
  });

  it('in the background tries again after a temporary refusal, and sends one email', async () => {
    let refusals = 0;
    mail.server.respondWith(({ stage }) => {
      if (stage !== 'rcpt' || refusals > 0) return undefined;
      refusals += 1;
      return { code: 451, text: 'Later' };
    });
    const verification = create({ delivery: 'background' });
    const delivered = new Promise((resolve) => verification.on('delivered', resolve));
    await verification.send({ email });
    await delivered;
    expect(refusals).toBe(1);
    expect(mail.messages).toHaveLength(1);
    await verification.close();
  });

  it('in the background undoes the send after a permanent refusal, and emits delivery_failed', async () => {
    mail.server.respondWith({ stage: 'rcpt', code: 550, text: `No such mailbox ${email}` });
    const verification = create({ delivery: 'background' });
    const failed = new Promise<{ cause: Error }>((resolve) => verification.on('delivery_failed', resolve));
    await verification.send({ email });
    const event = await failed;
    expect(event).toMatchObject({
      email: 'p***@example.com',
      cause: { code: 'EENVELOPE', responseCode: 550 },
    });
    expect(
      JSON.stringify({ ...event, message: event.cause.message, stack: event.cause.stack }),
    ).not.toContain(email);
    await until('the send is given back', async () => (await verification.send({ email })).kind === 'sent');
  });
});

describe('events', () => {
  it('stop when unsubscribed, and unknown names are refused', async () => {
    const verification = create();
    const received = jest.fn();
    verification.on('delivered', received)();
    await verification.send({ email });
    expect(received).not.toHaveBeenCalled();
    expect(() => verification.on('bounced' as never, received)).toThrow(
      'Unknown event `bounced`. Known events: `sent`, ',
    );
    for (const none of [undefined, null, {}, 'received', Promise.resolve()])
      expect(() => verification.on('delivered', none as never)).toThrow(
        'The listener of `delivered` must be a function. Received ',
      );
  });
});

describe('check()', () => {
  it('finds no problem with a working store and transport', async () => {
    expect(await create({ store: new RedisStore(redis.client) }).check()).toEqual({ ok: true, problems: [] });
  });

  it('reports a transport that cannot log in', async () => {
    const unreachable = create({ transport: 'smtp://127.0.0.1:1' });
    expect(await unreachable.check()).toEqual({
      ok: false,
      problems: [
        'The transport could not log in: 127.0.0.1:1 refused the connection (ESOCKET, ECONNREFUSED, CONN).',
      ],
    });
    const silent = await startRawSmtpServer({ greeting: 'stall' });
    const stalled = create({ transport: silent.url, mailTimeout: 100 });
    expect((await stalled.check()).problems).toEqual([
      `The transport could not log in: 127.0.0.1:${silent.port} did not answer in time (ETIMEDOUT).`,
    ]);
    await silent.close();
  });
});

describe('close()', () => {
  it('finishes the emails under way, accepts no more, and leaves a transporter of the app open', async () => {
    const transporter = nodemailer.createTransport(mail.url);
    const verification = create({ transport: transporter, delivery: 'background' });
    for (const person of ['a', 'b', 'c']) await verification.send({ email: `${person}@example.com` });
    await verification.close();
    expect(mail.messages).toHaveLength(3);
    expect(await verification.send({ email })).toMatchObject({ kind: 'unavailable' });
    await transporter.sendMail({ from: FROM, to: email, text: 'still open' });
    transporter.close();
  });

  it('gives up retries and undoes their sends', async () => {
    let tries = 0;
    mail.server.respondWith(({ stage }) => {
      if (stage !== 'rcpt') return undefined;
      tries += 1;
      return { code: 451, text: 'Later' };
    });
    const verification = create({ delivery: 'background' });
    const failed = jest.fn();
    verification.on('delivery_failed', failed);
    await verification.send({ email });
    await until('the email is tried', () => tries > 0);
    await verification.close();
    expect(failed).toHaveBeenCalledTimes(1);
  });
});
