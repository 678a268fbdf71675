/** How long a single client waits on an idle server: /verify with one connection. */
import type { Lab } from '../lab.js';
import { median, ratio, table } from '../table.js';
import { compete, enter } from './verify.js';

export async function latency(lab: Lab): Promise<string> {
  const rivals = ['ours', 'floor', 'naive', 'better-auth'] as const;
  const contestants = [];
  for (const rival of rivals) contestants.push(await enter(lab, rival, 'wrong'));
  const rounds = await compete(lab, contestants, 'wrong', 1);
  const p50s = rounds.map((results) => results.map(({ p50 }) => p50));
  const [ours = []] = p50s;
  return table(
    ['verify, 1 connection', 'p50 ms', 'p99 ms', 'ours to it'],
    rivals.map((rival, place) => [
      rival,
      median(p50s[place] ?? []).toFixed(3),
      median((rounds[place] ?? []).map(({ p99 }) => p99)).toFixed(3),
      rival === 'ours' ? '' : ratio(ours, p50s[place] ?? []),
    ]),
  );
}
