/** Digests: a code is one of its challenge alone, and what a suppressed send keeps is the digest of no code. */
import crypto from 'node:crypto';
import { type Door, MINUTE, memoryInbox, STORES, startClock, useFrontDoor, WIDE } from './front-door.js';

const { open, storeOf, redis } = useFrontDoor();
const email = 'minji@example.com';
const other = 'eve@example.com';

afterEach(() => jest.restoreAllMocks());

describe('T20: promise 8, a code is bound to its challenge', () => {
  const inbox = memoryInbox();

  /** The key of an address's challenge: the only one there is of it. */
  async function challengeOf(door: Door, address: string) {
    const before = new Set(await redis.client.keys('ev:{*}?*'));
    const { challengeId } = (await door.send({ email: address })).body;
    const [key = ''] = (await redis.client.keys('ev:{*}?*')).filter((one) => !before.has(one));
    return { key, challengeId, code: inbox.lastCode(address) };
  }

  const fieldOfCode = async (key: string) => {
    const field = (await redis.client.hKeys(key)).find((one) => one.startsWith('c'));
    return { field: field ?? '', value: (await redis.client.hGet(key, field ?? '')) ?? '' };
  };

  it.each([
    ['another address', {}, other],
    ['another purpose', { purpose: 'reset' }, email],
  ])('what Redis holds of it is worth nothing when it is moved to %s', async (_where, options, address) => {
    const start = (more: object) =>
      open({ store: storeOf('RedisStore'), ...WIDE, codeLength: 10, delivery: inbox.delivery, ...more });
    const [door, elsewhere] = [await start({}), await start(options)];
    const own = await challengeOf(door, email);
    const theirs = await challengeOf(elsewhere, address);
    const { field, value } = await fieldOfCode(own.key);
    await redis.client.hSet(theirs.key, field, value);

    const { challengeId } = theirs;
    const moved = await elsewhere.verify({ email: address, challengeId, code: own.code });
    expect(moved.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });
    expect((await elsewhere.verify({ email: address, challengeId, code: theirs.code })).status).toBe(200);
    expect((await door.verify({ email, challengeId: own.challengeId, code: own.code })).status).toBe(200);
  });

  it('one code of two people has two digests, and so has one of two purposes', async () => {
    const heard: string[] = [];
    const store = storeOf('MemoryStore');
    jest.spyOn(store, 'attempt').mockImplementation(async ({ code }) => {
      heard.push(code);
      return { kind: 'expired', live: false };
    });
    const door = await open({ store, ...WIDE });
    const reset = await open({ store, ...WIDE, purpose: 'reset' });
    const code = '123456';
    for (const ask of [door.verify, reset.verify])
      for (const one of [email, other]) await ask({ email: one, code });
    expect(new Set(heard).size).toBe(4);
    await door.verify({ email, code });
    expect(heard[4]).toBe(heard[0]);
  });
});

describe.each(STORES)('T23: promise 11, a suppressed send on %s', (name) => {
  const inbox = memoryInbox();
  const mail = { subject: 'You have an account', text: 'Sign in.', html: '<p>Sign in.</p>' };

  it.each([
    ['that mails nothing', { kind: 'suppress' } as const],
    ['with an email in place of the code', { kind: 'suppress', mail } as const],
  ])(
    '%s keeps the digest of no code: not even the one that would have been drawn verifies',
    async (_how, verdict) => {
      // All draws give one code, so that it is known which one a send would have drawn.
      const drawn = '135790';
      jest.spyOn(crypto, 'randomInt').mockReturnValue(Number(drawn) as never);
      const clock = startClock();
      const door = await open({
        store: storeOf(name, clock.read),
        ...{ ...WIDE, delivery: inbox.delivery },
        beforeSend: ({ email: address }) => (address === email ? verdict : undefined),
      });
      await door.send({ email: other });
      expect(inbox.lastCode(other)).toBe(drawn);
      expect((await door.verify({ email: other, code: drawn })).status).toBe(200);

      const { challengeId } = (await door.send({ email })).body;
      const tried = await door.verify({ email, challengeId, code: drawn });
      expect(tried.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });
      // Nor is it an ended one later on, by which a suppressed address could be told.
      clock.pass(4 * MINUTE);
      const later = await door.send({ email });
      const again = await door.verify({ email, challengeId: later.body.challengeId, code: drawn });
      expect(again.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });
    },
  );
});
