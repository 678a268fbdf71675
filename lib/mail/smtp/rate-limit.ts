/** Lets so many messages start in each window of so many ms; calls back when more may, after one had to wait. */
export function createRateLimit(limit: number, window: number, resume: () => void): () => boolean {
  let started = 0;

  function end(): void {
    started = 0;
    resume();
  }

  return () => {
    if (limit === Number.POSITIVE_INFINITY) return true;
    if (started >= limit) return false;
    if (started === 0) setTimeout(end, window);
    started += 1;
    return true;
  };
}
