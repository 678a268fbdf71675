/** How many connections a pool may open: fewer after the server refused one, and then more again, step by step. */

/** After a refusal, one more connection is tried after each interval of this many ms. */
const GROWTH_INTERVAL = 10_000;

export interface PoolSize {
  limit(): number;
  /** The server accepts only this many connections for now. */
  reduceTo(connections: number): void;
}

export function createPoolSize(maxConnections: number): PoolSize {
  let reduced = { to: maxConnections, at: Number.NEGATIVE_INFINITY };
  return {
    limit() {
      const steps = Math.floor((performance.now() - reduced.at) / GROWTH_INTERVAL);
      return Math.min(maxConnections, reduced.to + steps);
    },
    reduceTo(connections) {
      reduced = { to: connections, at: performance.now() };
    },
  };
}
