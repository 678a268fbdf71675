/** The events of a verification. Addresses are masked, and no event contains a code or token. */

import { shown } from './checks.js';
import { errorOf, messageOf, textOf } from './errors.js';
import type { DeliveryError } from './mail/delivery-error.js';

export interface EmailVerificationEvents {
  /** A send was accepted: its code is stored, and its email is about to be sent. */
  sent: SendEvent & WithFixedCode;
  /** `beforeSend` suppressed a send. The client cannot tell it from one that was sent, so never let it know. */
  suppressed: SendEvent;
  /** `beforeSend` refused a send. */
  refused: OperationEvent;
  /** A limit was full: that of a mailbox or that of a client. */
  limited: LimitedEvent;
  /** The email was sent: the server accepted it. */
  delivered: EmailEvent;
  /** The email was not sent, and its code no longer works. */
  delivery_failed: EmailEvent & { readonly cause: DeliveryError };
  /** It is not known whether the email was sent. Its code works. */
  delivery_unknown: EmailEvent & { readonly cause: DeliveryError };
  /** A right code was entered, or the browser has proven the address. */
  verified: OperationEvent & WithFixedCode & WithProof;
  /** A wrong code was entered. Many of them are a sign of guessing. */
  code_incorrect: OperationEvent & { readonly attemptsLeft: number };
  /** A code was entered that could not be accepted: none was live, no attempts were left, or it had ended. */
  code_expired: CodeExpiredEvent;
  /** A browser proof was not accepted, and the send went on without it. */
  proof_refused: ProofRefusedEvent;
  /** A token was used up. */
  redeemed: OperationEvent;
  /** A token was given back. */
  released: OperationEvent;
  /** The store or the email queue could not carry out an operation. */
  unavailable: { readonly operation: string; readonly purpose: string; readonly cause: unknown };
}

export interface AddressEvent {
  /** Masked, such as `p***@example.com`. */
  readonly email: string;
  readonly purpose: string;
}

/** What every operation reports. */
export interface OperationEvent extends AddressEvent {
  /** How long the operation took so far, in ms. For an email: from the storing of its code to the outcome, with all tries. */
  readonly duration: number;
}

export interface SendEvent extends OperationEvent {
  /** Identifies the email of this send, which carries it in `X-Entity-Ref-ID` and in its Message-ID. */
  readonly reference: string;
}

interface WithFixedCode {
  /** Present if the code is one of `fixedCodes`. There is no email then, and no further event about one. */
  readonly fixedCode?: true;
}

interface WithProof {
  /** Present if the browser has proven the address (`browserProof`). No email was sent. */
  readonly proof?: true;
}

export interface ProofRefusedEvent extends OperationEvent {
  /** Such as `audience`, `expired` or `issuer_unreachable`. The client is not told. */
  readonly reason: string;
  /** What failed, if something of the issuer, of the DNS or of the check did. */
  readonly cause?: unknown;
}

export interface EmailEvent extends SendEvent {
  /** The Message-ID of the email, as providers quote it in their bounces. It is the same for all tries. */
  readonly messageId: string;
}

export interface LimitedEvent {
  /** Masked. Missing if the limit is that of a client on one of the app's own routes: the address is not known there. */
  readonly email?: string;
  readonly purpose: string;
  /** `mailbox`: too many emails (`sendLimits`). `client`: too many requests of one IP (`rateLimit`). */
  readonly limit: 'mailbox' | 'client';
  readonly operation: 'send' | 'verify';
  /** Seconds. */
  readonly retryAfter: number;
  /** As in the other events, if the limit is that of a mailbox. */
  readonly duration?: number;
}

export interface CodeExpiredEvent extends OperationEvent {
  /** The client is not told which. `outdated`: a code that has ended, entered while a newer one is live. */
  readonly state: 'no_live_code' | 'no_attempts_left' | 'outdated';
}

export type EventName = keyof EmailVerificationEvents;
export type Listener<Name extends EventName> = (event: EmailVerificationEvents[Name]) => void;

export interface Events {
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  /** @param build Called once, and only if anybody listens. */
  emit<Name extends EventName>(name: Name, build: () => EmailVerificationEvents[Name]): void;
}

/** Without a listener, these would go unnoticed, so the first of each becomes a process warning. */
const FAILURES: ReadonlySet<EventName> = new Set(['delivery_failed', 'delivery_unknown', 'unavailable']);

export function createEvents(): Events {
  const listeners: { [Name in EventName]: Set<Listener<Name>> } = {
    sent: new Set(),
    suppressed: new Set(),
    refused: new Set(),
    limited: new Set(),
    delivered: new Set(),
    delivery_failed: new Set(),
    delivery_unknown: new Set(),
    verified: new Set(),
    code_incorrect: new Set(),
    code_expired: new Set(),
    proof_refused: new Set(),
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
    emit(name, build) {
      if (listeners[name].size === 0) {
        if (!FAILURES.has(name) || warned.has(name)) return;
        warned.add(name);
        warn(`${name}: ${causeOf(build())} Listen to '${name}' to learn about the next one.`);
        return;
      }
      const event = build();
      // A listener may be asynchronous. Its failure must not fail the request or end the process.
      const call = async (listener: Listener<typeof name>) => listener(event);
      // A copy: a listener that adds another would otherwise be followed by it, and so on without end.
      for (const listener of [...listeners[name]])
        call(listener).catch((thrown) => warnOfListener(name, thrown));
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
