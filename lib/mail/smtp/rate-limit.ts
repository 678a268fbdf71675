export interface RateLimit {
  /** Whether one more message may start now, which then counts. */
  mayStart(): boolean;
  /** Ends the window, and calls back no more. */
  stop(): void;
}

/** Lets so many messages start in each window of so many ms; calls back when more may, after one had to wait. */
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
