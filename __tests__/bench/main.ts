/**
 * Measures speed and size: `npm run bench` runs every bench, `npm run bench -- NAME` one. Each server under test, the load
 * generator and the mail sink are separate processes, and whatever is compared takes turns within each round, so the
 * ratios count and the absolute figures depend on the machine.
 */
import { cpus } from 'node:os';
import { against } from './benches/against.js';
import { clusterBench } from './benches/cluster.js';
import { latency } from './benches/latency.js';
import { load } from './benches/load.js';
import { pending } from './benches/pending.js';
import { pool } from './benches/pool.js';
import { scale } from './benches/scale.js';
import { send } from './benches/send.js';
import { startup } from './benches/startup.js';
import { timing } from './benches/timing.js';
import { verify } from './benches/verify.js';
import { type Lab, openLab } from './lab.js';
import { progress } from './table.js';

/** Measures and returns a table. */
export type Bench = (lab: Lab, args: readonly string[]) => Promise<string>;

const BENCHES: Readonly<Record<string, Bench>> = {
  verify,
  send,
  load,
  memory: pending,
  growth: pending,
  startup,
  timing,
  cluster: clusterBench,
  pool,
  scale,
};

/** Only by name: the first is part of `verify`, the second needs another checkout. */
const BY_NAME: Readonly<Record<string, Bench>> = { ...BENCHES, latency, against };

async function main(): Promise<void> {
  const [name, ...args] = process.argv.slice(2);
  if (name && !Object.hasOwn(BY_NAME, name)) {
    console.error(`Unknown bench "${name}". Known benches: ${Object.keys(BY_NAME).join(', ')}.`);
    process.exitCode = 1;
    return;
  }
  const start = performance.now();
  const chosen = name ? [BY_NAME[name]] : [...new Set(Object.values(BENCHES))];
  progress('Compiling, and starting Redis …');
  const lab = await openLab();
  try {
    console.log(
      `Node ${process.version}, Redis ${lab.redis.version}, ${cpus().length} cores. One client sends all requests, so the client limits are off.`,
    );
    for (const bench of chosen) {
      if (!bench) continue;
      const begun = performance.now();
      const text = await bench(lab, args);
      progress(`${Math.round((performance.now() - begun) / 1000)} s\n`);
      console.log(`\n${text}`);
      await lab.tidy();
    }
    progress(`${Math.round((performance.now() - start) / 1000)} s in total.`);
    process.stderr.write('\n');
  } finally {
    await lab.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
