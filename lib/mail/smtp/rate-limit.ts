/** The `rateLimit` and `rateDelta` options of a pool: a limit of messages that may start in each window. */
export interface RateLimit {
  /** Whether one more message may start now. If so, it counts. */
  mayStart(): boolean;
  /** Ends the window without calling `resume`. */
  stop(): void;
}

/** Lets `limit` messages start in each `window`, in ms. Calls `resume` when a window has ended. */
export function createRateLimit(limit: number, window: number, resume: () => void): RateLimit {
  let started = 0;
  let timer: NodeJS.Timeout | undefined;

  function end(): void {
    started = 0;
    resume();
  }

  return {
    mayStart() {
      if (limit === Number.POSITIVE_INFINITY) return true;
      if (started >= limit) return false;
      if (started === 0) timer = setTimeout(end, window);
      started += 1;
      return true;
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
