/**
 * createMailWorker(): takes emails from the queue and sends them, as `delivery: 'background'` does within the app. A job that a
 * worker does not finish, because its process was killed, is taken up by another: emails are sent at least once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import { messageOf } from '../errors.js';
import { createEvents, type EventName, type Listener } from '../events.js';
import { checkLogins } from '../mail/queue.js';
import { bareError, closeQueue, REDIS_TIMEOUT, within } from './connection.js';
import { createJobHandler, isOurs } from './job-handler.js';
import { loadBullmq } from './library.js';
import { openQueue } from './queue.js';
import { DROPPED_WHEN_DONE, QUEUE_PREFIX } from './queue-options.js';
import { createSealer } from './sealing.js';
import { type MailWorkerOptions, readWorkerOptions } from './worker-options.js';

export interface MailWorker {
  /** Listens to `delivered`, `delivery_failed`, `delivery_unknown` and `unavailable`, as those of a verification. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  /** Checks that the queue and the store are reachable and suitable, and that the transport can log in. */
  check(): Promise<{ readonly ok: boolean; readonly problems: readonly string[] }>;
  /** Finishes the emails that are being sent, then stops. The app's own clients and transporter stay open. */
  close(): Promise<void>;
  /** @internal What instrument() needs. */
  readonly internals: { readonly operations: { queueSize(): Promise<number> } };
}

/**
 * How long a job stays with a worker that does not renew it, and how often the others look for such jobs, in ms: the jobs of a
 * worker that was killed are taken up after 15 s at most, while their codes still have most of their time.
 */
const LOCK_DURATION = 10_000;
const STALLED_INTERVAL = 5000;

/** How soon a worker tries again when Redis fails, in ms. */
const RECOVERY_DELAY = 1000;

/**
 * Starts a worker. It runs until `close()`.
 *
 * @throws TypeError or RangeError that names the option, its range and its value; Error if BullMQ is not installed.
 * @example
 * const worker = createMailWorker({ connection: { url: process.env.QUEUE_REDIS_URL }, secret, transport, from, store });
 * worker.on('delivery_failed', ({ email, cause }) => log.error({ email }, cause.message));
 */
export function createMailWorker(passed: MailWorkerOptions): MailWorker {
  const bullmq = loadBullmq();
  const { settings, queueName, secret, createConnection, rate, concurrency } = readWorkerOptions(passed);
  const { transports, mailTimeout, storeTimeout, store } = settings;
  const events = createEvents();
  const handle = createJobHandler(settings, createSealer(secret, queueName), events);
  /** For checks and metrics. */
  const queue = openQueue(queueName, createConnection);
  /** The jobs that are being handled. */
  const running = new Set<Promise<unknown>>();
  let ofWorker = createConnection();
  let worker = createWorker();
  let isClosing = false;

  function onError(error: unknown): void {
    if (isClosing) return;
    events.emit('unavailable', () => ({ operation: 'queue', purpose: '', cause: bareError(error) }));
  }

  /** Never throws anything that BullMQ would write into the job. */
  async function processJob(job: Job, token = ''): Promise<void> {
    // Whoever can write to the Redis could have it kept.
    Object.assign(job.opts, DROPPED_WHEN_DONE);
    const handled = handle(job);
    running.add(handled);
    const { kind, delay } = await handled.finally(() => running.delete(handled));
    if (kind === 'done') return;
    // If Redis cannot be told, the job counts as stalled, and is taken up again.
    await within(REDIS_TIMEOUT, job.moveToDelayed(Date.now() + delay, token)).catch(onError);
    throw new bullmq.DelayedError();
  }

  function createWorker(): Worker {
    const created = new bullmq.Worker(queueName, processJob, {
      connection: ofWorker.connection,
      prefix: QUEUE_PREFIX,
      autorun: false,
      concurrency,
      lockDuration: LOCK_DURATION,
      stalledInterval: STALLED_INTERVAL,
      // A job is never given up because its workers were killed: it ends with its code.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RECOVERY_DELAY,
      ...(rate && { limiter: rate }),
    });
    created.on('error', onError);
    // No job of ours fails: somebody marked it so.
    created.on('failed', (job) => {
      const id = isOurs(job?.id) ? ` ${job?.id}` : '';
      const cause = new Error(`An email was lost: its job${id} in the queue was marked as failed.`);
      events.emit('unavailable', () => ({ operation: 'deliver', purpose: '', cause }));
    });
    return created;
  }

  async function run(): Promise<void> {
    while (!isClosing) {
      try {
        await worker.waitUntilReady();
        await worker.run();
      } catch (error) {
        // A worker whose first connection fails stays unusable, so it is replaced.
        onError(error);
        await closeQueue(worker, ofWorker);
        await sleep(RECOVERY_DELAY);
        if (isClosing) return;
        ofWorker = createConnection();
        worker = createWorker();
      }
    }
  }
  void run();

  return {
    on: (name, listener) => events.on(name, listener),
    async check() {
      const ofStore = store
        .check(storeTimeout)
        .catch((cause: unknown) => [`The store is unavailable: ${messageOf(cause)}`]);
      const checks = [ofStore, queue.check(mailTimeout), checkLogins(transports, mailTimeout)];
      const problems = (await Promise.all(checks)).flat();
      return { ok: problems.length === 0, problems };
    },
    async close() {
      isClosing = true;
      await worker.pause(true);
      // A job may be on its way to us.
      do {
        await Promise.allSettled(running);
        await closeQueue(worker, ofWorker);
      } while (running.size > 0);
      await queue.close();
      for (const transport of transports) transport.close();
    },
    internals: {
      operations: {
        async queueSize() {
          const counts = await within(
            storeTimeout,
            queue.current().getJobCounts('wait', 'active', 'delayed'),
          );
          return Object.values(counts).reduce((sum, count) => sum + count, 0);
        },
      },
    },
  };
}
