/** The queue of emails. Each has a slot in it from before its code is stored until its outcome is recorded. */
import type { Settings } from '../options/options.js';
import { describeFailure } from './delivery-error.js';
import { failureDetailsOf } from './failure-details.js';
import type { DeliveryOutcome } from './mailer.js';
import type { OutgoingEmail } from './message.js';
import { createDelivery } from './retries.js';
import { endpointOf, type Transport } from './transport.js';

export interface EmailQueue {
  /** Resolves to a slot for one more email, or to undefined when all stay taken or the queue is closed. */
  reserve(): Promise<Slot | undefined>;
  /** Resolves to what keeps emails from leaving, as sentences. */
  check(): Promise<readonly string[]>;
  /** Gives out no more slots, and resolves when all are released. */
  close(): Promise<void>;
}

export interface Slot {
  /** Delivers the email while its code lives. Resolves to the outcome, never rejects. */
  send(email: OutgoingEmail): Promise<DeliveryOutcome>;
  /** To be called once: when the outcome is recorded, or when there is nothing to send. */
  release(): void;
}

/** How many emails background delivery keeps in memory. Awaited emails have no limit: each has an open request. */
const QUEUE_CAPACITY = 1000;

/**
 * How long a send waits for a slot, in ms, and how many sends may wait. Past either, the answer is 503. The wait slows a
 * burst down to the speed at which emails leave; refusing at once would invite retries that slow the emails down.
 */
const QUEUE_TIMEOUT = 500;
const MAX_WAITING = 1000;

export function createQueue(settings: Settings): EmailQueue {
  const { delivery, transport, mailTimeout } = settings;
  const closing = new AbortController();
  const slot: Slot = { send: createDelivery(settings, closing.signal), release };
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
      const timer = setTimeout(() => settle(), QUEUE_TIMEOUT);
      function settle(released?: Slot): void {
        clearTimeout(timer);
        waiting.delete(settle);
        resolve(released);
      }
      waiting.add(settle);
    });
  }

  function release(): void {
    const [next] = waiting;
    if (next) {
      // Handed on while it is taken: nobody comes in between.
      next(slot);
      return;
    }
    taken -= 1;
    if (taken === 0) for (const resolve of onIdle.splice(0)) resolve();
  }

  return {
    reserve,
    check: async () => (typeof delivery === 'function' ? [] : checkLogin(transport, mailTimeout)),
    async close() {
      closing.abort();
      for (const settle of waiting) settle();
      if (taken > 0) await new Promise<void>((resolve) => onIdle.push(resolve));
      if (transport.owned) transport.transporter.close?.();
    },
  };
}

async function checkLogin(transport: Transport, timeout: number): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(timeout);
  const timedOut = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () =>
      reject(Object.assign(new Error('The transport did not answer in time.'), { code: 'ETIMEDOUT' })),
    );
  });
  try {
    // As a promise of its own: one that throws must not leave the other alone, to end the process.
    await Promise.race([timedOut, (async () => transport.logIn(signal))()]);
    return [];
  } catch (cause) {
    const details = failureDetailsOf(cause, endpointOf(transport.transporter));
    return [`The transport does not log in: ${describeFailure(details)}.`];
  }
}
