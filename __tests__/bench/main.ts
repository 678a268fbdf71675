/**
 * How fast, how small: `npm run bench` does every bench, `npm run bench -- NAME` one. Each server under test,
 * the load and the mail sink are processes of their own, and whatever is compared takes turns within each
 * round: read the ratios, the rest is the machine's.
 */
import { cpus } from 'node:os';
import { against } from './benches/against.js';
import { clusterBench } from './benches/cluster.js';
import { latency } from './benches/latency.js';
import { mail } from './benches/mail.js';
import { pending } from './benches/pending.js';
import { send } from './benches/send.js';
import { startup } from './benches/startup.js';
import { timing } from './benches/timing.js';
import { verify } from './benches/verify.js';
import { type Lab, openLab } from './lab.js';
import { progress } from './table.js';

/** Does its measuring and gives its table. */
export type Bench = (lab: Lab, args: readonly string[]) => Promise<string>;

const BENCHES: Readonly<Record<string, Bench>> = {
  verify,
  send,
  memory: pending,
  growth: pending,
  startup,
  timing,
  cluster: clusterBench,
  mail,
};

/** By name alone: the first is a part of `verify`, the second wants another checkout. */
const BY_NAME: Readonly<Record<string, Bench>> = { ...BENCHES, latency, against };

async function main(): Promise<void> {
  const [name, ...args] = process.argv.slice(2);
  if (name && !Object.hasOwn(BY_NAME, name)) {
    console.error(`There is no bench "${name}". There are: ${Object.keys(BY_NAME).join(', ')}.`);
    process.exitCode = 1;
    return;
  }
  const start = performance.now();
  const chosen = name ? [BY_NAME[name]] : [...new Set(Object.values(BENCHES))];
  progress('Compiling, and starting Redis …');
  const lab = await openLab();
  try {
    console.log(
      `Node ${process.version}, Redis ${lab.redis.version}, ${cpus().length} cores. One client makes all the load, so every client limit is off.`,
    );
    for (const bench of chosen) {
      if (!bench) continue;
      const begun = performance.now();
      const text = await bench(lab, args);
      progress(`${Math.round((performance.now() - begun) / 1000)} s\n`);
      console.log(`\n${text}`);
      await lab.tidy();
    }
    progress(`${Math.round((performance.now() - start) / 1000)} s in all.`);
    process.stderr.write('\n');
  } finally {
    await lab.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
