/**
 * MemoryStore is the model for RedisStore: for any sequence of operations, under the same clock, both return the same
 * outcomes. If they do not, fast-check prints the seed and the shortest sequence that fails.
 */

import { type Limit, MemoryStore, RedisStore, type Store } from 'express-email-verification';
import fc from 'fast-check';
import { passTimeOf } from '../support/pass-time.js';
import { randomRuns } from '../support/random-runs.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();

jest.setTimeout(300_000);

const SEQUENCES = randomRuns(10_000);
/** Sequences run at once, each on its own keys, so that Redis handles them in one batch. */
const LANES = 25;

const few = (kind: string, count: number) => fc.integer({ min: 0, max: count - 1 }).map((n) => kind + n);
const key = fc.record({ mailbox: few('mailbox', 2), challenge: few('challenge', 2) });
const holder = fc.option(few('holder', 3), { nil: undefined });
const limits = fc.constantFrom<(readonly Limit[])[]>(
  [{ max: 1, window: 60_000 }],
  [
    { max: 1, window: 60_000 },
    { max: 3, window: 3_600_000 },
    { max: 5, window: 86_400_000 },
  ],
  [{ max: 3, window: 10_000 }],
  [{ max: 1000, window: 86_400_000 }],
  [{ max: 1, window: 86_400_000 }],
  [{ max: 2, window: 7_200_000 }],
);
/** Calls after their deadline change nothing. */
const timeout = fc.oneof(
  { weight: 12, arbitrary: fc.constant(60_000) },
  { weight: 1, arbitrary: fc.constant(-1) },
);
const span = fc.constantFrom<number[]>(60_000, 180_000, 600_000);

