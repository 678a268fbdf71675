/** The service of fixtures/service.ts as its own process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';

export interface ServiceEnvironment {
  readonly REDIS_URL: string;
  readonly SMTP_URL: string;
  readonly DELIVERY?: 'await' | 'background';
  /** The Redis of a queue that takes the emails, for the worker of fixtures/mail-worker.ts. */
  readonly QUEUE_URL?: string;
  /** Sends of one client; unlimited without it. */
  readonly CLIENT_LIMIT?: string;
  /** In ms. @default 30 s each */
  readonly STORE_TIMEOUT?: string;
  readonly MAIL_TIMEOUT?: string;
  /** How far its clock is ahead, in ms, for the fixture `shifted-clock.cjs`. */
  readonly CLOCK_AHEAD?: string;
}

/** More than a process with nothing left to do takes to end, in ms, on however busy a machine. */
const END = 30_000;

export type ServiceProcess = Awaited<ReturnType<typeof startProcess>>;

/** The bundle of a fixture, for a test that starts many processes: it loads in a fraction of the time. */
export function bundleOf(name: string): string {
  const outfile = resolve(__dirname, '../../../node_modules/.cache', `${name}-${process.pid}.cjs`);
  buildSync({ entryPoints: [fixture(name)], outfile, bundle: true, platform: 'node', packages: 'external' });
  return outfile;
}

/** An unhandled rejection ends the process, and `end` fails if it wrote to stderr. `flags` are Node's. */
export async function startProcess(
  environment: ServiceEnvironment,
  flags: readonly string[] = [],
  file = 'service.ts',
) {
  const child = spawn(
    process.execPath,
    [
      ...flags,
      ...(file.endsWith('.cjs') ? [] : ['--import', 'tsx']),
      ...['--unhandled-rejections=strict', '--trace-warnings', fixture(file)],
    ],
    { cwd: resolve(__dirname, '../../..'), env: { ...process.env, ...environment } },
  );
  const exited = once(child, 'exit');
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const lines = createInterface(child.stdout);
  const nextLine = async (): Promise<string> => {
    const [line] = await Promise.race([
      once(lines, 'line'),
      exited.then(() => Promise.reject(new Error(`The process has ended:\n${stderr}`))),
    ]);
    return line;
  };
  return {
    port: Number(await nextLine()),
    /** Whether it is still running. */
    isRunning: () => child.exitCode === null && child.signalCode === null,
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    /** The next line on stdout. */
    nextLine,
    onLine: (listener: (line: string) => void) => void lines.on('line', listener),
    /** Sends SIGTERM; fails unless the process ends with code 0 and an empty stderr. */
    async end(): Promise<void> {
      child.kill('SIGTERM');
      const tooLate = AbortSignal.timeout(END);
      const [code, signal] = await Promise.race([exited, once(tooLate, 'abort').then(() => ['not at all'])]);
      expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    },
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export function fixture(name: string): string {
  return resolve(__dirname, '../fixtures', name);
}
