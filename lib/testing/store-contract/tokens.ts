/** Tokens: used up once, and given back (lib/README.md, rule 5). */
import assert from 'node:assert/strict';
import { HOUR, has, is, MINUTE, type Steps, TIMEOUT, test, timedTest } from './steps.js';

const DAY = 24 * HOUR;

export const tokenTests = [
  test('redeems a token once', async ({ open, attempt, redeem }) => {
    await open('a');
    await attempt('a', 'holder-1');
    has(await redeem('token-of-a'), { kind: 'redeemed' });
    is(await redeem('token-of-a'), { kind: 'unknown' });
  }),

  test('redeems no token of another challenge', async ({ store, key, digest, open, attempt, redeem }) => {
    await open('a');
    await attempt('a', 'holder-1');
    const elsewhere = { ...key, challenge: digest('another challenge'), token: digest('token-of-a') };
    is(await store.redeem(elsewhere, TIMEOUT), { kind: 'unknown' });
    has(await redeem('token-of-a'), { kind: 'redeemed' });
  }),

  test('stores no token for a wrong code', async ({ open, attempt, redeem }) => {
    await open('a');
    await attempt('x', 'holder-1');
    is(await redeem('token-of-x'), { kind: 'unknown' });
  }),

  test('reports no problems', async ({ store }) => {
    assert.deepEqual([...(await store.check(TIMEOUT))], []);
  }),

  timedTest(
    'gives a token back with its old end until then',
    async ({ open, attempt, redeem, release, passTo, start }) => {
      await open('a');
      await attempt('a', 'holder-1');
      const end = start + 15 * MINUTE;
      is(await redeem('token-of-a'), { kind: 'redeemed', end });
      is(await redeem('token-of-a'), { kind: 'unknown' });
      await release('token-of-a', end);
      await passTo(end - 1);
      is(await redeem('token-of-a'), { kind: 'redeemed', end });
      await passTo(end);
      await release('token-of-a', end);
      is(await redeem('token-of-a'), { kind: 'unknown' });
    },
  ),

  timedTest('does not redeem a token at its end', async ({ open, attempt, redeem, pass }) => {
    await open('a');
    await attempt('a', 'holder-1');
    await pass(15 * MINUTE);
    is(await redeem('token-of-a'), { kind: 'unknown' });
  }),

  timedTest(
    'keeps a token while another challenge of the address is verified',
    async ({ open, openLater, attempt, redeem }) => {
      await open('a');
      await attempt('a', 'holder-1');
      await openLater('b');
      await attempt('b', 'holder-2');
      has(await redeem('token-of-a'), { kind: 'redeemed' });
      has(await redeem('token-of-b'), { kind: 'redeemed' });
    },
  ),

  timedTest(
    'gives back a token with the longest possible life',
    async ({ redeem, release, passTo, start }) => {
      await release('token', start + DAY);
      await passTo(start + DAY - 1);
      is(await redeem('token'), { kind: 'redeemed', end: start + DAY });
    },
  ),

  ...Object.entries({
    'in the past': -1,
    now: 0,
    'not a number': Number.NaN,
    infinite: Number.POSITIVE_INFINITY,
    'minus infinity': Number.NEGATIVE_INFINITY,
    'later than any token ends': DAY + 1,
  }).map(([when, fromNow]) =>
    timedTest(`gives no token back if its end is ${when}`, (steps) => givesNoTokenBack(steps, fromNow)),
  ),
];

async function givesNoTokenBack(steps: Steps, fromNow: number): Promise<void> {
  const { open, attempt, redeem, release, start } = steps;
  await release('token', start + fromNow);
  is(await redeem('token'), { kind: 'unknown' });

  await open('a');
  await attempt('a', 'holder-1');
  await redeem('token-of-a');
  await release('token-of-a', start + fromNow);
  is(await redeem('token-of-a'), { kind: 'unknown' });
  is(await attempt('a', undefined, { tokenTtl: 1 }), { kind: 'expired', live: false });
}
