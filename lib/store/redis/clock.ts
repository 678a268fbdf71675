/**
 * What the store knows about the server's clock, so that it can say in the server's time how late a script may start.
 *
 * Every reply carries the server's time, read between our call and the reply. So the server's clock is ahead of ours by at
 * least (its time - our time at the reply) and at most (its time - our time at the call). The highest lower bound is kept:
 * a script may then be refused too early, but never runs too late.
 */
export class RedisClock {
  #ahead = Number.NEGATIVE_INFINITY;

  /** Converts our time to the server's time. 0 before the first reply: a script then replies with `late` and its time. */
  at(moment: number): number {
    return Number.isFinite(this.#ahead) ? Math.floor(moment + this.#ahead) : 0;
  }

  learn(serverTime: number, calledAt: number, repliedAt: number): void {
    const lowerBound = serverTime - repliedAt;
    // The server floors its time to the millisecond, hence the 1.
    const upperBound = serverTime + 1 - calledAt;
    if (lowerBound > this.#ahead || this.#ahead > upperBound) this.#ahead = lowerBound;
  }
}
