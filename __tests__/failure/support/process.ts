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
  /** By how much its clock is ahead, in ms: for the fixture `shifted-clock.cjs`. */
  readonly CLOCK_AHEAD?: string;
}

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
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const [port] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(() => Promise.reject(new Error(`The process did not start:\n${said}`))),
  ]).finally(() => clearTimeout(tooLong));
  return {
    port: Number(port),
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    /** Tells it to go down; answers how long it took to end, in ms. Ends with code 0 and without a word, or fails. */
    async end(): Promise<number> {
      const begin = performance.now();
      const tooLate = AbortSignal.timeout(20_000);
      child.kill('SIGTERM');
      const [code, signal] = await Promise.race([exited, once(tooLate, 'abort').then(() => ['not at all'])]);
      expect({ code, signal, said }).toEqual({ code: 0, signal: null, said: '' });
      return performance.now() - begin;
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
