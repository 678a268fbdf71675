/** What support staff can do: see what is stored about an address, and delete it. */
import {
  createEmailVerification,
  type EmailVerificationOptions,
  MemoryStore,
  RedisStore,
  type Store,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { passTimeOf } from '../support/pass-time.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const redis = useRedis();
beforeEach(() => redis.flush());
const email = 'person@example.com';
const NEW_SECRET = 'another secret of the tests, long enough';
const NOTHING = {
  kind: 'status',
  codes: [],
  attemptsLeft: 0,
  sendsToday: 0,
  nextSendIn: 0,
  tokens: 0,
};

describe.each([
  ['RedisStore', (clock: () => number): Store => new RedisStore(redis.client, { clock })],
  ['MemoryStore', (clock: () => number): Store => new MemoryStore({ clock })],
])('on %s', (name, createStore) => {
  /** Verifications that share one store. */
  function start() {
    const codes: string[] = [];
    const clock = { now: Date.now() };
    const store = createStore(() => clock.now);
    const create = (options: Partial<EmailVerificationOptions> = {}) =>
      createEmailVerification({
        ...{ store, transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET, storeTimeout: 10_000 },
        delivery: async ({ text }) => void codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? ''),
        ...options,
      });
    async function pass(time: number) {
      clock.now += time;
      if (name === 'RedisStore') await passTimeOf(redis.client, time);
    }
    return { create, pass, codes };
  }

  const wrongOf = (code = '') => (code === '000000' ? '000001' : '000000');

  it('status() tells codes, attempts, emails and tokens, in whole seconds', async () => {
    const { create, pass, codes } = start();
    const verification = create();
    expect(await verification.status({ email })).toEqual(NOTHING);

    await verification.send({ email });
    await pass(60_500);
    await verification.send({ email: 'Person@Example.com' });
    expect(await verification.status({ email: ' PERSON@example.com ' })).toEqual({
      kind: 'status',
      codes: [{ endsIn: 120 }, { endsIn: 180 }],
      attemptsLeft: 5,
      sendsToday: 2,
      nextSendIn: 60,
      tokens: 0,
    });

    await verification.verify({ email, code: codes[0] });
    expect(await verification.status({ email })).toEqual({
      ...NOTHING,
      sendsToday: 2,
      nextSendIn: 60,
      tokens: 1,
    });
    await pass(60_000);
    expect(await verification.status({ email })).toMatchObject({ sendsToday: 2, nextSendIn: 0 });
  });

  it('forget() lets a person who is locked out begin again, and voids codes and tokens', async () => {
    const { create, codes } = start();
    const verification = create({ sendLimits: [{ max: 1, window: 86_400 }] });
    await verification.send({ email });
    for (let n = 0; n < 5; n += 1) await verification.verify({ email, code: wrongOf(codes[0]) });
    expect(await verification.verify({ email, code: codes[0] })).toMatchObject({ kind: 'code_expired' });
    expect(await verification.send({ email })).toMatchObject({ kind: 'too_many_requests' });

    expect(await verification.forget({ email })).toEqual({ kind: 'forgotten' });
    expect(await verification.status({ email })).toEqual(NOTHING);
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    const verified = await verification.verify({ email, code: codes[1] });
    if (verified.kind !== 'verified') throw new Error(verified.kind);

    await verification.forget({ email });
    const { verificationToken } = verified;
    expect(await verification.redeem({ email, verificationToken })).toMatchObject({
      kind: 'email_not_verified',
    });
  });

  it('a failed email that was under way creates nothing after forget()', async () => {
    const { create } = start();
    const underWay: ((error: Error) => void)[] = [];
    const delivery = () => new Promise<void>((_resolve, reject) => void underWay.push(reject));
    const verification = create({ delivery });
    verification.on('delivery_failed', () => {});
    const sending = verification.send({ email });
    await until('the email is under way', () => underWay.length > 0);
    expect(await verification.status({ email })).toMatchObject({ sendsToday: 1 });
    await verification.forget({ email });
    underWay[0]?.(new Error('not sent'));
    expect(await sending).toMatchObject({ kind: 'delivery_failed', resendIn: 0 });
    expect(await verification.status({ email })).toEqual(NOTHING);
    expect(await redis.client.keys('*')).toEqual([]);
  });

  it('while secrets rotate, both find what is stored under each of them', async () => {
    const { create, codes } = start();
    await create().send({ email });
    await create().verify({ email, code: codes[0] });
    await create({ secret: NEW_SECRET }).send({ email });
    const rotating = create({ secret: [NEW_SECRET, SECRET] });
    expect(await rotating.status({ email })).toMatchObject({
      codes: [{ endsIn: 180 }],
      attemptsLeft: 5,
      sendsToday: 1,
      tokens: 1,
    });
    await rotating.forget({ email });
    for (const secret of [SECRET, NEW_SECRET])
      expect(await create({ secret }).status({ email })).toEqual(NOTHING);
    if (name === 'RedisStore') expect(await redis.client.keys('*')).toEqual([]);
  });

  it('while secrets rotate, status() tells the codes of all secrets in order, and the most attempts under any', async () => {
    const { create, pass } = start();
    await create().send({ email });
    await pass(60_000);
    await create({ secret: NEW_SECRET, maxAttempts: 3 }).send({ email });
    expect(await create({ secret: [NEW_SECRET, SECRET] }).status({ email })).toMatchObject({
      codes: [{ endsIn: 120 }, { endsIn: 180 }],
      attemptsLeft: 5,
    });
  });

  it('each purpose has its own codes, and all share the emails of the mailbox', async () => {
    const { create } = start();
    const [signUp, login] = [create(), create({ purpose: 'login' })];
    await signUp.send({ email });
    expect(await login.status({ email })).toEqual({ ...NOTHING, sendsToday: 1, nextSendIn: 60 });
    await login.forget({ email });
    expect(await signUp.status({ email })).toMatchObject({ codes: [{ endsIn: 180 }], sendsToday: 0 });
  });

  it('the code of a suppressed send looks like any other', async () => {
    const { create } = start();
    const statuses = [];
    for (const kind of ['suppress', undefined] as const) {
      const verification = create({ beforeSend: () => kind && { kind } });
      await verification.send({ email });
      statuses.push(await verification.status({ email }));
      await verification.forget({ email });
    }
    expect(statuses[0]).toEqual(statuses[1]);
  });
});

