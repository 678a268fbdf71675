/** What a worker does with one job: opens it, tries its email once, reports the outcome, or asks for the job to come back. */
import { maskAddress } from '../challenge/address.js';
import { digitCodes, letterCodes } from '../challenge/code.js';
import type { EmailEvent, Events } from '../events.js';
import { chooseLocale } from '../locales/index.js';
import { DeliveryError } from '../mail/delivery-error.js';
import type { Try } from '../mail/fail-over.js';
import type { FailureDetails } from '../mail/failure-details.js';
import type { QueuedEmail } from '../mail/job-queue.js';
import { messageIdOf } from '../mail/message.js';
import { createTry, delayOfRetry, latestTry } from '../mail/retries.js';
import type { Settings } from '../options/options.js';
import { REDIS_TIMEOUT, within } from './connection.js';
import type { Sealer } from './sealing.js';

/** The part of BullMQ's job that is used. */
export interface MailJob {
  readonly id?: string | undefined;
  readonly data: unknown;
  /** How often a worker took it, this time included. */
  readonly attemptsStarted: number;
  /** How often a worker that took it did not come back. */
  readonly stalledCounter: number;
  updateData(data: unknown): Promise<void>;
}

export type Handled =
  | { readonly kind: 'done'; readonly delay?: undefined }
  | { readonly kind: 'again'; readonly delay: number };

/** What is in a job. `failure` is set once the email is known not to have been sent: only its send is left to be undone. */
interface StoredEmail extends QueuedEmail {
  readonly failure?: FailureDetails | undefined;
}

const DONE: Handled = { kind: 'done' };

/**
 * How long a job that this worker cannot open waits for one that can, in ms, and how often. Longer than any code is valid: after
 * that, nobody needs the email.
 */
const UNOPENED_DELAY = 10_000;
const UNOPENED_TRIES = 100;

/** How soon a failed undo is tried again, in ms. */
const UNDO_DELAY = 1000;

