/**
 * Time as this process had it: it stands still while the process is not scheduled, as on a busy machine. Bounds on
 * timeouts are measured with it, so that they test how the code waits and not how busy the machine is.
 */

/** In ms. A late tick counts once. */
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
