/** Calls back when something takes too long. One timer serves any number of starts: a timer for each would cost too much. */
export interface Watchdog {
  /** Calls back after `delay` ms, unless it is stopped or started again before that. */
  start(delay: number, callback: () => void): void;
  stop(): void;
}

export function createWatchdog(): Watchdog {
  let timer: NodeJS.Timeout | undefined;
  /** When the timer fires, and when the callback is due, by `performance.now()`. */
  let timerEnds = Number.POSITIVE_INFINITY;
  let due = Number.POSITIVE_INFINITY;
  let onDue = () => {};

  function setTimer(delay: number): void {
    clearTimeout(timer);
    timer = setTimeout(end, delay).unref();
    timerEnds = performance.now() + delay;
  }

  function end(): void {
    timerEnds = Number.POSITIVE_INFINITY;
    const remaining = due - performance.now();
    if (remaining === Number.POSITIVE_INFINITY) return;
    if (remaining > 0) setTimer(remaining);
    // Reads pending input first: a busy process may not have seen a reply that came in time.
    else setImmediate(() => performance.now() >= due && onDue());
  }

  return {
    start(delay, callback) {
      due = performance.now() + delay;
      onDue = callback;
      if (due < timerEnds) setTimer(delay);
    },
    stop() {
      due = Number.POSITIVE_INFINITY;
    },
  };
}
