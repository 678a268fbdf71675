/**
 * The mails of background delivery: kept in memory, each tried again after a temporary refusal for as long as its
 * code lives.
 */
import { DeliveryError } from './delivery-error.js';
import type { Deliver, DeliveryOutcome, Mail } from './mailer.js';

/** The pauses between tries, in ms; the last one repeats. */
const PAUSES = [1000, 3000, 10_000];

export interface Outbox {
  /** Sends the mail in its turn; `done` hears once what came of it. */
  post(parcel: Parcel): void;
  /** No more second tries; what has not left after `mailTimeout` does not leave. */
  close(): void;
}

export interface Parcel {
  readonly mail: Mail;
  /** When its code ends, by `Date.now()`: later the mail is of no use. */
  readonly expiresAt: number;
  readonly done: (outcome: DeliveryOutcome) => Promise<void>;
}

export function createOutbox(settings: {
  readonly deliver: Deliver;
  /** How many mails are handed over at a time: what the transport's pool can take. */
  readonly concurrency: number;
  readonly mailTimeout: number;
}): Outbox {
  const waiting: { parcel: Parcel; tries: number }[] = [];
  const resting = new Map<NodeJS.Timeout, { parcel: Parcel; tries: number }>();
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

  async function attempt({ parcel, tries }: { parcel: Parcel; tries: number }): Promise<void> {
    const outcome = await deliver(parcel);
    const pause = PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 0;
    const mayRetry =
      outcome.kind === 'failed' && outcome.error.temporary && closesAt === Number.POSITIVE_INFINITY;
    if (mayRetry && Date.now() + pause < parcel.expiresAt) {
      rest({ parcel, tries: tries + 1 }, pause);
      return;
    }
    await parcel.done(outcome);
  }

  async function deliver({ mail, expiresAt }: Parcel): Promise<DeliveryOutcome> {
    const left = Math.min(expiresAt, closesAt) - Date.now();
    if (left <= 0) return { kind: 'failed', error: new DeliveryError('failed', { code: 'ETIMEDOUT' }) };
    const timeout = Math.min(settings.mailTimeout, left);
    return settings.deliver(mail, { timeout, expiresAt: new Date(expiresAt) });
  }

  function rest(entry: { parcel: Parcel; tries: number }, pause: number): void {
    const timer = setTimeout(() => {
      resting.delete(timer);
      waiting.push(entry);
      work();
    }, pause);
    resting.set(timer, entry);
  }

  return {
    post(parcel) {
      waiting.push({ parcel, tries: 0 });
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
