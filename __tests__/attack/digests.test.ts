/** Digests: a code's digest is bound to its challenge, and a suppressed send stores the digest of no code. */
import crypto from 'node:crypto';
import { MINUTE, memoryInbox, type Service, STORES, startClock, useServices, WIDE } from './services.js';

const { open, storeOf, redis } = useServices();
const email = 'minji@example.com';
const other = 'eve@example.com';

afterEach(() => jest.restoreAllMocks());

describe('T20: a code is bound to its challenge (promise 8)', () => {
  const inbox = memoryInbox();

  /** The key of an address's challenge, which is the only one that is new. */
  async function challengeOf(service: Service, address: string) {
    const before = new Set(await redis.client.keys('ev:{*}?*'));
    const { challengeId } = (await service.send({ email: address })).body;
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
  ])('a digest in Redis is worthless when it is moved to %s', async (_where, options, address) => {
    const start = (more: object) =>
      open({ store: storeOf('RedisStore'), ...WIDE, codeLength: 10, delivery: inbox.delivery, ...more });
    const [service, elsewhere] = [await start({}), await start(options)];
    const own = await challengeOf(service, email);
    const theirs = await challengeOf(elsewhere, address);
    const { field, value } = await fieldOfCode(own.key);
    await redis.client.hSet(theirs.key, field, value);

    const { challengeId } = theirs;
    const moved = await elsewhere.verify({ email: address, challengeId, code: own.code });
    expect(moved.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });
    expect((await elsewhere.verify({ email: address, challengeId, code: theirs.code })).status).toBe(200);
    expect((await service.verify({ email, challengeId: own.challengeId, code: own.code })).status).toBe(200);
  });

  it('the same code has a different digest for each address and each purpose', async () => {
    const digests: string[] = [];
    const store = storeOf('MemoryStore');
    jest.spyOn(store, 'attempt').mockImplementation(async ({ code }) => {
      digests.push(code);
      return { kind: 'expired', live: false };
    });
    const service = await open({ store, ...WIDE });
    const reset = await open({ store, ...WIDE, purpose: 'reset' });
    const code = '123456';
    for (const ask of [service.verify, reset.verify])
      for (const one of [email, other]) await ask({ email: one, code });
    expect(new Set(digests).size).toBe(4);
    await service.verify({ email, code });
    expect(digests[4]).toBe(digests[0]);
  });
});

describe.each(STORES)('T23: a suppressed send (promise 11) on %s', (name) => {
  const inbox = memoryInbox();
  const mail = { subject: 'You have an account', text: 'Sign in.', html: '<p>Sign in.</p>' };

  it.each([
    ['without an email', { kind: 'suppress' } as const],
    ['with an email in place of the code', { kind: 'suppress', mail } as const],
  ])(
    '%s stores the digest of no code: even the code that would have been drawn is incorrect',
    async (_how, verdict) => {
      // Every draw gives the same code, so the test knows which one a send would have drawn.
      const drawn = '135790';
      jest.spyOn(crypto, 'randomInt').mockReturnValue(Number(drawn) as never);
      const clock = startClock();
      const service = await open({
        store: storeOf(name, clock.read),
        ...{ ...WIDE, delivery: inbox.delivery },
        beforeSend: ({ email: address }) => (address === email ? verdict : undefined),
      });
      await service.send({ email: other });
      expect(inbox.lastCode(other)).toBe(drawn);
      expect((await service.verify({ email: other, code: drawn })).status).toBe(200);

      const { challengeId } = (await service.send({ email })).body;
      const tried = await service.verify({ email, challengeId, code: drawn });
      expect(tried.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });
      // Nor does it count as an ended code later, which would give a suppressed address away.
      clock.pass(4 * MINUTE);
      const later = await service.send({ email });
      const again = await service.verify({ email, challengeId: later.body.challengeId, code: drawn });
      expect(again.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });
    },
  );
});
