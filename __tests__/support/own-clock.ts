/**
 * Time as this very process had it: it stands still while the process is held up, as on a busy machine. What a time-out
 * of ours bounds is measured by it, so that a bound tells how the code waits, and not who else wanted the processor.
 */

/** In ms. A tick that comes late counts once. */
const TICK = 5;

export function startOwnClock() {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, TICK);
  return {
    now: () => ticks * TICK,
    stop: () => clearInterval(timer),
  };
}
