/** Each operation is one atomic step, whatever runs at the same time (lib/README.md, promises 1, 2 and 4). */
import assert from 'node:assert/strict';
import { GIVE_BACKS_A_DAY } from '../../store/store.js';
import { is, MINUTE, placeOf, test, timedTest } from './steps.js';

const MANY = 100;
const ROUNDS = 20;

export const raceTests = [
  test(`accepts one of ${MANY} parallel right codes`, async ({ open, attempt }) => {
    await open('a');
    const outcomes = await parallel((n) => attempt('a', 'holder-1', { token: `token-${n}` }));
    assert.deepEqual(tally(outcomes), { accepted: 1, expired: MANY - 1 });
  }),

  test('accepts one of two live codes', async ({ open, attempt }) => {
    const limits = [{ max: 2, window: MINUTE }];
    await open('a', { limits, maxAttempts: MANY });
    await open('b', { limits, maxAttempts: MANY });
    const outcomes = await parallel((n) =>
      attempt(n % 2 ? 'a' : 'b', n % 2 ? 'holder-1' : 'holder-2', { token: `token-${n}` }),
    );
    assert.deepEqual(tally(outcomes), { accepted: 1, expired: MANY - 1 });
  }),

  test(`compares as many of ${MANY} parallel wrong codes as there are attempts`, async ({
    open,
    attempt,
  }) => {
    await open('a', { maxAttempts: 5 });
    for (const holder of ['holder-1', undefined]) {
      const outcomes = await parallel((n) => attempt(`wrong-${n}`, holder));
      const left = outcomes.flatMap((outcome) =>
        outcome.kind === 'incorrect' ? [outcome.attemptsLeft] : [],
      );
      assert.deepEqual(left.sort(), [0, 1, 2, 3, 4]);
      assert.deepEqual(tally(outcomes), { incorrect: 5, expired: MANY - 5 });
    }
  }),

  test('accepts a right code beside wrong ones and another send', async ({ open, attempt }) => {
    const limits = [{ max: 1000, window: MINUTE }];
    for (let round = 0; round < ROUNDS; round += 1) {
      const [code, holder] = [`right-${round}`, `holder-of-${round}`];
      await open(code, { newHolder: holder, maxAttempts: 4, limits });
      const calls = [
        () => attempt(code, holder),
        () => attempt('wrong', holder),
        () => attempt('wrong'),
        () => open(`next-${round}`, { holder, newHolder: `next-holder-of-${round}`, maxAttempts: 4, limits }),
      ];
      const order = [...calls.slice(round % 4), ...calls.slice(0, round % 4)];
      const outcomes = await Promise.all(order.map((call) => call()));
      assert.equal(tally(outcomes)['accepted'], 1, JSON.stringify(outcomes));
      // Nothing revives a code that was used.
      const again = await attempt(code, holder, { token: `second-token-${round}` });
      assert.notEqual(again.kind, 'accepted');
    }
  }),

  test(`opens as many of ${MANY} parallel sends as the limit allows, each with a place of its own`, async ({
    open,
  }) => {
    const limits = [{ max: 5, window: MINUTE }];
    const outcomes = await parallel((n) => open(`code-${n}`, { limits }));
    assert.deepEqual(tally(outcomes), { opened: 5, limited: MANY - 5 });
    const places = outcomes.filter(({ kind }) => kind === 'opened').map(placeOf);
    assert.equal(new Set(places).size, 5);
  }),

  test(`redeems a token in one of ${MANY} parallel calls`, async ({ open, attempt, redeem }) => {
    await open('a');
    await attempt('a', 'holder-1');
    assert.deepEqual(tally(await parallel(() => redeem('token-of-a'))), { redeemed: 1, unknown: MANY - 1 });
  }),

  test(`counts ${MANY} parallel requests of a client`, async ({ count }) => {
    const hits = (await parallel(() => count('hit'))).map((outcome) => outcome.hits);
    assert.deepEqual(
      hits.sort((a, b) => a - b),
      Array.from({ length: MANY }, (_, n) => n + 1),
    );
  }),

  timedTest(
    `gives one place back in ${MANY} parallel discards of an email`,
    async ({ open, discard, start }) => {
      // Were one discard counted twice, fewer of the others would be given back.
      for (let n = 0; n < GIVE_BACKS_A_DAY; n += 1) {
        const place = placeOf(await open(`code-${n}`));
        await parallel(() => discard(`code-${n}`, place, `holder-${n + 1}`));
      }
      const place = placeOf(await open('last'));
      assert.equal(place, start + GIVE_BACKS_A_DAY);
      is(await discard('last', place), { kind: 'discarded', resendIn: MINUTE + GIVE_BACKS_A_DAY });
    },
  ),
];

function parallel<T>(call: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: MANY }, (_, n) => call(n)));
}

/** How many outcomes there are of each kind. */
function tally(outcomes: readonly { readonly kind: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
