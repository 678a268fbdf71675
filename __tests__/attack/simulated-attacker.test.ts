/**
 * A simulated attacker on one mailbox, with every freedom: any number of clients, mails that hang and fail when
 * they like, the time moved as they like. What they get, guesses compared × codes alive at that moment, never
 * exceeds the bound of guess-bound.ts in any 24 hours: promise 5.
 */
import { guessBound } from '../../lib/challenge/guess-bound.js';
import { passTimeOf } from '../support/pass-time.js';
import { randomRuns } from '../support/random-runs.js';
import { mutated, numbers, planOf, type Rules, strategies } from './attack-plans.js';
import { attack } from './attacker.js';
import { SECOND, STORES, type StoreName, useFrontDoor } from './front-door.js';

const { storeOf, redis } = useFrontDoor();

const onStore = (name: StoreName) => (clock: () => number) => storeOf(name, clock);

const defaults: Rules = {
  sendLimits: [
    { max: 1, window: 60 },
    { max: 5, window: 3600 },
    { max: 10, window: 86_400 },
  ],
  ...{ codeTtl: 180, maxAttempts: 5, codeLength: 6 },
};
const settings: [name: string, rules: Rules][] = [
  ['default options', defaults],
  ['codes of 10 minutes, 10 attempts', { ...defaults, codeTtl: 600, maxAttempts: 10, codeLength: 8 }],
  ['one limit of 4 an hour', { ...defaults, sendLimits: [{ max: 4, window: 3600 }] }],
  [
    '3 a minute, 12 a day',
    {
      ...defaults,
      sendLimits: [
        { max: 3, window: 60 },
        { max: 12, window: 86_400 },
      ],
    },
  ],
  [
    'codes of 10 minutes that outlive a window of 2 mails, 20 a day',
    {
      ...defaults,
      ...{ codeTtl: 600, codeLength: 8 },
      sendLimits: [
        { max: 2, window: 60 },
        { max: 20, window: 86_400 },
      ],
    },
  ],
  [
    'codes of 10 minutes that outlive every window',
    {
      ...defaults,
      ...{ codeTtl: 600, codeLength: 8 },
      sendLimits: [
        { max: 2, window: 30 },
        { max: 3, window: 50 },
      ],
    },
  ],
  [
    '1 a 50 seconds, 1 attempt',
    {
      ...defaults,
      maxAttempts: 1,
      sendLimits: [
        { max: 1, window: 50 },
        { max: 30, window: 7200 },
      ],
    },
  ],
];

function boundOf(rules: Rules): number {
  const sendLimits = rules.sendLimits.map(({ max, window }) => ({ max, window: window * SECOND }));
  return guessBound({ ...rules, sendLimits, codeTtl: rules.codeTtl * SECOND }).guesses;
}

describe.each(settings)('with %s', (_name, rules) => {
  it.each(strategies)('T2: promise 5, an attacker who %s stays within the bound', async (_what, style) => {
    const plan = planOf(rules, style(rules));
    // A mail that hangs keeps its id back too, unless delivery is in the background.
    const deliveries = rules === defaults ? (['background', 'function'] as const) : (['background'] as const);
    for (const delivery of deliveries) {
      expect(await attack(plan, rules, onStore('MemoryStore'), delivery)).toBeLessThanOrEqual(boundOf(rules));
    }
  });
});

it.each(strategies)(
  'T2: promise 5, both stores give the same to an attacker who %s',
  async (_what, style) => {
    await redis.flush();
    const plan = planOf(defaults, style(defaults));
    // The keys of Redis grow old with the attack: what it forgets too soon, the attacker gets.
    const growOld = (time: number) => passTimeOf(redis.client, time);
    const [one, other] = await Promise.all(
      STORES.map((name) =>
        attack(plan, defaults, onStore(name), 'background', name === 'RedisStore' ? growOld : undefined),
      ),
    );
    expect(one).toBeLessThanOrEqual(boundOf(defaults));
    expect(one).toBe(other);
  },
);

const ROUNDS = randomRuns(300);

it(`T2: promise 5, a random search of ${ROUNDS} rounds finds no way over the bound`, async () => {
  const random = numbers(20_260_101);
  const plans = strategies.map(([, style]) => planOf(defaults, style(defaults)));
  const ranked = await Promise.all(
    plans.map(async (plan) => ({ plan, got: await attack(plan, defaults, onStore('MemoryStore')) })),
  );
  const best = ranked.sort((a, b) => b.got - a.got).slice(0, 4);
  for (let round = 0; round < ROUNDS; round += 1) {
    const at = Math.floor(random() * best.length);
    const plan = mutated(best[at]?.plan ?? [], random);
    const got = await attack(plan, defaults, onStore('MemoryStore'));
    expect(got).toBeLessThanOrEqual(boundOf(defaults));
    if (got >= (best[at]?.got ?? 0)) best[at] = { plan, got };
  }
  const most = Math.max(...best.map(({ got }) => got));
  const perIpOnly = 1 - (1 - 1e-6) ** (1000 * 3 * 60 * 24);
  console.info(
    [
      `chance a mailbox and day, default options: best attack found ${(most * 1e-6).toExponential(2)}`,
      `the bound ${(boundOf(defaults) * 1e-6).toExponential(2)}`,
      `a product that limits each IP alone to 3 a minute, 1000 IPs: ${perIpOnly.toFixed(2)}`,
    ].join('; '),
  );
  // The search is worth something only if it comes near.
  expect(most).toBeGreaterThanOrEqual(0.75 * boundOf(defaults));
});