/** One step: an operation, or time that passes. `nth` picks one of the results of earlier steps. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      operation: fc.constant('open' as const),
      key,
      code: few('code', 4),
      codeTtl: span,
      holder,
      newHolder: few('holder', 3),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      limits,
      timeout,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      operation: fc.constant('attempt' as const),
      key,
      code: few('code', 5),
      holder,
      token: few('token', 5),
      tokenTtl: span,
      timeout,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      operation: fc.constant('discard' as const),
      nth: fc.nat(5),
      newHolder: holder,
      limits,
      timeout,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ operation: fc.constant('redeem' as const), key, token: few('token', 5), timeout }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      operation: fc.constant('release' as const),
      nth: fc.nat(3),
      /**
       * How far the given end is from the token's own end; or an invalid end. Redis expires keys by a clock that the test
       * cannot move, so a token that must still exist always has several seconds left.
       */
      off: fc.oneof(
        { weight: 9, arbitrary: fc.constant(0) },
        fc.constantFrom(-1, 10_000, -600_000, 86_400_000, 86_410_000, Number.NaN, Number.POSITIVE_INFINITY),
      ),
      key,
      token: few('token', 5),
      timeout,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ operation: fc.constant('peek' as const), key, holder: few('holder', 3), timeout }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ operation: fc.constant('status' as const), key, limits, timeout }),
  },
  { weight: 1, arbitrary: fc.record({ operation: fc.constant('forget' as const), key, timeout }) },
  {
    weight: 3,
    arbitrary: fc.record({
      operation: fc.constant('count' as const),
      ip: few('ip', 2),
      window: span,
      step: fc.constantFrom('hit', 'hit', 'undo', 'forget'),
      timeout,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      operation: fc.constant('pass' as const),
      time: fc.constantFrom<number[]>(
        0,
        1,
        10_000,
        50_000,
        60_000,
        60_001,
        170_000,
        180_000,
        900_000,
        3_600_000,
        7_200_000,
        86_390_000,
        86_400_000,
      ),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let clocks = 0;

/** Runs a sequence on one store and records the outcome of each step. `pass` advances its clock. */
async function run(
  store: Store,
  steps: readonly Step[],
  clock: { now: number },
  lane: string,
  pass: (time: number) => Promise<void>,
): Promise<string[]> {
  const own = (digest: string) => `${lane}${digest}`;
  const ownKey = (of: { mailbox: string; challenge: string }) => ({
    mailbox: own(of.mailbox),
    challenge: of.challenge,
  });
  const opened: { mailbox: string; challenge: string; code: string; place: number }[] = [];
  const ends: number[] = [];
  const outcomes: string[] = [];

  async function perform(one: Step): Promise<unknown> {
    switch (one.operation) {
      case 'pass':
        await pass(one.time);
        return 'time passed';
      case 'open': {
        const request = { ...one, ...ownKey(one.key), limits: one.limits };
        const outcome = await store.open(request, one.timeout);
        if (outcome.kind === 'opened')
          opened.push({ ...ownKey(one.key), code: one.code, place: outcome.place });
        return outcome;
      }
      case 'attempt':
        return store.attempt({ ...one, ...ownKey(one.key) }, one.timeout);
      case 'discard': {
        const email = opened[one.nth % Math.max(1, opened.length)];
        return (
          email && store.discard({ ...email, newHolder: one.newHolder, limits: one.limits }, one.timeout)
        );
      }
      case 'redeem': {
        const outcome = await store.redeem({ ...ownKey(one.key), token: one.token }, one.timeout);
        if (outcome.kind === 'redeemed') ends.push(outcome.end);
        return outcome;
      }
      case 'release': {
        const end = ends[one.nth % Math.max(1, ends.length)] ?? clock.now + 60_000;
        return store.release({ ...ownKey(one.key), token: one.token, end: end + one.off }, one.timeout);
      }
      case 'peek':
        return store.peek({ ...ownKey(one.key), holder: one.holder }, one.timeout);
      case 'status':
        return store.status?.({ ...ownKey(one.key), limits: one.limits }, one.timeout);
      case 'forget':
        return store.forget?.(ownKey(one.key), one.timeout);
      case 'count':
        return store.count({ ip: own(one.ip), window: one.window, step: one.step }, one.timeout);
    }
  }

  for (const one of steps) {
    const outcome = await perform(one).catch((error: Error) => ({ rejected: error.name }));
    outcomes.push(`${one.operation}: ${JSON.stringify(outcome)}`);
  }
  return outcomes;
}

/** Every key that a sequence can create in its lane. */
function keysOf(lane: string): string[] {
  const mailboxes = [0, 1].map((n) => `ev:{${lane}mailbox${n}}`);
  const challenges = mailboxes.flatMap((mailbox) => [0, 1].map((n) => `${mailbox}challenge${n}`));
  return [...mailboxes, ...challenges, ...[0, 1].map((n) => `ev:${lane}network${n}`)];
}

/** The sequence on one challenge, with so many codes in so little time that not all ended codes are remembered. */
function onOneChallenge(steps: readonly Step[]): Step[] {
  const key = { mailbox: 'mailbox0', challenge: 'challenge0' };
  const limits = [{ max: 1000, window: 86_400_000 }];
  const opens = {
    operation: 'open',
    key,
    codeTtl: 60_000,
    holder: undefined,
    maxAttempts: 3,
    limits,
  } as const;
  return steps.map((one, n) => {
    switch (one.operation) {
      case 'pass':
        return { ...one, time: Math.min(one.time, 60_000) };
      case 'attempt':
        return { ...one, key, code: `code${(n * 5) % Math.max(1, n)}` };
      default:
        return { ...opens, code: `code${n}`, newHolder: `holder${n}`, timeout: one.timeout };
    }
  });
}

it(`promises 1 to 7: ${SEQUENCES} random sequences of operations have the same outcomes on both stores`, async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }),
    fc.nat(4),
    async (drawn, crowd) => {
      const steps = crowd === 0 ? onOneChallenge(drawn) : drawn;
      clocks += 1;
      const start = 1_800_000_000_000;
      const [redisClock, memoryClock] = [{ now: start }, { now: start }];
      const lane = `${clocks}:`;
      const passInRedis = async (time: number) => {
        redisClock.now += time;
        await passTimeOf(redis.client, time, keysOf(lane));
      };
      const passInMemory = async (time: number) => {
        memoryClock.now += time;
      };
      const [actual, model] = await Promise.all([
        run(
          new RedisStore(redis.client, { clock: () => redisClock.now }),
          steps,
          redisClock,
          lane,
          passInRedis,
        ),
        run(new MemoryStore({ clock: () => memoryClock.now }), steps, memoryClock, lane, passInMemory),
      ]);
      expect(actual).toEqual(model);
      // No key lives forever.
      const lives = await Promise.all(keysOf(lane).map((one) => redis.client.pTTL(one)));
      expect(lives).not.toContain(-1);
    },
  );
  const seed = Date.now() & 0x7fffffff;
  const numRuns = Math.ceil(SEQUENCES / LANES);
  await Promise.all(
    Array.from({ length: LANES }, (_, lane) => fc.assert(property, { seed: seed + lane, numRuns })),
  );
});
