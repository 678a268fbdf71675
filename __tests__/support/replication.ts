/** How far the replicas of a Redis master have come, according to the master. */
import { until } from './until.js';

/** Settles when all replicas have everything written so far. `info` returns the master's `INFO replication`. */
export async function replicasInStep(info: () => Promise<unknown>): Promise<void> {
  const written = Number(/^master_repl_offset:(\d+)/m.exec(String(await info()))?.[1]);
  await until('the replicas are in sync', async () => {
    const lines = String(await info()).matchAll(/^slave\d+:.*offset=(\d+)/gm);
    const offsets = Array.from(lines, ([, offset]) => Number(offset));
    return offsets.length > 0 && offsets.every((offset) => offset >= written);
  });
}
