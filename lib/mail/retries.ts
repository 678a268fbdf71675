/**
 * Decides when an email is tried and when it is tried again. Each try builds the message anew, with the time that its code
 * has left. An email that may have left is not tried again.
 */
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../options/options.js';
import { DeliveryError } from './delivery-error.js';
import {
  createCustomMailer,
  createMailer,
  createRawMailer,
  type DeliveryOutcome,
  type Undelivered,
} from './mailer.js';
import { buildMessage, type OutgoingEmail } from './message.js';
import { createPreparedMessages } from './prepared.js';
import type { AnyTransporter } from './transport.js';

/** The delays between tries in the background, in ms. The last one repeats while the code lives. */
const RETRY_DELAYS = [1000, 3000, 10_000];

/** The delays between tries of an awaited email, as shares of `mailTimeout`: 0.25 to 4 s by default. */
const AWAITED_RETRY_DELAYS = [1 / 40, 1 / 20, 1 / 10, 1 / 5, 2 / 5];

/** A code with less than this left, in ms, is not sent: half a minute to read it, or half of its life. */
const LEAST_LIFETIME = 30_000;

/**
 * Delivers emails as the `delivery` option says. An email resolves to its outcome when it is not tried any more. Once
 * `closing` is aborted, an awaited email is not tried again, an email in the background is tried once more, and all end
 * within `mailTimeout`.
 */
export function createDelivery(
  settings: Settings,
  closing: AbortSignal,
): (email: OutgoingEmail) => Promise<DeliveryOutcome> {
  const { mailTimeout } = settings;
  const tryOnce = createTry(settings);
  const inTurn = createTurns(poolSize(settings.transport.transporter));
  let closesAt = Number.POSITIVE_INFINITY;
  // Each email that waits for its next try adds a listener: many at once are no leak.
  setMaxListeners(0, closing);
  closing.addEventListener('abort', () => {
    closesAt = performance.now() + mailTimeout;
  });

  /** Tries again within `mailTimeout` as long as the failure is temporary and no message was begun. */
  async function sendAwaited(email: OutgoingEmail): Promise<DeliveryOutcome> {
    const deadline = performance.now() + mailTimeout;
    let outcome = await tryOnce(email, mailTimeout);
    for (const share of AWAITED_RETRY_DELAYS) {
      const delay = share * mailTimeout;
      if (outcome.kind !== 'failed' || outcome.retry !== 'soon') break;
      if (performance.now() + delay >= deadline || !(await pause(delay))) break;
      outcome = withEarlierReply(outcome, await tryOnce(email, deadline - performance.now()));
    }
    return outcome;
  }

  /** Tries again after each temporary failure while the code lives, also when a server refused the whole message. */
  async function sendInBackground(email: OutgoingEmail): Promise<DeliveryOutcome> {
    // The answer leaves first: composing a message takes longer than answering.
    await nextTurn();
    let last: Undelivered | undefined;
    for (let tries = 0; ; tries += 1) {
      const outcome = await inTurn(() => tryOnce(email, Math.min(mailTimeout, closesAt - performance.now())));
      const told = withEarlierReply(last, outcome);
      if (told.kind !== 'failed' || told.retry === 'never' || closing.aborted) return told;
      const delay = RETRY_DELAYS[Math.min(tries, RETRY_DELAYS.length - 1)] ?? 0;
      if (Date.now() + delay >= latestTry(email)) return told;
      last = told;
      await pause(delay);
    }
  }

  /** Ends early once `closing` is aborted, and then resolves to false. */
  function pause(delay: number): Promise<boolean> {
    return sleep(delay, true, { signal: closing }).catch(() => false);
  }

  return settings.delivery === 'background' ? sendInBackground : sendAwaited;
}

type Try = (email: OutgoingEmail, timeout: number) => Promise<DeliveryOutcome>;

/** One try within `timeout` ms, and another at once on a fresh connection where a used one may be to blame. */
function createTry(settings: Settings): Try {
  const { delivery, transport } = settings;
  const isCustom = typeof delivery === 'function';
  const deliver = isCustom ? createCustomMailer(delivery) : createMailer(transport);
  const deliverRaw = isCustom ? undefined : createRawMailer(transport);
  const preparedMessage = createPreparedMessages(settings);

  async function tryOn(
    connection: 'any' | 'fresh',
    email: OutgoingEmail,
    timeout: number,
  ): Promise<DeliveryOutcome> {
    const now = Date.now();
    if (timeout <= 0 || now > latestTry(email)) return outOfTime();
    const { expiresAt } = email;
    const left = expiresAt - now;
    const options = {
      timeout: Math.min(timeout, left),
      expiresAt: new Date(expiresAt),
      fresh: connection === 'fresh',
    };
    const prepared = deliverRaw && preparedMessage(email, left);
    if (prepared) return deliverRaw(prepared, options);
    const built = buildMessage(email, left, settings);
    return built.kind === 'failed' ? { ...built, retry: 'never' } : deliver(built.message, options);
  }

  return async (email, timeout) => {
    const deadline = performance.now() + timeout;
    const first = await tryOn('any', email, timeout);
    if (first.kind !== 'failed' || first.retry !== 'immediate') return first;
    const left = deadline - performance.now();
    if (left <= 0) return first;
    return withEarlierReply(first, await tryOn('fresh', email, left));
  };
}

/** By `Date.now()`: an email sent later leaves the person too little time. */
function latestTry({ lifetime, expiresAt }: OutgoingEmail): number {
  return expiresAt - Math.min(LEAST_LIFETIME, lifetime / 2);
}

/** The server's reply to an earlier try says more than a timeout of this one. */
function withEarlierReply(before: Undelivered | undefined, outcome: DeliveryOutcome): DeliveryOutcome {
  if (!before || outcome.kind !== 'failed' || outcome.error.code !== 'ETIMEDOUT') return outcome;
  return { ...outcome, error: before.error };
}

function outOfTime(): Undelivered {
  return { kind: 'failed', error: new DeliveryError('failed', { code: 'ETIMEDOUT' }), retry: 'never' };
}

/** Lets `limit` run at a time. The others wait their turn, in the order in which they came. */
function createTurns(limit: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    // One that ends hands its turn on, so that `running` stays the same.
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** How many messages the transport sends at a time. */
function poolSize(transporter: AnyTransporter): number {
  // A stand-in for a transporter in an app's tests has no options.
  const { maxConnections: size }: { maxConnections?: unknown } = transporter.options ?? {};
  return typeof size === 'number' && size > 0 ? size : 5;
}
