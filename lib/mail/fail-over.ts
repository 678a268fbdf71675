/**
 * Tries an email on several transports, in order. The next one is tried only when the email is known not to have been sent
 * by the ones before: nothing is sent twice.
 */
import { warn } from '../events.js';
import type { DeliveryError } from './delivery-error.js';
import type { DeliveryOutcome, FailedDelivery, Retry } from './mailer.js';
import type { OutgoingEmail } from './message.js';

/**
 * Tries an email once, within `timeout` ms. Its message must be begun within `beginWithin` ms: until then, another transport
 * may be tried.
 */
export type Try = (email: OutgoingEmail, timeout: number, beginWithin?: number) => Promise<DeliveryOutcome>;

/** One of several transports. */
export interface Relay {
  readonly label: string;
  readonly tryOnce: Try;
}

/**
 * Each transport gets an equal share of the remaining time to begin the message, so that one that hangs leaves time for the
 * next. Once begun, the message may take all of the remaining time.
 */
export function createFailOver(relays: readonly Relay[]): Try {
  const [only] = relays;
  if (only && relays.length === 1) return only.tryOnce;
  const warned = new Set<Relay>();

  /** Otherwise nobody would notice until the last transport fails. */
  function warnOnce(failed: readonly FailedDelivery[], { label }: Relay): void {
    for (const [n, { error }] of failed.entries()) {
      const relay = relays[n];
      if (!relay || warned.has(relay)) continue;
      warned.add(relay);
      warn(`${relay.label} failed, and ${label} sent the email instead. ${error.message}.`);
    }
  }

  return async function tryInOrder(email, timeout) {
    const deadline = performance.now() + timeout;
    const failed: FailedDelivery[] = [];
    for (const [n, relay] of relays.entries()) {
      const remaining = deadline - performance.now();
      if (n > 0 && remaining <= 0) break;
      const outcome = await relay.tryOnce(email, remaining, remaining / (relays.length - n));
      if (outcome.kind === 'sent') {
        warnOnce(failed, relay);
        return outcome;
      }
      if (outcome.kind === 'unknown')
        return { kind: 'unknown', error: outcome.error.after(errorsOf(failed)) };
      failed.push(outcome);
      if (isAboutEmail(outcome.error)) break;
    }
    return allFailed(failed);
  };
}

/** Whether every transport would fail: the address or the message is wrong. */
function isAboutEmail({ recipientRefused, code }: DeliveryError): boolean {
  return recipientRefused || code === 'ETEMPLATE';
}

/** The last failure, with what the ones before say. Tried again if that may help with any of the transports. */
function allFailed(failed: readonly FailedDelivery[]): FailedDelivery {
  const last = failed.at(-1);
  if (!last) throw new Error('There is no transport.');
  const error = last.error.after(errorsOf(failed.slice(0, -1)));
  const retry = RETRIES.find((one) => failed.some((failure) => failure.retry === one)) ?? 'never';
  return { kind: 'failed', error, retry: isAboutEmail(last.error) ? last.retry : retry };
}

/** Without `immediate`: that try has been made. */
const RETRIES: readonly Retry[] = ['soon', 'later'];

function errorsOf(failed: readonly FailedDelivery[]): DeliveryError[] {
  return failed.map(({ error }) => error);
}
