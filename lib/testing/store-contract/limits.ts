/** How many emails a mailbox gets, and what a failed one gives back (lib/README.md, rules 1 and 3). */
import assert from 'node:assert/strict';
import { HOUR, has, is, LIMITS, MINUTE, placeOf, TIMEOUT, test, timedTest } from './steps.js';

export const limitTests = [
  test('opens a challenge, with the wait until the next email', async ({ open }) => {
    const opened = await open('a');
    is(opened, {
      kind: 'opened',
      kept: false,
      place: placeOf(opened),
      expiresIn: 3 * MINUTE,
      resendIn: MINUTE,
    });
  }),

  test('changes nothing if a limit is reached', async ({ open, attempt }) => {
    await open('a');
    has(await open('b'), { kind: 'limited' });
    is(await attempt('b', 'holder-1'), { kind: 'incorrect', attemptsLeft: 1 });
    is(await attempt('a', 'holder-1'), { kind: 'accepted' });
  }),

  test('counts the emails of a mailbox, whichever challenge they are for', async ({
    store,
    key,
    digest,
    open,
  }) => {
    await open('a');
    const other = {
      mailbox: key.mailbox,
      challenge: digest('another challenge'),
      code: digest('a'),
      codeTtl: MINUTE,
      holder: undefined,
      newHolder: digest('another holder'),
      maxAttempts: 1,
      limits: LIMITS,
    };
    has(await store.open(other, TIMEOUT), { kind: 'limited' });
    has(await store.open({ ...other, mailbox: digest('another mailbox') }, TIMEOUT), { kind: 'opened' });
  }),

  test('does nothing in a call after its deadline', async ({ open }) => {
    await assert.rejects(open('a', {}, -1));
    has(await open('b'), { kind: 'opened' });
  }),

  test('discards an email that was not sent: its code, the holder it created and its place', async ({
    open,
    attempt,
    discard,
  }) => {
    const place = placeOf(await open('a'));
    is(await discard('a', place, 'holder-1'), { kind: 'discarded', resendIn: 0 });
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
    has(await open('b', { holder: 'holder-1' }), { kind: 'opened', kept: false });
  }),

  test('creates nothing by discarding what is not there', async ({ open, discard, attempt, start }) => {
    is(await discard('a', start, 'holder-1'), { kind: 'discarded', resendIn: 0 });
    is(await attempt('a', 'holder-1'), { kind: 'expired', live: false });
    has(await open('b'), { kind: 'opened' });
  }),

  timedTest('uses the time of the open as its place', async ({ open, start }) => {
    has(await open('a'), { kind: 'opened', place: start });
  }),

  timedTest('gives emails of one millisecond different places', async ({ open, start }) => {
    const limits = [{ max: 3, window: MINUTE }];
    for (const n of [0, 1, 2]) has(await open(`code-${n}`, { limits }), { kind: 'opened', place: start + n });
  }),

  timedTest(
    'is limited to the millisecond, and returns the longest wait',
    async ({ open, openLater, pass, clock, start }) => {
      await open('a');
      await pass(MINUTE - 1);
      is(await open('b'), { kind: 'limited', retryIn: 1, expiresIn: undefined });
      await pass(1);
      has(await open('b'), { kind: 'opened' });
      for (const code of ['c', 'd', 'e']) await openLater(code);
      await pass(MINUTE);
      has(await open('f'), { kind: 'limited', retryIn: HOUR - (clock.now() - start) });
    },
  ),

  timedTest(
    'counts the emails of a whole day to the millisecond',
    async ({ open, discard, pass, passTo, clock, start }) => {
      const places: number[] = [];
      for (let n = 0; n < 10; n += 1) {
        places.push(placeOf(await open(`hourly-${n}`)));
        await pass(2 * HOUR);
      }
      const day = 24 * HOUR;
      has(await open('x'), { kind: 'limited', retryIn: start + day - clock.now() });
      await passTo(start + day - 1);
      has(await open('x'), { kind: 'limited', retryIn: 1 });
      await pass(1);
      has(await open('eleventh'), { kind: 'opened', resendIn: 2 * HOUR });
      // An email that was not sent gives its place back hours later too, and the others still count.
      is(await discard('hourly-9', places[9] ?? 0), { kind: 'discarded', resendIn: MINUTE });
      await pass(MINUTE);
      has(await open('twelfth'), { kind: 'opened' });
      await pass(MINUTE);
      has(await open('x'), { kind: 'limited', retryIn: start + day + 2 * HOUR - clock.now() });
    },
  ),

  timedTest('gives three places back in a day, each once', async ({ open, discard, pass, clock, start }) => {
    for (const [n, code] of ['a', 'b', 'c'].entries()) {
      const place = placeOf(await open(code));
      assert.equal(place, start + n);
      is(await discard(code, place, `holder-${n + 1}`), { kind: 'discarded', resendIn: 0 });
      is(await discard(code, place, `holder-${n + 1}`), { kind: 'discarded', resendIn: 0 });
    }
    has(await open('d'), { kind: 'opened', place: start + 3 });
    is(await discard('d', start + 3, 'holder-4'), { kind: 'discarded', resendIn: MINUTE + 3 });
    await pass(24 * HOUR + 10);
    await open('e');
    is(await discard('e', clock.now(), 'holder-5'), { kind: 'discarded', resendIn: 0 });
  }),

  timedTest(
    'gives a place back on a challenge that has since been verified, and nothing else',
    async ({ open, openLater, attempt, discard }) => {
      await open('a');
      const place = await openLater('b', { holder: 'holder-1' });
      await attempt('a', 'holder-1');
      await discard('b', place);
      is(await attempt('b', 'holder-1'), { kind: 'expired', live: false });
      has(await open('c'), { kind: 'opened' });
    },
  ),

  timedTest(
    'keeps a holder that has a newer code than the one that is discarded',
    async ({ open, openLater, discard, peek }) => {
      const place = placeOf(await open('a'));
      await openLater('b', { holder: 'holder-1' });
      await discard('a', place, 'holder-1');
      is(await peek('holder-1'), { expiresIn: 3 * MINUTE });
    },
  ),

  timedTest(
    'lets a holder enter codes until the last one that was sent ends',
    async ({ open, openLater, discard, peek }) => {
      await open('a');
      const place = await openLater('b', { holder: 'holder-1' });
      await discard('b', place);
      is(await peek('holder-1'), { expiresIn: 2 * MINUTE });
    },
  ),

  timedTest('gives no attempts back on discard', async ({ open, openLater, attempt, discard }) => {
    await open('a');
    await attempt('x', 'holder-1');
    const place = await openLater('b', { holder: 'holder-1' });
    await discard('b', place);
    is(await attempt('x', 'holder-1'), { kind: 'incorrect', attemptsLeft: 0 });
  }),
];
