/** queueDelivery(): the app's side of the queue. A send is answered once its job is in Redis. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { readOptionsOf } from '../checks.js';
import { codeOf, messageOf } from '../errors.js';
import type { EnqueueOutcome, JobQueue, QueuedEmail } from '../mail/job-queue.js';
import { isReady, isRefusal, replyCodeOf, within } from './connection.js';
import { clientsOf, loadBullmq } from './library.js';
import { openQueue } from './queue.js';
import { checkConnection, checkQueueName, DROPPED_WHEN_DONE, type QueueOptions } from './queue-options.js';
import { createSealer, type SealedJob } from './sealing.js';

const OF = 'queueDelivery()';
const NAMES = { connection: true, secret: true, queueName: true };

/**
 * A command of ours never waits in the client for a connection, and is never repeated: what we gave up on must not be done
 * later, after its code has been undone.
 */
const CONNECTION = { enableOfflineQueue: false, autoResendUnfulfilledCommands: false };

const JOB_OPTIONS = { ...DROPPED_WHEN_DONE, keepLogs: 0, stackTraceLimit: 1 };

const JOB_NAME = 'email';

/** How often a send looks whether the connection is back, in ms. */
const READY_INTERVAL = 20;

/**
 * A queue of BullMQ for the `delivery` option: /send responds once the job is in the queue, and a worker, as
 * createMailWorker() makes it, sends the email. The job is sealed: Redis holds no readable address or code.
 *
 * @throws TypeError for an invalid option; Error if BullMQ is not installed.
 * @example
 * const delivery = queueDelivery({ connection: { url: process.env.QUEUE_REDIS_URL }, secret });
 * const verification = createEmailVerification({ store: new RedisStore(redis), from, secret, delivery });
 */
export function queueDelivery(passed: QueueOptions): JobQueue {
  const options = readOptionsOf(OF, passed, NAMES);
  loadBullmq();
  const queueName = checkQueueName(options.queueName, OF);
  const sealer = createSealer(options.secret, queueName);
  const queue = openQueue(queueName, checkConnection(options.connection, OF, CONNECTION));
  let connecting: Promise<Queue> | undefined;
  let users = 0;

  /** Resolves to the queue once commands go out at once. All sends share one wait. */
  function readyQueue(): Promise<Queue> {
    connecting ??= (async () => {
      for (;;) {
        const candidate = queue.current();
        const client = await clientsOf(candidate).client.catch(() => undefined);
        if (client && isReady(client)) return candidate;
        await sleep(READY_INTERVAL);
      }
    })().finally(() => {
      connecting = undefined;
    });
    return connecting;
  }

  async function add(data: SealedJob, jobId: string, timeout: number): Promise<EnqueueOutcome> {
    const deadline = performance.now() + timeout;
    const left = () => deadline - performance.now();
    for (;;) {
      let ready: Queue;
      try {
        ready = await within(left(), readyQueue());
      } catch (error) {
        // Nothing was handed to the client.
        return {
          kind: 'failed',
          code: codeOf(queue.lastError()) ?? replyCodeOf(queue.lastError()) ?? codeOf(error) ?? 'ECLOSED',
        };
      }
      if (left() <= 0) return { kind: 'failed', code: 'ETIMEDOUT' };
      try {
        await within(left(), ready.add(JOB_NAME, data, { ...JOB_OPTIONS, jobId }));
        queue.forgetError();
        return { kind: 'queued' };
      } catch (error) {
        if (!NOT_WRITTEN.test(messageOf(error))) return outcomeOf(error);
        await sleep(READY_INTERVAL);
      }
    }
  }

  return {
    async enqueue(email, timeout) {
      const text = textOf(email);
      if (text === undefined) return { kind: 'failed', code: 'EDATA' };
      return add(sealer.seal(text, email.reference), email.reference, timeout);
    },
    check: (timeout) => queue.check(timeout),
    open() {
      users += 1;
      return async () => {
        users -= 1;
        if (users === 0) await queue.close();
      };
    },
  };
}

/** ioredis without its offline queue. */
const NOT_WRITTEN = /enableOfflineQueue/;

/** What Redis refused is not in the queue. After anything else, such as a lost connection, it may be. */
function outcomeOf(error: unknown): EnqueueOutcome {
  const code = replyCodeOf(error) ?? codeOf(error) ?? 'ECONNRESET';
  return { kind: isRefusal(error) ? 'failed' : 'unknown', code };
}

/** Undefined if the `data` of `beforeSend` cannot be written as JSON. */
function textOf(email: QueuedEmail): string | undefined {
  try {
    return JSON.stringify(email);
  } catch {
    return undefined;
  }
}
