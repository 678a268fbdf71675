/** A service on the package as it runs in production, over HTTP, and what its clients get. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { EmailVerificationOptions, Store } from 'express-email-verification';
import { createTestApp } from '../../support/app.js';
import { ownTime } from '../../support/own-time.js';

/** `storeTimeout` in these tests, in ms. */
export const STORE_TIMEOUT = 500;

/** How much later than its timeout an answer may come, in ms of the process's own time. */
const GRACE = 500;

/** More than any recovery takes, in ms, on however busy a machine: a delayed Sentinel itself pauses for 30 s. */
const RECOVERY = 90_000;

export interface Answer {
  readonly path: string;
  readonly status: number;
  readonly reason: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of a body, it knows
  readonly body: any;
  readonly headers: Headers;
  /** When it was requested. */
  readonly at: number;
  /** How long it took, in the process's own time. */
  readonly ms: number;
}

export type Service = Awaited<ReturnType<typeof startService>>;

/** Codes go to `codes` instead of an email, unless the options say otherwise. */
export async function startService(
  options: { store: Store } & Partial<Omit<EmailVerificationOptions, 'store'>>,
) {
  const codes = new Map<string, string>();
  const { app, verification } = createTestApp({
    transport: 'smtp://127.0.0.1:1',
    delivery: async ({ to, text }) => void codes.set(to.address, /\b\d{6}\b/.exec(text)?.[0] ?? ''),
    storeTimeout: STORE_TIMEOUT,
    ...options,
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let clients = 0;

  async function post(path: string, body: object): Promise<Answer> {
    clients += 1;
    const client = `10.${(clients >> 16) & 255}.${(clients >> 8) & 255}.${clients & 255}`;
    const at = performance.now();
    const asked = ownTime();
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': client },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { reason?: string };
    const { status, headers } = response;
    return { path, status, reason: answer.reason, body: answer, headers, at, ms: ownTime() - asked };
  }

  const send = (email: string, challengeId?: string) => post('/ev/send', { email, challengeId });
  const verify = (email: string, code: string | undefined, challengeId?: string) =>
    post('/ev/verify', { email, code, challengeId });
  const signUp = (email: string, verificationToken: string) => post('/signup', { email, verificationToken });

  return {
    verification,
    /** The newest code sent to each address. */
    codes,
    send,
    verify,
    signUp,
    /** How long an answer may take, in ms of the process's own time. */
    bound: (timeout = STORE_TIMEOUT) => timeout + GRACE,
    /** How long something takes, in ms of the process's own time. */
    async timed(operation: () => Promise<unknown>): Promise<number> {
      const begun = ownTime();
      await operation();
      return ownTime() - begun;
    },
    /** Three addresses in different states: with a code, with a token, and with neither. */
    async prepare() {
      const [coded, verified, fresh] = [person(), person(), person()];
      const { challengeId } = (await send(coded)).body;
      const other = (await send(verified)).body.challengeId;
      const { verificationToken } = (await verify(verified, codes.get(verified), other)).body;
      return {
        send: () => send(fresh),
        verify: () => verify(coded, codes.get(coded), challengeId),
        guess: () => verify(coded, wrong(codes.get(coded)), challengeId),
        signUp: () => signUp(verified, verificationToken),
      };
    },
    /** Sends to new addresses until `inARow` of them succeed in a row; returns how long recovery took, in ms. */
    async recovery(inARow = 1): Promise<number> {
      const start = performance.now();
      let recoveredAt = 0;
      for (let successes = 0; successes < inARow; ) {
        const answer = await send(person());
        if (successes === 0) recoveredAt = performance.now();
        successes = answer.status === 200 ? successes + 1 : 0;
        if (performance.now() - start > RECOVERY)
          throw new Error(`Still ${answer.status} ${answer.reason} after ${RECOVERY} ms.`);
        if (successes === 0) await sleep(20);
      }
      return Math.round(recoveredAt - start);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await verification.close();
    },
  };
}

/** In time, refused, and with a `retryAfter`: every answer while the store is in trouble. */
export function expectUnavailable(service: Service, answers: readonly Answer[]): void {
  expect(answers.length).toBeGreaterThan(0);
  for (const { path, status, body, headers, ms } of answers) {
    expect({ path, status, body }).toEqual({
      path,
      status: 503,
      body: {
        [path === '/ev/verify' ? 'verify' : 'ok']: false,
        message: expect.any(String),
        reason: 'unavailable',
        retryAfter: expect.any(Number),
      },
    });
    expect(headers.get('Retry-After')).toBe(String(body.retryAfter));
    expect(body.retryAfter).toBeGreaterThanOrEqual(1);
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(ms).toBeLessThan(service.bound());
  }
}

let people = 0;

/** A new address. */
export function person(): string {
  people += 1;
  return `person${people}-${process.pid}@example.com`;
}

export function wrong(code = ''): string {
  return code === '000000' ? '111111' : '000000';
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Printed on request: how long recoveries took, and the like. */
export function report(...values: unknown[]): void {
  if (process.env['FAILURE_REPORT']) process.stderr.write(`${values.join(' ')}\n`);
}
