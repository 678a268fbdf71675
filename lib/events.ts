/** The events of a verification. Addresses are masked, and no event contains a code or token. */

import { shown } from './checks.js';
import { errorOf, messageOf, textOf } from './errors.js';
import type { DeliveryError } from './mail/delivery-error.js';

export interface EmailVerificationEvents {
  /** The email was sent: the server accepted it. */
  delivered: EmailEvent;
  /** The email was not sent, and its code no longer works. */
  delivery_failed: EmailEvent & { readonly cause: DeliveryError };
  /** It is not known whether the email was sent. Its code works. */
  delivery_unknown: EmailEvent & { readonly cause: DeliveryError };
  /** A right code was entered. */
  verified: AddressEvent;
  /** A token was used up. */
  redeemed: AddressEvent;
  /** A token was given back. */
  released: AddressEvent;
  /** The store or the email queue could not carry out an operation. */
  unavailable: { readonly operation: string; readonly purpose: string; readonly cause: unknown };
}

export interface AddressEvent {
  /** Masked, such as `p***@example.com`. */
  readonly email: string;
  readonly purpose: string;
}

export type EmailEvent = AddressEvent;

export type EventName = keyof EmailVerificationEvents;
export type Listener<Name extends EventName> = (event: EmailVerificationEvents[Name]) => void;

export interface Events {
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  emit<Name extends EventName>(name: Name, event: EmailVerificationEvents[Name]): void;
}

/** Without a listener, these would go unnoticed, so the first of each becomes a process warning. */
const FAILURES: ReadonlySet<EventName> = new Set(['delivery_failed', 'delivery_unknown', 'unavailable']);

export function createEvents(): Events {
  const listeners: { [Name in EventName]: Set<Listener<Name>> } = {
    delivered: new Set(),
    delivery_failed: new Set(),
    delivery_unknown: new Set(),
    verified: new Set(),
    redeemed: new Set(),
    released: new Set(),
    unavailable: new Set(),
  };
  const warned = new Set<EventName>();
  return {
    on(name, listener) {
      if (!Object.hasOwn(listeners, name)) {
        const known = Object.keys(listeners).map((event) => `\`${event}\``);
        throw new TypeError(`Unknown event \`${String(name)}\`. Known events: ${known.join(', ')}.`);
      }
      if (typeof listener !== 'function')
        throw new TypeError(`The listener of \`${name}\` must be a function. Received ${shown(listener)}.`);
      listeners[name].add(listener);
      return () => listeners[name].delete(listener);
    },
    emit(name, event) {
      if (listeners[name].size === 0 && FAILURES.has(name) && !warned.has(name)) {
        warned.add(name);
        warn(`${name}: ${causeOf(event)} Listen to '${name}' to learn about the next one.`);
      }
      // A listener may be asynchronous. Its failure must not fail the request or end the process.
      const call = async (listener: Listener<typeof name>) => listener(event);
      for (const listener of listeners[name]) call(listener).catch((thrown) => warnOfListener(name, thrown));
    },
  };
}

function warnOfListener(name: EventName, thrown: unknown): void {
  process.emitWarning(`A listener of '${name}' threw: ${messageOf(errorOf(thrown))}`, {
    type: WARNING,
    detail: textOf(thrown, 'stack'),
  });
}

const WARNING = 'EmailVerificationWarning';

export function warn(sentence: string): void {
  process.emitWarning(sentence, WARNING);
}

function causeOf(event: object): string {
  const cause = 'cause' in event ? event.cause : undefined;
  return cause === undefined ? '' : `${messageOf(cause).replace(/\.$/, '')}.`;
}