/** Never rejects: BullMQ would write the error into the job. */
export function createJobHandler(
  settings: Settings,
  sealer: Sealer,
  events: Events,
): (job: MailJob) => Promise<Handled> {
  const { store, storeTimeout, mailTimeout } = settings;
  const tries = new Map<string, Try>();

  /** A template gets the purpose, and a prepared message fits one form of codes: both are those of the email. */
  function tryOf({ purpose, code }: StoredEmail): Try {
    const codes = code === undefined ? settings.codes : formatOf(code);
    const key = `${purpose} ${codes.alphabet} ${codes.length}`;
    const existing = tries.get(key);
    if (existing) return existing;
    const created = createTry({ ...settings, purpose, codes });
    tries.set(key, created);
    return created;
  }

  async function handle(job: MailJob): Promise<Handled> {
    const { id = '' } = job;
    if (!isOurs(id)) return lost('A job of another program was in the queue of the emails. It was dropped.');
    const opened = sealer.open(job.data, id);
    if (opened.kind === 'opened') return deliver(job, id, JSON.parse(opened.text));
    if (opened.kind === 'altered') return lost(`An email was lost: its job ${id} in the queue was altered.`);
    const isLast = job.attemptsStarted >= UNOPENED_TRIES;
    const reason = `${REASONS[opened.kind]} (job ${id})`;
    if (isLast) return lost(`An email was lost: ${reason}. Its code has expired.`);
    if (job.attemptsStarted <= 1) lost(`An email waits for another worker: ${reason}.`);
    return { kind: 'again', delay: UNOPENED_DELAY };
  }

  function lost(sentence: string): Handled {
    events.emit('unavailable', () => ({ operation: 'deliver', purpose: '', cause: new Error(sentence) }));
    return DONE;
  }

  async function deliver(job: MailJob, id: string, stored: StoredEmail): Promise<Handled> {
    const { code, content, failure, locale: tag, reference, email, words, lifetime, expiresAt } = stored;
    if (code === undefined && content === undefined) return DONE;
    if (failure) return undo(stored, new DeliveryError('failed', failure));
    if (Date.now() > latestTry(stored)) return fail(job, id, stored, { code: 'EEXPIRED' });

    const locale = chooseLocale(settings, tag) ?? settings.defaultLocale;
    const outgoing = {
      ...{ email, locale, reference, words, lifetime, expiresAt },
      ...(code !== undefined && { code }),
      ...(content !== undefined && { content }),
    };
    const outcome = await tryOf(stored)(outgoing, mailTimeout);
    if (outcome.kind === 'sent') {
      events.emit('delivered', () => eventOf(stored));
      return DONE;
    }
    if (outcome.kind === 'unknown') return unknown(stored, outcome.error);
    const delay = outcome.retry === 'never' ? undefined : delayOfRetry(stored, job.attemptsStarted - 1);
    if (delay !== undefined) return { kind: 'again', delay };
    return fail(job, id, stored, detailsOf(outcome.error), outcome.error);
  }

  /**
   * A worker that did not come back may have sent the email. Only if the address itself is refused, it was refused then, too.
   * What is known is written into the job before the send is undone: an email whose code has ended must not be tried again.
   */
  async function fail(
    job: MailJob,
    id: string,
    stored: StoredEmail,
    details: FailureDetails,
    error = new DeliveryError('failed', details),
  ): Promise<Handled> {
    if (job.stalledCounter > 0 && !error.recipientRefused)
      return unknown(
        stored,
        new DeliveryError('unknown', details).after([new DeliveryError('unknown', { code: 'EWORKER' })]),
      );
    const sealed = sealer.seal(JSON.stringify({ ...stored, failure: details }), id);
    // The undo itself is safe to repeat, so it does not depend on this.
    await within(REDIS_TIMEOUT, job.updateData(sealed)).catch(() => {});
    return undo(stored, error);
  }

  function unknown(stored: StoredEmail, cause: DeliveryError): Handled {
    events.emit('delivery_unknown', () => ({ ...eventOf(stored), cause }));
    return DONE;
  }

  async function undo(stored: StoredEmail, error: DeliveryError): Promise<Handled> {
    const { purpose, expiresAt } = stored;
    try {
      await store.discard(stored.undo, storeTimeout);
    } catch (cause) {
      events.emit('unavailable', () => ({ operation: 'discard', purpose, cause }));
      // Once the code has expired, there is no more than a place in the limits to give back.
      if (Date.now() < expiresAt) return { kind: 'again', delay: UNDO_DELAY };
    }
    events.emit('delivery_failed', () => ({ ...eventOf(stored), cause: error }));
    return DONE;
  }

  function eventOf({ email, purpose, reference, words, storedAt }: StoredEmail): EmailEvent {
    return {
      email: maskAddress(email),
      purpose,
      duration: Math.max(0, Date.now() - storedAt),
      reference,
      messageId: messageIdOf(reference, words?.from ?? settings.from),
    };
  }

  return async (job) => {
    try {
      return await handle(job);
    } catch (cause) {
      // A mistake of ours: without its message, which might quote the email.
      lost(`An email could not be processed: ${nameOfError(cause)} (job ${job.id}).`);
      return job.attemptsStarted >= UNOPENED_TRIES ? DONE : { kind: 'again', delay: UNOPENED_DELAY };
    }
  };
}

const REASONS = {
  unknown_key: 'none of the secrets of this worker opens its job',
  unknown_version: 'a newer version of the package wrote its job',
} as const;

function formatOf(code: string): Settings['codes'] {
  return /^\d+$/.test(code) ? digitCodes(code.length) : letterCodes();
}

/** Whoever can write to the Redis chooses ids, too, and one of another form could forge a line of a log. */
export function isOurs(id: string | undefined): boolean {
  return id !== undefined && /^[\w-]{1,64}$/.test(id);
}

function nameOfError(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}

/** What a later try needs to report the same failure. */
function detailsOf(error: DeliveryError): FailureDetails {
  const { code, originalCode, command, responseCode, enhancedCode, statusCode, providerCode, host, port } =
    error;
  const endpoint = host === undefined || port === undefined ? undefined : { host, port };
  const codes = { code, originalCode, command, responseCode, enhancedCode, statusCode, providerCode };
  return { ...codes, retryable: error.temporary, endpoint };
}
