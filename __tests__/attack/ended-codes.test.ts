/**
 * An older code typed while a newer one is live: it is not accepted and costs an attempt as any other code does, and
 * the answer says to use the newest email.
 */
import { en, ko } from 'express-email-verification';
import {
  MINUTE,
  memoryInbox,
  type Service,
  STORES,
  startClock,
  useServices,
  WIDE,
  wrongCode,
} from './services.js';

const { open, storeOf, redis } = useServices();
const email = 'minji@example.com';
const SECOND = 1000;

/** How long an ended code is remembered, beside a newer one. */
const KNOWN_FOR = 15 * MINUTE;

const USE_THE_NEWEST = 'This code is from an earlier email. Please enter the code from the newest one.';
const ASK_AGAIN = 'This code has expired. Please request a new one.';

const EXPIRED = { status: 401, reason: 'code_expired', attemptsLeft: undefined, message: ASK_AGAIN };
const outdated = (attemptsLeft: number) => ({ ...EXPIRED, attemptsLeft, message: USE_THE_NEWEST });
const incorrect = (attemptsLeft: number) => ({ status: 401, reason: 'code_incorrect', attemptsLeft });

describe.each(STORES)('on %s', (name) => {
  const inbox = memoryInbox();

  async function start(options: object = {}) {
    const clock = startClock();
    const service = await open({
      store: storeOf(name, clock.read),
      ...WIDE,
      codeLength: 10,
      delivery: inbox.delivery,
      ...options,
    });
    /** Requests a code; returns it with its challengeId. */
    async function ask(fields: object = {}) {
      const { status, body } = await service.send({ email, ...fields });
      expect(status).toBe(200);
      return { code: inbox.lastCode(email), challengeId: body.challengeId };
    }
    return { service, clock, ask };
  }

  async function verify(service: Service, fields: object) {
    const { status, body } = await service.verify({ email, ...fields });
    const { reason = 'verified', attemptsLeft, message } = body;
    return { status, reason, attemptsLeft, message };
  }

  it.each([
    ['after the newer one was sent', 2 * MINUTE, MINUTE],
    ['a millisecond ago', 3 * MINUTE - 1, 1],
    ['at the moment the newer one was requested', 3 * MINUTE, 0],
    ['before the newer one was requested', 4 * MINUTE, SECOND],
    ['long before the newer one', 3 * MINUTE + KNOWN_FOR - 1, 0],
  ])('T64: a code that ended %s is expired and costs an attempt', async (_when, first, then) => {
    const { service, clock, ask } = await start();
    const old = await ask();
    clock.pass(first);
    const { code, challengeId } = await ask();
    clock.pass(then);
    expect(await verify(service, { code: old.code, challengeId })).toEqual(outdated(4));
    expect(await verify(service, { code: old.code, challengeId })).toEqual(outdated(3));
    const wrong = wrongCode([old.code, code]);
    expect(await verify(service, { code: wrong, challengeId })).toMatchObject(incorrect(2));
    expect(await verify(service, { code, challengeId })).toMatchObject({ status: 200 });
  });

  it('T64: a code is accepted to its last millisecond beside a newer one', async () => {
    const { service, clock, ask } = await start();
    const old = await ask();
    clock.pass(2 * MINUTE);
    const { challengeId } = await ask();
    clock.pass(MINUTE - 1);
    expect(await verify(service, { code: old.code, challengeId })).toMatchObject({ status: 200 });
  });

  it('T64: without a challengeId an ended code costs one of the shared attempts', async () => {
    const { service, clock, ask } = await start();
    const old = await ask();
    clock.pass(4 * MINUTE);
    const { code } = await ask();
    expect(await verify(service, { code: old.code })).toEqual(outdated(4));
    expect(await verify(service, { code: wrongCode([old.code, code]) })).toMatchObject(incorrect(3));
    expect(await verify(service, { code })).toMatchObject({ status: 200 });
  });

  it('T64: after the last attempt only another code helps, and the message says so', async () => {
    const { service, clock, ask } = await start({ maxAttempts: 2 });
    const old = await ask();
    clock.pass(4 * MINUTE);
    const { code, challengeId } = await ask();
    expect(await verify(service, { code: old.code, challengeId })).toEqual(outdated(1));
    expect(await verify(service, { code: old.code, challengeId })).toEqual(EXPIRED);
    expect(await verify(service, { code: old.code, challengeId })).toEqual(EXPIRED);
    expect(await verify(service, { code, challengeId })).toEqual(EXPIRED);
  });

  it('T64: without a newer live code an ended one is expired and costs nothing', async () => {
    const { service, clock, ask } = await start();
    const { code, challengeId } = await ask();
    clock.pass(3 * MINUTE);
    for (let n = 0; n < 10; n += 1) expect(await verify(service, { code, challengeId })).toEqual(EXPIRED);
  });

  it('T64: a used code is expired, also beside a newer one', async () => {
    const { service, clock, ask } = await start();
    const unused = await ask();
    const used = await ask({ challengeId: unused.challengeId });
    expect(await verify(service, used)).toMatchObject({ status: 200 });
    for (const code of [used.code, unused.code]) expect(await verify(service, { code })).toEqual(EXPIRED);
    clock.pass(MINUTE);
    const { code, challengeId } = await ask();
    for (const [n, old] of [used.code, unused.code].entries())
      expect(await verify(service, { code: old, challengeId })).toEqual(outdated(4 - n));
    expect(await verify(service, { code, challengeId })).toMatchObject({ status: 200 });
  });

  it('T64: a code whose email was not sent is incorrect, since nobody received it', async () => {
    let fails = true;
    const codes: string[] = [];
    const { service, clock, ask } = await start({
      delivery: async (message: Parameters<typeof inbox.delivery>[0]) => {
        codes.push(/\b\d{10}\b/.exec(message.text)?.[0] ?? '');
        if (fails) throw new Error('550');
        await inbox.delivery(message);
      },
    });
    service.verification.on('delivery_failed', () => {});
    expect((await service.send({ email })).body.reason).toBe('delivery_failed');
    fails = false;
    clock.pass(4 * MINUTE);
    const { challengeId } = await ask();
    expect(await verify(service, { code: codes[0], challengeId })).toMatchObject(incorrect(4));
  });

  it('T64: an ended code of another address or purpose is incorrect', async () => {
    const clock = startClock();
    const store = storeOf(name, clock.read);
    const service = await open({ store, ...WIDE, delivery: inbox.delivery });
    const reset = await open({ store, ...WIDE, delivery: inbox.delivery, purpose: 'reset' });
    await service.send({ email: 'other@example.com' });
    await reset.send({ email });
    const others = [inbox.lastCode('other@example.com'), inbox.lastCode(email)];
    clock.pass(4 * MINUTE);
    const { challengeId } = (await service.send({ email })).body;
    for (const [n, code] of others.entries())
      expect(await verify(service, { code, challengeId })).toMatchObject(incorrect(4 - n));
  });

  it('T64: a code that ended longer ago is forgotten and incorrect', async () => {
    const { service, clock, ask } = await start();
    const old = await ask();
    clock.pass(3 * MINUTE + KNOWN_FOR);
    const { challengeId } = await ask();
    expect(await verify(service, { code: old.code, challengeId })).toMatchObject(incorrect(4));
  });

  it('T64: an ended code is never accepted again, whatever happens next', async () => {
    const { service, clock, ask } = await start({ codeTtl: 60, maxAttempts: 10 });
    const old: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      const { code, challengeId } = await ask();
      for (const ended of old)
        expect(await verify(service, { code: ended, challengeId })).toMatchObject({ reason: 'code_expired' });
      // Every second code is used; the others expire.
      if (n % 2) expect(await verify(service, { code, challengeId })).toMatchObject({ status: 200 });
      old.push(code);
      clock.pass(MINUTE);
    }
  });

  it('T64: the ten codes that ended last are remembered, and what Redis holds is bounded', async () => {
    const { service, clock, ask } = await start({ codeTtl: 60, maxAttempts: 10 });
    const old: string[] = [];
    for (let n = 0; n < 30; n += 1) {
      old.push((await ask()).code);
      clock.pass(SECOND);
    }
    clock.pass(MINUTE);
    const { challengeId } = await ask();
    for (const code of old.slice(-2))
      expect(await verify(service, { code, challengeId })).toMatchObject({ reason: 'code_expired' });
    expect(await verify(service, { code: old.at(-10), challengeId })).toMatchObject({
      reason: 'code_expired',
    });
    expect(await verify(service, { code: old.at(-11), challengeId })).toMatchObject({
      reason: 'code_incorrect',
    });
    if (name !== 'RedisStore') return;
    const [challenge = ''] = await redis.client.keys('ev:{*}?*');
    const fields = await redis.client.hKeys(challenge);
    expect(fields.filter((field) => field.startsWith('c'))).toHaveLength(11);
    expect(await redis.client.pTTL(challenge)).toBeLessThanOrEqual(MINUTE + KNOWN_FOR);
  });

  it('T64: the message is in the language of the request; a locale without one uses that of an expired code', async () => {
    const { code_outdated: _left, ...answers } = en.answers;
    const french = { ...en, tag: 'fr', answers: { ...answers, code_expired: "Ce code n'est plus valable." } };
    const { service, clock, ask } = await start({ locales: { fr: french } });
    const old = await ask();
    clock.pass(4 * MINUTE);
    const { challengeId } = await ask();
    const messages = [];
    for (const locale of ['en', 'ko', 'fr'])
      messages.push((await verify(service, { code: old.code, challengeId, locale })).message);
    expect(messages).toEqual([USE_THE_NEWEST, ko.answers.code_outdated, "Ce code n'est plus valable."]);
    expect(ko.answers.code_outdated).toContain('가장 최근');
  });
});
