/** The arithmetic of lib/operations/scale.md. */
import { ASSUMED, BYTES, COSTS, PRICES, QUOTA, REDIS_GB, TIMES, WORKER } from './inputs.js';

const DAY = 86_400;
const GB = 1e9;

/** Requests for each address that is verified. Each /send counts the client and stores a code: two scripts of the store. */
const { people, tries } = ASSUMED;
const EACH = { send: people * ASSUMED.emails, verify: tries, signUp: 1 };
type Route = keyof typeof EACH;
const ROUTES: readonly Route[] = ['send', 'verify', 'signUp'];
const sum = (figure: (route: Route) => number): number => ROUTES.map(figure).reduce((a, b) => a + b);

/** How often a day, in the mean and at the peak. */
export interface Frequency {
  readonly each: number;
  readonly aDay: number;
  readonly mean: number;
  readonly peak: number;
}

function frequency(each: number): Frequency {
  const aDay = each * ASSUMED.verificationsADay;
  return { each, aDay, mean: aDay / DAY, peak: (aDay / DAY) * ASSUMED.peak };
}

export const requests = {
  send: frequency(EACH.send),
  verify: frequency(EACH.verify),
  signUp: frequency(EACH.signUp),
  all: frequency(sum((route) => EACH[route])),
  scripts: frequency(sum((route) => EACH[route]) + EACH.send),
};

/** Emails a second at the peak: one for each request to /send. */
export const emailsAtPeak = requests.send.peak;

/** Seconds of CPU in each second of the peak. */
const load = (figure: 'process' | 'store' | 'queue') =>
  sum((route) => requests[route].peak * COSTS[route][figure]) / 1e6;
export const cpu = {
  app: load('process'),
  store: load('store'),
  queue: load('queue') + (emailsAtPeak * COSTS.email.queue) / 1e6,
  workers: (emailsAtPeak * COSTS.email.process) / 1e6,
};

/** In seconds. People who verify keep their challenge for `kept` after that, the others for `kept` after their code's end. */
const finish = 1 / people;
export const challengeLife = TIMES.kept + finish * ASSUMED.entersAfter + (1 - finish) * TIMES.codeTtl;

/** Bytes in the store at the peak. */
const peopleAtPeak = requests.send.peak / ASSUMED.emails;
const entries = {
  mailboxes: people * ASSUMED.verificationsADay,
  challenges: peopleAtPeak * challengeLife,
  clients: requests.send.peak * TIMES.clientWindow,
};
export const memory = {
  ...entries,
  bytes:
    entries.mailboxes * BYTES.mailbox + entries.challenges * BYTES.challenge + entries.clients * BYTES.client,
};

const whole = (needed: number) => Math.ceil(needed / ASSUMED.used);
const farRate = WORKER.farPerSecond;
export const needed = {
  apps: whole(cpu.app),
  shardsByCpu: whole(cpu.store),
  shards: whole(memory.bytes / (REDIS_GB * GB)),
  queues: whole(cpu.queue),
  workersByCpu: whole(cpu.workers),
  workers: whole(emailsAtPeak / farRate),
};
/** What to ask a provider for, in emails a second. */
export const rate = emailsAtPeak * ASSUMED.spareRate;

/** Bytes a second at the peak. */
export const network = {
  people: requests.all.peak * ASSUMED.request,
  store: sum((route) => requests[route].peak * COSTS[route].storeBytes),
  queue: emailsAtPeak * (COSTS.send.queueBytes + COSTS.email.queueBytes),
  emails: emailsAtPeak * WORKER.emailBytes,
};

/** Verifications a day that one of each can do. */
const atPeak = (perSecond: number, each: number) => ((perSecond / each) * DAY) / ASSUMED.peak;
const share = (ofAll: number) => (ASSUMED.verificationsADay * ASSUMED.used) / ofAll;
export const limits = {
  quota: QUOTA.perDay / EACH.send,
  rate: atPeak(QUOTA.perSecond, EACH.send),
  defaultWorker: atPeak(WORKER.defaultPerSecond * ASSUMED.used, EACH.send),
  worker: atPeak(farRate * ASSUMED.used, EACH.send),
  app: share(cpu.app),
  memory: share(memory.bytes / (REDIS_GB * GB)),
  queue: share(cpu.queue),
  store: share(cpu.store),
};

/** How long an email may wait for its first try, in seconds. */
export const patience = TIMES.codeTtl - TIMES.minRemaining;

/** The provider is away for so many seconds, at the peak. */
export const OUTAGE = 600;
export const outage = {
  /** An email is tried again once at most while the rate is what limits: it waits for two tries. */
  emailsAtMost: 2 * patience * emailsAtPeak,
  bytesAtMost: 2 * patience * emailsAtPeak * BYTES.job,
  endedAtLeast: (OUTAGE - patience) * emailsAtPeak,
  endedAtMost: OUTAGE * emailsAtPeak,
  /** Seconds. */
  drainedAfterAtMost: (2 * patience) / (ASSUMED.spareRate - 1),
};

/** The rate is a tenth too low. From then on, no code is emailed in time. In seconds. */
export const TOO_LOW = 0.9;
export const lateAfter = (patience * TOO_LOW) / (1 - TOO_LOW);

/** A shard is away for so many seconds, at the peak. */
export const FAILOVER = 10;
export const failover = {
  refused: (requests.all.peak * FAILOVER) / needed.shards,
  share: 1 / needed.shards,
};

const MONTH = 30;
const dollars = {
  emails: (requests.send.aDay * MONTH * PRICES.thousandEmails) / 1000,
  redis: (needed.shards + needed.queues) * 2 * REDIS_GB * PRICES.redisGbMonth,
  cores: (needed.apps + needed.workers) * PRICES.coreMonth,
  traffic: ((requests.send.aDay * MONTH * WORKER.emailBytes) / GB) * PRICES.gbOut,
};
const all = Object.values(dollars).reduce((a, b) => a + b);
export const costs = { ...dollars, all, forThousand: (all / MONTH / ASSUMED.verificationsADay) * 1000 };
