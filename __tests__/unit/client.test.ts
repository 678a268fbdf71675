/** The browser client on a real server: every answer, reloads, tabs, races, network trouble, and its size. */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import {
  type EmailVerificationOptions,
  MemoryStore,
  type Reason,
  RedisStore,
} from 'express-email-verification';
import {
  type ClientStorage,
  createEmailVerificationClient,
  type EmailVerificationClientOptions,
  type EmailVerificationState,
} from 'express-email-verification/client';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';
import { secondsLeft } from '../support/seconds-left.js';
import { until } from '../support/until.js';

const redis = useRedis();
const mail = useMailServer();
const email = 'person@example.com';
const wrong = (code: string) => (code === '000000' ? '111111' : '000000');

const servers: Server[] = [];
let pass: (milliseconds: number) => void;
beforeEach(async () => {
  await redis.flush();
  pass = stopTheClock();
});
afterEach(async () => {
  jest.useRealTimers();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

/** The router on a listening server; `open` creates a client. The store uses the same clock as the client. */
async function site(options: Partial<EmailVerificationOptions> = {}) {
  const store = new RedisStore(redis.client, { clock: () => Date.now() });
  const { app } = createTestApp({ store, transport: mail.url, ...options });
  const origin = await listen(app);
  const baseUrl = `${origin}/ev`;
  const open = (more: Partial<EmailVerificationClientOptions> = {}) =>
    createEmailVerificationClient({ baseUrl, ...more });
  return { origin, open, baseUrl };
}

/** Only the date is frozen: requests, emails and timeouts go on. */
function stopTheClock() {
  const others = [
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'clearImmediate',
  ];
  const rest = ['nextTick', 'queueMicrotask', 'performance', 'hrtime'];
  jest.useFakeTimers({ doNotFake: [...others, ...rest] as never });
  return (milliseconds: number) => void jest.setSystemTime(Date.now() + milliseconds);
}

function createStorage(
  entries = new Map<string, string>(),
): ClientStorage & { entries: Map<string, string> } {
  return {
    entries,
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => void entries.set(key, value),
    removeItem: (key) => void entries.delete(key),
  };
}

/** A fetch whose answers are held until a test lets them continue. */
function createHeldFetch() {
  const held: (() => void)[] = [];
  const heldFetch: typeof fetch = async (...input) => {
    const response = await fetch(...input);
    await new Promise<void>((release) => held.push(release));
    return response;
  };
  return {
    fetch: heldFetch,
    async release(index: number) {
      await until('the answer is there', () => held[index] !== undefined);
      held[index]?.();
    },
  };
}

describe.each([
  ['Redis', () => new RedisStore(redis.client)],
  ['memory', () => new MemoryStore()],
])('from the email to the sign-up, on %s', (_name, createStore) => {
  it('requests a code, verifies it, and holds the token that the sign-up accepts', async () => {
    const { open, origin } = await site({ store: createStore() });
    const client = open();
    expect(client.state).toEqual({ status: 'idle', expiresIn: 0, resendIn: 0 });

    const sending = client.send({ email });
    expect(client.state).toMatchObject({ status: 'sending', email });
    const sent = await sending;
    expect(sent).toEqual({
      kind: 'sent',
      message: 'We sent you a code. Please check your email.',
      challengeId: expect.any(String),
      expiresIn: secondsLeft(180),
      resendIn: secondsLeft(60),
    });
    expect(client.state).toMatchObject({
      status: 'sent',
      email,
      challengeId: sent.kind === 'sent' && sent.challengeId,
      expiresIn: secondsLeft(180),
      resendIn: secondsLeft(60),
    });

    const verifying = client.verify(await mail.lastCode(email));
    expect(client.state).toMatchObject({ status: 'verifying', email });
    const verified = await verifying;
    expect(verified).toMatchObject({
      kind: 'verified',
      verificationToken: expect.any(String),
      expiresIn: 900,
    });
    const { status, verificationToken, expiresIn, challengeId, resendIn } = client.state;
    expect({ status, expiresIn, challengeId, resendIn }).toEqual({
      status: 'verified',
      expiresIn: 900,
      resendIn: 0,
    });
    await request(origin).post('/signup').send({ email: client.state.email, verificationToken }).expect(201);
  });
});

describe('send', () => {
  it('reports invalid fields', async () => {
    const client = (await site()).open();
    const outcome = await client.send({ email: 'nobody' });
    const errors = [{ field: 'email', message: 'Please enter a valid email address.' }];
    expect(outcome).toEqual({ kind: 'invalid_request', message: 'Please check what you entered.', errors });
    expect(client.state).toMatchObject({ status: 'failed', reason: 'invalid_request', errors, expiresIn: 0 });
    expect(await client.send({ email: 'x'.repeat(20_000) })).toMatchObject({ kind: 'invalid_request' });
  });

  it('reports the message of beforeSend', async () => {
    const client = (await site({ beforeSend: () => ({ kind: 'refuse', message: 'Not today.' }) })).open();
    expect(await client.send({ email })).toEqual({ kind: 'refused', message: 'Not today.' });
    expect(client.state).toMatchObject({ status: 'failed', reason: 'refused', message: 'Not today.' });
  });

  it('keeps its challenge during the cooldown', async () => {
    const client = (await site()).open();
    await client.send({ email });
    const { challengeId, expiresAt } = client.state;
    pass(10_000);

    const outcome = await client.resend();
    expect(outcome).toMatchObject({ kind: 'too_many_requests', retryAfter: 50, challengeId, expiresIn: 170 });
    expect(client.state).toMatchObject({ status: 'failed', reason: 'too_many_requests', resendIn: 50 });
    expect(client.state).toMatchObject({ challengeId, expiresAt, expiresIn: 170 });
    expect(await client.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
  });

  it('keeps its challenge over a 429 that does not name it, and over one of another limit', async () => {
    const challenges: unknown[] = [];
    const limited = { message: 'Slow down.', ok: false, reason: 'too_many_requests', retryAfter: 600 };
    const { open } = await site();
    const client = open({
      fetch: async (url, init) => {
        challenges.push(JSON.parse(String(init?.body)).challengeId);
        return challenges.length === 2 ? Response.json(limited, { status: 429 }) : fetch(url, init);
      },
    });
    await client.send({ email });
    const { challengeId, expiresAt } = client.state;
    await client.resend();
    expect(client.state).toMatchObject({ challengeId, expiresAt, resendIn: 600 });
    expect(await client.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
    expect(challenges).toEqual([undefined, challengeId, challengeId]);
  });

  it('without a challenge, reports the wait and has no code to enter', async () => {
    const { open } = await site();
    await open().send({ email });
    const client = open();
    expect(await client.send({ email })).toEqual({
      kind: 'too_many_requests',
      message: expect.stringMatching(/^Too many requests\. Please try again in \d+ seconds\.$/),
      retryAfter: secondsLeft(60),
    });
    expect(client.state).toMatchObject({ resendIn: secondsLeft(60), expiresIn: 0 });
    expect(await client.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
  });

  it('reports the wait of the client limit', async () => {
    const { open } = await site({ rateLimit: { send: { windowMs: 120_000, limit: 1 } } });
    const client = open();
    await client.send({ email });
    const { challengeId } = client.state;
    expect(await client.resend()).toMatchObject({ kind: 'too_many_requests', retryAfter: 120, challengeId });
    expect(client.state).toMatchObject({ challengeId, resendIn: 120 });
  });

  it('keeps an earlier code when the email of another was refused', async () => {
    const client = (await site()).open();
    await client.send({ email });
    const { challengeId } = client.state;
    pass(60_001);
    mail.server.respondWith({ stage: 'rcpt', code: 550, text: 'No such mailbox' });
    expect(await client.resend()).toMatchObject({ kind: 'delivery_failed', resendIn: 0 });
    expect(client.state).toMatchObject({
      status: 'failed',
      reason: 'delivery_failed',
      challengeId,
      resendIn: 0,
    });
    expect(await client.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
  });

  it('has no code to enter when the first email was refused', async () => {
    mail.server.respondWith({ stage: 'rcpt', code: 550, text: 'No such mailbox' });
    const client = (await site()).open();
    expect(await client.send({ email })).toMatchObject({ kind: 'delivery_failed' });
    expect(client.state).toMatchObject({ status: 'failed', expiresIn: 0, resendIn: 0 });
  });

  it('keeps the challenge of an email that may have been sent', async () => {
    const stalled = await startRawSmtpServer({ dot: 'stall' });
    try {
      const client = (await site({ transport: stalled.url, mailTimeout: 1000 })).open();
      expect(await client.send({ email })).toMatchObject({
        kind: 'delivery_unknown',
        expiresIn: secondsLeft(180),
      });
      expect(client.state).toMatchObject({
        status: 'failed',
        reason: 'delivery_unknown',
        expiresIn: secondsLeft(180),
        resendIn: secondsLeft(60),
      });
      const code =
        /\b\d{6}\b/.exec(stalled.received.slice(stalled.received.indexOf('')).join('\n'))?.[0] ?? '';
      expect(await client.verify(code)).toMatchObject({ kind: 'verified' });
    } finally {
      await stalled.close();
    }
  });

  it('uses the id of the latest answer, which stays the same while it has attempts', async () => {
    const client = (await site({ maxAttempts: 1 })).open();
    await client.send({ email });
    const first = client.state.challengeId;
    pass(60_001);
    await client.resend();
    expect(client.state).toMatchObject({ status: 'sent', challengeId: first, resendIn: secondsLeft(60) });
    await client.verify(wrong(await mail.lastCode(email)));
    pass(60_001);
    await client.resend();
    expect(client.state.challengeId).not.toBe(first);
    expect(await client.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
  });

  it('uses the given language, also for a resend and a verify', async () => {
    const { open } = await site();
    const client = open({ locale: 'ko' });
    await client.send({ email: 'a@b' });
    expect(client.state.message).toMatch(/\p{Script=Hangul}/u);
    await client.send({ email, locale: 'en' });
    expect(client.state.message).toMatch(/^We sent/);
    await client.resend();
    expect(client.state.message).toMatch(/^Too many/);
    await client.verify('12');
    expect(client.state.message).toMatch(/^Please check/);
  });
});

describe('extra', () => {
  it('adds fields to the body of one request, and stays out of state and storage', async () => {
    const bodies: Record<string, unknown>[] = [];
    const { open } = await site();
    const storage = createStorage();
    const client = open({
      storage,
      fetch: async (url, init) => {
        bodies.push(JSON.parse(String(init?.body)));
        return fetch(url, init);
      },
    });
    await client.send({ email, extra: { captcha: 'first-token' } });
    const { challengeId } = client.state;
    await client.resend({ extra: { captcha: 'second-token' } });
    await client.resend();
    await client.verify(await mail.lastCode(email));
    expect(bodies).toEqual([
      { email, captcha: 'first-token' },
      { email, challengeId, captcha: 'second-token' },
      { email, challengeId },
      { email, challengeId, code: await mail.lastCode(email) },
    ]);
    expect(JSON.stringify([client.state, ...storage.entries.values()])).not.toContain('token"');
  });

  it('cannot replace the fields of the client', async () => {
    const bodies: unknown[] = [];
    const { open } = await site();
    const client = open({
      fetch: async (url, init) => {
        bodies.push(JSON.parse(String(init?.body)));
        return fetch(url, init);
      },
    });
    const extra = { email: 'other@example.com', challengeId: 'another', locale: 'ko' };
    await client.send({ email, locale: 'en', extra });
    const { challengeId } = client.state;
    await client.resend({ extra });
    expect(bodies).toEqual([
      { email, locale: 'en' },
      { email, locale: 'en', challengeId },
    ]);
  });

  it.each<[what: string, extra: object]>([
    ['a BigInt', { captcha: 1n }],
    [
      'what contains itself',
      (() => {
        const loop: Record<string, unknown> = {};
        loop['captcha'] = loop;
        return loop;
      })(),
    ],
    [
      'what cannot be read',
      {
        get captcha(): never {
          throw new Error('no widget');
        },
      },
    ],
  ])(
    'that is %s throws, is not taken for a lost network, and leaves the client usable',
    async (_what, extra) => {
      const client = (await site()).open();
      await expect(async () =>
        client.send({ email, extra: extra as Record<string, unknown> }),
      ).rejects.toThrow();
      expect(client.state.status).toBe('idle');
      expect(await client.send({ email })).toMatchObject({ kind: 'sent' });
    },
  );

  it('is that of the first of two simultaneous sends', async () => {
    const client = (await site()).open();
    const first = client.send({ email, extra: { captcha: 'one' } });
    expect(client.send({ email, extra: { captcha: 'two' } })).toBe(first);
    await first;
  });
});

describe('verify', () => {
  it('reports the attempts left, and has no code to enter after the last', async () => {
    const { open } = await site({ maxAttempts: 2 });
    const client = open();
    await client.send({ email });
    const code = await mail.lastCode(email);
    expect(await client.verify(wrong(code))).toEqual({
      kind: 'code_incorrect',
      message: 'The code is incorrect. You have 1 attempt left.',
      attemptsLeft: 1,
    });
    expect(client.state).toMatchObject({
      status: 'failed',
      reason: 'code_incorrect',
      attemptsLeft: 1,
      expiresIn: secondsLeft(180),
    });
    expect(await client.verify(wrong(code))).toMatchObject({ attemptsLeft: 0 });
    expect(client.state).toMatchObject({ attemptsLeft: 0, expiresIn: 0, resendIn: secondsLeft(60) });
    expect(await client.verify(code)).toEqual({
      kind: 'code_expired',
      message: 'This code has expired. Please request a new one.',
    });
    expect(client.state).toMatchObject({ status: 'failed', reason: 'code_expired', expiresIn: 0 });
  });

  it('T64: goes on with the newest code after an older one was typed, while an attempt is left', async () => {
    const pass = stopTheClock();
    const { open } = await site({ maxAttempts: 2 });
    const client = open();
    await client.send({ email });
    const old = await mail.lastCode(email);
    pass(200_000);
    mail.clear();
    await client.send({ email });
    const code = await mail.lastCode(email);
    expect(await client.verify(old)).toEqual({
      kind: 'code_expired',
      message: 'This code is from an earlier email. Please enter the code from the newest one.',
      attemptsLeft: 1,
    });
    expect(client.state).toMatchObject({
      reason: 'code_expired',
      attemptsLeft: 1,
      expiresIn: secondsLeft(180),
    });
    expect(await client.verify(code)).toMatchObject({ kind: 'verified' });

    pass(200_000);
    client.reset();
    mail.clear();
    await client.send({ email });
    for (let n = 0; n < 2; n += 1) await client.verify(old);
    expect(client.state).toMatchObject({ reason: 'code_expired', expiresIn: 0 });
  });

  it('has attempts that nobody else can spend', async () => {
    const { open, baseUrl } = await site({ maxAttempts: 1 });
    const client = open();
    await client.send({ email });
    const code = await mail.lastCode(email);
    await request(baseUrl)
      .post('/verify')
      .send({ email, code: wrong(code) })
      .expect(401);
    expect(await client.verify(code)).toMatchObject({ kind: 'verified' });
  });

  it('sends the code as it was typed, and an invalid one costs nothing', async () => {
    const client = (await site()).open();
    await client.send({ email });
    const code = await mail.lastCode(email);
    expect(await client.verify('12')).toMatchObject({ kind: 'invalid_request', errors: [{ field: 'code' }] });
    expect(client.state).toMatchObject({ reason: 'invalid_request', expiresIn: secondsLeft(180) });
    expect(await client.verify(` ${code.slice(0, 3)}-${code.slice(3)} `)).toMatchObject({ kind: 'verified' });
  });

  it('reports the wait when verifying is limited, and leaves the wait for another code alone', async () => {
    const { open } = await site({ rateLimit: { verify: { windowMs: 600_000, limit: 1 } } });
    const client = open();
    await client.send({ email });
    const code = await mail.lastCode(email);
    await client.verify(wrong(code));
    expect(await client.verify(code)).toMatchObject({ kind: 'too_many_requests', retryAfter: 600 });
    expect(client.state).toMatchObject({
      reason: 'too_many_requests',
      resendIn: secondsLeft(60),
      expiresIn: secondsLeft(180),
    });
  });

  it('returns its token once verified, whatever is typed', async () => {
    const client = (await site()).open();
    await client.send({ email });
    const code = await mail.lastCode(email);
    const verified = await client.verify(code);
    expect(await client.verify(code)).toEqual(verified);
    expect(await client.verify(wrong(code))).toEqual(verified);
    expect(client.state.status).toBe('verified');
  });
});

describe('trouble', () => {
  it('is unavailable while the store is, and recovers', async () => {
    const { open } = await site({
      store: new RedisStore(redis.client),
      storeTimeout: 500,
      rateLimit: { send: false },
    });
    const client = open();
    await client.send({ email });
    const code = await mail.lastCode(email);
    const unavailable = { kind: 'unavailable', message: expect.any(String), retryAfter: 5 };
    redis.server.pause();
    try {
      expect(await client.verify(code)).toEqual(unavailable);
      expect(client.state).toMatchObject({
        status: 'failed',
        reason: 'unavailable',
        resendIn: secondsLeft(60),
      });
      expect(await client.resend()).toEqual(unavailable);
      expect(client.state).toMatchObject({
        status: 'failed',
        reason: 'unavailable',
        resendIn: secondsLeft(60),
      });
      const other = open();
      await other.send({ email: 'other@example.com' });
      expect(other.state).toMatchObject({ resendIn: 5, expiresIn: 0 });
    } finally {
      redis.server.resume();
    }
    expect(await client.verify(code)).toMatchObject({ kind: 'verified' });
  });

  it('is offline when no answer arrives, and keeps its challenge', async () => {
    const { open } = await site();
    let offline = false;
    const client = open({
      fetch: (...input) => (offline ? Promise.reject(new TypeError('Failed to fetch')) : fetch(...input)),
    });
    await client.send({ email });
    const { challengeId } = client.state;
    const code = await mail.lastCode(email);
    offline = true;
    expect(await client.verify(code)).toEqual({ kind: 'offline' });
    expect(client.state).toMatchObject({
      status: 'failed',
      reason: 'offline',
      challengeId,
      expiresIn: secondsLeft(180),
    });
    expect(client.state.message).toBeUndefined();
    expect(await client.resend()).toEqual({ kind: 'offline' });
    offline = false;
    expect(await client.verify(code)).toMatchObject({ kind: 'verified' });
  });

  it('is offline when nothing listens', async () => {
    const baseUrl = await listen(() => {});
    const server = servers.pop();
    await new Promise((closed) => server?.close(closed));
    expect(await createEmailVerificationClient({ baseUrl }).send({ email })).toEqual({ kind: 'offline' });
  });

  it.each([
    ['an error page of a proxy', 502, 'text/html', '<html>Bad Gateway</html>'],
    ['the start page of an app', 200, 'text/html', '<!doctype html>'],
    ['no body', 204, 'text/plain', ''],
    ['broken JSON', 200, 'application/json', '{"ok":true,'],
    ['null', 200, 'application/json', 'null'],
    ['another service', 200, 'application/json', '{"ok":true}'],
    ['another refusal', 403, 'application/json', '{"ok":false,"reason":"csrf","message":"No."}'],
    [
      'a property name of every object as the reason',
      403,
      'application/json',
      '{"ok":false,"reason":"constructor"}',
    ],
    ['an incomplete refusal', 429, 'application/json', '{"ok":false,"reason":"too_many_requests"}'],
  ])('is unavailable, with its status, when the answer is %s', async (_what, status, type, body) => {
    const baseUrl = await listen((_req, res) => res.writeHead(status, { 'Content-Type': type }).end(body));
    const client = createEmailVerificationClient({ baseUrl });
    expect(await client.send({ email })).toEqual({ kind: 'unavailable', status });
    expect(client.state).toMatchObject({ status: 'failed', reason: 'unavailable', resendIn: 0 });
    expect(await client.verify('123456')).toEqual({ kind: 'unavailable', status });
  });

  it('waits as long as the Retry-After of a proxy says', async () => {
    const baseUrl = await listen((_req, res) =>
      res.writeHead(503, { 'Retry-After': '30' }).end('Down for repairs'),
    );
    const client = createEmailVerificationClient({ baseUrl: `${baseUrl}/` });
    expect(await client.send({ email })).toEqual({ kind: 'unavailable', status: 503, retryAfter: 30 });
    expect(client.state.resendIn).toBe(30);
  });

  it('posts JSON to both routes, with a slash at the end of baseUrl or without', async () => {
    const seen: unknown[] = [];
    const baseUrl = await listen((req, res) => {
      seen.push([req.method, req.url, req.headers['content-type']]);
      res.end();
    });
    await createEmailVerificationClient({ baseUrl: `${baseUrl}/ev/` }).send({ email });
    await createEmailVerificationClient({ baseUrl: `${baseUrl}/ev` }).verify('123456');
    expect(seen).toEqual([
      ['POST', '/ev/send', 'application/json'],
      ['POST', '/ev/verify', 'application/json'],
    ]);
  });
});

describe('state', () => {
  it('is one frozen object until something changes, such as a second of a countdown', async () => {
    const client = (await site()).open();
    const idle = client.state;
    expect(client.state).toBe(idle);
    await client.send({ email });
    const { state } = client;
    expect(state).not.toBe(idle);
    expect(Object.isFrozen(state)).toBe(true);
    expect(client.state).toBe(state);
    pass(999);
    expect(client.state).toBe(state);
    pass(1);
    expect(client.state).toMatchObject({ expiresIn: 179, resendIn: 59 });
    expect(state).toMatchObject({ expiresIn: secondsLeft(180), resendIn: secondsLeft(60) });
    pass(179_000);
    expect(client.state).toMatchObject({ status: 'sent', expiresIn: 0, resendIn: 0 });
  });

  it('is passed to subscribers at each change, until they unsubscribe', async () => {
    const client = (await site()).open();
    const received: EmailVerificationState['status'][] = [];
    const unsubscribe = client.subscribe(({ status }) => received.push(status));
    await client.send({ email: 'nobody' });
    await client.send({ email });
    unsubscribe();
    client.reset();
    expect(received).toEqual(['sending', 'failed', 'sending', 'sent']);
  });

  it('is passed on each second while a subscriber and a countdown exist; else there is no timer', () => {
    jest.useFakeTimers({ now: 1_000_000 });
    const storage = createStorage();
    const record = { email, challengeId: 'x', expiresAt: 1_003_400, resendAt: 1_001_400 };
    storage.setItem('email-verification:/ev', JSON.stringify(record));
    const client = createEmailVerificationClient({ baseUrl: '/ev', storage });
    expect(jest.getTimerCount()).toBe(0);

    const received: number[][] = [];
    const listener = ({ expiresIn, resendIn }: EmailVerificationState) =>
      void received.push([expiresIn, resendIn]);
    const unsubscribe = client.subscribe(listener);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(400);
    expect(received).toEqual([[3, 1]]);
    unsubscribe();
    expect(jest.getTimerCount()).toBe(0);

    const unsubscribeAgain = client.subscribe(listener);
    const unsubscribeOther = client.subscribe(listener);
    unsubscribeOther();
    jest.advanceTimersByTime(10_000);
    expect(received).toEqual([
      [3, 1],
      [2, 0],
      [1, 0],
      [0, 0],
    ]);
    expect(jest.getTimerCount()).toBe(0);
    unsubscribeAgain();
  });

  it('knows the reasons of the routes, and offline', () => {
    type Known = NonNullable<EmailVerificationState['reason']>;
    const reasons: Record<Exclude<Reason, 'email_not_verified'> | 'offline', 1> & Record<Known, 1> = {
      invalid_request: 1,
      refused: 1,
      too_many_requests: 1,
      delivery_failed: 1,
      delivery_unknown: 1,
      unavailable: 1,
      code_incorrect: 1,
      code_expired: 1,
      offline: 1,
    };
    expect(Object.keys(reasons)).toHaveLength(9);
  });
});

describe('after a reload', () => {
  it('restores the challenge, then the token, and never the code', async () => {
    const { open, origin } = await site();
    const storage = createStorage();
    const before = open({ storage });
    await before.send({ email });
    const { challengeId, expiresAt, resendAt } = before.state;
    const code = await mail.lastCode(email);
    await before.verify(wrong(code));
    pass(10_000);

    const after = open({ storage });
    expect(after.state).toEqual({
      status: 'sent',
      email,
      challengeId,
      expiresAt,
      resendAt,
      expiresIn: 170,
      resendIn: 50,
    });
    await after.verify(code);
    expect([...storage.entries.values()].join()).not.toContain(code);

    const later = open({ storage });
    const { verificationToken } = after.state;
    expect(later.state).toMatchObject({ status: 'verified', email, verificationToken, expiresIn: 900 });
    await request(origin).post('/signup').send({ email: later.state.email, verificationToken }).expect(201);
    later.reset();
    expect(storage.entries.size).toBe(0);
    expect(open({ storage }).state).toEqual({ status: 'idle', expiresIn: 0, resendIn: 0 });
  });

  it('restores a wait without a challenge, until it is over', async () => {
    const { open } = await site();
    await open().send({ email });
    const storage = createStorage();
    await open({ storage }).send({ email });
    expect(open({ storage }).state).toMatchObject({
      status: 'idle',
      email,
      resendIn: secondsLeft(60),
      expiresIn: 0,
    });
    pass(60_000);
    const { resendAt, ...later } = open({ storage }).state;
    expect(later).toEqual({ status: 'idle', email, expiresIn: 0, resendIn: 0 });
    expect(resendAt).toBeLessThanOrEqual(Date.now());
  });

  it('keeps the address when the code has expired, says so, and resends with the same challenge', async () => {
    const { open } = await site();
    const storage = createStorage();
    const before = open({ storage });
    await before.send({ email });
    const { challengeId, resendAt } = before.state;
    pass(179_999);
    expect(open({ storage }).state.status).toBe('sent');
    pass(1);
    const after = open({ storage });
    expect(after.state).toEqual({
      status: 'failed',
      reason: 'code_expired',
      email,
      challengeId,
      resendAt,
      expiresIn: 0,
      resendIn: 0,
    });
    expect(await after.verify(await mail.lastCode(email))).toMatchObject({ kind: 'code_expired' });
    mail.clear();
    expect(await after.resend()).toMatchObject({ kind: 'sent' });
    expect(await after.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
  });

  it('keeps the address when the token has expired, and says so', async () => {
    const { open } = await site();
    const storage = createStorage();
    const client = open({ storage });
    await client.send({ email });
    await client.verify(await mail.lastCode(email));
    pass(899_999);
    expect(open({ storage }).state.status).toBe('verified');
    pass(1);
    const expired = { status: 'failed', reason: 'code_expired', email, expiresIn: 0, resendIn: 0 };
    expect(open({ storage }).state).toEqual(expired);
    expect(await open({ storage }).resend()).toMatchObject({ kind: 'sent' });
  });

  it('says that no attempts are left, and until when to wait', async () => {
    const { open } = await site({ maxAttempts: 1 });
    const storage = createStorage();
    const client = open({ storage });
    await client.send({ email });
    await client.verify(wrong(await mail.lastCode(email)));
    const { challengeId } = client.state;
    const spent = { status: 'failed', reason: 'code_expired', email, challengeId, expiresIn: 0 };
    expect(open({ storage }).state).toMatchObject({ ...spent, resendIn: secondsLeft(60) });
  });

  it('forgets an address a day after its code expired, because localStorage keeps it longer', async () => {
    const { open } = await site();
    const storage = createStorage();
    await open({ storage }).send({ email });
    pass(180_000 + 86_400_000);
    expect(open({ storage }).state.email).toBe(email);
    pass(1);
    expect(open({ storage }).state).toEqual({ status: 'idle', expiresIn: 0, resendIn: 0 });
  });

  it.each([
    ['broken JSON', '{"email"'],
    ['null', 'null'],
    ['a number', '7'],
    ['an array', '[]'],
    ['no email', JSON.stringify({ challengeId: 'x', expiresAt: 9e15 })],
    ['an invalid email', JSON.stringify({ email: {}, challengeId: 'x', expiresAt: 9e15 })],
    ['an invalid id', JSON.stringify({ email, challengeId: {}, expiresAt: 9e15 })],
    ['invalid ends', JSON.stringify({ email, challengeId: 'x', expiresAt: '9e15', resendAt: {} })],
  ])('ignores a stored record with %s', (_what, text) => {
    const storage = createStorage(new Map([['email-verification:/ev', text]]));
    const client = createEmailVerificationClient({ baseUrl: '/ev', storage });
    expect(client.state).toEqual({ status: 'idle', expiresIn: 0, resendIn: 0 });
  });

  it('works without storage if it throws', async () => {
    const fails = () => {
      throw new Error('QuotaExceededError');
    };
    const { open } = await site();
    const client = open({ storage: { getItem: fails, setItem: fails, removeItem: fails } });
    await client.send({ email });
    expect(await client.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
    client.reset();
    expect(client.state.status).toBe('idle');
  });
});

describe('two tabs with one storage', () => {
  it('each keep their own address', async () => {
    const { open } = await site();
    const storage = createStorage();
    const one = open({ storage });
    const two = open({ storage });
    await one.send({ email });
    await two.send({ email: 'two@example.com' });
    expect(await one.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
    two.reset();
    expect(open({ storage }).state).toMatchObject({ status: 'verified', email });
    expect(one.state).toMatchObject({ status: 'verified', email });
  });

  it('share the challenge of one address', async () => {
    const { open } = await site();
    const storage = createStorage();
    const two = open({ storage });
    const one = open({ storage });
    await one.send({ email });
    const { challengeId } = one.state;
    expect(await two.send({ email })).toMatchObject({ kind: 'too_many_requests', challengeId });
    expect(two.state).toMatchObject({ challengeId, expiresIn: secondsLeft(180) });
    expect(await two.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
  });

  it('keep the token of one when the other fails later', async () => {
    const { open } = await site();
    const storage = createStorage();
    const one = open({ storage });
    await one.send({ email });
    const two = open({ storage });
    const code = await mail.lastCode(email);
    await two.verify(code);
    expect(await one.verify(code)).toMatchObject({ kind: 'code_expired' });
    await one.resend();
    const { verificationToken } = two.state;
    expect(open({ storage }).state).toMatchObject({ status: 'verified', verificationToken });
  });
});

describe('races', () => {
  it('sends one request for simultaneous sends to one address, in any spelling', async () => {
    const { open } = await site();
    const client = open();
    const first = client.send({ email });
    expect(client.send({ email: ' PERSON@example.com ' })).toBe(first);
    expect(client.resend()).toBe(first);
    expect(await first).toMatchObject({ kind: 'sent' });
    expect(mail.messages).toHaveLength(1);
  });

  it('takes one attempt for a code that is submitted twice', async () => {
    const client = (await site()).open();
    await client.send({ email });
    const code = await mail.lastCode(email);
    const [first, second] = await Promise.all([client.verify(code), client.verify(code)]);
    expect(first).toMatchObject({ kind: 'verified' });
    expect(second).toBe(first);
    expect(client.state.status).toBe('verified');
  });

  it('accepts a right code beside a wrong one, in either order of the answers', async () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      await redis.flush();
      const { fetch, release } = createHeldFetch();
      const client = (await site()).open({ fetch });
      const sending = client.send({ email });
      await release(0);
      await sending;
      const code = await mail.lastCode(email);
      const answers = [client.verify(wrong(code)), client.verify(code)];
      for (const index of order) await release(index);
      await Promise.all(answers);
      expect(client.state.status).toBe('verified');
      mail.clear();
    }
  });

  it('stays verified if the answer of a resend arrives later', async () => {
    const { fetch, release } = createHeldFetch();
    const client = (await site()).open({ fetch });
    const sending = client.send({ email });
    await release(0);
    await sending;
    const resending = client.resend();
    const verifying = client.verify(await mail.lastCode(email));
    await release(2);
    await release(1);
    await Promise.all([resending, verifying]);
    expect(client.state).toMatchObject({ status: 'verified', resendIn: 0 });
  });

  it('ignores answers that arrive after reset()', async () => {
    const { fetch, release } = createHeldFetch();
    const storage = createStorage();
    const client = (await site()).open({ fetch, storage });
    const sending = client.send({ email });
    await release(0);
    await sending;
    const verifying = client.verify(await mail.lastCode(email));
    client.reset();
    await release(1);
    expect(await verifying).toMatchObject({ kind: 'verified' });
    expect(client.state).toEqual({ status: 'idle', expiresIn: 0, resendIn: 0 });
    expect(storage.entries.size).toBe(0);
  });

  it('ignores the answer for an address that was replaced by another', async () => {
    const { fetch, release } = createHeldFetch();
    const client = (await site()).open({ fetch });
    const first = client.send({ email });
    const second = client.send({ email: 'second@example.com' });
    expect(second).not.toBe(first);
    await release(0);
    await first;
    expect(client.state).toMatchObject({ status: 'sending', email: 'second@example.com' });
    await release(1);
    await second;
    expect(client.state).toMatchObject({ status: 'sent', email: 'second@example.com' });
  });

  it('keeps the challenge of an address that was reset and entered again', async () => {
    const client = (await site()).open();
    await client.send({ email });
    const { challengeId } = client.state;
    client.reset();
    expect(await client.send({ email })).toMatchObject({ kind: 'too_many_requests', challengeId });
    expect(client.state).toMatchObject({ challengeId, expiresIn: secondsLeft(180) });
  });

  it('starts over for an address that was verified before', async () => {
    const client = (await site()).open();
    await client.send({ email });
    await client.verify(await mail.lastCode(email));
    pass(60_001);
    const sending = client.send({ email });
    expect(client.state).toMatchObject({ status: 'sending', expiresIn: 0 });
    expect(client.state.verificationToken).toBeUndefined();
    expect(await sending).toMatchObject({ kind: 'sent' });
    expect(await client.verify(await mail.lastCode(email))).toMatchObject({ kind: 'verified' });
  });
});

describe('the options', () => {
  const create = (options: unknown) => () => createEmailVerificationClient(options as { baseUrl: string });
  const storage = { getItem: () => null, setItem() {}, removeItem() {} };

  it.each<[unknown]>([
    [{ baseUrl: '/ev' }],
    [{ baseUrl: '' }],
    [{ baseUrl: '/ev', fetch: undefined, storage: undefined, locale: undefined }],
    [Object.freeze({ baseUrl: '/ev', fetch, storage, locale: 'ko' })],
    [Object.assign(Object.create(null), { baseUrl: '/ev' })],
    [Object.create({ baseUrl: '/ev' })],
  ])('may be %p', (options) => {
    expect(create(options)).not.toThrow();
  });

  it.each<[unknown, string]>([
    [{ baseUrl: '/ev', baseURL: '/ev' }, 'Unknown option `baseURL`.'],
    [{ baseUrl: '/ev', headers: {} }, 'Unknown option `headers`.'],
    [{ baseUrl: '/ev', constructor: {} }, 'Unknown option `constructor`.'],
    [JSON.parse('{ "baseUrl": "/ev", "__proto__": {} }'), 'Unknown option `__proto__`.'],
    [{}, 'The `baseUrl` option must be a string. Received undefined.'],
    [[], 'The `baseUrl` option must be a string. Received undefined.'],
    [{ baseUrl: null }, 'The `baseUrl` option must be a string. Received null.'],
    [{ baseUrl: new URL('https://acme.example/ev') }, 'The `baseUrl` option must be a string. Received '],
    [{ baseUrl: Symbol('ev') }, 'The `baseUrl` option must be a string. Received symbol.'],
    [{ baseUrl: '/ev', fetch: null }, 'The `fetch` option must be a function. Received null.'],
    [{ baseUrl: '/ev', fetch: { fetch } }, 'The `fetch` option must be a function. Received '],
    [{ baseUrl: '/ev', storage: true }, 'The `storage` option must be a Storage. Received boolean.'],
    [{ baseUrl: '/ev', storage: null }, 'The `storage` option must be a Storage. Received null.'],
    [{ baseUrl: '/ev', storage: {} }, 'The `storage` option must be a Storage. Received '],
    [{ baseUrl: '/ev', storage: new Map() }, 'The `storage` option must be a Storage. Received '],
    [{ baseUrl: '/ev', locale: 5 }, 'The `locale` option must be a string. Received number.'],
    [{ baseUrl: '/ev', locale: ['ko'] }, 'The `locale` option must be a string. Received '],
    [undefined, 'The `baseUrl` option must be a string. Received undefined.'],
    [null, 'The `baseUrl` option must be a string. Received undefined.'],
    ['/ev', 'The `baseUrl` option must be a string. Received undefined.'],
  ])('are refused when they are %p', (options, sentence) => {
    expect(create(options)).toThrow(TypeError);
    expect(create(options)).toThrow(sentence);
  });
});

describe('the module', () => {
  const source = readFileSync(join(__dirname, '../../lib/client/client.ts'), 'utf8');
  const minified = (format: 'esm' | 'iife') =>
    transformSync(source, { loader: 'ts', target: 'es2022', minify: true, format, globalName: 'client' })
      .code;

  it('is under 2 kB minified and gzipped, and imports nothing', () => {
    expect(minified('esm')).not.toMatch(/\bimport\b|\brequire\b/);
    expect(gzipSync(minified('esm')).length).toBeLessThan(2000);
  });

  it('needs only what every browser provides', async () => {
    const { baseUrl } = await site();
    const page = createContext({ fetch, setTimeout, clearTimeout, baseUrl, email });
    runInContext(minified('iife'), page);
    const sent = await runInContext(
      'client.createEmailVerificationClient({ baseUrl }).send({ email })',
      page,
    );
    expect(sent).toMatchObject({ kind: 'sent', expiresIn: secondsLeft(180) });
  });
});
