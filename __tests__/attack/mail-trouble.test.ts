/** Mail that fails or hangs, used as a weapon: it opens no limit and refills no attempts. */
import type { CustomDelivery } from 'express-email-verification';
import { createTransport } from 'nodemailer';
import { secondsLeft } from '../support/seconds-left.js';
import { until } from '../support/until.js';
import { inParallel, MINUTE, STORES, startClock, tally, useFrontDoor, wrongCode } from './front-door.js';

const { mail, open, startRelay, storeOf } = useFrontDoor();
const email = 'minji@example.com';
const full = { stage: 'rcpt', code: 550, text: 'no such user' } as const;

beforeEach(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterEach(() => jest.restoreAllMocks());

describe.each(STORES)('on %s', (name) => {
  it('T31: a mailbox that answers 550: promise 7, three waits are given back, 429 after the fourth failure', async () => {
    const clock = startClock();
    const door = await open({ store: storeOf(name, clock.read), rateLimit: { send: false } });
    mail.server.respondWith(full);
    const waits = [];
    for (let n = 0; n < 4; n += 1) {
      const { status, body } = await door.send({ email });
      expect([status, body.reason]).toEqual([500, 'delivery_failed']);
      expect(body).not.toHaveProperty('challengeId');
      waits.push(body.resendIn);
      clock.pass(2);
    }
    expect(waits).toEqual([0, 0, 0, 60]);
    expect((await door.send({ email })).status).toBe(429);

    // Not before a day has passed is one given back again.
    clock.pass(23 * 60 * MINUTE);
    expect((await door.send({ email })).body.resendIn).toBe(60);
    clock.pass(61 * MINUTE);
    expect((await door.send({ email })).body.resendIn).toBe(0);
  });

  it('T31: over a day of a mailbox that refuses, as many codes are drawn as limits and give-backs allow', async () => {
    const clock = startClock();
    let tries = 0;
    const delivery: CustomDelivery = async () => {
      tries += 1;
      throw new Error('refused');
    };
    const door = await open({ store: storeOf(name, clock.read), rateLimit: { send: false }, delivery });
    for (let minute = 0; minute < 24 * 60; minute += 4) {
      await door.send({ email });
      clock.pass(4 * MINUTE);
    }
    expect(tries).toBe(10 + 3);
  });

  it('T31: 50 failures at the same moment give three places back, not more', async () => {
    const clock = startClock();
    const refuse: (() => void)[] = [];
    const delivery: CustomDelivery = () =>
      new Promise((_resolve, reject) => refuse.push(() => reject(new Error('refused'))));
    const sendLimits = [{ max: 50, window: 3600 }];
    const door = await open({
      store: storeOf(name, clock.read),
      rateLimit: { send: false },
      delivery,
      sendLimits,
    });
    const sends = inParallel(50, () => door.send({ email }));
    await until('all are under way', () => refuse.length === 50);
    for (const end of refuse.splice(0)) end();
    expect(tally(await sends)).toEqual({ delivery_failed: 50 });
    let answered = 0;
    const more = inParallel(10, () => door.send({ email }).finally(() => ++answered));
    await until('each is under way or answered', () => refuse.length + answered === 10);
    for (const end of refuse.splice(0)) end();
    expect(tally(await more)).toEqual({ delivery_failed: 3, too_many_requests: 7 });
  });

  it('T31: a relay that stalls after the dot: promise 7, it counts as sent: the next /send is 429 and the code works', async () => {
    const relay = await startRelay({ dot: 'stall' });
    const door = await open({ store: storeOf(name), transport: relay.url, mailTimeout: 1000 });
    const { status, body } = await door.send({ email });
    expect([status, body.reason, body.resendIn]).toEqual([500, 'delivery_unknown', secondsLeft(60)]);
    const next = await door.send({ email, challengeId: body.challengeId });
    expect([next.status, next.body.challengeId]).toEqual([429, body.challengeId]);
    const code = relay.received.find((line) => /^\d{6}$/.test(line));
    expect((await door.verify({ email, code, challengeId: body.challengeId })).status).toBe(200);
  });

  it('T31: a resend that fails refills nobody: promise 5, the attempts of the client stay spent', async () => {
    const clock = startClock();
    const door = await open({ store: storeOf(name, clock.read), rateLimit: { send: false } });
    const { challengeId } = (await door.send({ email })).body;
    const code = await mail.lastCode(email);
    const guess = (n: number) => door.verify({ email, challengeId, code: wrongCode(code, n) });
    await inParallel(3, guess);
    clock.pass(MINUTE);
    mail.server.respondWith(full);
    for (let n = 0; n < 4; n += 1) await door.send({ email, challengeId });
    expect((await guess(3)).body.attemptsLeft).toBe(1);
    // And the code mailed before still works: the failed resend took nothing away either.
    expect((await door.verify({ email, challengeId, code })).status).toBe(200);
  });

  it('T31: the code of a mail that failed is gone, also when a stranger tries all they have', async () => {
    const codes: string[] = [];
    const delivery: CustomDelivery = async ({ text }) => {
      codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? '');
      throw new Error('refused');
    };
    const door = await open({ store: storeOf(name), delivery });
    await door.send({ email });
    expect((await door.verify({ email, code: codes[0] })).body.reason).toBe('code_expired');
  });

  it('T31: a first mail that fails late: promise 3, the holder who went on under its challengeId keeps their attempts', async () => {
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
    const door = await open({
      ...{ store: storeOf(name, clock.read), rateLimit: { send: false }, delivery: 'background', transport },
      template: ({ code }) => ({ subject: 'Your code', text: String(codes.push(code)), html: '' }),
    });
    // The template is tried at start, with codes of nobody.
    codes.length = 0;
    const { challengeId } = (await door.send({ email })).body;
    clock.pass(MINUTE);
    expect((await door.send({ email, challengeId })).body.challengeId).toBe(challengeId);
    await until('both mails are under way', () => ends.length === 2);
    const sent = { envelope: { from: '', to: [] }, messageId: '' };
    const failed = new Promise<void>((heard) => void door.verification.on('delivery_failed', () => heard()));
    ends[1]?.(null, sent);
    ends[0]?.(Object.assign(new Error('refused'), { responseCode: 550 }), sent);
    await failed;
    // Its code is gone once all is over.
    await door.verification.close();

    // The code of the first mail is gone; the shared attempts are a stranger's to burn.
    await inParallel(5, (n) => door.verify({ email, code: wrongCode(codes, n) }));
    expect((await door.verify({ email, challengeId, code: codes[0] })).body.attemptsLeft).toBe(4);
    expect((await door.verify({ email, challengeId, code: codes[1] })).status).toBe(200);
  });
});
