/**
 * How much memory pending addresses take in Redis, and how they slow down later requests: compares two servers in pairs,
 * one on a Redis with a thousand pending addresses and one on a Redis with more and more.
 */
import { AIMS } from '../aims.js';
import type { Lab, Measured } from '../lab.js';
import type { LoadJob } from '../load.js';
import { progress, ratio, table, whole } from '../table.js';
import { expectSuccess } from './verify.js';

const STEPS = [1e4, 1e5, 1e6];
const ROUNDS = 3;
const FEW = 1000;

export async function pending(lab: Lab): Promise<string> {
  const few = { redis: lab.redis, seeder: lab.seeder };
  const many = await lab.anotherRedis();
  const fillers = [many.seeder, await lab.seederFor(many.redis)];
  const challengeId = await few.seeder.challengeId();
  const verifying = {
    path: '/email-verification/verify',
    bodies: [JSON.stringify({ email: 'user-{i}@example.com', code: '{wrong}', challengeId })],
    expect: { status: 401, text: '"reason":"code_incorrect"' },
  };
  const sending = {
    path: '/email-verification/send',
    bodies: [JSON.stringify({ email: 'person-{i}@example.com' })],
    expect: { status: 200, text: '"ok":true' },
  };
  const servers = [
    await lab.server('ours', { redis: many.redis.url }),
    await lab.server('ours', { redis: few.redis.url }),
  ];
  let next = 0;

  /** Runs each pair on the two servers, one right after the other. */
  async function pairs(what: string, job: Pick<LoadJob, 'path' | 'bodies' | 'expect'>, seconds = 0.8) {
    const results: Measured[][] = servers.map(() => []);
    for (let round = 0; round < ROUNDS * 2; round++) {
      const place = round % 4 === 0 || round % 4 === 3 ? 0 : 1;
      const server = servers[place];
      if (!server) continue;
      progress(what);
      next += 50_000;
      const addresses = job === sending ? { first: next, count: 50_000 } : { first: 0, count: FEW };
      const result = await lab.load(server, {
        ...job,
        ...addresses,
        again: job !== sending,
        connections: 20,
        seconds,
      });
      expectSuccess('ours', result);
      results[place]?.push(result);
    }
    const speeds = results.map((some) => some.map(({ perSecond }) => perSecond));
    return ratio(speeds[0] ?? [], speeds[1] ?? []);
  }

  const base = await empty(many.seeder);
  await Promise.all([few, many].map(({ seeder }) => seeder.seed({ kind: 'ours', first: 0, count: FEW })));
  await pairs('pending: warming up', verifying);
  await pairs('pending: warming up', sending, 0.5);
  await Promise.all([few, many].map(({ seeder }) => seeder.flush()));
  await Promise.all([few, many].map(({ seeder }) => seeder.seed({ kind: 'ours', first: 0, count: FEW })));

  const rows: string[][] = [];
  let there = FEW;
  for (const step of STEPS) {
    progress(`pending: filling Redis up to ${whole(step)} addresses`);
    const half = (step - there) / 2;
    await Promise.all(fillers.map((filler) => filler.seed({ kind: 'crowd', first: 0, count: half })));
    there = step;
    const bytes = ((await many.seeder.memory()) - base) / step;
    // Each send adds an address, which would count in the next step.
    const isLast = step === STEPS.at(-1);
    const verify = isLast ? await pairs(`pending: verify with ${whole(step)} addresses`, verifying) : '';
    const send = isLast ? await pairs(`pending: send with ${whole(step)} addresses`, sending) : '';
    rows.push([whole(step), whole(bytes), verify, send]);
  }

  await few.seeder.flush();
  const emptied = await empty(few.seeder);
  progress('pending: what remains');
  await few.seeder.seed({ kind: 'past', first: 0, count: 1e5 });
  await few.seeder.expireAll();
  const left = ((await few.seeder.memory()) - emptied) / (await few.seeder.keys());

  const figures = table(['pending addresses', 'bytes each', 'verify to 1,000', 'send to 1,000'], rows);
  return `${figures}\nLeft of an address for the daily limit, 15 minutes after its code ended: ${whole(left)} bytes.\n${AIMS.pending}`;
}

async function empty(seeder: {
  flush(): Promise<void>;
  seed: Lab['seeder']['seed'];
  memory(): Promise<number>;
}) {
  // The scripts and the connection take memory too, before the first address.
  await seeder.seed({ kind: 'crowd', first: 0, count: 10 });
  await seeder.flush();
  return seeder.memory();
}
