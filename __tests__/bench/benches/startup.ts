/** What the package adds to the start and the memory of an Express app with a Redis client and a mail transport. */
import { AIMS } from '../aims.js';
import type { Lab } from '../lab.js';
import { progress, spread, table } from '../table.js';

const ROUNDS = 7;
const MEGABYTE = 1024 * 1024;

export async function startup(lab: Lab): Promise<string> {
  const names = ['empty', 'ours', 'better-auth'] as const;
  const times: Record<string, number[]> = {};
  const sizes: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      progress(`startup, round ${round + 1} of ${ROUNDS}: ${name}`);
      const server = await lab.server(name);
      // The first round warms the disk's cache.
      if (round > 0) {
        times[name] = [...(times[name] ?? []), server.startedIn];
        sizes[name] = [...(sizes[name] ?? []), server.rss / MEGABYTE];
      }
      await server.child.stop();
    }
  }
  const show = (values: readonly number[] = [], than: readonly number[] = []) => {
    const more = spread(values.map((value, round) => value - (than[round] ?? 0)));
    return `${more.median.toFixed(0)} (${more.min.toFixed(0)}–${more.max.toFixed(0)})`;
  };
  const figures = table(
    ['startup', 'ms until it listens', 'MB', 'ms more than empty', 'MB more'],
    names.map((name) => [
      name,
      show(times[name]),
      show(sizes[name]),
      name === 'empty' ? '' : show(times[name], times['empty']),
      name === 'empty' ? '' : show(sizes[name], sizes['empty']),
    ]),
  );
  return `${figures}\n${AIMS.startup}`;
}
