/** A clock that a test moves, so that no test has to wait for a code, a cooldown or a token to end. */
import { inspect } from 'node:util';
import { refuseInProduction } from './refuse-production.js';

export interface TestClock {
  /** The time in ms. Pass it to a store, as in `new MemoryStore({ clock: clock.now })`. */
  readonly now: () => number;
  /**
   * Moves the clock forward.
   *
   * @param ms milliseconds, whole, at least 0
   * @throws RangeError for anything else: time does not go backward.
   */
  readonly advance: (ms: number) => void;
}

/**
 * A clock that begins at the current time and stands still until a test advances it. A store that has it decides by it when
 * codes, attempts, cooldowns, tokens and the limits of clients end.
 *
 * @throws TypeError if NODE_ENV is production.
 * @example
 * const clock = createTestClock();
 * const store = new MemoryStore({ clock: clock.now });
 * clock.advance(180_000); // codes sent so far have expired
 */
export function createTestClock(): TestClock {
  refuseInProduction('createTestClock()');
  let time = Date.now();
  return {
    now: () => time,
    advance(ms) {
      if (!Number.isSafeInteger(ms) || ms < 0) {
        throw new RangeError(
          `advance() takes a whole number of milliseconds, at least 0. Received ${inspect(ms)}.`,
        );
      }
      time += ms;
    },
  };
}
