/** Two workers of node:cluster on one Redis, compared with one process. */
import type { Lab } from '../lab.js';
import { median, progress, ratio, table, whole } from '../table.js';
import { expectSuccess } from './verify.js';

const ROUNDS = 3;

export async function clusterBench(lab: Lab): Promise<string> {
  await lab.seeder.seed({ kind: 'ours', first: 0, count: 5000 });
  const challengeId = await lab.seeder.challengeId();
  const job = {
    path: '/email-verification/verify',
    bodies: [JSON.stringify({ email: 'user-{i}@example.com', code: '{wrong}', challengeId })],
    expect: { status: 401, text: '"reason":"code_incorrect"' },
    first: 0,
    count: 5000,
    again: true,
    connections: 100,
  };
  const servers = [await lab.server('ours'), await lab.server('cluster')];
  const speeds: number[][] = servers.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [place, server] of servers.entries()) {
      progress(`cluster, round ${round} of ${ROUNDS}: ${server.name}`);
      const result = await lab.load(server, { ...job, seconds: 1.5 });
      expectSuccess(server.name, result);
      if (round > 0) speeds[place]?.push(result.perSecond);
    }
  }
  const [one = [], two = []] = speeds;
  return table(
    ['verify, 100 connections', 'answers/s', 'to one process'],
    [
      ['one process', whole(median(one)), ''],
      ['two workers of a cluster', whole(median(two)), ratio(two, one)],
    ],
  );
}
