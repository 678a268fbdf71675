/** The common part of every server under test: it listens and reports its usage to its parent. */
import { once } from 'node:events';
import type { Express } from 'express';
import { answerParent, childArgument } from '../child.js';

export const SECRET = 'a secret of the benches, long enough by far';
export const FROM = 'Acme <hello@acme.example>';

export interface ServerSettings {
  readonly redis: string;
  readonly smtpPort: number;
  /** `none`: everything except the email. */
  readonly delivery: 'await' | 'background' | 'none';
  /** Connections to the mail server, 0 for one per email, and messages per connection. */
  readonly poolSize: number;
  readonly maxMessages: number;
  /** The Redis of the email queue, for the one server that has one. */
  readonly queue: string;
}

export interface Usage {
  /** Microseconds of CPU since the start of the process. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
}

export interface Started extends Usage {
  readonly port: number;
  /** Milliseconds from the start of the process until it listens. */
  readonly startedIn: number;
}

export function serve(build: (settings: ServerSettings) => Promise<Express>): void {
  const started = start(build);
  answerParent({ started: () => started, usage });
}

async function start(build: (settings: ServerSettings) => Promise<Express>): Promise<Started> {
  const app = await build(childArgument<ServerSettings>());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const startedIn = performance.now();
  const address = server.address();
  globalThis.gc?.();
  return { port: typeof address === 'object' && address ? address.port : 0, startedIn, ...usage() };
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, rss: process.memoryUsage.rss() };
}
