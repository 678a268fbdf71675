/** An attacker's means: a listening app, as many client addresses as they like, and a clock. */
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Express } from 'express';
import {
  type EmailVerification,
  type EmailVerificationOptions,
  type Mail,
  MemoryStore,
  RedisStore,
  type Store,
} from 'express-email-verification';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { type RawSmtpServer, startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';

export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** Limits that no test reaches: for attacks on something else. */
export const WIDE = {
  sendLimits: [{ max: 1000, window: 1 }],
  rateLimit: { send: false, verify: false },
} as const;

/** The fields an answer may have, as in the contract. */
export interface Answer {
  readonly ok?: boolean;
  readonly verify?: boolean;
  readonly message: string;
  readonly reason?: string;
  readonly challengeId: string;
  readonly verificationToken: string;
  readonly expiresIn: number;
  readonly resendIn: number;
  readonly retryAfter: number;
  readonly attemptsLeft: number;
  readonly email: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Every byte of the body. */
  readonly text: string;
  readonly body: Answer;
}

export interface Service {
  readonly verification: EmailVerification;
  readonly port: number;
  /** Posts JSON; a string or a Buffer is sent as is. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  send(fields: object, ip?: string): Promise<Reply>;
  verify(fields: object, ip?: string): Promise<Reply>;
  signUp(fields: object, ip?: string): Promise<Reply>;
}

/** Both stores, as rows of `describe.each`. */
export type StoreName = 'RedisStore' | 'MemoryStore';
export const STORES: readonly StoreName[] = ['RedisStore', 'MemoryStore'];

/** Call it at the top of a test file: a Redis, a mail server, and apps that are closed when a test ends. */
export function useServices(mailOptions: Parameters<typeof useMailServer>[0] = {}) {
  const redis = useRedis();
  const mail = useMailServer(mailOptions);
  const relays: RawSmtpServer[] = [];
  const opened: { server: Server; agent: Agent; verification: EmailVerification }[] = [];

  beforeEach(() => redis.flush());
  afterEach(async () => {
    for (const { server, agent, verification } of opened.splice(0)) {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await verification.close();
    }
    for (const relay of relays.splice(0)) await relay.close();
  });

  /** Lets an app listen on 127.0.0.1. */
  async function listen(app: Express, verification: EmailVerification): Promise<Service> {
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const agent = new Agent({ keepAlive: true, maxSockets: 200 });
    opened.push({ server, agent, verification });
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;

    async function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
      const raw = typeof body === 'string' || Buffer.isBuffer(body);
      const bytes = raw ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
      const asked = request({
        ...{ host: '127.0.0.1', port, path, agent, method: 'POST' },
        headers: { 'content-type': 'application/json', 'content-length': bytes.length, ...headers },
      });
      asked.end(bytes);
      const [response]: IncomingMessage[] = await once(asked, 'response');
      if (!response) throw new Error('no response');
      const answer = await text(response);
      const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
      const { statusCode: status = 0, headers: replied } = response;
      return { status, headers: replied, text: answer, body: isJson ? JSON.parse(answer) : {} };
    }
    const from = (ip?: string): Record<string, string> => (ip ? { 'x-forwarded-for': ip } : {});
    return {
      ...{ verification, port, post },
      send: (fields, ip) => post('/ev/send', fields, from(ip)),
      verify: (fields, ip) => post('/ev/verify', fields, from(ip)),
      signUp: (fields, ip) => post('/signup', fields, from(ip)),
    };
  }

  return {
    redis,
    mail,
    listen,
    /** A misbehaving SMTP server, closed when the test ends. */
    async startRelay(...script: Parameters<typeof startRawSmtpServer>) {
      const relay = await startRawSmtpServer(...script);
      relays.push(relay);
      return relay;
    },
    storeOf: (name: StoreName, clock?: () => number): Store =>
      name === 'RedisStore' ? new RedisStore(redis.client, { clock }) : new MemoryStore({ clock }),
    /** The test app with default options, except for those given. */
    async open(
      options: { store: Store } & Partial<EmailVerificationOptions>,
      signUp?: Parameters<typeof createTestApp>[1],
    ) {
      const { app, verification } = createTestApp({ transport: mail.url, ...options }, signUp);
      return listen(app, verification);
    },
  };
}

/** A `delivery` that keeps the codes in memory: for attacks that need many codes and no SMTP. */
export function memoryInbox() {
  const codes = new Map<string, string[]>();
  return {
    async delivery({ to, text }: Mail): Promise<void> {
      const code = /\b\d{6,10}\b/.exec(text)?.[0] ?? '';
      codes.set(to.address, [...(codes.get(to.address) ?? []), code]);
    },
    /** All codes sent to an address, oldest first. */
    codesOf: (email: string): readonly string[] => codes.get(email) ?? [],
    lastCode: (email: string): string => codes.get(email)?.at(-1) ?? '',
  };
}

/** A clock for both stores that a test moves by hand. */
export function startClock() {
  let now = Date.now();
  return {
    read: () => now,
    pass(milliseconds: number) {
      now += milliseconds;
    },
  };
}

/** The n-th client: each has its own IPv4 address. */
export function clientAddress(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

/** The n-th code of the same length that is none of those given. */
export function wrongCode(codes: string | readonly string[], n = 0): string {
  const right = new Set([codes].flat());
  const length = [codes].flat()[0]?.length ?? 6;
  let guess = n;
  while (right.has(String(guess).padStart(length, '0'))) guess += 1_000;
  return String(guess).padStart(length, '0');
}

/** How many replies had each `reason`; successful ones count as `success`. */
export function tally(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of replies) {
    const outcome = status < 300 ? 'success' : (body.reason ?? String(status));
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** Runs an operation `count` times at once. */
export function inParallel<T>(count: number, operation: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => operation(n)));
}

/** Many rounds of a race, ten at a time, so that they disturb each other as real clients do. */
export async function inRounds(count: number, race: (round: number) => Promise<void>): Promise<void> {
  let next = 0;
  await inParallel(10, async () => {
    while (next < count) await race(next++);
  });
}