it.each(['status', 'forget'] as const)('%s() checks its input as the routes do', async (operation) => {
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET },
  });
  for (const input of [{ email: 'nobody' }, { email: [email] }, {}, undefined, null])
    expect(await verification[operation](input as never)).toEqual({
      kind: 'invalid_request',
      message: expect.any(String),
      errors: [{ field: 'email', message: expect.any(String) }],
    });
  const korean = await verification[operation]({ email: 'nobody', locale: 'ko' });
  expect(korean).toMatchObject({ message: expect.stringMatching(/[가-힣]/) });
});

it.each(['status', 'forget'] as const)('%s() reports a store that fails', async (operation) => {
  const store = new MemoryStore();
  jest.spyOn(store, operation).mockRejectedValue(new Error('no connection'));
  const verification = createEmailVerification({
    ...{ store, transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET },
  });
  const failed = jest.fn();
  verification.on('unavailable', failed);
  expect(await verification[operation]({ email })).toEqual({
    kind: 'unavailable',
    message: expect.any(String),
    retryAfter: 5,
  });
  expect(failed).toHaveBeenCalledWith({
    operation,
    purpose: 'signup',
    cause: expect.objectContaining({ message: 'no connection' }),
  });
});

it.each([
  ['status', { kind: 'status', codes: ['5'], attemptsLeft: 5, sends: 1, resendIn: 0, tokens: 0 }],
  ['status', { kind: 'status', codes: [], attemptsLeft: 5, sends: 1, resendIn: 0 }],
  ['status', undefined],
  ['forget', { kind: 'gone' }],
  ['forget', undefined],
] as const)('%s() that resolves with %j is unavailable', async (operation, outcome) => {
  const store: Store = Object.assign(new MemoryStore(), { [operation]: async () => outcome });
  const verification = createEmailVerification({
    ...{ store, transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET },
  });
  const causes: unknown[] = [];
  verification.on('unavailable', ({ cause }) => causes.push(cause));
  expect(await verification[operation]({ email })).toMatchObject({ kind: 'unavailable' });
  expect(String(causes)).toContain(`${operation}() of the store returned`);
});

it.each(['status', 'forget'] as const)(
  'without %s(), a store of an app serves everything else, and the operation says what is missing',
  async (operation) => {
    const store: Store = Object.assign(new MemoryStore(), { [operation]: undefined });
    const codes: string[] = [];
    const verification = createEmailVerification({
      ...{ store, transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET },
      delivery: async ({ text }) => void codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? ''),
    });
    await verification.send({ email });
    expect(await verification.verify({ email, code: codes[0] })).toMatchObject({ kind: 'verified' });
    await expect(verification[operation]({ email })).rejects.toThrow(
      `${operation}() needs a \`store\` with the operation ${operation}(), and this one has none.`,
    );
  },
);
