/** How far the replicas of a Redis master are, as it says itself. */
import { until } from './until.js';

/** Settles when all replicas have what was written until now. `info` asks the master for `INFO replication`. */
export async function replicasInStep(info: () => Promise<unknown>): Promise<void> {
  const written = Number(/^master_repl_offset:(\d+)/m.exec(String(await info()))?.[1]);
  await until('the replicas are in step', async () => {
    const told = String(await info()).matchAll(/^slave\d+:.*offset=(\d+)/gm);
    const offsets = Array.from(told, ([, offset]) => Number(offset));
    return offsets.length > 0 && offsets.every((offset) => offset >= written);
  });
}
