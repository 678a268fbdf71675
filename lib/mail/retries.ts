/**
 * Decides when an email is tried and when it is tried again. Each try rebuilds the message with the remaining validity of
 * its code. An email that may have been sent is not tried again, neither on the same transport nor on another.
 */
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../options/options.js';
import { DeliveryError } from './delivery-error.js';
import { createFailOver, type Try } from './fail-over.js';
import {
  createCustomMailer,
  createMailer,
  createRawMailer,
  type Deliver,
  type DeliveryOutcome,
  type FailedDelivery,
} from './mailer.js';
import { buildMessage, type OutgoingEmail } from './message.js';
import { createPreparedMessages, type PreparedMessages } from './prepared.js';
import type { RawMessage } from './smtp/composer.js';
import { DEFAULTS } from './smtp/pool.js';
import type { AnyTransporter } from './transport/transport.js';

/** The delays between tries in the background or by a worker, in ms. The last one repeats while the code is valid. */
const RETRY_DELAYS = [1000, 3000, 10_000];

/** The delays between tries of an awaited email, as shares of `mailTimeout`: 0.25 to 4 s by default. */
const AWAITED_RETRY_DELAYS = [1 / 40, 1 / 20, 1 / 10, 1 / 5, 2 / 5];

/**
 * A code with less validity remaining, in ms, is not sent, because the person needs time to enter it. Half of the validity
 * is enough if the store keeps codes for less than a minute.
 */
const MIN_REMAINING = 30_000;

/**
 * Delivers emails as the `delivery` option says. The promise resolves when delivery has finally succeeded or failed. Once
 * `closing` is aborted, an awaited email is not tried again, an email in the background is tried once more, and all end
 * within `mailTimeout`.
 */
export function createDelivery(
  settings: Settings,
  closing: AbortSignal,
): (email: OutgoingEmail) => Promise<DeliveryOutcome> {
  const { mailTimeout } = settings;
  const [first] = settings.transports;
  const tryOnce = createTry(settings);
  const withPermit = createSemaphore(poolSize(first?.transporter));
  let closesAt = Number.POSITIVE_INFINITY;
  // Each email that waits for its next try adds a listener: many at once are not a leak.
  setMaxListeners(0, closing);
  closing.addEventListener('abort', () => {
    closesAt = performance.now() + mailTimeout;
  });

  /** Tries again within `mailTimeout` if the failure is temporary and no message was begun. */
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

  /** Tries again after each temporary failure while the code is valid, also if the server refused the message itself. */
  async function sendInBackground(email: OutgoingEmail): Promise<DeliveryOutcome> {
    // Lets the response go out first, because composing a message takes longer.
    await nextTurn();
    let last: FailedDelivery | undefined;
    for (let tries = 0; ; tries += 1) {
      const latest = await withPermit(() =>
        tryOnce(email, Math.min(mailTimeout, closesAt - performance.now())),
      );
      const outcome = withEarlierReply(last, latest);
      if (outcome.kind !== 'failed' || outcome.retry === 'never' || closing.aborted) return outcome;
      const delay = delayOfRetry(email, tries);
      if (delay === undefined) return outcome;
      last = outcome;
      await pause(delay);
    }
  }

  /** Ends early once `closing` is aborted, and then resolves to false. */
  function pause(delay: number): Promise<boolean> {
    return sleep(delay, true, { signal: closing }).catch(() => false);
  }

  return settings.delivery === 'background' ? sendInBackground : sendAwaited;
}

/** The delay before the next try after `tries` others, in ms; undefined if the code is too close to its end by then. */
export function delayOfRetry(email: CodeLife, tries: number): number | undefined {
  const delay = RETRY_DELAYS[Math.min(tries, RETRY_DELAYS.length - 1)] ?? 0;
  return Date.now() + delay >= latestTry(email) ? undefined : delay;
}

/** One try: by the app's own function, or on one transport after the other until one sends the email or may have. */
export function createTry(settings: Settings): Try {
  const { delivery, transports } = settings;
  if (typeof delivery === 'function') return createTryBy(settings, { deliver: createCustomMailer(delivery) });
  return createFailOver(
    transports.map((transport) => ({
      label: transport.label,
      tryOnce: createTryBy(settings, {
        deliver: createMailer(transport),
        deliverRaw: createRawMailer(transport),
        preparedMessage: createPreparedMessages(settings, transport.pool),
      }),
    })),
  );
}

interface Mailers {
  readonly deliver: Deliver;
  readonly deliverRaw?: Deliver<RawMessage> | undefined;
  readonly preparedMessage?: PreparedMessages;
}

/** One try within `timeout` ms, and another at once on a fresh connection if a used one may be to blame. */
function createTryBy(settings: Settings, { deliver, deliverRaw, preparedMessage }: Mailers): Try {
  async function tryOn(
    connection: 'any' | 'fresh',
    email: OutgoingEmail,
    timeout: number,
    beginWithin: number | undefined,
  ): Promise<DeliveryOutcome> {
    const now = Date.now();
    if (timeout <= 0 || now > latestTry(email)) return outOfTime();
    const { expiresAt, lifetime, reference, code } = email;
    // Never more, even if the clock of a worker is behind that of the app.
    const remaining = Math.min(expiresAt - now, lifetime);
    const options = {
      timeout: Math.min(timeout, remaining),
      beginWithin,
      expiresAt: new Date(expiresAt),
      reference,
      code,
      fresh: connection === 'fresh',
    };
    const prepared = deliverRaw && preparedMessage?.(email, remaining);
    if (deliverRaw && prepared) return deliverRaw(prepared, options);
    const built = buildMessage(email, remaining, settings);
    return built.kind === 'failed' ? { ...built, retry: 'never' } : deliver(built.message, options);
  }

  return async (email, timeout, beginWithin = timeout) => {
    const start = performance.now();
    const first = await tryOn('any', email, timeout, beginWithin);
    if (first.kind !== 'failed' || first.retry !== 'immediate') return first;
    const elapsed = performance.now() - start;
    if (elapsed >= beginWithin) return first;
    return withEarlierReply(first, await tryOn('fresh', email, timeout - elapsed, beginWithin - elapsed));
  };
}

type CodeLife = Pick<OutgoingEmail, 'lifetime' | 'expiresAt'>;

/** When the last try may start, by `Date.now()`. */
export function latestTry({ lifetime, expiresAt }: CodeLife): number {
  return expiresAt - Math.min(MIN_REMAINING, lifetime / 2);
}

/** Prefers the server's earlier reply to a timeout, which says less. */
function withEarlierReply(before: FailedDelivery | undefined, outcome: DeliveryOutcome): DeliveryOutcome {
  if (!before || outcome.kind !== 'failed' || outcome.error.code !== 'ETIMEDOUT') return outcome;
  return { ...outcome, error: before.error };
}

function outOfTime(): FailedDelivery {
  return { kind: 'failed', error: new DeliveryError('failed', { code: 'ETIMEDOUT' }), retry: 'never' };
}

/** Lets at most `limit` tasks run at a time. The others wait, first come, first served. */
function createSemaphore(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    // A task that ends passes its permit on, so that `running` stays the same.
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** How many messages the transport sends at a time. */
export function poolSize(transporter: AnyTransporter | undefined): number {
  // An object with only `sendMail`, as in an app's tests, has no options.
  const { maxConnections: size }: { maxConnections?: unknown } = transporter?.options ?? {};
  return typeof size === 'number' && size > 0 ? size : DEFAULTS.maxConnections;
}
