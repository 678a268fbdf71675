/** Simulates the requests of the peak while one shard of the store fails over. People whose request got 503 try again. */
import { createRandom } from './random.js';

export interface FailoverRun {
  /** Requests a second, to all shards. */
  readonly requests: number;
  readonly shards: number;
  /** Seconds. */
  readonly lasts: number;
}

export interface FailoverResult {
  /** Requests that got 503 the first time. */
  readonly refused: number;
  /** Those that were refused a second time, and more often. */
  readonly refusedAgain: number;
  /** Requests to the shard in its busiest second after the failover, compared with those before it. */
  readonly rush: number;
}

/** People who see that the service is unavailable press the button again after so many seconds, in the mean. */
const TRIES_AGAIN_AFTER = 8;
const BEFORE = 20;
const AFTER = 60;

export function simulateFailover({ requests, shards, lasts }: FailoverRun, seed = 1): FailoverResult {
  const random = createRandom(seed);
  const result = { refused: 0, refusedAgain: 0 };
  /** Requests to the shard that fails over, in each second. */
  const perSecond = new Float64Array(BEFORE + lasts + AFTER);
  for (let at = -BEFORE; at < lasts + AFTER; at += random.exponential(1 / requests)) {
    if (random.next() * shards >= 1) continue;
    for (let asked = at, tries = 0; asked < lasts + AFTER; tries += 1) {
      const second = Math.floor(asked + BEFORE);
      perSecond[second] = (perSecond[second] ?? 0) + 1;
      if (asked < 0 || asked >= lasts) break;
      if (tries === 0) result.refused += 1;
      else result.refusedAgain += 1;
      asked += 2 + random.exponential(TRIES_AGAIN_AFTER - 2);
    }
  }
  const busiest = Math.max(...perSecond.subarray(BEFORE + lasts));
  return { ...result, rush: busiest / (requests / shards) };
}
