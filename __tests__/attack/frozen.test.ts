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

const start = () => open({ store: storeOf('RedisStore'), delivery: post.delivery, storeTimeout: 300 });

/** Runs an act while Redis is frozen, and comes back when Redis has carried out all it was handed. */
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
  const door = await start();
  const { challengeId } = (await door.send({ email })).body;
  const right = { email, challengeId, code: post.lastCode(email) };
  const begun = performance.now();
  const replies = await whileFrozen(() => inParallel(20, () => door.verify(right)));
  expect(performance.now() - begun).toBeLessThan(5000);
  expect(tally(replies)).toEqual({ unavailable: 20 });
  expect((await door.verify(right)).status).toBe(200);
});

it('T33: wrong codes answered 503: promise 10, no attempt was taken', async () => {
  const door = await start();
  const { challengeId } = (await door.send({ email })).body;
  const wrong = { email, challengeId, code: wrongCode(post.lastCode(email)) };
  expect(tally(await whileFrozen(() => inParallel(20, () => door.verify(wrong))))).toEqual({
    unavailable: 20,
  });
  expect((await door.verify(wrong)).body.attemptsLeft).toBe(4);
});

it('T33: /signup with the token answered 503: promise 10, the token still works, once', async () => {
  const door = await start();
  const { challengeId } = (await door.send({ email })).body;
  const { verificationToken } = (await door.verify({ email, challengeId, code: post.lastCode(email) })).body;
  const replies = await whileFrozen(() => inParallel(20, () => door.signUp({ email, verificationToken })));
  expect(tally(replies)).toEqual({ unavailable: 20 });
  expect((await door.signUp({ email, verificationToken })).status).toBe(201);
  expect((await door.signUp({ email, verificationToken })).status).toBe(403);
});

it('T33: /send answered 503: promise 10, no mail is entered, no limit used and nothing mailed', async () => {
  const door = await start();
  await door.verify({ email, code: '123456' });
  const keysBefore = await redis.client.keys('*');
  const mailedBefore = post.codesOf(email).length;
  expect((await whileFrozen(() => door.send({ email }))).status).toBe(503);
  expect(await redis.client.keys('*')).toEqual(keysBefore);
  expect(post.codesOf(email)).toHaveLength(mailedBefore);
  expect((await door.send({ email })).status).toBe(200);
});

it('T33: a store that was never asked before Redis froze is well by itself after', async () => {
  const door = await start();
  expect((await whileFrozen(() => door.send({ email }))).status).toBe(503);
  expect((await door.send({ email })).status).toBe(200);
});
