/** Redis stops responding in the middle of an attack: a call that was given up on is not carried out later. */
import { createTestClock } from 'express-email-verification/testing';
import { inParallel, memoryInbox, tally, useServices, wrongCode } from './services.js';

const { open, storeOf, redis } = useServices();
const inbox = memoryInbox();
const email = 'minji@example.com';

beforeEach(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterEach(() => {
  redis.server.resume();
  jest.restoreAllMocks();
});

/** Runs an operation while Redis is paused, and returns once Redis has processed everything it was sent. */
async function whilePaused<T>(operation: () => Promise<T>): Promise<T> {
  redis.server.pause();
  try {
    return await operation();
  } finally {
    redis.server.resume();
    await redis.client.ping();
  }
}

describe.each([
  ['by the clock of Redis', undefined],
  ['by a clock that a test moves', createTestClock().now],
])('%s', (_clock, clock) => {
  /** Two services on one store: one that waits for Redis, and one that soon gives up. */
  async function start() {
    const options = { store: storeOf('RedisStore', clock), delivery: inbox.delivery };
    return { patient: await open(options), hasty: await open({ ...options, storeTimeout: 300 }) };
  }

  it('T33: after /verify with the right code timed out with a 503, the code still works (promise 10)', async () => {
    const { patient, hasty } = await start();
    const { challengeId } = (await patient.send({ email })).body;
    const right = { email, challengeId, code: inbox.lastCode(email) };
    const replies = await whilePaused(() => inParallel(20, () => hasty.verify(right)));
    expect(tally(replies)).toEqual({ unavailable: 20 });
    expect((await patient.verify(right)).status).toBe(200);
  });

  it('T33: wrong codes that timed out with a 503 take no attempts (promise 10)', async () => {
    const { patient, hasty } = await start();
    const { challengeId } = (await patient.send({ email })).body;
    const wrong = { email, challengeId, code: wrongCode(inbox.lastCode(email)) };
    expect(tally(await whilePaused(() => inParallel(20, () => hasty.verify(wrong))))).toEqual({
      unavailable: 20,
    });
    expect((await patient.verify(wrong)).body.attemptsLeft).toBe(4);
  });

  it('T33: after /signup timed out with a 503, the token still works, once (promise 10)', async () => {
    const { patient, hasty } = await start();
    const { challengeId } = (await patient.send({ email })).body;
    const { verificationToken } = (await patient.verify({ email, challengeId, code: inbox.lastCode(email) }))
      .body;
    const replies = await whilePaused(() => inParallel(20, () => hasty.signUp({ email, verificationToken })));
    expect(tally(replies)).toEqual({ unavailable: 20 });
    expect((await patient.signUp({ email, verificationToken })).status).toBe(201);
    expect((await patient.signUp({ email, verificationToken })).status).toBe(403);
  });

  it('T33: a /send that timed out with a 503 stores no send, uses up no limit and sends no email (promise 10)', async () => {
    const { patient, hasty } = await start();
    await patient.verify({ email, code: '123456' });
    const keysBefore = await redis.client.keys('*');
    const codesBefore = inbox.codesOf(email).length;
    expect((await whilePaused(() => hasty.send({ email }))).status).toBe(503);
    expect(await redis.client.keys('*')).toEqual(keysBefore);
    expect(inbox.codesOf(email)).toHaveLength(codesBefore);
    expect((await patient.send({ email })).status).toBe(200);
  });

  it('T33: a store whose first call came while Redis was unresponsive recovers by itself', async () => {
    const { patient, hasty } = await start();
    expect((await whilePaused(() => hasty.send({ email }))).status).toBe(503);
    expect((await patient.send({ email })).status).toBe(200);
  });
});
