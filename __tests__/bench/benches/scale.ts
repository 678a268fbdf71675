/**
 * The figures from which lib/operations/scale.md calculates: what each request of a verification, and each email, costs an app
 * process, the Redis of the store, the Redis of the queue, and a worker.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import type { RedisServer } from '../../support/redis-server.js';
import type { Child } from '../child.js';
import type { Lab, Server } from '../lab.js';
import type { LoadJob } from '../load.js';
import type { Usage } from '../servers/serve.js';
import { median, progress, table, whole } from '../table.js';
import { expectSuccess } from './verify.js';

const ROUNDS = 5;
const REQUESTS = 4000;
const CONNECTIONS = 20;
/** The JIT compiler needs the first thousands of requests. */
const WARM_UP = 12_000;
/** Connections of a worker to a mail server that is far away, and its latency in ms. */
const FAR = { connections: 100, latency: 50 };

/** Microseconds of CPU, and bytes on the network, of one Redis. */
interface RedisUse {
  readonly cpu: number;
  readonly network: number;
}

type Figures = Record<'app' | 'store' | 'storeBytes' | 'queue' | 'queueBytes', number>;

export async function scale(lab: Lab): Promise<string> {
  const { redis: queue } = await lab.anotherRedis();
  const server = await lab.server('scale', { queue: queue.url.replace('unix://', '') });
  const [challengeId, token] = [await lab.seeder.challengeId(), await lab.seeder.token()];
  const [store, ofQueue] = await Promise.all([watch(lab.redis), watch(queue)]);
  const email = 'user-{i}@example.com';
  const steps = {
    send: {
      path: '/email-verification/send',
      bodies: [JSON.stringify({ email: 'person-{i}@example.com' })],
      expect: { status: 200, text: '"ok":true' },
    },
    verify: {
      path: '/email-verification/verify',
      bodies: [JSON.stringify({ email, code: '{code}', challengeId })],
      expect: { status: 200, text: '"verify":true' },
    },
    'sign up': {
      path: '/signup',
      bodies: [JSON.stringify({ email, verificationToken: token })],
      expect: { status: 201, text: '"ok":true' },
    },
  };
  let next = 0;

  async function run(step: keyof typeof steps, count: number): Promise<Figures> {
    const first = next;
    next += count;
    if (step === 'verify') await lab.seeder.seed({ kind: 'ours', first, count });
    if (step === 'sign up') await lab.seeder.seed({ kind: 'verified', first, count });
    const before = await Promise.all([store.use(), ofQueue.use()]);
    const cpu = await loadAll(lab, server, { ...steps[step], first, count });
    const after = await Promise.all([store.use(), ofQueue.use()]);
    const each = (of: 0 | 1, figure: keyof RedisUse) => (after[of][figure] - before[of][figure]) / count;
    return {
      app: cpu,
      store: each(0, 'cpu'),
      storeBytes: each(0, 'network'),
      queue: each(1, 'cpu'),
      queueBytes: each(1, 'network'),
    };
  }

  const rows: string[][] = [];
  for (const step of ['send', 'verify', 'sign up'] as const) {
    progress(`scale: warming up ${step}`);
    await run(step, WARM_UP);
    const results: Figures[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      progress(`scale: ${step}, round ${round + 1} of ${ROUNDS}`);
      results.push(await run(step, REQUESTS));
    }
    rows.push([step, ...columnsOf(results)]);
  }

  const jobs = WARM_UP + ROUNDS * REQUESTS;
  const memory = await ofQueue.memory();
  const [near, perSecond] = await drain(5, 0);
  const jobBytes = (memory - (await ofQueue.memory())) / jobs;
  rows.push(['an email, at the worker', ...columnsOf(near)]);
  const [, perSecondFar] = await drain(FAR.connections, FAR.latency);

  /** Lets one worker send all emails of the queue, and measures it while it does. */
  async function drain(connections: number, latency: number): Promise<[Figures[], number]> {
    await lab.sink.delay({ reply: latency, message: latency });
    if (latency > 0) await loadAll(lab, server, { ...steps.send, first: 50_000_000, count: WARM_UP });
    const settings = { redis: lab.redis.url, queue: queue.url.replace('unix://', '') };
    const worker = lab.child('mail-worker.js', { ...settings, smtpPort: lab.sink.port, connections });
    const results: Figures[] = [];
    const speeds: number[] = [];
    await worker.ask('start');
    await waitForEmails(lab, 2000);
    for (let round = 0; round < ROUNDS; round += 1) {
      progress(`scale: a worker, ${latency} ms from its mail server, round ${round + 1} of ${ROUNDS}`);
      const before = await snapshot(worker);
      await waitForEmails(lab, latency > 0 ? 1000 : 2500);
      const after = await snapshot(worker);
      const emails = after.messages - before.messages;
      const each = (figure: keyof typeof after) => (after[figure] - before[figure]) / emails;
      results.push({
        app: each('cpu'),
        store: each('storeCpu'),
        storeBytes: each('storeBytes'),
        queue: each('queueCpu'),
        queueBytes: each('queueBytes'),
      });
      speeds.push(emails / ((after.at - before.at) / 1000));
    }
    if (latency === 0) await untilEmpty(lab);
    await worker.ask('close');
    return [results, median(speeds)];
  }

  async function snapshot(worker: Child) {
    const [{ messages }, { cpu }, ofStore, use] = await Promise.all([
      lab.sink.count(),
      worker.ask<Usage>('usage'),
      store.use(),
      ofQueue.use(),
    ]);
    return {
      ...{ at: performance.now(), messages, cpu },
      ...{ storeCpu: ofStore.cpu, storeBytes: ofStore.network, queueCpu: use.cpu, queueBytes: use.network },
    };
  }

  const { messages, bytes } = await lab.sink.count();
  await Promise.all([store.close(), ofQueue.close()]);
  const head = ['', 'app or worker, CPU µs', 'store, CPU µs', 'bytes', 'queue, CPU µs', 'bytes'];
  return `${table(head, rows)}
A job that waits: ${whole(jobBytes)} bytes of memory. An email: ${whole(bytes / messages)} bytes to the mail server.
A worker: ${whole(perSecond)} emails/s to a mail server that replies at once; with ${FAR.connections} connections to one ${FAR.latency} ms away, ${whole(perSecondFar)}.`;
}

