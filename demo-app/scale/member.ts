/** One process of the fleet: it is started again when it ends, and never outlives us. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Report } from './members/report.js';
import type { MemberSettings } from './members/settings.js';

export type Member = Awaited<ReturnType<typeof startMember>>;
export type State = 'running' | 'starting' | 'down';

export interface MemberOptions {
  readonly name: string;
  /** A file in `members/`. */
  readonly file: string;
  readonly settings: MemberSettings;
  onReport(report: Report): void;
  onChange(what: string): void;
}

/** How long what was killed stays away, in ms, so that its absence can be seen. */
export const RESTART_DELAY = 5000;

const START_TIMEOUT = 60_000;
/** How long a process may take to finish what it does, in ms. */
const STOP_TIMEOUT = 10_000;

export async function startMember({ name, file, settings, onReport, onChange }: MemberOptions) {
  let child: ChildProcess;
  let state: State = 'starting';
  let port = 0;
  let isStopping = false;

  /** Resolves when the process is ready, and rejects if it ends before. */
  function start(): Promise<void> {
    state = 'starting';
    // In a process group of its own: Ctrl+C is meant for us, and we end the fleet in order.
    child = fork(join(__dirname, 'members', file), {
      env: { ...process.env, DEMO_SCALE_SETTINGS: JSON.stringify(settings) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    const started = child;
    let isReady = false;
    let errors = '';
    started.stderr?.on('data', (chunk) => {
      errors = (errors + chunk).slice(-2000);
    });
    const timer = setTimeout(() => started.kill('SIGKILL'), START_TIMEOUT);
    return new Promise((resolve, reject) => {
      started.on('message', (message) => {
        const report: Report = Object(message);
        if (report.kind !== 'ready') return onReport(report);
        clearTimeout(timer);
        isReady = true;
        [state, port] = ['running', report.port ?? 0];
        resolve();
      });
      started.once('close', () => {
        clearTimeout(timer);
        if (isReady && !isStopping) void startAgain();
        state = 'down';
        reject(new Error(`The process ${name} has ended. ${errors}`.trim()));
      });
    });
  }

  async function startAgain(): Promise<void> {
    onChange(`${name} has ended`);
    while (!isStopping) {
      await wait(RESTART_DELAY);
      if (isStopping) return;
      try {
        await start();
        return onChange(`${name} is back`);
      } catch (error) {
        if (!isStopping) onChange(String(error));
      }
    }
  }

  await start();
  return {
    name,
    get state() {
      return state;
    },
    get pid() {
      return state === 'down' ? undefined : child.pid;
    },
    get port() {
      return port;
    },
    kill(): void {
      // At once, so that the next kill takes another process.
      state = 'down';
      child.kill('SIGKILL');
    },
    async stop(): Promise<void> {
      isStopping = true;
      if (state === 'down') return;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
      await closed;
      clearTimeout(timer);
    },
  };
}
