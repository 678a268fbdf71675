/**
 * What a bare pool of connections can do: the upper bound for /send, and the cost of ten messages per connection, by the
 * latency of the mail server and with TLS and a login.
 */
import type { Child } from '../child.js';
import type { Lab } from '../lab.js';
import type { PoolSettings } from '../smtp-pool.js';
import { median, progress, ratio, table, whole } from '../table.js';

const ROUNDS = 5;
const SECONDS = 0.5;

type Pool = Pick<PoolSettings, 'pool' | 'maxConnections' | 'maxMessages'>;

/** Each is compared with the one at index `beside`. */
const POOLS: readonly (Pool & { readonly beside?: number })[] = [
  { pool: 'nodemailer', maxConnections: 5, maxMessages: 10 },
  { pool: 'ours', maxConnections: 5, maxMessages: 10, beside: 0 },
  { pool: 'nodemailer', maxConnections: 5, maxMessages: 1000 },
  { pool: 'ours', maxConnections: 5, maxMessages: 1000, beside: 2 },
  { pool: 'ours', maxConnections: 5, maxMessages: 10, beside: 3 },
  { pool: 'ours', maxConnections: 20, maxMessages: 10, beside: 1 },
];

const SCENARIOS = [
  { name: 'no latency', latency: 0, secure: false },
  { name: '50 ms per reply', latency: 50, secure: false },
  { name: 'TLS, login', latency: 0, secure: true },
] as const;

interface Run {
  readonly perSecond: number;
  readonly cpuEach: number;
}

export async function pool(lab: Lab): Promise<string> {
  const tlsPort = await lab.sink.tlsPort();
  const columns: string[][] = [];
  for (const { name, latency, secure } of SCENARIOS) {
    await lab.sink.delay({ reply: latency, message: latency });
    const smtpPort = secure ? tlsPort : lab.sink.port;
    const pools = POOLS.map(({ beside: _, ...pool }) =>
      lab.child('smtp-pool.js', { smtpPort, secure, ...pool }),
    );
    columns.push(...columnsOf(await measure(name, pools)));
    await Promise.all(pools.map((pool) => pool.stop()));
  }
  return table(
    [
      'connections × messages each',
      ...SCENARIOS.flatMap(({ name }) => [`${name}: /s`, 'of', 'CPU µs', 'of']),
    ],
    POOLS.map((pool, row) => [nameOf(pool), ...columns.map((column) => column[row] ?? '')]),
  );
}

/** Runs each pool in turn. */
async function measure(scenario: string, pools: readonly Child[]): Promise<Run[][]> {
  const runs: Run[][] = pools.map(() => []);
  for (const pool of pools) await pool.ask('run', 0.3);
  for (let round = 0; round < ROUNDS; round++) {
    progress(`pool, ${scenario}, round ${round + 1} of ${ROUNDS}`);
    for (let turn = 0; turn < pools.length; turn++) {
      const which = (turn + round) % pools.length;
      const run = await pools[which]?.ask<Run>('run', SECONDS);
      if (run) runs[which]?.push(run);
    }
  }
  return runs;
}

function columnsOf(runs: readonly Run[][]): string[][] {
  return (['perSecond', 'cpuEach'] as const).flatMap((figure) => {
    const figures = runs.map((some) => some.map((run) => run[figure]));
    return [
      figures.map((some) => whole(median(some))),
      POOLS.map(({ beside }, row) =>
        beside === undefined ? '' : ratio(figures[row] ?? [], figures[beside] ?? []),
      ),
    ];
  });
}

function nameOf({ pool, maxConnections, maxMessages, beside }: (typeof POOLS)[number]): string {
  const name = (one: Pool) => `${one.pool}, ${one.maxConnections} × ${whole(one.maxMessages)}`;
  const other = beside === undefined ? undefined : POOLS[beside];
  return other
    ? `${name({ pool, maxConnections, maxMessages })}; of ${name(other)}`
    : name({ pool, maxConnections, maxMessages });
}
