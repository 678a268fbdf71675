/**
 * The load generator: raw keep-alive sockets with one HTTP/1.1 request at a time on each. It costs the machine little, so
 * the server is what is measured. Only answers with the expected status and body count as successes.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { answerParent } from './child.js';

export interface LoadJob {
  readonly port: number;
  readonly path: string;
  /** Sent in turn. `{i}` is replaced by the number of an address, `{code}` by its code, `{wrong}` by another code. */
  readonly bodies: readonly string[];
  readonly first: number;
  readonly count: number;
  /** Whether to start over after the last address; otherwise the load ends there. */
  readonly again: boolean;
  readonly connections: number;
  /** Requests per second over all connections. @default as many as the server answers */
  readonly rate?: number;
  readonly seconds: number;
  /** How a success is recognized. */
  readonly expect: { readonly status: number; readonly text: string };
}

export interface LoadResult {
  readonly seconds: number;
  /** Answers with the expected status and text. */
  readonly ok: number;
  /** Answers 503. */
  readonly refused: number;
  readonly other: number;
  /** The first answer that was neither, to find out why. */
  readonly strange: string | undefined;
  /** In milliseconds, for successes. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** In milliseconds, for any answer. */
  readonly slowest: number;
  /** The median of each of `bodies`. */
  readonly p50s: readonly number[];
}

async function run(job: LoadJob): Promise<LoadResult> {
  const times: number[][] = job.bodies.map(() => []);
  const counts = { ok: 0, refused: 0, other: 0 };
  let strange: string | undefined;
  let slowest = 0;
  let next = 0;

  const sockets = await Promise.all(
    Array.from({ length: job.connections }, async () => {
      const socket = connect({ host: '127.0.0.1', port: job.port, noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  const start = performance.now();
  const end = start + job.seconds * 1000;
  let last = start;

  await Promise.all(
    sockets.map(async (socket) => {
      const read = reader(socket);
      while (performance.now() < end && (job.again || next < job.count)) {
        const turn = next++;
        const sent = await turnComes(start, turn, job.rate);
        socket.write(request(job, turn));
        const answer = await read();
        const now = performance.now();
        if (now > end && counts.ok > 0) break;
        last = now;
        slowest = Math.max(slowest, now - sent);
        const kind = classify(answer, job);
        counts[kind] += 1;
        if (kind === 'ok') times[turn % job.bodies.length]?.push(now - sent);
        else if (kind === 'other') strange ??= answer;
        if (answer === '') break;
      }
      socket.destroy();
    }),
  );
  const all = times.flat();
  return {
    ...counts,
    strange,
    seconds: (Math.min(end, last) - start) / 1000,
    p50: percentile(all, 0.5),
    p90: percentile(all, 0.9),
    p99: percentile(all, 0.99),
    slowest,
    p50s: times.map((some) => percentile(some, 0.5)),
  };
}

/**
 * Waits until a request is due, and returns the time to measure it from. A request that is late because all connections
 * were busy has waited since it was due.
 */
async function turnComes(start: number, turn: number, rate: number | undefined): Promise<number> {
  if (rate === undefined) return performance.now();
  const due = start + (turn / rate) * 1000;
  const early = due - performance.now();
  if (early <= 0) return due;
  await wait(early);
  return performance.now();
}

function request({ path, bodies, first, count }: LoadJob, turn: number): string {
  const number = first + (turn % count);
  const body = (bodies[turn % bodies.length] ?? '')
    .replaceAll('{i}', String(number).padStart(8, '0'))
    .replace('{code}', codeFor(number))
    .replace('{wrong}', codeFor(number + 1));
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** The code that an address is seeded with. */
export function codeFor(number: number): string {
  return String(number % 1_000_000).padStart(6, '0');
}

/** Returns the next complete answer of a connection, or an empty one when it ends. */
function reader(socket: Socket): () => Promise<string> {
  let text = '';
  let found: ((answer: string) => void) | undefined;
  const settle = (answer: string) => {
    text = '';
    found?.(answer);
    found = undefined;
  };
  socket.setEncoding('latin1');
  socket.on('data', (data: string) => {
    text += data;
    if (isWhole(text)) settle(text);
  });
  socket.on('error', () => {});
  socket.on('close', () => settle(''));
  return () => (socket.destroyed ? Promise.resolve('') : new Promise((resolve) => (found = resolve)));
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text);
  return length ? text.length >= head + 4 + Number(length[1]) : text.endsWith('\r\n0\r\n\r\n');
}

function classify(answer: string, { expect }: LoadJob): 'ok' | 'refused' | 'other' {
  if (answer.startsWith(`HTTP/1.1 ${expect.status} `) && answer.includes(expect.text)) return 'ok';
  return answer.startsWith('HTTP/1.1 503 ') ? 'refused' : 'other';
}

function percentile(times: number[], part: number): number {
  const sorted = Float64Array.from(times).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

if (process.send && require.main === module) answerParent({ run });
