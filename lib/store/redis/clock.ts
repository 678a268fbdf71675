/**
 * What the store knows of the server's clock, so that it can tell a script in the server's own time how late
 * it may start.
 *
 * Every reply carries the server's time, read between our asking and our hearing it. So the server's clock is
 * ahead of ours by at least (its time - our time at the reply) and at most (its time - our time at the call).
 * Kept is the highest lower bound: a script told the latest start by it can be refused too early, never
 * carried out too late.
 */
export class RedisClock {
  #ahead = Number.NEGATIVE_INFINITY;

  /** Our moment in the server's time. 0 before the first reply: too late for every script, which teaches us. */
  at(moment: number): number {
    return Number.isFinite(this.#ahead) ? Math.floor(moment + this.#ahead) : 0;
  }

  learn(serverTime: number, calledAt: number, repliedAt: number): void {
    const least = serverTime - repliedAt;
    // The server floors its time to the millisecond, hence the 1.
    const most = serverTime + 1 - calledAt;
    if (least > this.#ahead || this.#ahead > most) this.#ahead = least;
  }
}
