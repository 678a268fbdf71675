/** What support staff see and delete: status() and forget(), which a store may leave out (lib/README.md, rule 9). */
import assert from 'node:assert/strict';
import type { StoredStatus } from '../../store/store.js';
import { HOUR, has, is, LIMITS, MINUTE, placeOf, type Steps, TIMEOUT, test, timedTest } from './steps.js';

export const supportTests = [
  test('has both of status() and forget(), or neither', async ({ store }) => {
    assert.equal(typeof store.status, typeof store.forget);
  }),

  ...[
    test('finds nothing where nothing was opened', async (steps) => {
      is(await statusOf(steps), NOTHING);
      await forget(steps);
      is(await statusOf(steps), NOTHING);
    }),

    test('counts an email, and the most attempts that one holder has', async (steps) => {
      const { open, attempt } = steps;
      await open('a', { maxAttempts: 3 });
      has(await statusOf(steps), { sends: 1, attemptsLeft: 3, tokens: 0 });
      await attempt('x');
      has(await statusOf(steps), { attemptsLeft: 3 });
      for (const wrong of ['x', 'y', 'z']) await attempt(wrong, 'holder-1');
      has(await statusOf(steps), { attemptsLeft: 2 });
      await attempt('x');
      await attempt('y');
      has(await statusOf(steps), { attemptsLeft: 0 });
    }),

    test('counts a token until it is used up, and no codes or attempts beside it', async (steps) => {
      const { open, attempt, redeem } = steps;
      await open('a');
      await attempt('a', 'holder-1');
      has(await statusOf(steps), { codes: [], attemptsLeft: 0, sends: 1, tokens: 1 });
      await redeem('token-of-a');
      has(await statusOf(steps), { tokens: 0 });
    }),

    test('counts no email that was given back', async (steps) => {
      const { open, discard } = steps;
      await discard('a', placeOf(await open('a')), 'holder-1');
      is(await statusOf(steps), NOTHING);
    }),

    test('forgets codes, holders, attempts, tokens and the emails of the mailbox', async (steps) => {
      const { open, attempt, redeem, peek } = steps;
      await open('a');
      await attempt('a', 'holder-1');
      await forget(steps);
      is(await redeem('token-of-a'), { kind: 'unknown' });
      has(await open('b'), { kind: 'opened', kept: false });
      await forget(steps);
      is(await attempt('b', 'holder-2'), { kind: 'expired', live: false });
      is(await peek('holder-2'), { expiresIn: undefined });
      is(await statusOf(steps), NOTHING);
    }),

    test('creates nothing when an email fails that was under way', async (steps) => {
      const { open, discard } = steps;
      const place = placeOf(await open('a'));
      await forget(steps);
      is(await discard('a', place, 'holder-1'), { kind: 'discarded', resendIn: 0 });
      is(await statusOf(steps), NOTHING);
      has(await open('b'), { kind: 'opened' });
    }),

    test('forgets nothing of another mailbox, or of another challenge', async (steps) => {
      const { store, key, digest, open } = steps;
      await open('a');
      await store.forget?.({ mailbox: digest('another mailbox'), challenge: key.challenge }, TIMEOUT);
      await store.forget?.({ mailbox: digest('another mailbox'), challenge: digest('other') }, TIMEOUT);
      has(await statusOf(steps), { sends: 1, attemptsLeft: 2 });
      await store.forget?.({ mailbox: key.mailbox, challenge: digest('other') }, TIMEOUT);
      has(await statusOf(steps), { sends: 0, attemptsLeft: 2 });
    }),

    test('does nothing in a call after its deadline', async (steps) => {
      const { store, key, open } = steps;
      await open('a');
      await assert.rejects(async () => store.forget?.(key, -1));
      await assert.rejects(async () => store.status?.({ ...key, limits: LIMITS }, -1));
      has(await statusOf(steps), { sends: 1 });
    }),

    timedTest(
      'tells to the millisecond how long codes are valid, and when another can be sent',
      async (steps) => {
        const { open, openLater, pass } = steps;
        await open('a');
        is(await statusOf(steps), {
          ...NOTHING,
          codes: [3 * MINUTE],
          attemptsLeft: 2,
          sends: 1,
          resendIn: MINUTE,
        });
        await openLater('b');
        has(await statusOf(steps), { codes: [2 * MINUTE, 3 * MINUTE], sends: 2, resendIn: MINUTE });
        await pass(2 * MINUTE - 1);
        has(await statusOf(steps), { codes: [1, MINUTE + 1], resendIn: 0 });
        await pass(1);
        has(await statusOf(steps), { codes: [MINUTE] });
        await pass(MINUTE);
        has(await statusOf(steps), { codes: [], attemptsLeft: 0, sends: 2 });
        await pass(24 * HOUR);
        is(await statusOf(steps), NOTHING);
      },
    ),

    timedTest('counts no token at its end', async (steps) => {
      const { open, attempt, pass } = steps;
      await open('a');
      await attempt('a', 'holder-1');
      await pass(15 * MINUTE - 1);
      has(await statusOf(steps), { tokens: 1 });
      await pass(1);
      has(await statusOf(steps), { tokens: 0 });
    }),
  ].map((one) => ({ ...one, of: 'support' as const })),
];

const NOTHING: StoredStatus = {
  kind: 'status',
  codes: [],
  attemptsLeft: 0,
  sends: 0,
  resendIn: 0,
  tokens: 0,
};

async function statusOf({ store, key }: Steps): Promise<StoredStatus> {
  return (await store.status?.({ ...key, limits: LIMITS }, TIMEOUT)) ?? assert.fail('There is no status().');
}

async function forget({ store, key }: Steps): Promise<void> {
  assert.deepEqual({ ...(await store.forget?.(key, TIMEOUT)) }, { kind: 'forgotten' });
}
