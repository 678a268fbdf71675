/** What a stranger who knows the address can use up, and what they cannot. */
import {
  clientAddress,
  inParallel,
  MINUTE,
  SECOND,
  STORES,
  startClock,
  tally,
  useServices,
  wrongCode,
} from './services.js';

const { mail, open, storeOf } = useServices();
const email = 'minji@example.com';

describe.each(STORES)('on %s', (name) => {
  it('T8: the holder of a challengeId gets in while a stranger guesses and resends as fast as allowed (promise 3)', async () => {
    const clock = startClock();
    const service = await open({
      store: storeOf(name, clock.read),
      rateLimit: { send: false },
      codeLength: 10,
    });
    const { challengeId } = (await service.send({ email })).body;
    const code = await mail.lastCode(email);
    const guesses = [];
    // Until the last second of the code, with challengeIds of their own and without.
    for (let second = 0; second < 179; second += 1) {
      clock.pass(SECOND);
      const sent = await service.send({ email }, clientAddress(second));
      expect(sent.status).toBe(second % 60 === 59 ? 200 : 429);
      if (sent.status === 429) expect(sent.body).not.toHaveProperty('challengeId');
      const stolen = sent.body.challengeId;
      guesses.push(
        await service.verify(
          { email, code: wrongCode(code, second), challengeId: stolen },
          clientAddress(second),
        ),
      );
      guesses.push(await service.verify({ email, code: wrongCode(code, second) }, clientAddress(second)));
    }
    expect(tally(guesses)['success']).toBeUndefined();
    expect(tally(guesses)['code_incorrect']).toBeGreaterThan(14);

    // A 429 still tells the page that it can go on.
    const again = await service.send({ email, challengeId });
    expect(again.status).toBe(429);
    expect(again.body).toMatchObject({ reason: 'too_many_requests', challengeId, expiresIn: 1 });
    expect((await service.verify({ email, code, challengeId })).status).toBe(200);
  });

  it('T8: the holder keeps all attempts, however many a stranger spends (promise 3)', async () => {
    const service = await open({ store: storeOf(name) });
    const { challengeId } = (await service.send({ email })).body;
    const code = await mail.lastCode(email);
    await inParallel(100, (n) => service.verify({ email, code: wrongCode(code, n) }, clientAddress(n)));
    for (const left of [4, 3, 2, 1]) {
      expect((await service.verify({ email, code: wrongCode(code), challengeId })).body.attemptsLeft).toBe(
        left,
      );
    }
    expect((await service.verify({ email, code, challengeId })).status).toBe(200);
  });

  it('T8: a code that a stranger requests does not void the earlier one (promise 3), and one success ends both (promise 6)', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read) });
    const { challengeId } = (await service.send({ email })).body;
    const code = await mail.lastCode(email);
    clock.pass(MINUTE);
    mail.clear();
    const stranger = await service.send({ email }, clientAddress(1));
    expect(stranger.body.challengeId).not.toBe(challengeId);
    const newer = await mail.lastCode(email);

    expect((await service.verify({ email, code, challengeId })).status).toBe(200);
    const late = await service.verify({ email, code: newer, challengeId: stranger.body.challengeId });
    expect(late.body.reason).toBe('code_expired');
  });

  it('T8: a challengeId is worthless for another address', async () => {
    const service = await open({ store: storeOf(name) });
    const ownId = (await service.send({ email: 'eve@example.com' })).body.challengeId;
    await service.send({ email });
    const code = await mail.lastCode(email);
    const guess = (n: number) => service.verify({ email, code: wrongCode(code, n), challengeId: ownId });
    expect(tally(await inParallel(50, guess))).toEqual({ code_incorrect: 5, code_expired: 45 });
    expect((await service.send({ email, challengeId: ownId })).body).not.toHaveProperty('challengeId');
  });

  it('promise 6: each code that was sent works until its own end, even after a resend', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read) });
    const { challengeId } = (await service.send({ email })).body;
    const code = await mail.lastCode(email);
    clock.pass(MINUTE);
    expect((await service.send({ email, challengeId })).body.challengeId).toBe(challengeId);
    clock.pass(2 * MINUTE - 1);
    expect((await service.verify({ email, code, challengeId })).status).toBe(200);
  });
});
