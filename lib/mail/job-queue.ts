/**
 * The port of a queue outside this process, whose workers send the emails. A send is done once its email is safely in there;
 * the worker learns the outcome, reports it, and undoes the send if it has to.
 */
import { hasMethod } from '../describe.js';
import { codeOf } from '../errors.js';
import type { Settings } from '../options/options.js';
import type { DiscardRequest } from '../store/store.js';
import { DeliveryError } from './delivery-error.js';
import type { DeliveryOutcome } from './mailer.js';
import type { EmailWords, OutgoingEmail } from './message.js';
import type { MailContent } from './template.js';

/** A queue for the `delivery` option, as queueDelivery() of `express-email-verification/bullmq` returns it. */
export interface JobQueue {
  /** Resolves within `timeout` ms, and to `queued` once the email is safely in the queue. Never rejects. */
  enqueue(email: QueuedEmail, timeout: number): Promise<EnqueueOutcome>;
  /** What keeps the queue from working, as sentences. */
  check(timeout: number): Promise<readonly string[]>;
  /** Called by each verification that uses it. Returns what closes it, along with the last of them. */
  open(): () => Promise<void>;
}

export type EnqueueOutcome =
  | Queued
  /** It is not in the queue, and will not be; or it is not known whether it is. `code` says why, such as `ECONNREFUSED`. */
  | { readonly kind: 'failed' | 'unknown'; readonly code: string };

/** The worker reports what becomes of the email. */
export interface Queued {
  readonly kind: 'queued';
}

/** All that a worker needs to send an email and to undo its send. It holds the address and the code: keep it sealed. */
export interface QueuedEmail {
  readonly email: string;
  readonly purpose: string;
  /** The tag of its language. */
  readonly locale: string;
  readonly reference: string;
  /** The code as people read it. Without it and without `content`, there is nothing to send: the worker drops it. */
  readonly code?: string | undefined;
  readonly content?: MailContent | undefined;
  readonly words?: EmailWords | undefined;
  readonly lifetime: number;
  /** By `Date.now()`, like the next one. */
  readonly expiresAt: number;
  readonly storedAt: number;
  readonly undo: DiscardRequest;
}

export function isJobQueue(delivery: unknown): delivery is JobQueue {
  return ['enqueue', 'check', 'open'].every((method) => hasMethod(delivery, method));
}

/** Puts emails into a queue, as a way to deliver them. */
export function createEnqueue(
  { purpose, mailTimeout }: Pick<Settings, 'purpose' | 'mailTimeout'>,
  jobs: JobQueue,
): (email: OutgoingEmail, undo: DiscardRequest) => Promise<DeliveryOutcome | Queued> {
  return async ({ locale, ...email }, undo) => {
    const queued = { ...email, locale: locale.tag, purpose, storedAt: Date.now(), undo };
    const outcome = await jobs.enqueue(queued, mailTimeout);
    if (outcome.kind === 'queued') return outcome;
    const { kind } = outcome;
    const error = new DeliveryError(kind, { code: 'EQUEUE', originalCode: codeOf(outcome) });
    return kind === 'failed' ? { kind, error, retry: 'never' } : { kind, error };
  };
}
