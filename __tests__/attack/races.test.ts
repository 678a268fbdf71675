/** Simultaneous requests: a code is accepted once, and a right code is never lost. */
import { randomRuns } from '../support/random-runs.js';
import {
  inParallel,
  inRounds,
  memoryInbox,
  type Service,
  STORES,
  tally,
  useServices,
  WIDE,
  wrongCode,
} from './services.js';

const { open, storeOf } = useServices();
const ROUNDS = randomRuns(200);

describe.each(STORES)('on %s', (name) => {
  const inbox = memoryInbox();
  const options = {
    ...WIDE,
    codeLength: 10,
    sendLimits: [{ max: 10, window: 60 }],
    delivery: inbox.delivery,
  };
  const start = () => open({ store: storeOf(name), ...options });

  /** Opens a challenge for a new person and returns what they hold. */
  let people = 0;
  async function challenge(service: Service, email = `person${people++}@${name.toLowerCase()}.example`) {
    const { body } = await service.send({ email });
    return { email, challengeId: body.challengeId, code: inbox.lastCode(email) };
  }

  it.each([
    ['under one challengeId', true],
    ['without one', false],
  ])('T5: of 200 parallel right answers %s, one succeeds (promise 1)', async (_how, held) => {
    const service = await start();
    const { challengeId, ...fields } = await challenge(service);
    const replies = await inParallel(200, () => service.verify(held ? { ...fields, challengeId } : fields));
    expect(tally(replies)).toEqual({ success: 1, code_expired: 199 });
  });

  it('T5: of 200 parallel right answers from two holders of two live codes, one succeeds (promise 1)', async () => {
    const service = await start();
    const one = await challenge(service);
    const other = await challenge(service, one.email);
    const replies = await inParallel(200, (n) => service.verify(n % 2 ? one : other));
    expect(tally(replies)).toEqual({ success: 1, code_expired: 199 });
  });

  it(`T7: a right code beside wrong ones is always accepted, in ${ROUNDS} rounds (promise 4)`, async () => {
    const service = await start();
    await inRounds(ROUNDS, async (round) => {
      const right = await challenge(service);
      const wrong = { ...right, code: wrongCode(right.code) };
      const stranger = { email: right.email, code: wrong.code };
      const turns = [wrong, stranger, right, wrong, stranger, stranger];
      // The right code takes each position in turn.
      const order = turns.slice(round % turns.length).concat(turns.slice(0, round % turns.length));
      const replies = await Promise.all(order.map((fields) => service.verify(fields)));
      expect(replies[order.indexOf(right)]?.status).toBe(200);
      expect(tally(replies)['success']).toBe(1);
    });
  });

  it(`T7: a right code beside a resend is always accepted, and only once, in ${ROUNDS} rounds (promise 4)`, async () => {
    const service = await start();
    await inRounds(ROUNDS, async (round) => {
      const right = await challenge(service);
      const { email, challengeId } = right;
      const asks = [() => service.verify(right), () => service.send({ email, challengeId })];
      const replies = await Promise.all((round % 2 ? asks : asks.reverse()).map((ask) => ask()));
      expect(tally(replies)).toEqual({ success: 2 });
      expect((await service.verify(right)).status).toBe(401);
    });
  });

  it(`T7: a wrong code beside a resend gets no attempt back, in ${ROUNDS} rounds (promise 5)`, async () => {
    const service = await start();
    await inRounds(ROUNDS, async (round) => {
      const { email, challengeId, code } = await challenge(service);
      const wrong = { email, challengeId, code: wrongCode(code, 500) };
      await inParallel(4, () => service.verify(wrong));
      // One attempt is left: the wrong code takes it, whichever request is first.
      const asks = [() => service.verify(wrong), () => service.send({ email, challengeId })];
      const replies = await Promise.all((round % 2 ? asks : asks.reverse()).map((ask) => ask()));
      expect(tally(replies)).toEqual({ success: 1, code_incorrect: 1 });
      expect((await service.verify(wrong)).body.reason).toBe('code_expired');
    });
  });

  it('T7: simultaneous right codes for two purposes are each accepted for their own', async () => {
    const store = storeOf(name);
    const signUp = await open({ store, ...options });
    const reset = await open({ store, ...options, purpose: 'reset' });
    const one = await challenge(signUp);
    const other = await challenge(reset, one.email);
    expect(tally(await Promise.all([signUp.verify(other), reset.verify(one)]))).toEqual({
      code_incorrect: 2,
    });
    expect(tally(await Promise.all([signUp.verify(one), reset.verify(other)]))).toEqual({ success: 2 });
  });
});
