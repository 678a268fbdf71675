/** From a letter to a mail on its way: room for it, and its delivery as the `delivery` option says. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../options/options.js';
import { createOutbox } from './background.js';
import { describeFailure } from './delivery-error.js';
import { failureDetailsOf } from './failure-details.js';
import { createCustomMailer, createMailer, type DeliveryOutcome } from './mailer.js';
import { type Letter, writeMail } from './message.js';
import { type Outgoing, tryWithin } from './retries.js';
import { type AnyTransporter, endpointOf } from './transport.js';

export type PostOutcome<T> =
  | { readonly kind: 'left' | 'unknown' | 'failed'; readonly settled: T | undefined }
  /** The answer does not wait for it. */
  | { readonly kind: 'posted' };

/** How many mails of background delivery wait or are under way at the most; past it a send is answered 503. */
export const OUTBOX_CAPACITY = 1000;

/**
 * How long a send waits for one of these to end, in ms, before that 503, and how many wait at the most. A burst is
 * so paced by its mails, which would otherwise hardly get on for all the refusing.
 */
const PATIENCE = 500;
const QUEUE_CAPACITY = 1000;

export interface PostOffice {
  /** Room for one more mail; none when all stays taken, or it is closed. Taken before the mail's code is stored. */
  enter(): Promise<Room | undefined>;
  /** What keeps mails from leaving, as sentences. */
  check(): Promise<readonly string[]>;
  /** Takes no more, and finishes what is in its rooms. */
  close(): Promise<void>;
}

export interface Room {
  /**
   * Delivers a letter while its code lives (`lifetime`, ms); `settle` hears once what came of it. Without a
   * letter nothing is mailed, and nothing else differs.
   */
  deliver<T>(
    letter: Letter | undefined,
    lifetime: number,
    settle: (outcome: DeliveryOutcome) => Promise<T | undefined>,
  ): Promise<PostOutcome<T>>;
  /** Gives the room up, unless a mail waits in it that does so at its end. */
  leave(): void;
}

export function createPostOffice(settings: Settings): PostOffice {
  const { delivery, mailTimeout } = settings;
  const { transporter, owned } = settings.transport;
  const deliver = typeof delivery === 'function' ? createCustomMailer(delivery) : createMailer(transporter);
  const outbox = createOutbox({ deliver, concurrency: poolSize(transporter), mailTimeout });
  const idle: (() => void)[] = [];
  const queue = new Set<(hasRoom: boolean) => void>();
  const closing = new AbortController();
  // Each send that waits for its next try listens: many at once are no leak.
  setMaxListeners(0, closing.signal);
  let taken = 0;

  async function takeRoom(): Promise<boolean> {
    if (closing.signal.aborted) return false;
    if (delivery === 'background' && taken >= OUTBOX_CAPACITY) return queueForRoom();
    taken += 1;
    return true;
  }

  async function queueForRoom(): Promise<boolean> {
    if (queue.size >= QUEUE_CAPACITY) return false;
    return new Promise((resolve) => {
      const settle = (hasRoom: boolean) => {
        clearTimeout(timer);
        queue.delete(settle);
        resolve(hasRoom);
      };
      const timer = setTimeout(settle, PATIENCE, false);
      queue.add(settle);
    });
  }

  function leave(): void {
    const [next] = queue;
    if (next) {
      // The room changes hands: nobody comes in between.
      next(true);
      return;
    }
    taken -= 1;
    if (taken === 0) for (const settle of idle.splice(0)) settle();
  }

  /** Resolves to false as soon as nothing is tried again. */
  function pause(ms: number): Promise<boolean> {
    return sleep(ms, true, { signal: closing.signal }).catch(() => false);
  }

  return {
    async enter() {
      if (!(await takeRoom())) return undefined;
      let waits = false;
      return {
        async deliver(letter, lifetime, settle) {
          if (!letter) return { kind: 'posted' };
          const outgoing: Outgoing = {
            write: (left) => writeMail(letter, left, settings),
            ...{ lifetime, expiresAt: Date.now() + lifetime },
          };
          if (delivery !== 'background') {
            const outcome = await tryWithin(deliver, outgoing, mailTimeout, pause);
            return { kind: outcome.kind, settled: await settle(outcome) };
          }
          waits = true;
          outbox.post({
            ...outgoing,
            done: async (outcome) => void (await settle(outcome).finally(leave)),
          });
          return { kind: 'posted' };
        },
        leave() {
          if (!waits) leave();
        },
      };
    },
    async check() {
      if (typeof delivery === 'function') return [];
      const signal = AbortSignal.timeout(mailTimeout);
      const timedOut = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () =>
          reject(Object.assign(new Error('The transport did not answer in time.'), { code: 'ETIMEDOUT' })),
        );
      });
      try {
        // As a promise of its own: one that throws must not leave the other alone, to end the process.
        await Promise.race([timedOut, (async () => settings.transport.logIn(signal))()]);
        return [];
      } catch (cause) {
        const details = failureDetailsOf(cause, endpointOf(transporter));
        return [`The transport does not log in: ${describeFailure(details)}.`];
      }
    },
    async close() {
      closing.abort();
      for (const settle of queue) settle(false);
      outbox.close();
      if (taken > 0) await new Promise<void>((resolve) => idle.push(resolve));
      if (owned) transporter.close?.();
    },
  };
}

/** How many mails the transport takes at a time. */
function poolSize(transporter: AnyTransporter): number {
  // What stands in for a transporter in an app's tests has no options.
  const { maxConnections: size }: { maxConnections?: unknown } = transporter.options ?? {};
  return typeof size === 'number' && size > 0 ? size : 5;
}
