/** /verify with wrong codes for many addresses and with right ones, compared with the floor, the tutorials and Better Auth. */
import { AIMS } from '../aims.js';
import type { Lab, Measured, Server } from '../lab.js';
import type { LoadJob } from '../load.js';
import type { SeedKind } from '../seeder.js';
import type { ServerSettings } from '../servers/serve.js';
import { median, progress, ratio, table, whole } from '../table.js';

const ROUNDS = 3;
const ADDRESSES = 10_000;
/** Right codes work once, so each round brings its own. */
const RIGHT_CODES = 5000;
/** The JIT compiler needs the first thousands of requests, more of them for more code. */
const WARM_UP = 15_000;
const WARM_UP_SECONDS = 3;

type Rival = 'ours' | 'floor' | 'naive' | 'better-auth';
type Codes = 'wrong' | 'right';

export async function verify(lab: Lab): Promise<string> {
  const sections: string[] = [];
  for (const codes of ['wrong', 'right'] as const) {
    const rivals: Rival[] =
      codes === 'wrong' ? ['ours', 'floor', 'naive', 'better-auth'] : ['ours', 'floor', 'naive'];
    const contestants = await Promise.all(rivals.map((rival) => enter(lab, rival, codes)));
    // Right codes have to be seeded for each round, so there are fewer rounds of them.
    for (const connections of codes === 'wrong' ? [1, 10, 100] : [100]) {
      const rounds = await compete(lab, contestants, codes, connections);
      sections.push(
        `verify, ${codes} codes, ${connections} ${connections === 1 ? 'connection' : 'connections'}\n${show(rivals, rounds)}`,
      );
    }
    await lab.tidy();
  }
  return `${sections.join('\n\n')}\n${AIMS.verify}`;
}

export interface Contestant {
  readonly server: Server;
  readonly job: Pick<LoadJob, 'path' | 'bodies' | 'expect'>;
  seed(first: number, count: number): Promise<void>;
}

/** Starts and warms up a server, with seeded addresses and matching requests. */
export async function enter(
  lab: Lab,
  rival: Rival,
  codes: Codes,
  build?: string,
  settings: Partial<ServerSettings> = {},
): Promise<Contestant> {
  const server = await lab.server(rival, settings, build);
  const seed = (first: number, count: number) => lab.seeder.seed({ kind: SEEDS[rival], first, count });
  const job = jobOf(rival, codes, await lab.seeder.challengeId());
  if (codes === 'wrong') await seed(0, ADDRESSES);
  progress(`verify: warming up ${rival}`);
  await seed(90_000_000, WARM_UP);
  const warmUp = {
    first: 90_000_000,
    count: WARM_UP,
    again: codes === 'wrong',
    connections: 20,
    seconds: WARM_UP_SECONDS,
  };
  await lab.load(server, { ...job, ...warmUp });
  return { server, job, seed };
}

const SEEDS: Readonly<Record<Rival, SeedKind>> = {
  ours: 'ours',
  floor: 'floor',
  naive: 'naive',
  'better-auth': 'betterAuth',
};

function jobOf(rival: Rival, codes: Codes, challengeId: string): Contestant['job'] {
  const email = 'user-{i}@example.com';
  const code = codes === 'wrong' ? '{wrong}' : '{code}';
  if (rival === 'better-auth') {
    return {
      path: '/api/auth/email-otp/check-verification-otp',
      bodies: [JSON.stringify({ email, type: 'sign-in', otp: code })],
      expect: { status: 400, text: 'INVALID_OTP' },
    };
  }
  const isOurs = rival === 'ours';
  const wrong = { status: 401, text: isOurs ? '"reason":"code_incorrect"' : '"verify":false' };
  return {
    path: isOurs ? '/email-verification/verify' : '/verify',
    bodies: [JSON.stringify({ email, code, ...(isOurs && { challengeId }) })],
    expect: codes === 'wrong' ? wrong : { status: 200, text: '"verify":true' },
  };
}

/** Runs the contestants in turns; each round starts with the next one. */
export async function compete(
  lab: Lab,
  contestants: readonly Contestant[],
  codes: Codes,
  connections: number,
  rounds = ROUNDS,
  seconds = 2,
): Promise<Measured[][]> {
  const results: Measured[][] = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const place = (turn + round) % contestants.length;
      const contestant = contestants[place];
      if (!contestant) continue;
      const { server, job } = contestant;
      progress(
        `verify, ${codes} codes, ${connections} connections, round ${round + 1} of ${rounds}: ${server.name}`,
      );
      const first = codes === 'wrong' ? 0 : (connections * 100 + round) * RIGHT_CODES;
      const count = codes === 'wrong' ? ADDRESSES : RIGHT_CODES;
      if (codes === 'right') await contestant.seed(first, count);
      const again = codes === 'wrong';
      const result = await lab.load(server, { ...job, first, count, again, connections, seconds });
      expectSuccess(server.name, result);
      results[place]?.push(result);
    }
  }
  return results;
}

export function expectSuccess(
  name: string,
  { ok, refused, other, strange }: Measured,
  mayRefuse = false,
): void {
  if (ok > 0 && other === 0 && (mayRefuse || refused === 0)) return;
  throw new Error(
    `${name}: ${ok} right answers, ${refused} times 503, ${other} others, such as:\n${strange}`,
  );
}

function show(rivals: readonly Rival[], rounds: readonly Measured[][]): string {
  const speeds = rounds.map((results) => results.map(({ perSecond }) => perSecond));
  const [ours = []] = speeds;
  return table(
    ['', 'answers/s', 'ours to it', 'p50 ms', 'p99 ms', 'CPU µs'],
    rivals.map((rival, place) => {
      const results = rounds[place] ?? [];
      return [
        rival,
        whole(median(speeds[place] ?? [])),
        rival === 'ours' ? '' : ratio(ours, speeds[place] ?? []),
        median(results.map(({ p50 }) => p50)).toFixed(2),
        median(results.map(({ p99 }) => p99)).toFixed(2),
        whole(median(results.map(({ cpuEach }) => cpuEach))),
      ];
    }),
  );
}
