/**
 * `against DIR`: compares /verify of this checkout with that of another, in many short pairs; `against DIR 100` sets the
 * number. For CPU only the lowest tenth of the rounds counts, since other work on the machine can only add to it.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { compileWithLibOf, type Lab, type Measured } from '../lab.js';
import { median, table, whole } from '../table.js';
import { compete, enter } from './verify.js';

const SECONDS = 0.2;

export async function against(lab: Lab, [checkout, rounds = '60']: readonly string[]): Promise<string> {
  if (!checkout) throw new Error('Usage: npm run bench -- against ../another-checkout');
  const build = compileWithLibOf(resolve(checkout), lab.build);
  try {
    const contestants = [await enter(lab, 'ours', 'wrong'), await enter(lab, 'ours', 'wrong', build)];
    const rows: string[][] = [];
    for (const connections of [10, 100]) {
      const results = await compete(lab, contestants, 'wrong', connections, Number(rounds), SECONDS);
      const [here = [], there = []] = results.map((some) => some.map(({ perSecond }) => perSecond));
      const [cpuHere = Number.NaN, cpuThere = Number.NaN] = results.map(leastCpu);
      rows.push([
        `${connections} connections`,
        whole(median(here)),
        whole(median(there)),
        (median(here) / median(there)).toFixed(3),
        cpuHere.toFixed(1),
        cpuThere.toFixed(1),
        (cpuHere / cpuThere).toFixed(3),
      ]);
    }
    const head = ['here/s', 'there/s', 'here to there', 'here, CPU µs', 'there, CPU µs', 'here to there'];
    return table(['verify, wrong codes', ...head], rows);
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}

function leastCpu(results: readonly Measured[]): number {
  const sorted = results.map(({ cpuEach }) => cpuEach).sort((a, b) => a - b);
  return median(sorted.slice(0, Math.ceil(sorted.length / 10)));
}
