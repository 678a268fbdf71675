/** The tries at one email: each is written anew, with the time its code has left, and no message is begun twice. */
import { DeliveryError } from './delivery-error.js';
import type { Deliver, DeliveryOutcome, Undelivered } from './mailer.js';
import type { Written } from './message.js';

/** An email that is worth sending while its code lives. */
export interface Outgoing {
  /** Writes it for a code with so many ms left. */
  readonly write: (lifetime: number) => Written;
  /** How long its code lives in all, in ms, and when it ends, by `Date.now()`. */
  readonly lifetime: number;
  readonly expiresAt: number;
}

/** A code with less than this left, in ms, is not sent: half a minute to read it, or half of its life. */
const LEAST_LIFETIME = 30_000;

/** One try within `timeout` ms, and one more at once on a fresh connection where an old one was to blame. */
export async function tryOnce(
  deliver: Deliver,
  outgoing: Outgoing,
  timeout: number,
): Promise<DeliveryOutcome> {
  const deadline = performance.now() + timeout;
  const first = await tryOn('any', deliver, outgoing, timeout);
  if (first.kind !== 'failed' || first.retry !== 'immediate') return first;
  const left = deadline - performance.now();
  if (left <= 0) return first;
  return inWordsOfBoth(first, await tryOn('fresh', deliver, outgoing, left));
}

/** How many tries `tryWithin` makes at the most; the pauses between them double and fill its time. */
const TRIES = 6;

/**
 * Tries again within `timeout` ms as long as the failure is temporary and no message was begun: with 10 s after 0.25,
 * 0.5, 1, 2 and 4 s. `pause` resolves to whether to go on.
 */
export async function tryWithin(
  deliver: Deliver,
  outgoing: Outgoing,
  timeout: number,
  pause: (ms: number) => Promise<boolean>,
): Promise<DeliveryOutcome> {
  const deadline = performance.now() + timeout;
  let outcome = await tryOnce(deliver, outgoing, timeout);
  for (let n = 1; n < TRIES; n += 1) {
    const rest = (timeout / 40) * 2 ** (n - 1);
    if (outcome.kind !== 'failed' || outcome.retry !== 'soon') break;
    if (performance.now() + rest >= deadline || !(await pause(rest))) break;
    outcome = inWordsOfBoth(outcome, await tryOnce(deliver, outgoing, deadline - performance.now()));
  }
  return outcome;
}

/** By `Date.now()`: what is sent later leaves a person no time. */
export function latestTry({ lifetime, expiresAt }: Outgoing): number {
  return expiresAt - Math.min(LEAST_LIFETIME, lifetime / 2);
}

/** A try that ran out of time says less than what a server replied to the one before. */
export function inWordsOfBoth(before: Undelivered | undefined, outcome: DeliveryOutcome): DeliveryOutcome {
  if (!before || outcome.kind !== 'failed' || outcome.error.code !== 'ETIMEDOUT') return outcome;
  return { ...outcome, error: before.error };
}

async function tryOn(
  connection: 'any' | 'fresh',
  deliver: Deliver,
  outgoing: Outgoing,
  timeout: number,
): Promise<DeliveryOutcome> {
  const now = Date.now();
  if (timeout <= 0 || now > latestTry(outgoing)) return outOfTime();
  const { write, expiresAt } = outgoing;
  const left = expiresAt - now;
  const written = write(left);
  if (written.kind === 'failed') return { ...written, retry: 'never' };
  return deliver(written.mail, {
    timeout: Math.min(timeout, left),
    expiresAt: new Date(expiresAt),
    fresh: connection === 'fresh',
  });
}

function outOfTime(): Undelivered {
  return { kind: 'failed', error: new DeliveryError('failed', { code: 'ETIMEDOUT' }), retry: 'never' };
}
