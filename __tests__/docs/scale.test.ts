/** lib/operations/scale.md says what its model says, and simulations of the day and its failures agree with the model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulateDay } from './scale/day.js';
import { simulateFailover } from './scale/failover.js';
import { ASSUMED, PRICES, REDIS_GB, TIMES, WORKER } from './scale/inputs.js';
import * as model from './scale/model.js';
import { simulateQueue } from './scale/queue.js';
import { outages, QUEUE_SCALE, TABLES } from './scale/tables.js';

const page = readFileSync(join(__dirname, '../../lib/operations/scale.md'), 'utf8');
const text = page.replace(/\s+/g, ' ');

/** Each row of the page's tables, as its cells. */
const rows = [...page.matchAll(/^\| (?!\|)(.*) \|$/gm)].map(([, row = '']) =>
  row.split('|').map((cell) => cell.trim()),
);

/** One simulated person stands for so many. */
const PEOPLE_SCALE = 250;

/** How far apart a simulation and the model may be. */
const TOLERANCE = 0.05;

function expectNear(simulated: number, calculated: number, tolerance = TOLERANCE): void {
  expect(simulated).toBeGreaterThan(calculated * (1 - tolerance));
  expect(simulated).toBeLessThan(calculated * (1 + tolerance));
}

describe('the page', () => {
  it.each(Object.entries(TABLES))('has the rows of the model in its table: %s', (_name, table) => {
    for (const cells of table) {
      const labelled = rows.filter(([label]) => label === cells[0]);
      expect(labelled.map((row) => row.slice(0, cells.length))).toContainEqual(cells);
    }
  });

  it('has no row that the model does not have', () => {
    const labels = new Set(Object.values(TABLES).flatMap((table) => table.map(([label]) => label)));
    const heads = [...page.matchAll(/^\| (.*) \|\n\|--/gm)].map(([, row = '']) => row.split('|')[0]?.trim());
    const others = rows
      .map(([label]) => label)
      .filter((label) => !labels.has(label ?? '') && !heads.includes(label));
    expect(others).toEqual([]);
  });

  it('says in its sentences what the model says', () => {
    const whole = (value: number) => Math.round(value).toLocaleString('en');
    const { memory, requests, needed, costs } = model;
    const people = requests.send.peak / ASSUMED.emails;
    for (const sentence of [
      `${whole(memory.mailboxes)} mailboxes`,
      `${whole(people)} people a second · ${whole(model.challengeLife)} s`,
      `${whole(requests.send.peak)} requests a second · ${TIMES.clientWindow} s`,
      `with a quarter to spare, ${whole(model.rate)} emails a second`,
      `After ${Math.floor(model.lateAfter / 60)} minutes, none is sent in time`,
      `One request in ${needed.shards} gets 503, ${whole(Number(model.failover.refused.toPrecision(3)))} in all`,
      `for ${model.FAILOVER} s at the peak`,
      `$${costs.forThousand.toFixed(2)} for 1,000 verifications`,
      `${Math.floor((costs.emails / costs.all) * 100)} % of the cost`,
    ])
      expect(text).toContain(sentence);
    expect(ASSUMED.spareRate).toBe(1.25);
    expect(PRICES.thousandEmails).toBeGreaterThan(0);
  });

  it('lists what breaks in the order in which it does', () => {
    const limits = Object.values(model.limits);
    expect(limits).toEqual([...limits].sort((a, b) => a - b));
  });
});

describe('a simulated day', () => {
  const { needed, requests, memory } = model;
  const day = simulateDay(PEOPLE_SCALE, needed.shards);

  it('has the requests of the model, in all and at the peak', () => {
    for (const route of ['send', 'verify', 'signUp'] as const) {
      expectNear(day.total[route], requests[route].aDay);
      expectNear(day.peak[route], requests[route].peak);
    }
  });

  it('needs the memory of the model, and no shard more than the model gives it', () => {
    expectNear(day.bytes, memory.bytes);
    expect(day.fullestShard).toBeLessThan(REDIS_GB * 1e9 * ASSUMED.used);
    expectNear(day.fullestShard, memory.bytes / needed.shards);
  });

  it('leaves no process, Redis and worker busier than the model allows', () => {
    const more = 1 + TOLERANCE;
    const { cpu } = model;
    const busier = Math.max(
      ...(['send', 'verify', 'signUp'] as const).map((route) => day.peak[route] / requests[route].peak),
    );
    expect(busier).toBeLessThan(more);
    const uses = [
      cpu.app / needed.apps,
      cpu.store / needed.shards,
      cpu.queue / needed.queues,
      cpu.workers / needed.workers,
      model.emailsAtPeak / (needed.workers * WORKER.farPerSecond),
    ];
    for (const use of uses) expect(use * busier).toBeLessThan(ASSUMED.used * more);
    expect(day.peak.send).toBeLessThan(model.rate);
  });
});

describe('a simulated outage of the provider', () => {
  it.each([0, 1])('stays within the bounds of the model: %#', (which) => {
    const run = outages[which];
    if (!run) throw new Error('no run');
    const { outage, patience } = model;
    expect(run.deepest * QUEUE_SCALE).toBeLessThan(outage.emailsAtMost);
    expect(run.deepest * QUEUE_SCALE).toBeGreaterThan(patience * model.emailsAtPeak);
    expect(run.ended * QUEUE_SCALE).toBeGreaterThan(outage.endedAtLeast);
    expect(run.ended * QUEUE_SCALE).toBeLessThan(outage.endedAtMost);
    expect(run.drainedAfter).toBeLessThan(outage.drainedAfterAtMost);
    // Who requests a code when the provider is back, gets it.
    expect(run.lastEnded).toBeLessThan(0);
    expect(run.longestWait).toBeLessThanOrEqual(patience);
  });

  it('leaves the queues room in their Redis', () => {
    expect(model.outage.bytesAtMost).toBeLessThan(model.needed.queues * REDIS_GB * 1e9 * ASSUMED.used);
  });

  it('is followed by emails that come in time, unless the rate is lower than what comes in', () => {
    const arrivals = model.emailsAtPeak / QUEUE_SCALE;
    const run = (rate: number) =>
      simulateQueue({
        ...{ arrivals, rate: rate * arrivals, slots: Number.POSITIVE_INFINITY },
        outage: { lasts: 0, kind: 'refuses' },
        after: 2 * model.lateAfter,
      });
    expect(run(1).ended).toBe(0);
    const tooLow = run(model.TOO_LOW);
    expectNear(tooLow.firstEnded, model.lateAfter);
    // From then on, nearly all end.
    expect(tooLow.ended).toBeGreaterThan(0.8 * arrivals * model.lateAfter);
  });
});

describe('a simulated failover of a shard', () => {
  const run = { requests: model.requests.all.peak, shards: model.needed.shards, lasts: model.FAILOVER };
  const { refused, rush } = simulateFailover(run);

  it('refuses as many requests as the model says', () => {
    expectNear(refused, model.failover.refused);
  });

  it('is followed by a rush that the shard can take, and that the page tells', () => {
    expect(text).toContain(`its busiest second has ${rush.toFixed(1)} times the usual requests`);
    const use = (rush * model.cpu.store) / model.needed.shards;
    expect(text).toContain(`${Math.round(use * 100)} % of its thread`);
    expect(use).toBeLessThan(ASSUMED.used);
  });
});
