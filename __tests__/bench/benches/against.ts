/** `against DIR`: /verify of this checkout beside that of another, in pairs. `against DIR 10`: that many rounds. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { compileWithLibOf, type Lab } from '../lab.js';
import { median, ratio, table, whole } from '../table.js';
import { compete, enter } from './verify.js';

export async function against(lab: Lab, [checkout, rounds = '6']: readonly string[]): Promise<string> {
  if (!checkout) throw new Error('against which checkout? npm run bench -- against ../another');
  const build = compileWithLibOf(resolve(checkout), lab.build);
  try {
    const contestants = [await enter(lab, 'ours', 'wrong'), await enter(lab, 'ours', 'wrong', build)];
    const rows: string[][] = [];
    for (const connections of [10, 100]) {
      const [here = [], there = []] = await compete(lab, contestants, 'wrong', connections, Number(rounds));
      const figures = (pick: (one: (typeof here)[number]) => number) =>
        [here.map(pick), there.map(pick)] as const;
      const [speedHere, speedThere] = figures(({ perSecond }) => perSecond);
      const [cpuHere, cpuThere] = figures(({ cpuEach }) => cpuEach);
      rows.push([
        `${connections} connections`,
        whole(median(speedHere)),
        whole(median(speedThere)),
        ratio(speedThere, speedHere, 3),
        median(cpuHere).toFixed(1),
        median(cpuThere).toFixed(1),
        ratio(cpuThere, cpuHere, 3),
      ]);
    }
    const head = [
      'verify, wrong codes',
      'here/s',
      'there/s',
      'there to here',
      'here µs',
      'there µs',
      'there to here',
    ];
    return table(head, rows);
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}
