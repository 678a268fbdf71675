/**
 * How long responses take while emails leave in the background: /verify beside 200 emails a second and without them, and
 * /send with 100 connections while its queue has room. `load DIR` compares with another checkout.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { compileWithLibOf, type Lab, type Measured, type Server } from '../lab.js';
import { median, progress, table } from '../table.js';
import { enter, expectSuccess } from './verify.js';

const ROUNDS = 7;
const SECONDS = 3;
/** Requests per second. */
const VERIFY_RATE = 1000;
const SEND_RATE = 200;

interface Round {
  readonly verifyAlone: Measured;
  readonly verifyBeside: Measured;
  readonly send: Measured;
}

export async function load(lab: Lab, [checkout]: readonly string[]): Promise<string> {
  const build = checkout ? compileWithLibOf(resolve(checkout), lab.build) : undefined;
  try {
    const contestants = [await prepare(lab), ...(build ? [await prepare(lab, build)] : [])];
    const results: Round[][] = contestants.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const turn of contestants.keys()) {
        const place = (turn + round) % contestants.length;
        progress(`load, round ${round + 1} of ${ROUNDS}`);
        const result = await contestants[place]?.(round);
        if (result) results[place]?.push(result);
      }
    }
    return show(results);
  } finally {
    if (build) rmSync(build, { recursive: true, force: true });
  }
}

/** Starts a server, and returns what one round measures. */
async function prepare(lab: Lab, build?: string): Promise<(round: number) => Promise<Round>> {
  const { server, job } = await enter(lab, 'ours', 'wrong', build, { delivery: 'background' });
  const verify = { ...job, first: 0, count: 10_000, again: true, connections: 100, rate: VERIFY_RATE };
  const sending = (first: number) => ({
    path: '/email-verification/send',
    bodies: [JSON.stringify({ email: `${server.port}-{i}@example.com` })],
    expect: { status: 200, text: '"ok":true' },
    ...{ first, count: 10_000, again: false, connections: 100, rate: SEND_RATE, seconds: SECONDS },
  });
  await measure(lab, server, sending(9_000_000));
  return async (round) => {
    const verifyAlone = await measure(lab, server, { ...verify, seconds: SECONDS });
    const [verifyBeside, send] = await Promise.all([
      measure(lab, server, { ...verify, seconds: SECONDS }),
      measure(lab, server, sending(round * 10_000)),
    ]);
    return { verifyAlone, verifyBeside, send };
  };
}

async function measure(lab: Lab, server: Server, job: Parameters<Lab['load']>[1]): Promise<Measured> {
  const result = await lab.load(server, job);
  expectSuccess(server.name, result);
  return result;
}

function show(results: readonly Round[][]): string {
  const rows: [string, (round: Round) => Measured][] = [
    [`verify, ${VERIFY_RATE} a second, alone`, (round) => round.verifyAlone],
    [`verify, ${VERIFY_RATE} a second, beside ${SEND_RATE} emails a second`, (round) => round.verifyBeside],
    [`send, ${SEND_RATE} a second beside them`, (round) => round.send],
  ];
  const names = results.length > 1 ? ['here, ', 'there, '] : [''];
  const head = names.flatMap((name) => [`${name}p50 ms`, `${name}p90 ms`, `${name}p99 ms`]);
  return table(
    ['100 connections', ...head],
    rows.map(([label, pick]) => [
      label,
      ...results.flatMap((rounds) => [
        ...(['p50', 'p90', 'p99'] as const).map((part) =>
          median(rounds.map((round) => pick(round)[part])).toFixed(2),
        ),
      ]),
    ]),
  );
}
