/** Puts the metrics of all processes together: rates and latencies over the last two minutes, in steps of two seconds. */
import type { Histogram, Measurement } from './members/report.js';

export type Rates = ReturnType<typeof createRates>;

const STEP = 2000;
const STEPS = 60;
/** Latencies are those of the last 10 seconds. */
const LATENCY_STEPS = 5;

export const COUNTED = ['sent', 'delivered', 'verified', 'redeemed', 'refused', 'failed'] as const;
export const TIMED = ['send', 'verify', 'email'] as const;
export type Counted = (typeof COUNTED)[number];
export type Timed = (typeof TIMED)[number];

/** What the outcomes of the package's metrics are on the page. */
const OUTCOMES: Readonly<Record<string, Counted>> = {
  sent: 'sent',
  delivered: 'delivered',
  verified: 'verified',
  redeemed: 'redeemed',
  ...{ code_incorrect: 'refused', code_expired: 'refused', limited: 'refused', refused: 'refused' },
  ...{ failed: 'failed', unknown: 'failed' },
};

interface Step {
  readonly at: number;
  readonly counts: Record<Counted, number>;
  readonly times: Record<Timed, number[]>;
  queue: number;
}

export function createRates(now: () => number = Date.now) {
  const steps: Step[] = [];
  const totals = noCounts();
  let boundaries: readonly number[] = [];
  let queue = 0;

  /** The current step, after those in which nothing was reported. */
  function current(): Step {
    const at = Math.floor(now() / STEP) * STEP;
    let last = steps.at(-1) ?? addStep(at - STEPS * STEP);
    while (last.at < at) last = addStep(Math.max(last.at, at - STEPS * STEP) + STEP);
    return last;
  }

  function addStep(at: number): Step {
    const step = { at, counts: noCounts(), times: { send: [], verify: [], email: [] }, queue };
    steps.push(step);
    // One more, which is not over.
    if (steps.length > STEPS + 1) steps.shift();
    return step;
  }

  function past(): readonly Step[] {
    current();
    return steps.slice(0, -1);
  }

  function count(name: Counted, value: number): void {
    current().counts[name] += value;
    totals[name] += value;
  }

  function time(name: Timed, { boundaries: bounds, counts }: Histogram): void {
    boundaries = bounds;
    const times = current().times[name];
    for (const [n, value] of counts.entries()) times[n] = (times[n] ?? 0) + value;
  }

  return {
    totals,
    add(metrics: readonly Measurement[]): void {
      for (const { name, purpose, operation, outcome, value } of metrics) {
        const short = name.replace('email_verification.', '');
        if (typeof value === 'object') {
          const timed = TIMED.find((one) => one === (short === 'email.duration' ? 'email' : operation));
          if (timed) time(timed, value);
        } else if (short === 'queue.size') {
          // The queue of the workers serves all purposes. That of an app is what it is handing over.
          if (purpose === '') current().queue = queue = value;
        } else if (short === 'unavailable') count('failed', value);
        else if (OUTCOMES[outcome]) count(OUTCOMES[outcome], value);
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
      for (const { times } of past().slice(-LATENCY_STEPS))
        for (const [n, value] of times[name].entries()) sum[n] = (sum[n] ?? 0) + value;
      return { p50: percentile(boundaries, sum, 0.5), p99: percentile(boundaries, sum, 0.99) };
    },
  };
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

function noCounts(): Record<Counted, number> {
  return { sent: 0, delivered: 0, verified: 0, redeemed: 0, refused: 0, failed: 0 };
}
