/**
 * The mails of background delivery: kept in memory, each tried again after a temporary refusal for as long as its
 * code lives.
 */
import type { Deliver, DeliveryOutcome, Undelivered } from './mailer.js';
import { inWordsOfBoth, latestTry, type Outgoing, tryOnce } from './retries.js';

/** The pauses between tries, in ms; the last one repeats. */
const PAUSES = [1000, 3000, 10_000];

export interface Outbox {
  /** Sends the mail in its turn; `done` hears once what came of it. */
  post(parcel: Parcel): void;
  /** No more second tries; what has not left after `mailTimeout` does not leave. */
  close(): void;
}

export interface Parcel extends Outgoing {
  readonly done: (outcome: DeliveryOutcome) => Promise<void>;
}

interface Entry {
  readonly parcel: Parcel;
  readonly tries: number;
  /** What came of the latest try. */
  readonly last: Undelivered | undefined;
}

export function createOutbox(settings: {
  readonly deliver: Deliver;
  /** How many mails are handed over at a time: what the transport's pool can take. */
  readonly concurrency: number;
  readonly mailTimeout: number;
}): Outbox {
  const waiting: Entry[] = [];
  const resting = new Map<NodeJS.Timeout, Entry>();
  let underWay = 0;
  let closesAt = Number.POSITIVE_INFINITY;

  function work(): void {
    // What does not leave any more need not wait for its turn to be taken back.
    while (underWay < settings.concurrency || Date.now() >= closesAt) {
      const next = waiting.shift();
      if (!next) return;
      underWay += 1;
      void attempt(next).finally(() => {
        underWay -= 1;
        work();
      });
    }
  }

  async function attempt({ parcel, tries, last }: Entry): Promise<void> {
    const timeout = Math.min(settings.mailTimeout, closesAt - Date.now());
    const outcome = inWordsOfBoth(last, await tryOnce(settings.deliver, parcel, timeout));
    const pause = PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 0;
    const mayRetry =
      outcome.kind === 'failed' && outcome.retry !== 'never' && closesAt === Number.POSITIVE_INFINITY;
    if (mayRetry && Date.now() + pause < latestTry(parcel)) {
      rest({ parcel, tries: tries + 1, last: outcome }, pause);
      return;
    }
    await parcel.done(outcome);
  }

  function rest(entry: Entry, pause: number): void {
    const timer = setTimeout(() => {
      resting.delete(timer);
      waiting.push(entry);
      work();
    }, pause);
    resting.set(timer, entry);
  }

  return {
    post(parcel) {
      waiting.push({ parcel, tries: 0, last: undefined });
      // After the answer has left: composing a mail takes longer than answering.
      setImmediate(work);
    },
    close() {
      closesAt = Math.min(closesAt, Date.now() + settings.mailTimeout);
      for (const [timer, entry] of resting) {
        clearTimeout(timer);
        waiting.push(entry);
      }
      resting.clear();
      work();
    },
  };
}
