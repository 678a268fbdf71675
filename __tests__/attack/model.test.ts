/**
 * MemoryStore is the model that RedisStore is held against: whatever is asked of both, under the same clock, both
 * come to the same outcome. When they do not, fast-check prints the seed and the shortest sequence it found.
 */

import { type Limit, MemoryStore, RedisStore, type Store } from 'express-email-verification';
import fc from 'fast-check';
import { passTimeOf } from '../support/pass-time.js';
import { randomRuns } from '../support/random-runs.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();

jest.setTimeout(300_000);

const SEQUENCES = randomRuns(10_000);
/** Sequences under way at once, each on keys of its own: Redis answers them in one go. */
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
/** Late calls change nothing. */
const timeout = fc.oneof(
  { weight: 12, arbitrary: fc.constant(60_000) },
  { weight: 1, arbitrary: fc.constant(-1) },
);
const span = fc.constantFrom<number[]>(60_000, 180_000, 600_000);

/** One step: an act, or time that passes. `nth` means one of what the sequence has brought about so far. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('open' as const),
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
      act: fc.constant('attempt' as const),
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
      act: fc.constant('discard' as const),
      nth: fc.nat(5),
      newHolder: holder,
      limits,
      timeout,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('redeem' as const), key, token: few('token', 5), timeout }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('release' as const),
      nth: fc.nat(3),
      /**
       * How much earlier or later than its own end it is given back with; or an end that is none. Redis clears away
       * by a clock that the test cannot move: so what is still to be there never has less than seconds left.
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
    arbitrary: fc.record({ act: fc.constant('peek' as const), key, holder: few('holder', 3), timeout }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('count' as const),
      ip: few('ip', 2),
      window: span,
      step: fc.constantFrom('hit', 'hit', 'undo', 'forget'),
      timeout,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('pass' as const),
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

/** Runs a sequence on one store and notes what each step came to. `pass` lets time pass, on its clock and beyond. */
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

  async function carryOut(one: Step): Promise<unknown> {
    switch (one.act) {
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
        const mail = opened[one.nth % Math.max(1, opened.length)];
        return mail && store.discard({ ...mail, newHolder: one.newHolder, limits: one.limits }, one.timeout);
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
      case 'count':
        return store.count({ ip: own(one.ip), window: one.window, step: one.step }, one.timeout);
    }
  }

  for (const one of steps) {
    const outcome = await carryOut(one).catch((error: Error) => ({ rejected: error.name }));
    outcomes.push(`${one.act}: ${JSON.stringify(outcome)}`);
  }
  return outcomes;
}

/** Every key that a sequence can make in its lane. */
function keysOf(lane: string): string[] {
  const mailboxes = [0, 1].map((n) => `ev:{${lane}mailbox${n}}`);
  const challenges = mailboxes.flatMap((mailbox) => [0, 1].map((n) => `${mailbox}challenge${n}`));
  return [...mailboxes, ...challenges, ...[0, 1].map((n) => `ev:${lane}network${n}`)];
}

/** The sequence on one challenge, with so many codes in so little time that not all that have ended are known. */
function crowded(steps: readonly Step[]): Step[] {
  const key = { mailbox: 'mailbox0', challenge: 'challenge0' };
  const limits = [{ max: 1000, window: 86_400_000 }];
  const opens = { act: 'open', key, codeTtl: 60_000, holder: undefined, maxAttempts: 3, limits } as const;
  return steps.map((one, n) => {
    switch (one.act) {
      case 'pass':
        return { ...one, time: Math.min(one.time, 60_000) };
      case 'attempt':
        return { ...one, key, code: `code${(n * 5) % Math.max(1, n)}` };
      default:
        return { ...opens, code: `code${n}`, newHolder: `holder${n}`, timeout: one.timeout };
    }
  });
}

it(`promise 1 to 7: ${SEQUENCES} random sequences of acts come to the same on both stores`, async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }),
    fc.nat(4),
    async (drawn, crowd) => {
      const steps = crowd === 0 ? crowded(drawn) : drawn;
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
      const [asked, model] = await Promise.all([
        run(
          new RedisStore(redis.client, { clock: () => redisClock.now }),
          steps,
          redisClock,
          lane,
          passInRedis,
        ),
        run(new MemoryStore({ clock: () => memoryClock.now }), steps, memoryClock, lane, passInMemory),
      ]);
      expect(asked).toEqual(model);
      // Nothing stays for ever.
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
