/** Puts the metrics of all processes together: rates and latencies over the last two minutes, in steps of two seconds. */
import type { Measurement } from './members/report.js';

export type Rates = ReturnType<typeof createRates>;

const STEP = 2000;
const STEPS = 60;
/** Latencies are those of the last 10 seconds. */
const LATENCY_STEPS = 5;

export const TIMED = ['send', 'verify', 'email'] as const;
export type Timed = (typeof TIMED)[number];
export type Counted = keyof ReturnType<typeof noCounts>;

/** What the outcomes of the package's metrics are on the page. */
const OUTCOMES: Readonly<Record<string, Counted>> = {
  ...{ sent: 'sent', delivered: 'delivered', verified: 'verified', redeemed: 'redeemed' },
  ...{ code_incorrect: 'refused', code_expired: 'refused', limited: 'refused', refused: 'refused' },
  ...{ failed: 'failed', unknown: 'failed' },
};

/** How often what happened in a step, and how many durations were in each bucket. */
type Step = ReturnType<typeof createStep>;

export function createRates(now: () => number = Date.now) {
  let steps = [createStep(startOf(now()) - STEPS * STEP, 0)];
  const totals = noCounts();
  let boundaries: readonly number[] = [];
  let queue = 0;

  /** The current step, after those in which nothing was reported. */
  function current(): Step {
    const at = startOf(now());
    let [last = createStep(at, queue)] = steps.slice(-1);
    while (last.at < at) {
      last = createStep(Math.max(last.at, at - STEPS * STEP) + STEP, queue);
      steps.push(last);
    }
    // One more, which is not over.
    steps = steps.slice(-STEPS - 1);
    return last;
  }

  function past(): readonly Step[] {
    current();
    return steps.slice(0, -1);
  }

  function count(name: Counted | undefined, value: number): void {
    if (!name) return;
    current().counts[name] += value;
    totals[name] += value;
  }

  return {
    totals,
    add(metrics: readonly Measurement[]): void {
      for (const { name, purpose, operation, outcome, value } of metrics) {
        const short = name.replace('email_verification.', '');
        const timed = TIMED.find((one) => one === (short === 'email.duration' ? 'email' : operation));
        if (typeof value === 'object') {
          boundaries = value.boundaries;
          if (timed) addTo(current().times[timed], value.counts);
        } else if (short === 'queue.size') {
          // The queue of the workers serves all purposes. That of an app is what it is handing over.
          if (purpose === '') current().queue = queue = value;
        } else count(short === 'unavailable' ? 'failed' : OUTCOMES[outcome], value);
      }
    },
    queue: () => queue,
    /** When the steps began that are over, in ms: the oldest first. All lines have as many points. */
    times: () => past().map(({ at }) => at),
    perSecond: (name: Counted) => past().map(({ counts }) => (counts[name] * 1000) / STEP),
    queueSizes: () => past().map((one) => one.queue),
    /** In seconds; undefined where nothing was timed. */
    p99: (name: Timed) => past().map(({ times }) => percentile(boundaries, times[name], 0.99)),
    latency(name: Timed) {
      const sum: number[] = [];
      for (const { times } of past().slice(-LATENCY_STEPS)) addTo(sum, times[name]);
      return { p50: percentile(boundaries, sum, 0.5), p99: percentile(boundaries, sum, 0.99) };
    },
  };
}

const startOf = (time: number) => Math.floor(time / STEP) * STEP;

function createStep(at: number, queue: number) {
  const times: Record<Timed, number[]> = { send: [], verify: [], email: [] };
  return { at, counts: noCounts(), times, queue };
}

function noCounts() {
  return { sent: 0, delivered: 0, verified: 0, redeemed: 0, refused: 0, failed: 0 };
}

function addTo(sum: number[], counts: readonly number[]): void {
  for (const [n, count] of counts.entries()) sum[n] = (sum[n] ?? 0) + count;
}

/** Within a bucket, its values are taken for evenly spread. */
function percentile(
  boundaries: readonly number[],
  counts: readonly number[],
  share: number,
): number | undefined {
  let rest = counts.reduce((sum, count) => sum + count, 0) * share;
  if (rest === 0) return undefined;
  for (const [n, count] of counts.entries()) {
    const [low = 0, high = low] = [boundaries[n - 1], boundaries[n]];
    if (count >= rest) return low + ((high - low) * rest) / count;
    rest -= count;
  }
  return boundaries.at(-1);
}
