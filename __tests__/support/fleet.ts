/** `npm run demo:scale` as a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { until } from './until.js';

export type FleetProcess = Awaited<ReturnType<typeof startFleetProcess>>;

/** What the page's data endpoint says, as far as tests read it. */
interface FleetData {
  readonly people: number;
  readonly rate: number;
  readonly queue: number;
  readonly notice: string;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly totals: Readonly<Record<string, number>>;
  readonly latency: Readonly<Record<string, { readonly p50?: number; readonly p99?: number }>>;
  readonly parts: readonly { readonly name: string; readonly state: string; readonly pid?: number }[];
  readonly incidents: readonly {
    readonly name: string;
    readonly cost: Readonly<Record<string, number>>;
    readonly overdue: number;
  }[];
}

/** @param directory for its temporary files. Two that share one start faster, because it caches the compiled code. */
export async function startFleetProcess(directory: string, env: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const { PATH = '', REDIS_SERVER = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'demo-app/scale/scale.ts'], {
    cwd: resolve(__dirname, '../..'),
    env: {
      ...{ PATH, HOME, TMPDIR: directory, PORT: String(port) },
      ...(REDIS_SERVER && { REDIS_SERVER }),
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const exited = once(child, 'close').then(([code]) => code);
  const url = `http://127.0.0.1:${port}`;
  const data = async (): Promise<FleetData> => {
    const response = await fetch(`${url}/data`);
    return (await response.json()) as FleetData;
  };
  const pids = new Set<number>();

  return {
    url,
    port,
    exited,
    output: () => output,
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    data,
    /** Waits until the data is so. */
    async shows(what: string, holds: (data: FleetData) => boolean): Promise<FleetData> {
      let latest: FleetData | undefined;
      await until(`${what}:\n${output}`, async () => {
        if (child.exitCode !== null) throw new Error(`The fleet has ended:\n${output}`);
        latest = await data().catch(() => undefined);
        for (const { pid } of latest?.parts ?? []) if (pid) pids.add(pid);
        if (latest && holds(latest)) return true;
        await wait(100);
        return false;
      });
      return latest ?? data();
    },
    post: (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
      fetch(url + path, { method: 'POST', body: new URLSearchParams(fields), headers, redirect: 'manual' }),
    /** What is left of it: processes that were seen, and directories. */
    async leftovers(): Promise<readonly (string | number)[]> {
      const names = await readdir(directory);
      return [...names.filter((name) => !name.startsWith('tsx-')), ...[...pids].filter(isAlive)];
    },
    async end(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