function columnsOf(results: readonly Figures[]): string[] {
  const middle = (figure: keyof Figures) => whole(median(results.map((result) => result[figure])));
  return [middle('app'), middle('store'), middle('storeBytes'), middle('queue'), middle('queueBytes')];
}

/** Sends each request once; returns the CPU time of the server for each, in microseconds. */
async function loadAll(
  lab: Lab,
  server: Server,
  job: Pick<LoadJob, 'path' | 'bodies' | 'expect' | 'first' | 'count'>,
): Promise<number> {
  const endless = { again: false, connections: CONNECTIONS, seconds: 60 };
  const result = await lab.load(server, { ...job, ...endless });
  expectSuccess(server.name, result);
  return result.cpu / job.count;
}

async function waitForEmails(lab: Lab, count: number): Promise<void> {
  const { messages } = await lab.sink.count();
  while ((await lab.sink.count()).messages < messages + count) await wait(20);
}

async function untilEmpty(lab: Lab): Promise<void> {
  for (let last = -1; ; await wait(1000)) {
    const { messages } = await lab.sink.count();
    if (messages === last) return;
    last = messages;
  }
}

async function watch({ url }: RedisServer) {
  const client = await createClient({ url }).on('error', console.error).connect();
  return {
    async use(): Promise<RedisUse> {
      const info = await client.info();
      const field = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]);
      const seconds = field('used_cpu_user_main_thread') + field('used_cpu_sys_main_thread');
      return {
        cpu: seconds * 1e6,
        network: field('total_net_input_bytes') + field('total_net_output_bytes'),
      };
    },
    async memory(): Promise<number> {
      return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
    },
    close: () => client.close(),
  };
}
