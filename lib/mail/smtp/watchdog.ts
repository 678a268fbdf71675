/** Acts when something takes too long. One timer serves any number of starts: one for each would cost more than they. */
export interface Watchdog {
  /** Acts in so many ms, unless it is stopped or started anew before that. */
  start(delay: number, act: () => void): void;
  stop(): void;
}

export function createWatchdog(): Watchdog {
  let timer: NodeJS.Timeout | undefined;
  /** When the timer ends, and when there is something to do, by `performance.now()`. */
  let timerEnds = Number.POSITIVE_INFINITY;
  let due = Number.POSITIVE_INFINITY;
  let action = () => {};

  function setTimer(delay: number): void {
    clearTimeout(timer);
    timer = setTimeout(end, delay).unref();
    timerEnds = performance.now() + delay;
  }

  function end(): void {
    timerEnds = Number.POSITIVE_INFINITY;
    const left = due - performance.now();
    if (left === Number.POSITIVE_INFINITY) return;
    if (left > 0) setTimer(left);
    // After what has come meanwhile: a process that was held up has not yet read it.
    else setImmediate(() => performance.now() >= due && action());
  }

  return {
    start(delay, act) {
      due = performance.now() + delay;
      action = act;
      if (due < timerEnds) setTimer(delay);
    },
    stop() {
      due = Number.POSITIVE_INFINITY;
    },
  };
}
