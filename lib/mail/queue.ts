/** The queue of emails. Each has a slot in it from before its code is stored until its outcome is recorded. */
import type { Settings } from '../options/options.js';
import type { DiscardRequest } from '../store/store.js';
import { describeFailure } from './delivery-error.js';
import { failureDetailsOf } from './failure-details.js';
import { createEnqueue, isJobQueue, type Queued } from './job-queue.js';
import type { DeliveryOutcome } from './mailer.js';
import type { OutgoingEmail } from './message.js';
import { createDelivery } from './retries.js';
import { endpointOf, type Transport } from './transport/transport.js';

export interface EmailQueue {
  /** Resolves to a slot for one more email, or to undefined if none becomes free in time or the queue is closed. */
  reserve(): Promise<Slot | undefined>;
  /** How many slots are taken. */
  size(): number;
  /**
   * Whether it takes emails with nothing to send, too. A queue outside this process does, because adding a job takes time,
   * and a suppressed send must take the same.
   */
  readonly takesBlanks: boolean;
  /** Resolves to what keeps emails from being sent, as sentences. */
  check(): Promise<readonly string[]>;
  /** Reserves no more slots, and resolves when all are released. */
  close(): Promise<void>;
}

export interface Slot {
  /** Delivers the email while its code is valid. Resolves to the outcome, never rejects. `undo` is for a queue's worker. */
  send(email: OutgoingEmail, undo: DiscardRequest): Promise<DeliveryOutcome | Queued>;
  /** Must be called once: when the outcome is recorded, or when there is nothing to send. */
  release(): void;
}

/** How many emails background delivery keeps in memory. Awaited emails have no limit: each has an open request. */
const QUEUE_CAPACITY = 1000;

/**
 * How long a send waits for a slot, in ms, and how many sends may wait. Past either, the response is 503. The wait slows a
 * burst down to the speed at which emails are sent; refusing at once would invite retries that slow the emails down.
 */
const QUEUE_TIMEOUT = 500;
const MAX_WAITING = 1000;

export function createQueue(settings: Settings): EmailQueue {
  const { delivery, transports, mailTimeout } = settings;
  const closing = new AbortController();
  const jobs = isJobQueue(delivery) ? delivery : undefined;
  const closeJobs = jobs?.open();
  /** Slots have no state of their own, so that one object serves as all of them. `taken` counts them. */
  const slot: Slot = {
    send: jobs ? createEnqueue(settings, jobs) : createDelivery(settings, closing.signal),
    release,
  };
  const capacity = delivery === 'background' ? QUEUE_CAPACITY : Number.POSITIVE_INFINITY;
  const waiting = new Set<(slot?: Slot) => void>();
  const onIdle: (() => void)[] = [];
  let taken = 0;

  async function reserve(): Promise<Slot | undefined> {
    if (closing.signal.aborted) return undefined;
    if (taken >= capacity) return waiting.size < MAX_WAITING ? waitForSlot() : undefined;
    taken += 1;
    return slot;
  }

  function waitForSlot(): Promise<Slot | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => endWait(), QUEUE_TIMEOUT);
      function endWait(released?: Slot): void {
        clearTimeout(timer);
        waiting.delete(endWait);
        resolve(released);
      }
      waiting.add(endWait);
    });
  }

  function release(): void {
    const [endFirstWait] = waiting;
    if (endFirstWait) {
      // Passed on without being freed, so that no other caller can take it.
      endFirstWait(slot);
      return;
    }
    taken -= 1;
    if (taken === 0) for (const resolve of onIdle.splice(0)) resolve();
  }

  return {
    reserve,
    size: () => taken,
    takesBlanks: jobs !== undefined,
    async check() {
      if (jobs) return jobs.check(mailTimeout);
      if (typeof delivery === 'function') return [];
      return checkLogins(transports, mailTimeout);
    },
    async close() {
      closing.abort();
      for (const endWait of waiting) endWait();
      if (taken > 0) await new Promise<void>((resolve) => onIdle.push(resolve));
      for (const transport of transports) transport.close();
      await closeJobs?.();
    },
  };
}

/** Tries to log in to each transport. Resolves to the problems, as sentences. */
export async function checkLogins(
  transports: readonly Transport[],
  timeout: number,
): Promise<readonly string[]> {
  return (await Promise.all(transports.map((transport) => checkLogin(transport, timeout)))).flat();
}

async function checkLogin(transport: Transport, timeout: number): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(timeout);
  const timedOut = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () =>
      reject(Object.assign(new Error('The transport did not answer in time.'), { code: 'ETIMEDOUT' })),
    );
  });
  try {
    // Wrapped, so that a synchronous throw does not leave `timedOut` unhandled.
    await Promise.race([timedOut, (async () => transport.logIn(signal))()]);
    return [];
  } catch (cause) {
    const details = failureDetailsOf(cause, endpointOf(transport.transporter));
    return [`${transport.label} could not log in: ${describeFailure(details)}.`];
  }
}
