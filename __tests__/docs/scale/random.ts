/** Random numbers that are the same in each run. */

export interface Random {
  /** From 0 to 1. */
  next(): number;
  /** Of an exponential distribution. */
  exponential(mean: number): number;
  chance(probability: number): boolean;
}

/** mulberry32, a generator with 32 bits of state. */
export function createRandom(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    exponential: (mean) => -mean * Math.log(1 - next()),
    chance: (probability) => next() < probability,
  };
}
