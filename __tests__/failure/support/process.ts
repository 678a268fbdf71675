/** The service of fixtures/service.ts as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

export interface ServiceEnvironment {
  readonly REDIS_URL: string;
  readonly SMTP_URL: string;
  readonly DELIVERY?: 'await' | 'background';
  /** Sends of one client; unlimited without it. */
  readonly CLIENT_LIMIT?: string;
  /** In ms. @default 30 s each */
  readonly STORE_TIMEOUT?: string;
  readonly MAIL_TIMEOUT?: string;
  /** By how much its clock is ahead, in ms: for the fixture `shifted-clock.cjs`. */
  readonly CLOCK_AHEAD?: string;
}

/** What no process takes to end when nothing holds it, in ms, on however busy a machine. */
const END = 30_000;

export type ServiceProcess = Awaited<ReturnType<typeof startProcess>>;

/** Every rejection that nobody handles ends it, and `end` fails where it said a word. `flags` are node's. */
export async function startProcess(environment: ServiceEnvironment, flags: readonly string[] = []) {
  const child = spawn(
    process.execPath,
    [
      ...flags,
      ...['--import', 'tsx', '--unhandled-rejections=strict', '--trace-warnings'],
      fixture('service.ts'),
    ],
    { cwd: resolve(__dirname, '../../..'), env: { ...process.env, ...environment } },
  );
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  const lines = createInterface(child.stdout);
  const hears = async (): Promise<string> => {
    const [line] = await Promise.race([
      once(lines, 'line'),
      exited.then(() => Promise.reject(new Error(`The process has ended:\n${said}`))),
    ]);
    return line;
  };
  return {
    port: Number(await hears()),
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    /** The next line it prints. */
    hears,
    /** Tells it to go down. Ends by itself, with code 0 and without a word, or fails. */
    async end(): Promise<void> {
      child.kill('SIGTERM');
      const tooLate = AbortSignal.timeout(END);
      const [code, signal] = await Promise.race([exited, once(tooLate, 'abort').then(() => ['not at all'])]);
      expect({ code, signal, said }).toEqual({ code: 0, signal: null, said: '' });
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
