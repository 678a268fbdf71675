/**
 * Time as this very process had it: it stands still while the process is held up, as on a busy machine. What a time-out
 * of ours bounds is measured by it, so that a bound tells how the code waits, and not who else wanted the processor.
 */

/** In ms. A tick that comes late counts once. */
const TICK = 5;

let ticks = 0;
let timer: NodeJS.Timeout | undefined;
beforeAll(() => {
  timer = setInterval(() => {
    ticks += 1;
  }, TICK);
});
afterAll(() => clearInterval(timer));

/** In ms, since the tests of the file began. */
export function ownTime(): number {
  return ticks * TICK;
}
