/** Guessing a code: how many guesses are compared, whoever sends them, and what does not count as a guess. */
import {
  clientAddress,
  inParallel,
  MINUTE,
  type Reply,
  STORES,
  startClock,
  tally,
  useServices,
  WIDE,
  wrongCode,
} from './services.js';

const { mail, open, storeOf, redis } = useServices();
const email = 'minji@example.com';

describe.each(STORES)('on %s', (name) => {
  it('T1: of 1000 guesses from 1000 addresses exactly maxAttempts are compared (promise 2)', async () => {
    const service = await open({ store: storeOf(name) });
    await service.send({ email });
    const code = await mail.lastCode(email);
    const guess = (n: number) => service.verify({ email, code: wrongCode(code, n) }, clientAddress(n));
    expect(tally(await inParallel(1000, guess))).toEqual({ code_incorrect: 5, code_expired: 995 });
  });

  it('T1: a made-up challengeId gives no attempts of its own', async () => {
    const service = await open({ store: storeOf(name) });
    const { body } = await service.send({ email });
    const code = await mail.lastCode(email);
    const madeUp = (n: number) => body.challengeId.slice(0, 2) + String(n).padStart(24, 'x');
    const guess = (n: number) =>
      service.verify({ email, code: wrongCode(code, n), challengeId: madeUp(n) }, clientAddress(n));
    expect(tally(await inParallel(200, guess))).toEqual({ code_incorrect: 5, code_expired: 195 });
    await service
      .verify({ email, code, challengeId: body.challengeId })
      .then(({ status }) => expect(status).toBe(200));
  });

  it('T2: 20 resends under one challengeId give no attempts back: maxAttempts are compared', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read), ...WIDE });
    const { body } = await service.send({ email });
    const { challengeId } = body;
    const replies: Reply[] = [];
    const codes: string[] = [];
    for (let resend = 0; resend < 20; resend += 1) {
      codes.push(await mail.lastCode(email));
      replies.push(await service.verify({ email, challengeId, code: wrongCode(codes, resend) }));
      clock.pass(2000);
      const again = await service.send({ email, challengeId });
      expect(again.status).toBe(200);
      expect(again.body.challengeId === challengeId).toBe(resend < 4);
    }
    expect(tally(replies)).toEqual({ code_incorrect: 5, code_expired: 15 });
    expect(replies.slice(0, 5).map(({ body }) => body.attemptsLeft)).toEqual([4, 3, 2, 1, 0]);
  });

  it('T6: of 200 parallel wrong guesses under one challengeId exactly maxAttempts are compared (promise 2)', async () => {
    const service = await open({ store: storeOf(name) });
    const { body } = await service.send({ email });
    const code = await mail.lastCode(email);
    const guess = (n: number) =>
      service.verify({ email, code: wrongCode(code, n), challengeId: body.challengeId });
    const replies = await inParallel(200, guess);
    expect(tally(replies)).toEqual({ code_incorrect: 5, code_expired: 195 });
    const left = replies
      .filter(({ body }) => body.reason === 'code_incorrect')
      .map(({ body }) => body.attemptsLeft);
    expect(left.sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('T6: a holder without attempts cannot use the shared ones, not even with the right code', async () => {
    const service = await open({ store: storeOf(name) });
    const { body } = await service.send({ email });
    const { challengeId } = body;
    const code = await mail.lastCode(email);
    await inParallel(5, (n) => service.verify({ email, code: wrongCode(code, n), challengeId }));
    expect((await service.verify({ email, code, challengeId })).body.reason).toBe('code_expired');
    expect((await service.verify({ email, code })).status).toBe(200);
  });

  const notCodes: [string, object][] = [
    ['an empty string', { code: '' }],
    ['null', { code: null }],
    ['nothing', {}],
    ['0', { code: 0 }],
    ['a number', { code: 123456 }],
    ['[]', { code: [] }],
    ['an array of codes', { code: ['123456'] }],
    ['{}', { code: {} }],
    ['true', { code: true }],
    ['nothing but dashes', { code: '------' }],
    ['a digit too few', { code: '12345' }],
    ['a digit too many', { code: '1234567' }],
    ['a pattern', { code: '......' }],
    ['a superscript', { code: '12345⁶' }],
    ['257 characters', { code: `123456${' '.repeat(251)}` }],
  ];
  it.each(notCodes)(
    'T9: %s is refused with 400, with and without an open challenge',
    async (_what, fields) => {
      const service = await open({ store: storeOf(name) });
      const before = await service.verify({ email, ...fields });
      const { body } = await service.send({ email });
      const { challengeId } = body;
      const code = await mail.lastCode(email);
      const replies = [
        before,
        ...(await inParallel(10, () => service.verify({ email, challengeId, ...fields }))),
      ];
      for (const reply of replies) {
        expect(reply.status).toBe(400);
        expect(reply.body).toMatchObject({
          verify: false,
          reason: 'invalid_request',
          errors: [{ field: 'code' }],
        });
      }
      // It cost no attempt.
      expect((await service.verify({ email, challengeId, code: wrongCode(code) })).body.attemptsLeft).toBe(4);
    },
  );

  it('T10: a code works until its last millisecond and not longer, even if its key still exists', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read) });
    const inTime = await service.send({ email });
    const first = await mail.lastCode(email);
    clock.pass(3 * MINUTE - 1);
    expect((await service.verify({ email, code: first, challengeId: inTime.body.challengeId })).status).toBe(
      200,
    );

    mail.clear();
    const tooLate = await service.send({ email });
    const second = await mail.lastCode(email);
    clock.pass(3 * MINUTE);
    const refused = await service.verify({ email, code: second, challengeId: tooLate.body.challengeId });
    expect(refused.body.reason).toBe('code_expired');
    expect((await service.verify({ email, code: second })).body.reason).toBe('code_expired');
    if (name === 'RedisStore') expect(await redis.client.keys('ev:{*}?*')).toHaveLength(1);
  });

  it('T11: a code that was accepted is refused when it is sent again, by anyone', async () => {
    const service = await open({ store: storeOf(name) });
    const { body } = await service.send({ email });
    const { challengeId } = body;
    const code = await mail.lastCode(email);
    expect((await service.verify({ email, code, challengeId })).status).toBe(200);
    const replies = await inParallel(50, (n) =>
      service.verify({ email, code, ...(n % 2 ? { challengeId } : {}) }),
    );
    expect(tally(replies)).toEqual({ code_expired: 50 });
  });
});
