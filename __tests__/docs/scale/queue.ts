/**
 * Simulates the queue of emails at the peak, while the provider is away, slow or refuses: first in, first out, each take of a
 * worker counted by the rate, failed tries repeated, and emails whose code is about to end dropped when they are taken.
 */
import { TIMES } from './inputs.js';
import { createRandom } from './random.js';

export interface QueueRun {
  /** Emails a second that come in, and that the rate lets workers take. */
  readonly arrivals: number;
  readonly rate: number;
  /** Emails that all workers can send at the same time. */
  readonly slots: number;
  /** From 0 on, for so many seconds, the provider refuses connections, or accepts them and says nothing. */
  readonly outage: { readonly lasts: number; readonly kind: 'refuses' | 'hangs' };
  /** How long it is simulated after the outage, in seconds. */
  readonly after: number;
}

export interface QueueResult {
  /** The most emails in the queue. */
  readonly deepest: number;
  /** Emails whose code ended before they were sent. */
  readonly ended: number;
  /** When the first and the last of those came in, in seconds after the end of the outage. */
  readonly firstEnded: number;
  readonly lastEnded: number;
  /** How long after the outage the queue was empty, in seconds: less than a second of emails in it. */
  readonly drainedAfter: number;
  /** The longest that an email which was sent had waited, in seconds. */
  readonly longestWait: number;
}

interface Email {
  readonly queuedAt: number;
  tries: number;
}

/** How long the provider is well before the outage, in seconds. */
const BEFORE = 30;
const PATIENCE = TIMES.codeTtl - TIMES.minRemaining;

export function simulateQueue({ arrivals, rate, slots, outage, after }: QueueRun, seed = 1): QueueResult {
  const random = createRandom(seed);
  const waiting = createLine<Email>();
  /** Each delay has a line of its own, so that each line is in the order of time. */
  const delayed = TIMES.retries.map(() => createLine<{ email: Email; until: number }>());
  /** Tries that got no answer yet. */
  const hanging = createLine<{ email: Email; until: number }>();
  const result = {
    deepest: 0,
    ended: 0,
    firstEnded: Number.POSITIVE_INFINITY,
    lastEnded: Number.NEGATIVE_INFINITY,
    drainedAfter: Number.NaN,
    longestWait: 0,
  };
  let inQueue = 0;
  let nextArrival = -BEFORE;

  function end({ queuedAt }: Email): void {
    inQueue -= 1;
    result.ended += 1;
    result.firstEnded = Math.min(result.firstEnded, queuedAt - outage.lasts);
    result.lastEnded = Math.max(result.lastEnded, queuedAt - outage.lasts);
  }

  function retry(email: Email, now: number): void {
    const which = Math.min(email.tries, TIMES.retries.length) - 1;
    const until = now + (TIMES.retries[which] ?? 0);
    if (until >= email.queuedAt + PATIENCE) end(email);
    else delayed[which]?.push({ email, until });
  }

  function take(email: Email, now: number): void {
    const isAway = now >= 0 && now < outage.lasts;
    if (now > email.queuedAt + PATIENCE) end(email);
    else if (!isAway) deliver(email, now);
    else {
      email.tries += 1;
      if (outage.kind === 'refuses') retry(email, now);
      else hanging.push({ email, until: now + TIMES.mailTimeout });
    }
  }

  function deliver({ queuedAt }: Email, now: number): void {
    inQueue -= 1;
    result.longestWait = Math.max(result.longestWait, now - queuedAt);
  }

  for (let now = -BEFORE; now < outage.lasts + after; now += 1 / rate) {
    for (; nextArrival <= now; nextArrival += random.exponential(1 / arrivals)) {
      inQueue += 1;
      waiting.push({ queuedAt: nextArrival, tries: 0 });
    }
    for (const line of delayed)
      line.takeWhile(
        ({ until }) => until <= now,
        ({ email }) => waiting.push(email),
      );
    hanging.takeWhile(
      ({ until }) => until <= now,
      ({ email }) => retry(email, now),
    );
    if (hanging.length < slots) {
      const email = waiting.take();
      if (email) take(email, now);
    }
    result.deepest = Math.max(result.deepest, inQueue);
    if (Number.isNaN(result.drainedAfter) && now > outage.lasts && inQueue < arrivals)
      result.drainedAfter = now - outage.lasts;
  }
  return result;
}

/** First in, first out. */
function createLine<Item>() {
  let items: Item[] = [];
  let first = 0;
  function take(): Item | undefined {
    const item = items[first];
    if (item !== undefined) first += 1;
    if (first > 10_000) {
      items = items.slice(first);
      first = 0;
    }
    return item;
  }
  return {
    get length() {
      return items.length - first;
    },
    push(item: Item) {
      items.push(item);
    },
    take,
    takeWhile(holds: (item: Item) => boolean, use: (item: Item) => void) {
      for (let item = items[first]; item !== undefined && holds(item); item = items[first]) {
        take();
        use(item);
      }
    },
  };
}
