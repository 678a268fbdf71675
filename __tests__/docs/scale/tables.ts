/** The tables of lib/operations/scale.md as they must be, by the headings above them. */
import { ASSUMED, BYTES, COSTS, PRICES, REDIS_GB, WORKER } from './inputs.js';
import * as model from './model.js';
import { simulateQueue } from './queue.js';

type Table = readonly (readonly string[])[];

const whole = (value: number) => Math.round(value).toLocaleString('en');
const percent = (value: number) => `${Math.round(value * 100)} %`;
const dollars = (value: number) => `$${whole(value)}`;
const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
const megabits = (bytes: number) => whole((bytes * 8) / 1e6);
/** Three digits are what the inputs are good for. */
const rounded = (value: number) => whole(Number(value.toPrecision(3)));
const minutes = (seconds: number) => (seconds / 60).toFixed(0);

const assumed: Table = [
  ['people who request a code, for each one who verifies', String(ASSUMED.people)],
  ['emails for each of these people', String(ASSUMED.emails)],
  ['requests to /verify, for each one who verifies', String(ASSUMED.tries)],
  ['the busiest time of the day, compared with the mean', String(ASSUMED.peak)],
  ['from the email to the right code', `${ASSUMED.entersAfter} s`],
  ['use of a core, of the thread of a Redis, and of its memory, at the peak', percent(ASSUMED.used)],
];

const measured: Table = (
  [
    ['/send', 'send'],
    ['/verify', 'verify'],
    ['the sign-up', 'signUp'],
    ['an email, at the worker', 'email'],
  ] as const
).map(([label, name]) => {
  const { process, store, queue } = COSTS[name];
  return [label, String(process), store ? String(store) : '', queue ? String(queue) : ''];
});

const bytes: Table = [
  ['a mailbox', String(BYTES.mailbox), 'a day after its last email'],
  ['a challenge', String(BYTES.challenge), '15 minutes after its code was entered or has ended'],
  ['the count of a client', String(BYTES.client), '10 minutes'],
  ['an email in the queue', whole(BYTES.job), 'until it is sent'],
];

const requests: Table = (
  [
    ['/send, and so emails', model.requests.send],
    ['/verify', model.requests.verify],
    ['the sign-up', model.requests.signUp],
    ['all requests', model.requests.all],
    ['scripts of the store: two for /send, one for the others', model.requests.scripts],
  ] as const
).map(([label, { each, aDay, mean, peak }]) => [label, String(each), whole(aDay), whole(mean), whole(peak)]);

const seconds = (value: number) => `${value.toFixed(2)} s of CPU a second`;
const ofOne = `${ASSUMED.used} s`;
const needed: Table = [
  ['app processes', seconds(model.cpu.app), ofOne, String(model.needed.apps)],
  ['shards of the store, by CPU', seconds(model.cpu.store), ofOne, String(model.needed.shardsByCpu)],
  [
    `shards of the store with ${REDIS_GB} GB, by memory`,
    `${gigabytes(model.memory.bytes)} GB`,
    `${(REDIS_GB * ASSUMED.used).toFixed(1)} GB`,
    String(model.needed.shards),
  ],
  ['queues, each on a Redis of its own', seconds(model.cpu.queue), ofOne, String(model.needed.queues)],
  ['workers, by CPU', seconds(model.cpu.workers), ofOne, String(model.needed.workersByCpu)],
  [
    `workers with ${WORKER.connections} connections to a mail server 50 ms away`,
    `${whole(model.emailsAtPeak)} emails/s`,
    `${whole(WORKER.farPerSecond * ASSUMED.used)} emails/s`,
    String(model.needed.workers),
  ],
];

const network: Table = [
  ['people and the app, with 2 kB a request', megabits(model.network.people)],
  ['the app and the store', megabits(model.network.store)],
  ['the app, the queues and the workers', megabits(model.network.queue)],
  [
    `the workers and the provider, with ${WORKER.emailBytes / 1000} kB an email`,
    megabits(model.network.emails),
  ],
];

/** In the order in which they break. What to do is the page's own. */
const first: Table = [
  ['the first quota of a provider: 50,000 emails a day', rounded(model.limits.quota)],
  ['its first rate: 14 emails a second', rounded(model.limits.rate)],
  [
    'a worker with 5 connections, the default, 50 ms away: 24 emails a second',
    rounded(model.limits.defaultWorker),
  ],
  ['a worker with 100 connections: 480 emails a second', rounded(model.limits.worker)],
  ['an app process', rounded(model.limits.app)],
  [`the memory of a Redis with ${REDIS_GB} GB`, rounded(model.limits.memory)],
  ['a queue', rounded(model.limits.queue)],
  ['the thread of a Redis, for the store', rounded(model.limits.store)],
];

/** One simulated email stands for so many. */
export const QUEUE_SCALE = 20;
export const outages = (['refuses', 'hangs'] as const).map((kind) =>
  simulateQueue({
    arrivals: model.emailsAtPeak / QUEUE_SCALE,
    rate: model.rate / QUEUE_SCALE,
    slots: (model.needed.workers * WORKER.connections) / QUEUE_SCALE,
    outage: { lasts: model.OUTAGE, kind },
    after: 2 * model.outage.drainedAfterAtMost,
  }),
);
const outage: Table = [
  [
    'the most emails in the queue',
    `at most ${rounded(model.outage.emailsAtMost)}`,
    ...outages.map(({ deepest }) => rounded(deepest * QUEUE_SCALE)),
  ],
  [
    'their memory, in GB',
    `at most ${gigabytes(model.outage.bytesAtMost)}`,
    ...outages.map(({ deepest }) => gigabytes(deepest * QUEUE_SCALE * BYTES.job)),
  ],
  [
    'emails that are not sent, because their code is about to end',
    `${rounded(model.outage.endedAtLeast)} to ${rounded(model.outage.endedAtMost)}`,
    ...outages.map(({ ended }) => rounded(ended * QUEUE_SCALE)),
  ],
  [
    'minutes until the queue is empty again',
    `at most ${minutes(model.outage.drainedAfterAtMost)}`,
    ...outages.map(({ drainedAfter }) => minutes(drainedAfter)),
  ],
];

const costs: Table = [
  [
    'emails',
    `${whole((model.requests.send.aDay * 30) / 1e6)} million`,
    `$${PRICES.thousandEmails.toFixed(2)} for 1,000`,
    dollars(model.costs.emails),
  ],
  [
    'Redis: shards and queues, each with a replica',
    `${(model.needed.shards + model.needed.queues) * 2 * REDIS_GB} GB`,
    `$${PRICES.redisGbMonth} for a GB`,
    dollars(model.costs.redis),
  ],
  [
    'app processes and workers',
    `${model.needed.apps + model.needed.workers} cores`,
    `$${PRICES.coreMonth} for a core`,
    dollars(model.costs.cores),
  ],
  [
    'traffic to the provider',
    `${whole((model.requests.send.aDay * 30 * WORKER.emailBytes) / 1e9)} GB`,
    `$${PRICES.gbOut.toFixed(2)} for a GB`,
    dollars(model.costs.traffic),
  ],
  ['all', '', '', dollars(model.costs.all)],
];

export const TABLES: Readonly<Record<string, Table>> = {
  assumed,
  measured,
  bytes,
  requests,
  needed,
  network,
  first,
  outage,
  costs,
};
