/** Codes, holders and attempts (lib/README.md, rules 1 and 2). */
import { HOUR, has, is, MINUTE, placeOf, test, timedTest } from './steps.js';

const WIDE = [{ max: 1000, window: MINUTE }];

export const attemptTests = [
  test('never uses the shared attempts for a holder that has spent its own', async ({ open, attempt }) => {
    await open('a');
    await attempt('x', 'holder-1');
    is(await attempt('x', 'holder-1'), { kind: 'incorrect', attemptsLeft: 0 });
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: true });
    is(await attempt('a'), { kind: 'accepted' });
  }),

  test('takes the attempts of an unknown holder from the shared ones', async ({ open, attempt }) => {
    await open('a');
    is(await attempt('x', 'nobody'), { kind: 'incorrect', attemptsLeft: 1 });
    is(await attempt('x'), { kind: 'incorrect', attemptsLeft: 0 });
    is(await attempt('a'), { kind: 'expired', live: true });
    is(await attempt('a', 'holder-1'), { kind: 'accepted' });
  }),

  timedTest(
    'records `code` for a holder that is kept, and `codeOfNewHolder` for a new one',
    async ({ open, openLater, attempt }) => {
      await open('a', { codeOfNewHolder: 'a of 1' });
      is(await attempt('a', 'holder-1'), { kind: 'incorrect', attemptsLeft: 1 });
      await openLater('b', { holder: 'holder-1', codeOfNewHolder: 'b of 2' });
      await openLater('c', { holder: 'nobody', codeOfNewHolder: 'c of 3', maxAttempts: 4 });
      is(await attempt('b of 2', 'holder-3'), { kind: 'incorrect', attemptsLeft: 3 });
      is(await attempt('c', 'holder-3'), { kind: 'incorrect', attemptsLeft: 2 });
      is(await attempt('b', 'holder-1', { token: 'one' }), { kind: 'accepted' });
    },
  ),

  test('has no shared attempts if `sharedAttempts` is 0', async ({ open, attempt }) => {
    await open('a', { sharedAttempts: 0 });
    is(await attempt('a'), { kind: 'expired', live: true });
    is(await attempt('a', 'nobody'), { kind: 'expired', live: true });
    is(await attempt('a', 'holder-1'), { kind: 'accepted' });
  }),

  timedTest(
    'stores the token of a success, also if it had been stored before and has ended',
    async ({ open, release, pass, attempt, redeem, start }) => {
      await open('a');
      await release('token-of-a', start + MINUTE);
      await pass(MINUTE);
      is(await attempt('a', 'holder-1'), { kind: 'accepted' });
      has(await redeem('token-of-a'), { kind: 'redeemed' });
    },
  ),

  test('accepts no code where none was opened', async ({ attempt }) => {
    is(await attempt('a'), { kind: 'expired', live: false });
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
  }),

  test('returns how long a limited holder can still enter a code', async ({ open, attempt, peek }) => {
    const limits = [{ max: 1, window: 24 * HOUR }];
    await open('a', { limits });
    has(await open('b', { limits, holder: 'nobody' }), { kind: 'limited', expiresIn: undefined });
    is(await peek('nobody'), { expiresIn: undefined });
    await attempt('x', 'holder-1');
    await attempt('x', 'holder-1');
    is(await peek('holder-1'), { expiresIn: undefined });
  }),

  timedTest(
    'returns to the millisecond how long a holder can still enter a code',
    async ({ open, pass, peek }) => {
      await open('a');
      has(await open('b', { holder: 'holder-1' }), { kind: 'limited', expiresIn: 3 * MINUTE });
      is(await peek('holder-1'), { expiresIn: 3 * MINUTE });
      await pass(3 * MINUTE - 1);
      is(await peek('holder-1'), { expiresIn: 1 });
      await pass(1);
      is(await peek('holder-1'), { expiresIn: undefined });
    },
  ),

  timedTest('lets every code work until its own end', async ({ open, openLater, attempt, passTo, start }) => {
    await open('a');
    await openLater('b', { holder: 'holder-1' });
    await passTo(start + 3 * MINUTE - 1);
    is(await attempt('a', 'holder-1'), { kind: 'accepted' });
  }),

  timedTest('refuses a code at its end, even if its data still exists', async ({ open, attempt, pass }) => {
    await open('a');
    await pass(3 * MINUTE);
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
  }),

  timedTest(
    'ends all codes, holders and shared attempts with one success',
    async ({ open, openLater, attempt }) => {
      await open('a');
      await openLater('b', { holder: 'holder-1' });
      is(await attempt('a', 'holder-1'), { kind: 'accepted' });
      is(await attempt('b', 'holder-1'), { kind: 'expired', live: false });
      is(await attempt('b'), { kind: 'expired', live: false });
    },
  ),

  timedTest(
    'accepts a repeated attempt, as when its reply was lost, and takes nothing more',
    async ({ open, openLater, attempt, redeem, pass, start }) => {
      await open('a');
      await openLater('b', { holder: 'holder-1' });
      is(await attempt('a', 'holder-1'), { kind: 'accepted' });
      await pass(1);
      is(await attempt('a', 'holder-1'), { kind: 'accepted' });
      // Also beside another challenge of the address, which it leaves alone.
      await openLater('c');
      is(await attempt('a', 'holder-3'), { kind: 'accepted' });
      is(await attempt('x', 'holder-3'), { kind: 'incorrect', attemptsLeft: 1 });
      is(await attempt('c', 'holder-3'), { kind: 'accepted' });
      // It is still one token, with the same end.
      is(await redeem('token-of-a'), { kind: 'redeemed', end: start + MINUTE + 15 * MINUTE });
      is(await redeem('token-of-a'), { kind: 'unknown' });
      is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
    },
  ),

  timedTest('accepts no repeated attempt once its token has ended', async ({ open, attempt, pass }) => {
    await open('a');
    is(await attempt('a', 'holder-1'), { kind: 'accepted' });
    await pass(15 * MINUTE);
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
  }),

  timedTest(
    'gives no attempt back for another code under one holder',
    async ({ open, openLater, attempt, pass }) => {
      await open('a');
      await attempt('x', 'holder-1');
      await openLater('b', { holder: 'holder-1' });
      is(await attempt('x', 'holder-1'), { kind: 'incorrect', attemptsLeft: 0 });
      await pass(MINUTE);
      has(await open('c', { holder: 'holder-1' }), { kind: 'opened', kept: false });
    },
  ),

  timedTest(
    'keeps a holder that has attempts left, with the end of its newest code',
    async ({ open, peek, pass }) => {
      await open('a');
      await pass(MINUTE);
      has(await open('b', { holder: 'holder-1' }), { kind: 'opened', kept: true });
      is(await peek('holder-1'), { expiresIn: 3 * MINUTE });
      is(await peek('holder-2'), { expiresIn: undefined });
    },
  ),

  timedTest('replaces a holder that has ended', async ({ open, pass }) => {
    await open('a');
    await pass(4 * MINUTE);
    has(await open('b', { holder: 'holder-1' }), { kind: 'opened', kept: false });
  }),

  timedTest(
    'tells an ended code from an unknown one beside a newer code, and never accepts it',
    async ({ open, attempt, redeem, pass }) => {
      await open('a', { maxAttempts: 5 });
      await pass(2 * MINUTE);
      await open('b', { holder: 'holder-1', maxAttempts: 5 });
      await pass(MINUTE);
      is(await attempt('a', 'holder-1'), { kind: 'outdated', attemptsLeft: 4 });
      is(await attempt('x', 'holder-1'), { kind: 'incorrect', attemptsLeft: 3 });
      is(await attempt('a'), { kind: 'outdated', attemptsLeft: 4 });
      is(await redeem('token-of-a'), { kind: 'unknown' });
      is(await attempt('b', 'holder-1'), { kind: 'accepted' });
      is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
    },
  ),

  timedTest(
    'recognizes a code that was used, or ended by a success, beside a newer one',
    async ({ open, openLater, attempt, redeem, pass }) => {
      await open('a');
      await openLater('b', { holder: 'holder-1' });
      is(await attempt('b', 'holder-1'), { kind: 'accepted' });
      has(await redeem('token-of-b'), { kind: 'redeemed' });
      await pass(14 * MINUTE);
      await open('c', { maxAttempts: 5 });
      is(await attempt('b', undefined, { token: 'another', tokenTtl: 1 }), {
        kind: 'outdated',
        attemptsLeft: 4,
      });
      is(await attempt('a'), { kind: 'outdated', attemptsLeft: 3 });
      is(await attempt('c'), { kind: 'accepted' });
    },
  ),

  timedTest(
    'takes no attempt for an ended code if none is left or no code is live',
    async ({ open, attempt, pass }) => {
      await open('a');
      await pass(3 * MINUTE);
      is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
      await open('b');
      await attempt('x', 'holder-2');
      is(await attempt('a', 'holder-2'), { kind: 'outdated', attemptsLeft: 0 });
      is(await attempt('a', 'holder-2'), { kind: 'expired', live: true });
    },
  ),

  timedTest(
    'remembers an ended code for 15 minutes, until another is opened',
    async ({ open, attempt, pass }) => {
      await open('a');
      await pass(3 * MINUTE + 15 * MINUTE - 1);
      await open('b', { maxAttempts: 9 });
      await pass(MINUTE + 1);
      is(await attempt('a'), { kind: 'outdated', attemptsLeft: 8 });
      await open('c', { maxAttempts: 9 });
      is(await attempt('a'), { kind: 'incorrect', attemptsLeft: 8 });

      await pass(HOUR);
      await open('d');
      await pass(3 * MINUTE + 15 * MINUTE);
      await open('e');
      is(await attempt('d'), { kind: 'incorrect', attemptsLeft: 1 });
    },
  ),

  timedTest(
    'remembers the ten codes that ended last; of codes that ended together either all or none',
    async ({ open, attempt, pass }) => {
      const openAll = (codes: readonly string[], codeTtl: number) =>
        Promise.all(codes.map((code) => open(code, { codeTtl, maxAttempts: 99, limits: WIDE })));
      const ten = Array.from({ length: 10 }, (_, n) => `second-${n}`);
      await openAll(['first'], MINUTE);
      await openAll(ten, MINUTE + 1);
      await pass(MINUTE + 1);
      await openAll(['newest'], MINUTE);
      has(await attempt('first'), { kind: 'incorrect' });
      for (const code of ten) has(await attempt(code), { kind: 'outdated' });
      // A code that is drawn again works like any other.
      await openAll(['second-0'], MINUTE);
      is(await attempt('second-0'), { kind: 'accepted' });
      // The success ended eleven codes together.
      await openAll(['later'], MINUTE);
      for (const code of [...ten.slice(1), 'newest']) has(await attempt(code), { kind: 'incorrect' });
    },
  ),

  timedTest(
    'does not remember a code whose email was not sent',
    async ({ open, openLater, attempt, discard, pass }) => {
      await discard('a', placeOf(await open('a')), 'holder-1');
      const place = await openLater('b');
      is(await attempt('a', 'holder-2'), { kind: 'incorrect', attemptsLeft: 1 });
      await pass(3 * MINUTE);
      await discard('b', place, 'holder-2');
      await open('c');
      is(await attempt('b', 'holder-3'), { kind: 'incorrect', attemptsLeft: 1 });
    },
  ),
];
