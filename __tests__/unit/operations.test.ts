/** The acts without HTTP: their outcomes, deliveries, events, check() and close(). */
import { setTimeout as pause } from 'node:timers/promises';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  MemoryStore,
  RedisStore,
} from 'express-email-verification';
import nodemailer from 'nodemailer';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail.js';
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

it('send, verify, redeem and release without a route', async () => {
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
  ['an end without end', { end: Number.POSITIVE_INFINITY }],
  ['a broken number as its end', { end: 1.5 }],
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
])('release() refuses %s, tells nobody, and gives nothing back', async (_what, wrong) => {
  const verification = create();
  const heard = jest.fn();
  verification.on('released', heard);
  await verification.send({ email });
  const verified = await verification.verify({ email, code: await mail.lastCode(email) });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  const redeemed = await verification.redeem({ email, verificationToken });
  const given = wrong && { ...redeemed, ...wrong };
  await expect(verification.release(given as never)).rejects.toThrow(
    'release() takes the outcome of redeem().',
  );
  expect(heard).not.toHaveBeenCalled();
  expect(await verification.redeem({ email, verificationToken })).toMatchObject({
    kind: 'email_not_verified',
  });
});

it('release() of a token that has ended gives nothing back', async () => {
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

it('judges its input as the routes do', async () => {
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
  it('learns of the send, and suppresses it so that nobody can tell', async () => {
    const asked: unknown[] = [];
    const verification = create({
      beforeSend: async (attempt) => {
        asked.push(attempt);
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
    expect(asked).toEqual([{ email, purpose: 'signup', locale: 'en' }]);
    expect(mail.messages.map(({ subject }) => subject)).toEqual(['You have an account']);
    expect(await verification.send({ email })).toMatchObject({ kind: 'too_many_requests' });
  });

  it('that takes too long costs its own send a 503, and that throws is the own error of the app', async () => {
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
  it('by a function: a rejection did not leave, one with unknown may have', async () => {
    const fail = (more = {}) =>
      create({ delivery: () => Promise.reject(Object.assign(new Error('no'), more)) });
    expect(await fail().send({ email })).toMatchObject({ kind: 'delivery_failed', resendIn: 0 });
    expect(await fail({ unknown: true }).send({ email })).toMatchObject({
      kind: 'delivery_unknown',
      resendIn: secondsLeft(60),
    });
  });

  it('that was refused and one that is not known of say so in the message of their cause', async () => {
    mail.server.respondWith({ stage: 'rcpt', code: 550, text: `5.1.1 No such mailbox ${email}` });
    const refused = create();
    const silent = create({ mailTimeout: 60, delivery: () => new Promise(() => {}) });
    const said: string[] = [];
    refused.on('delivery_failed', ({ cause }) => said.push(cause.message));
    silent.on('delivery_unknown', ({ cause }) => said.push(cause.message));
    await refused.send({ email });
    await silent.send({ email });
    expect(said).toEqual([
      `The email did not leave: 127.0.0.1:${mail.server.port} refused the recipient (EENVELOPE, RCPT TO, 550, 5.1.1)`,
      'It is not known whether the email left: the server did not answer in time (ETIMEDOUT)',
    ]);
  });

  it('by a function that never settles ends at mailTimeout, not known to have left', async () => {
    let aborted = false;
    const verification = create({
      mailTimeout: 60,
      delivery: (_mail, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
        }),
    });
    expect(await verification.send({ email })).toMatchObject({ kind: 'delivery_unknown' });
    expect(aborted).toBe(true);
  });

  it('is let go of once it has left: nothing is aborted at mailTimeout', async () => {
    const signals: AbortSignal[] = [];
    const verification = create({
      mailTimeout: 50,
      delivery: async (_mail, { signal }) => void signals.push(signal),
    });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    await pause(150);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('lets a bounded number of sends wait for a slot in a full queue: one more is refused before those', async () => {
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

  it('in the background answers first, and tells the outcome by an event', async () => {
    const verification = create({ delivery: 'background' });
    const delivered = new Promise((resolve) => verification.on('delivered', resolve));
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(mail.messages).toHaveLength(0);
    expect(await delivered).toEqual({ email: 'p***@example.com', purpose: 'signup' });
    await verification.verify({ email, code: await mail.lastCode(email) });
  });

  it('in the background tries again after a temporary refusal, and mails once', async () => {
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

  it('in the background undoes what a final refusal ends, and says so', async () => {
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
    await until('its place is given back', async () => (await verification.send({ email })).kind === 'sent');
  });
});

describe('events', () => {
  it('tell of verified, redeemed and released, and hold no secret', async () => {
    const verification = create();
    const heard: unknown[] = [];
    for (const name of ['delivered', 'verified', 'redeemed', 'released'] as const) {
      verification.on(name, (event) => heard.push([name, event]));
    }
    await verification.send({ email });
    const verified = await verification.verify({ email, code: await mail.lastCode(email) });
    if (verified.kind !== 'verified') throw new Error(verified.kind);
    const redeemed = await verification.redeem({ email, verificationToken: verified.verificationToken });
    if (redeemed.kind !== 'redeemed') throw new Error(redeemed.kind);
    await verification.release(redeemed);
    const event = { email: 'p***@example.com', purpose: 'signup' };
    expect(heard).toEqual(['delivered', 'verified', 'redeemed', 'released'].map((name) => [name, event]));
  });

  it('end when told to, and do not exist under other names', async () => {
    const verification = create();
    const heard = jest.fn();
    verification.on('delivered', heard)();
    await verification.send({ email });
    expect(heard).not.toHaveBeenCalled();
    expect(() => verification.on('sent' as never, heard)).toThrow(
      'Unknown event `sent`. Known events: `delivered`, ',
    );
    for (const none of [undefined, null, {}, 'heard', Promise.resolve()])
      expect(() => verification.on('delivered', none as never)).toThrow(
        'The listener of `delivered` must be a function. Received ',
      );
  });
});

describe('check()', () => {
  it('is content with a store that is fit and a transport that logs in', async () => {
    expect(await create({ store: new RedisStore(redis.client) }).check()).toEqual({ ok: true, problems: [] });
  });

  it('names what is not as it should be', async () => {
    const gone = create({ transport: 'smtp://127.0.0.1:1' });
    expect(await gone.check()).toEqual({
      ok: false,
      problems: [
        'The transport does not log in: 127.0.0.1:1 refused the connection (ESOCKET, ECONNREFUSED, CONN).',
      ],
    });
    const silent = await startRawSmtpServer({ greeting: 'stall' });
    const stalled = create({ transport: silent.url, mailTimeout: 100 });
    expect((await stalled.check()).problems).toEqual([
      `The transport does not log in: 127.0.0.1:${silent.port} did not answer in time (ETIMEDOUT).`,
    ]);
    await silent.close();
  });
});

describe('close()', () => {
  it('finishes the mails under way, takes no more, and leaves the transporter of the app open', async () => {
    const transporter = nodemailer.createTransport(mail.url);
    const verification = create({ transport: transporter, delivery: 'background' });
    for (const person of ['a', 'b', 'c']) await verification.send({ email: `${person}@example.com` });
    await verification.close();
    expect(mail.messages).toHaveLength(3);
    expect(await verification.send({ email })).toMatchObject({ kind: 'unavailable' });
    await transporter.sendMail({ from: FROM, to: email, text: 'still open' });
    transporter.close();
  });

  it('gives up second tries, and undoes what they were for', async () => {
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
    await until('it was tried', () => tries > 0);
    await verification.close();
    expect(failed).toHaveBeenCalledTimes(1);
  });
});
