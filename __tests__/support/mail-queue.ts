/** An app whose emails go through a queue of BullMQ, and its workers, on a Redis of the tests. */
import { EventEmitter } from 'node:events';
import { Queue } from 'bullmq';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  type Store,
} from 'express-email-verification';
import { createMailWorker, type MailWorkerOptions, queueDelivery } from 'express-email-verification/bullmq';
import type { EventName } from '../../lib/events.js';
import { FROM, SECRET } from './app.js';
import { until } from './until.js';

/** As BullMQ's own tools need it, such as Bull Board. */
export const QUEUE = { name: 'email-verification', prefix: '{ev}' };

export interface Reported {
  readonly name: EventName;
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of an event, it knows
  readonly event: any;
}

const NAMES = [
  'sent',
  'suppressed',
  'delivered',
  'delivery_failed',
  'delivery_unknown',
  'unavailable',
] as const;

/** Records the events of a verification or a worker. */
export function recorder(source: { on: ReturnType<typeof createMailWorker>['on'] }) {
  const events: Reported[] = [];
  const changed = new EventEmitter();
  for (const name of NAMES) {
    source.on(name, (event) => {
      events.push({ name, event });
      changed.emit('event');
    });
  }
  return {
    events,
    names: () => events.map(({ name }) => name),
    async next(name: EventName, count = 1): Promise<Reported['event']> {
      const found = () => events.filter((one) => one.name === name);
      await until(`${count} × ${name}`, () => found().length >= count);
      return found()[count - 1]?.event;
    },
  };
}

export interface MailQueueSetup {
  readonly connection: MailWorkerOptions['connection'];
  readonly store: Store;
  readonly transport: string;
}

export function mailQueue({ connection, store, transport }: MailQueueSetup) {
  const closers: (() => Promise<void>)[] = [];

  /** What the tests see of the queue, and do to it. */
  const queue = () => {
    const opened = new Queue(QUEUE.name, { connection, prefix: QUEUE.prefix });
    opened.on('error', () => {});
    closers.push(() => opened.close());
    return opened;
  };

  return {
    queue,
    app(options: Partial<EmailVerificationOptions> = {}, of: Partial<MailWorkerOptions> = {}) {
      const delivery = queueDelivery({ connection, secret: SECRET, ...of });
      const verification = createEmailVerification({
        ...{ store, from: FROM, secret: SECRET, delivery, storeTimeout: 10_000 },
        ...options,
      });
      closers.push(() => verification.close());
      return { verification, ...recorder(verification) };
    },
    worker(options: Partial<MailWorkerOptions> = {}) {
      const worker = createMailWorker({
        ...{ connection, store, transport, from: FROM, secret: SECRET, storeTimeout: 10_000 },
        ...options,
      });
      closers.push(() => worker.close());
      return { worker, ...recorder(worker) };
    },
    async close() {
      await Promise.all(closers.splice(0).map((close) => close()));
    },
  };
}

/** All that a Redis holds, as text: keys, values, and the fields of jobs, streams and scripts' leftovers. */
export async function dump(client: {
  keys(pattern: string): Promise<string[]>;
  type(key: string): Promise<string>;
  sendCommand(args: string[]): Promise<unknown>;
}): Promise<string> {
  const commands: Record<string, (key: string) => string[]> = {
    string: (key) => ['GET', key],
    hash: (key) => ['HGETALL', key],
    list: (key) => ['LRANGE', key, '0', '-1'],
    set: (key) => ['SMEMBERS', key],
    zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
    stream: (key) => ['XRANGE', key, '-', '+'],
  };
  const parts: string[] = [];
  for (const key of await client.keys('*')) {
    const command = commands[await client.type(key)];
    parts.push(key, JSON.stringify(command && (await client.sendCommand(command(key)))));
  }
  return parts.join('\n');
}
