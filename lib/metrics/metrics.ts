/**
 * instrument(): counts and times what a verification does, with OpenTelemetry. All of it comes from the events, so an app that
 * does not import this pays nothing for it. No attribute holds an address, an IP or a code, and each has few values.
 */
import { type Attributes, type Meter, metrics } from '@opentelemetry/api';
import { readOptionsOf, refuse, shown } from '../checks.js';
import { hasMethod } from '../describe.js';
import type { EmailVerification } from '../email-verification.js';
import type { EmailVerificationEvents, EventName, Listener, OperationEvent } from '../events.js';
import type { DeliveryError } from '../mail/delivery-error.js';

export interface InstrumentOptions {
  /** Creates the instruments. @default the meter `express-email-verification` of the global meter provider */
  readonly meter?: Meter | undefined;
}

/**
 * The upper bounds of the buckets, in seconds. Those of operations are the ones that the semantic conventions recommend for
 * HTTP servers.
 */
const OPERATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Retries in the background may take as long as the code is valid. */
const EMAIL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** What createEmailVerification() or createMailWorker() returned. */
export type Instrumentable = Pick<EmailVerification, 'on' | 'check' | 'close'>;

/**
 * Counts and times what a verification does, or a mail worker. Call it once for each, after the meter provider is registered.
 *
 * @returns A function that removes all listeners.
 * @throws TypeError if the first argument is neither, or an option is invalid.
 * @example
 * const stop = instrument(verification);
 */
export function instrument(source: Instrumentable, options: InstrumentOptions = {}): () => void {
  const { operations } = measuredIn(source);
  const meter = checkMeter(readOptionsOf('instrument()', options, { meter: true }).meter);
  const stops: (() => unknown)[] = [];

  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(`email_verification.${name}`, { unit, description });
  const histogram = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(`email_verification.${name}`, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries },
    });

  const sends = counter('sends', '{send}', 'Sends, by outcome.');
  const attempts = counter('attempts', '{attempt}', 'Attempts to enter a code, by outcome.');
  const refusedProofs = counter('refused_proofs', '{proof}', 'Browser proofs that were refused, by reason.');
  const tokens = counter('tokens', '{token}', 'Tokens that were used up or given back.');
  const emails = counter('emails', '{email}', 'Emails, by whether they were sent.');
  const unavailable = counter(
    'unavailable',
    '{operation}',
    'Operations that the store or the email queue could not carry out.',
  );
  const operationDuration = histogram(
    'operation.duration',
    'The duration of operations, without the sending of emails.',
    OPERATION_BUCKETS,
  );
  const emailDuration = histogram(
    'email.duration',
    'The time from the storing of a code to the outcome of its email, with all tries.',
    EMAIL_BUCKETS,
  );
  const queueSize = meter.createObservableUpDownCounter('email_verification.queue.size', {
    unit: '{email}',
    description: 'Emails whose outcome is not yet known: in memory, or in the queue of a worker.',
  });

  function on<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    stops.push(source.on(name, listener));
  }

  /** Without the purpose where it is not known: a worker serves all of them. */
  function attributesOf(
    purpose: string | undefined,
    attributes: Readonly<Record<string, string>>,
  ): Attributes {
    const all = { ...(purpose && { purpose }), ...attributes };
    return Object.fromEntries(
      Object.entries(all).map(([name, value]) => [`email_verification.${name}`, value]),
    );
  }

  /** Counts an event as an outcome of an operation, and measures it. */
  function onOutcome<Name extends TimedEvent>(
    counted: typeof sends,
    operation: string,
    outcome: Name,
    more: (event: EmailVerificationEvents[Name]) => Readonly<Record<string, string>> = () => ({}),
  ): void {
    on(outcome, (event) => {
      const { purpose, duration } = event;
      counted.add(1, attributesOf(purpose, { outcome, ...more(event) }));
      operationDuration.record(duration / 1000, attributesOf(purpose, { operation, outcome }));
    });
  }

  onOutcome(sends, 'send', 'sent');
  onOutcome(sends, 'send', 'suppressed');
  onOutcome(sends, 'send', 'refused');
  on('verified', ({ purpose, duration, proof }) => {
    // A proof comes with a send.
    const [counted, operation] = proof ? ([sends, 'send'] as const) : ([attempts, 'verify'] as const);
    counted.add(1, attributesOf(purpose, { outcome: 'verified' }));
    operationDuration.record(duration / 1000, attributesOf(purpose, { operation, outcome: 'verified' }));
  });
  on('proof_refused', ({ purpose, reason }) => refusedProofs.add(1, attributesOf(purpose, { reason })));
  onOutcome(attempts, 'verify', 'code_incorrect');
  onOutcome(attempts, 'verify', 'code_expired', ({ state }) => ({ state }));
  onOutcome(tokens, 'redeem', 'redeemed');
  onOutcome(tokens, 'release', 'released');
  on('limited', ({ operation, limit, duration, purpose }) => {
    const counted = operation === 'send' ? sends : attempts;
    counted.add(1, attributesOf(purpose, { outcome: 'limited', limit }));
    if (duration === undefined) return;
    operationDuration.record(duration / 1000, attributesOf(purpose, { operation, outcome: 'limited' }));
  });
  on('unavailable', ({ operation, purpose }) => unavailable.add(1, attributesOf(purpose, { operation })));

  function onEmail(outcome: string, { purpose, duration }: OperationEvent, cause?: DeliveryError): void {
    const attributes = attributesOf(purpose, { outcome });
    emails.add(1, cause ? { ...attributes, 'error.type': errorTypeOf(cause) } : attributes);
    emailDuration.record(duration / 1000, attributes);
  }
  on('delivered', (event) => onEmail('delivered', event));
  on('delivery_failed', (event) => onEmail('failed', event, event.cause));
  on('delivery_unknown', (event) => onEmail('unknown', event, event.cause));

  const observe: Parameters<typeof queueSize.addCallback>[0] = async (result) => {
    const size = await operations.queueSize();
    result.observe(size, attributesOf(operations.settings?.purpose, {}));
  };
  queueSize.addCallback(observe);
  stops.push(() => queueSize.removeCallback(observe));

  return function stop() {
    for (const end of stops.splice(0)) end();
  };
}

interface Measured {
  readonly operations: {
    readonly settings?: { readonly purpose: string };
    queueSize(): number | Promise<number>;
  };
}

/** @throws TypeError if it is neither a verification nor a mail worker. */
function measuredIn(source: unknown): Measured {
  const { internals }: { internals?: Measured } = Object(source);
  if (internals) return internals;
  throw new TypeError(
    `The first argument must be what createEmailVerification() returned, or createMailWorker(). Received ${shown(source)}.`,
  );
}

/** The events with a duration that are outcomes of an operation. */
type TimedEvent =
  | 'sent'
  | 'suppressed'
  | 'refused'
  | 'code_incorrect'
  | 'code_expired'
  | 'redeemed'
  | 'released';

/** The reply of the server or the provider, or else a code: few values, as the conventions ask of `error.type`. */
function errorTypeOf({ responseCode, statusCode, code }: DeliveryError): string {
  return String(responseCode ?? statusCode ?? code);
}

function checkMeter(meter: Meter | undefined): Meter {
  if (meter === undefined) return metrics.getMeter('express-email-verification');
  const names = ['createCounter', 'createHistogram', 'createObservableUpDownCounter'];
  if (names.every((name) => hasMethod(meter, name))) return meter;
  return refuse('meter', 'a meter of OpenTelemetry, as from metrics.getMeter()', meter, 'instrument()');
}
