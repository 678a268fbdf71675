/**
 * The mails of background delivery: kept in memory, at most a stated number of them, each tried again after a
 * temporary refusal for as long as its code lives.
 */
import { type Deliver, DeliveryError, type DeliveryOutcome, type Mail } from './mailer.js';

/** How many mails wait or are under way at the most; past it a send is answered 503. */
export const OUTBOX_CAPACITY = 1000;

/** The pauses between tries, in ms; the last one repeats. */
const PAUSES = [1000, 3000, 10_000];

export interface Outbox {
  /** Whether one more mail has room. */
  hasRoom(): boolean;
  /** Sends the mail in its turn; `done` hears once what came of it. */
  post(parcel: Parcel): void;
  /** No more second tries; what has not left after `mailTimeout` does not leave. Settles when every mail has ended. */
  drain(): Promise<void>;
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
  let held = 0;
  let underWay = 0;
  let closesAt = Number.POSITIVE_INFINITY;
  const idle: (() => void)[] = [];

  function work(): void {
    while (underWay < settings.concurrency) {
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
    try {
      await parcel.done(outcome);
    } finally {
      held -= 1;
      if (held === 0) for (const settle of idle.splice(0)) settle();
    }
  }

  async function deliver({ mail, expiresAt }: Parcel): Promise<DeliveryOutcome> {
    const left = Math.min(expiresAt, closesAt) - Date.now();
    if (left <= 0) return { kind: 'failed', error: new DeliveryError({ code: 'ETIMEDOUT' }) };
    const signal = AbortSignal.timeout(Math.min(settings.mailTimeout, left));
    return settings.deliver(mail, { signal, expiresAt: new Date(expiresAt) });
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
    hasRoom: () => held < OUTBOX_CAPACITY,
    post(parcel) {
      held += 1;
      waiting.push({ parcel, tries: 0 });
      // After the answer has left: composing a mail takes longer than answering.
      setImmediate(work);
    },
    async drain() {
      closesAt = Date.now() + settings.mailTimeout;
      for (const [timer, entry] of resting) {
        clearTimeout(timer);
        waiting.push(entry);
      }
      resting.clear();
      work();
      if (held > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}
