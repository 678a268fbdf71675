/** Emails that fail or hang, used as a weapon: they open no limit and give no attempts back. */
import type { CustomDelivery } from 'express-email-verification';
import { createTransport } from 'nodemailer';
import { secondsLeft } from '../support/seconds-left.js';
import { until } from '../support/until.js';
import { inParallel, MINUTE, STORES, startClock, tally, useServices, wrongCode } from './services.js';

const { mail, open, startRelay, storeOf } = useServices();
const email = 'minji@example.com';
const noSuchUser = { stage: 'rcpt', code: 550, text: 'no such user' } as const;

beforeEach(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterEach(() => jest.restoreAllMocks());

describe.each(STORES)('on %s', (name) => {
  it('T31: for a mailbox that answers 550, three waits are given back, then 429 after the fourth failure (promise 7)', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read), rateLimit: { send: false } });
    mail.server.respondWith(noSuchUser);
    const waits = [];
    for (let n = 0; n < 4; n += 1) {
      const { status, body } = await service.send({ email });
      expect([status, body.reason]).toEqual([500, 'delivery_failed']);
      expect(body).not.toHaveProperty('challengeId');
      waits.push(body.resendIn);
      clock.pass(2);
    }
    expect(waits).toEqual([0, 0, 0, 60]);
    expect((await service.send({ email })).status).toBe(429);

    // A send is given back again only after a day has passed.
    clock.pass(23 * 60 * MINUTE);
    expect((await service.send({ email })).body.resendIn).toBe(60);
    clock.pass(61 * MINUTE);
    expect((await service.send({ email })).body.resendIn).toBe(0);
  });

  it('T31: over a day, a mailbox that refuses gets as many codes as the limits and three give-backs allow', async () => {
    const clock = startClock();
    let tries = 0;
    const delivery: CustomDelivery = async () => {
      tries += 1;
      throw new Error('refused');
    };
    const service = await open({ store: storeOf(name, clock.read), rateLimit: { send: false }, delivery });
    for (let minute = 0; minute < 24 * 60; minute += 4) {
      await service.send({ email });
      clock.pass(4 * MINUTE);
    }
    expect(tries).toBe(10 + 3);
  });

  it('T31: 50 simultaneous failures give three sends back, not more', async () => {
    const clock = startClock();
    const refuse: (() => void)[] = [];
    const delivery: CustomDelivery = () =>
      new Promise((_resolve, reject) => refuse.push(() => reject(new Error('refused'))));
    const sendLimits = [{ max: 50, window: 3600 }];
    const service = await open({
      store: storeOf(name, clock.read),
      rateLimit: { send: false },
      delivery,
      sendLimits,
    });
    const sends = inParallel(50, () => service.send({ email }));
    await until('all are under way', () => refuse.length === 50);
    for (const end of refuse.splice(0)) end();
    expect(tally(await sends)).toEqual({ delivery_failed: 50 });
    let answered = 0;
    const more = inParallel(10, () => service.send({ email }).finally(() => ++answered));
    await until('each is under way or answered', () => refuse.length + answered === 10);
    for (const end of refuse.splice(0)) end();
    expect(tally(await more)).toEqual({ delivery_failed: 3, too_many_requests: 7 });
  });

  it('T31: an email counts as sent if the relay stalls after the dot: the next /send is 429 and the code works (promise 7)', async () => {
    const relay = await startRelay({ dot: 'stall' });
    const service = await open({ store: storeOf(name), transport: relay.url, mailTimeout: 1000 });
    const { status, body } = await service.send({ email });
    expect([status, body.reason, body.resendIn]).toEqual([500, 'delivery_unknown', secondsLeft(60)]);
    const next = await service.send({ email, challengeId: body.challengeId });
    expect([next.status, next.body.challengeId]).toEqual([429, body.challengeId]);
    const code = relay.received.find((line) => /^\d{6}$/.test(line));
    expect((await service.verify({ email, code, challengeId: body.challengeId })).status).toBe(200);
  });

  it('T31: a failed resend gives no attempts back: those of the holder stay spent (promise 5)', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read), rateLimit: { send: false } });
    const { challengeId } = (await service.send({ email })).body;
    const code = await mail.lastCode(email);
    const guess = (n: number) => service.verify({ email, challengeId, code: wrongCode(code, n) });
    await inParallel(3, guess);
    clock.pass(MINUTE);
    mail.server.respondWith(noSuchUser);
    for (let n = 0; n < 4; n += 1) await service.send({ email, challengeId });
    expect((await guess(3)).body.attemptsLeft).toBe(1);
    // The earlier code still works: the failed resend took nothing away either.
    expect((await service.verify({ email, challengeId, code })).status).toBe(200);
  });

  it('T31: the code of an email that failed is expired, also without a challengeId', async () => {
    const codes: string[] = [];
    const delivery: CustomDelivery = async ({ text }) => {
      codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? '');
      throw new Error('refused');
    };
    const service = await open({ store: storeOf(name), delivery });
    await service.send({ email });
    expect((await service.verify({ email, code: codes[0] })).body.reason).toBe('code_expired');
  });

  it('T31: if a first email fails late, the holder who went on under its challengeId keeps the attempts (promise 3)', async () => {
    const clock = startClock();
    const codes: string[] = [];
    const ends: ((
      error: Error | null,
      sent: { envelope: { from: string; to: string[] }; messageId: string },
    ) => void)[] = [];
    const transport = createTransport({
      name: 'Slow',
      version: '1',
      send: (_mail, done) => void ends.push(done),
    });
    const service = await open({
      ...{ store: storeOf(name, clock.read), rateLimit: { send: false }, delivery: 'background', transport },
      template: ({ code }) => ({ subject: 'Your code', text: String(codes.push(code)), html: '' }),
    });
    // The template is tried at start, with codes that belong to nobody.
    codes.length = 0;
    const { challengeId } = (await service.send({ email })).body;
    clock.pass(MINUTE);
    expect((await service.send({ email, challengeId })).body.challengeId).toBe(challengeId);
    await until('both emails are under way', () => ends.length === 2);
    const sent = { envelope: { from: '', to: [] }, messageId: '' };
    const failed = new Promise<void>(
      (resolve) => void service.verification.on('delivery_failed', () => resolve()),
    );
    ends[1]?.(null, sent);
    ends[0]?.(Object.assign(new Error('refused'), { responseCode: 550 }), sent);
    await failed;
    // Its code is discarded once close() has returned.
    await service.verification.close();

    // The code of the first email is discarded; a stranger can spend the shared attempts.
    await inParallel(5, (n) => service.verify({ email, code: wrongCode(codes, n) }));
    expect((await service.verify({ email, challengeId, code: codes[0] })).body.attemptsLeft).toBe(4);
    expect((await service.verify({ email, challengeId, code: codes[1] })).status).toBe(200);
  });
});
