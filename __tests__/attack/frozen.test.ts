/** A Redis that is frozen in the middle of an attack: what was given up on is not carried out later. */
import { inParallel, postbox, tally, useFrontDoor, wrongCode } from './front-door.js';

const { open, storeOf, redis } = useFrontDoor();
const post = postbox();
const email = 'minji@example.com';

beforeEach(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterEach(() => {
  redis.server.thaw();
  jest.restoreAllMocks();
});

/** One service that waits for Redis, and one on the same store that soon gives up. */
async function start() {
  const options = { store: storeOf('RedisStore'), delivery: post.delivery };
  return { patient: await open(options), hasty: await open({ ...options, storeTimeout: 300 }) };
}

/** Runs an act to its end while Redis is frozen, and comes back when Redis has carried out all it was handed. */
async function whileFrozen<T>(act: () => Promise<T>): Promise<T> {
  redis.server.freeze();
  try {
    return await act();
  } finally {
    redis.server.thaw();
    await redis.client.ping();
  }
}

it('T33: /verify with the right code answered 503, Redis thawed: promise 10, the code still works', async () => {
  const { patient, hasty } = await start();
  const { challengeId } = (await patient.send({ email })).body;
  const right = { email, challengeId, code: post.lastCode(email) };
  const replies = await whileFrozen(() => inParallel(20, () => hasty.verify(right)));
  expect(tally(replies)).toEqual({ unavailable: 20 });
  expect((await patient.verify(right)).status).toBe(200);
});

it('T33: wrong codes answered 503: promise 10, no attempt was taken', async () => {
  const { patient, hasty } = await start();
  const { challengeId } = (await patient.send({ email })).body;
  const wrong = { email, challengeId, code: wrongCode(post.lastCode(email)) };
  expect(tally(await whileFrozen(() => inParallel(20, () => hasty.verify(wrong))))).toEqual({
    unavailable: 20,
  });
  expect((await patient.verify(wrong)).body.attemptsLeft).toBe(4);
});

it('T33: /signup with the token answered 503: promise 10, the token still works, once', async () => {
  const { patient, hasty } = await start();
  const { challengeId } = (await patient.send({ email })).body;
  const { verificationToken } = (await patient.verify({ email, challengeId, code: post.lastCode(email) }))
    .body;
  const replies = await whileFrozen(() => inParallel(20, () => hasty.signUp({ email, verificationToken })));
  expect(tally(replies)).toEqual({ unavailable: 20 });
  expect((await patient.signUp({ email, verificationToken })).status).toBe(201);
  expect((await patient.signUp({ email, verificationToken })).status).toBe(403);
});

it('T33: /send answered 503: promise 10, no mail is entered, no limit used and nothing mailed', async () => {
  const { patient, hasty } = await start();
  await patient.verify({ email, code: '123456' });
  const keysBefore = await redis.client.keys('*');
  const mailedBefore = post.codesOf(email).length;
  expect((await whileFrozen(() => hasty.send({ email }))).status).toBe(503);
  expect(await redis.client.keys('*')).toEqual(keysBefore);
  expect(post.codesOf(email)).toHaveLength(mailedBefore);
  expect((await patient.send({ email })).status).toBe(200);
});

it('T33: a store that was never asked before Redis froze is well by itself after', async () => {
  const { patient, hasty } = await start();
  expect((await whileFrozen(() => hasty.send({ email }))).status).toBe(503);
  expect((await patient.send({ email })).status).toBe(200);
});
