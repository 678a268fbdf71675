/**
 * createMailWorker(): takes emails from the queue and sends them, as `delivery: 'background'` does within the app. A job that a
 * worker does not finish, because its process was killed, is taken up by another: emails are sent at least once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import { isWhole, readOptions, readOptionsOf, refuse } from '../checks.js';
import { messageOf } from '../errors.js';
import { createEvents, type EventName, type Listener } from '../events.js';
import { checkTemplate } from '../mail/message.js';
import { checkLogins } from '../mail/queue.js';
import { poolSize } from '../mail/retries.js';
import { createSettings, type EmailVerificationOptions, OPTIONS } from '../options/options.js';
import {
  bareError,
  checkConnection,
  checkQueue,
  checkQueueName,
  closeQueue,
  loadBullmq,
  QUEUE_PREFIX,
  type QueueOptions,
  REDIS_TIMEOUT,
  within,
} from './connection.js';
import { createJobHandler } from './job-handler.js';
import { createSealer } from './sealing.js';

/** The options of createEmailVerification() that decide how an email is built, sent and undone. */
const EMAIL_OPTIONS = {
  store: OPTIONS.store,
  transport: OPTIONS.transport,
  from: OPTIONS.from,
  secret: OPTIONS.secret,
  appName: OPTIONS.appName,
  origin: OPTIONS.origin,
  template: OPTIONS.template,
  locales: OPTIONS.locales,
  defaultLocale: OPTIONS.defaultLocale,
  codeInSubject: OPTIONS.codeInSubject,
  codeAlphabet: OPTIONS.codeAlphabet,
  codeLength: OPTIONS.codeLength,
  codeTtl: OPTIONS.codeTtl,
  storeTimeout: OPTIONS.storeTimeout,
  mailTimeout: OPTIONS.mailTimeout,
};

const NAMES = { ...EMAIL_OPTIONS, connection: true, queueName: true, rate: true, concurrency: true };

/**
 * The options of createMailWorker(): those of the queue, and those of createEmailVerification() from which an email is built.
 * Pass the same values as to the app. All are checked when the worker starts.
 */
export interface MailWorkerOptions
  extends QueueOptions,
    Pick<EmailVerificationOptions, Exclude<keyof typeof EMAIL_OPTIONS, 'secret'>> {
  /** The fastest at which all workers of the queue together take emails. @default as fast as they can */
  readonly rate?: SendingRate | undefined;
  /** How many emails this worker sends at a time, 1 to 1000. @default the size of the transport's pool, 5 */
  readonly concurrency?: number | undefined;
}

/** At most `max` emails, 1 to 100000, in `duration` ms, 1 to 86400000. */
export interface SendingRate {
  readonly max: number;
  readonly duration: number;
}

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

const OF = 'createMailWorker()';

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
  const options = readOptionsOf(OF, passed, NAMES);
  const bullmq = loadBullmq();
  const { connection: passedConnection, queueName: passedName, rate, concurrency, ...emailOptions } = options;
  if (emailOptions.store === undefined) refuse('store', 'the store of the app', undefined, OF);
  const queueName = checkQueueName(passedName, OF);
  const settings = createSettings({ from: undefined, secret: undefined, ...emailOptions });
  checkTemplate(settings);
  const { transports, mailTimeout, storeTimeout, store } = settings;
  const limiter = rate === undefined ? undefined : checkRate(rate);
  const size = checkConcurrency(concurrency) ?? poolSize(transports[0]?.transporter);
  const createConnection = checkConnection(passedConnection, OF);
  refuseShortPatience(passedConnection);
  const events = createEvents();
  const handle = createJobHandler(settings, createSealer(options.secret, queueName), events);
  const ofQueue = createConnection();
  const queue = new bullmq.Queue(queueName, { connection: ofQueue.connection, prefix: QUEUE_PREFIX });
  queue.on('error', () => {});
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
      concurrency: size,
      lockDuration: LOCK_DURATION,
      stalledInterval: STALLED_INTERVAL,
      // A job is never given up because its workers were killed: it ends with its code.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RECOVERY_DELAY,
      ...(limiter && { limiter }),
    });
    created.on('error', onError);
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
      const checks = [ofStore, checkQueue(queue, mailTimeout), checkLogins(transports, mailTimeout)];
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
      await closeQueue(queue, ofQueue);
      for (const transport of transports) transport.close();
    },
    internals: {
      operations: {
        async queueSize() {
          const counts = await within(storeTimeout, queue.getJobCounts('wait', 'active', 'delayed'));
          return Object.values(counts).reduce((sum, count) => sum + count, 0);
        },
      },
    },
  };
}

function checkRate(rate: unknown): SendingRate {
  if (typeof rate !== 'object' || rate === null) return refuse('rate', '{ max, duration }', rate, OF);
  const limits: { max?: unknown; duration?: unknown } = rate;
  const { max, duration } = readOptions(limits, { max: true, duration: true }, { path: 'rate', of: OF });
  if (!isWhole(max, 1, 100_000)) return refuse('rate.max', 'a whole number from 1 to 100000', max, OF);
  if (!isWhole(duration, 1, 86_400_000))
    return refuse('rate.duration', 'a whole number of milliseconds from 1 to 86400000', duration, OF);
  return { max, duration };
}

function checkConcurrency(concurrency: unknown): number | undefined {
  if (concurrency === undefined || isWhole(concurrency, 1, 1000)) return concurrency;
  return refuse('concurrency', 'a whole number from 1 to 1000', concurrency, OF);
}

/** A worker waits for jobs for seconds, and for Redis however long it takes. */
function refuseShortPatience(connection: unknown): void {
  const { options }: { options?: { maxRetriesPerRequest?: unknown } } = Object(connection);
  if (typeof options?.maxRetriesPerRequest !== 'number') return;
  throw new TypeError(
    `The \`connection\` option of ${OF} is a client of ioredis that gives up on commands: create it with maxRetriesPerRequest: null.`,
  );
}
