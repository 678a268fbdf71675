/** "Try to break it": each attack on the demo, and on one that is weakened so that the attack succeeds. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { RedisStore as SessionStore } from 'connect-redis';
import express, { type Express } from 'express';
import { type EmailVerificationOptions, RedisStore } from 'express-email-verification';
import { createTransport } from 'nodemailer';
import { type Accounts, openAccounts } from '../../demo-app/accounts/accounts.js';
import { createSessions } from '../../demo-app/accounts/sign-in.js';
import { createApp } from '../../demo-app/app.js';
import { isAttack, leaveToInbox } from '../../demo-app/dev/attackers.js';
import { offeredAttacks } from '../../demo-app/dev/attacks.js';
import { createClock } from '../../demo-app/dev/clock.js';
import { createEventStreams } from '../../demo-app/dev/event-streams.js';
import { codeIn } from '../../demo-app/dev/inbox.js';
import { type MailServer, startMailServer } from '../../demo-app/dev/mail-server.js';
import { naiveRouter } from '../../demo-app/dev/naive.js';
import { createDevelopmentTools, mountTools, type ToolParts } from '../../demo-app/dev/tools.js';
import { readSettings } from '../../demo-app/settings.js';
import { en, ko } from '../../demo-app/site/site.js';
import { FROM, SECRET } from '../support/app.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
let mail: MailServer;
beforeAll(async () => {
  mail = await startMailServer({ accept: leaveToInbox });
});
afterAll(() => mail.close());
const closing: (() => unknown)[] = [];
beforeEach(() => redis.flush());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Weaken = (app: Express, accounts: Accounts) => unknown;
interface TestOptions {
  /** Mounts what answers in place of the demo. */
  readonly weaken?: Weaken;
  readonly emailVerification?: Partial<EmailVerificationOptions>;
  readonly parts?: Partial<ToolParts>;
}

async function start({ weaken, emailVerification, parts }: TestOptions = {}) {
  const clock = createClock();
  const accounts = openAccounts();
  const store = new RedisStore(redis.client, { clock: clock.now });
  const settings = { origin: 'http://localhost:3000', from: FROM };
  const servers = { redis: redis.client, redisServer: redis.server, mailServer: mail };
  const { app, verification } = createApp({
    origin: settings.origin,
    accounts,
    sessions: createSessions({
      secret: SECRET,
      secure: false,
      store: new SessionStore({ client: redis.client }),
    }),
    emailVerification: {
      store,
      // A busy machine must not look like a Redis that does not respond.
      storeTimeout: 30_000,
      transport: mail.url,
      from: FROM,
      secret: SECRET,
      ...emailVerification,
    },
    mountDevelopmentTools: mountTools({
      ...{ ...servers, store, accounts, clock, streams: createEventStreams(), settings },
      ...{ timeout: 90_000, ...parts },
    }),
  });
  const outer = express();
  weaken?.(outer, accounts);
  const server = outer.use(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  closing.push(
    () => accounts.close(),
    () => verification.close(),
    () => server.close(),
  );
  closing.push(() => server.closeAllConnections());

  async function post(path: string, fields: object = {}, headers: Record<string, string> = {}) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(fields),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, body: isJson ? JSON.parse(text) : {} };
  }
  return {
    accounts,
    post,
    attack: async (name: string, fields?: object) => (await post(`/dev/attacks/${name}`, fields)).body,
  };
}

function lastCode(to: string): string | undefined {
  const message = mail.messages.findLast(({ envelope }) => envelope.to.includes(to));
  return message && codeIn(message);
}

/** The cells of a row, found by a part of its label. */
function cells({ rows }: { rows: [string, ...(string | number)[]][] }, label: string): (string | number)[] {
  const [, ...found] = rows.find(([name]) => name.includes(label)) ?? [''];
  return found;
}

const sendNaively = (app: Express) => {
  const mailer = createTransport(mail.url);
  closing.push(() => mailer.close());
  app.use(
    '/email-verification',
    express.json(),
    naiveRouter(redis.client, (to, code) => mailer.sendMail({ from: FROM, to, text: `\n${code}\n` })),
  );
};

describe('the demo', () => {
  it('compares five of 200 wrong codes, and then not even the right one', async () => {
    const { attack } = await start();
    const found = await attack('guesses');
    expect(found.held).toBe(true);
    expect(cells(found, 'Codes entered')).toEqual([200, 200]);
    expect(cells(found, 'Compared')).toEqual([5, 200]);
    expect(cells(found, 'Refused')).toEqual([195, 0]);
    expect(cells(found, 'The right code')).toEqual(['401 code_expired', '200']);
    expect(found.verdict).toBe('Held: of 200 codes, 5 were compared. Code that does not count compares 200.');
  });

  it('loses no right code beside a wrong one, and the tutorial code loses some', async () => {
    const { attack } = await start();
    const found = await attack('race');
    expect(found.rows[0]).toEqual(['', 'This package', 'Delete, compare, write back']);
    expect(cells(found, 'accepted')[0]).toBe(50);
    const [ours, naive] = cells(found, 'lost');
    expect(ours).toBe(0);
    expect(naive).toBeGreaterThan(0);
    expect(found.verdict).toBe(`Held: no right code was lost. Deleting and writing back lost ${naive}.`);
  });

  it('lets the holder of a code in after a stranger has guessed', async () => {
    const { attack } = await start();
    const found = await attack('stranger');
    expect(found.held).toBe(true);
    expect(cells(found, 'Their request')).toEqual(['429 too_many_requests']);
    expect(cells(found, 'Their guesses')).toEqual([10]);
    expect(cells(found, 'Compared')).toEqual([5]);
    expect(cells(found, 'Your code')).toEqual(['200']);
    expect(found.rows).toHaveLength(4);
  });

  it('leaves the person on the page the attempts and the code', async () => {
    const { attack, post } = await start();
    const email = 'minji@example.com';
    const sent = await post('/email-verification/send', { email });
    const found = await attack('stranger', { email });
    expect(found.verdict).toBe('Held: your attempts are untouched. Enter your code now.');
    expect(cells(found, 'Attempts')).toEqual([5]);
    const entry = { email, code: lastCode(email), challengeId: sent.body.challengeId };
    expect((await post('/email-verification/verify', entry)).status).toBe(200);
  });

  it('creates one account for each token', async () => {
    const { attack } = await start();
    const found = await attack('token');
    expect(found.held).toBe(true);
    expect(cells(found, 'First')).toEqual(['201']);
    expect(cells(found, 'Second')).toEqual(['403 email_not_verified']);
    expect(cells(found, 'Accounts')).toEqual([1]);
  });

  it('answers the same for an address with an account and one without', async () => {
    const { attack } = await start();
    const found = await attack('known');
    expect(found.verdict).toBe('Held: same status, headers and body, and the times overlap.');
    expect(cells(found, 'Kinds')).toEqual([1]);
    expect(cells(found, 'Median')).toEqual([
      expect.stringMatching(/^\d+ ms$/),
      expect.stringMatching(/^\d+ ms$/),
    ]);
  });

  it('answers 503 while Redis does not respond, and recovers', async () => {
    const { attack } = await start({ emailVerification: { storeTimeout: 1000 } });
    const found = await attack('redis');
    expect(found.held).toBe(true);
    expect(found.rows.map(([, cell]: unknown[]) => cell)).toEqual([
      '503 unavailable',
      expect.any(String),
      '200',
      expect.any(String),
    ]);
  });

  it('tells that SMTP refused, and sends the next code at once', async () => {
    const { attack } = await start();
    const found = await attack('smtp');
    expect(found.held).toBe(true);
    expect(found.rows.map(([, cell]: unknown[]) => cell)).toEqual(['500 delivery_failed', '0 s', '200']);
  });

  it('refuses only the emails of the attack meanwhile', async () => {
    const sends: Promise<unknown>[] = [];
    const mailer = createTransport(mail.url);
    closing.push(() => mailer.close());
    const { attack } = await start({
      weaken: (app) =>
        app.post('/email-verification/send', async (_req, _res, next) => {
          sends.push(mailer.sendMail({ from: FROM, to: 'minji@example.com', text: 'Hello' }));
          await Promise.allSettled(sends);
          next();
        }),
    });
    expect((await attack('smtp')).held).toBe(true);
    expect(await Promise.allSettled(sends)).toEqual([
      expect.objectContaining({ status: 'fulfilled' }),
      expect.objectContaining({ status: 'fulfilled' }),
    ]);
  });

  it('leaves nothing of an attack in Redis, and what the person on the page has', async () => {
    const { accounts, attack, post } = await start({ emailVerification: { storeTimeout: 1000 } });
    const created: string[] = [];
    const { create } = accounts;
    accounts.create = (fields) => {
      created.push(fields.email);
      return create(fields);
    };
    await post('/email-verification/send', { email: 'minji@example.com' });
    const own = (await redis.client.keys('ev:{*')).sort();
    for (const name of ['guesses', 'race', 'stranger', 'token', 'known', 'redis', 'smtp']) await attack(name);
    expect((await redis.client.keys('*')).sort()).toEqual(own);
    expect(created).toHaveLength(14);
    expect(created.filter(accounts.exists)).toEqual([]);
  });

  it('keeps the emails of attacks out of the inbox', async () => {
    const { attack } = await start();
    const arrived: string[] = [];
    mail.onMessage(({ envelope }) => arrived.push(...envelope.to));
    await attack('smtp');
    const kept = mail.messages.flatMap(({ envelope }) => envelope.to);
    expect([...arrived, ...kept].filter(isAttack)).toEqual([]);
    expect(isAttack('a***@attack.example')).toBe(true);
    expect(isAttack('attack.example@example.com')).toBe(false);
  });
});

describe('a weakened demo is reported as broken when', () => {
  const weaknesses: [string, string, TestOptions][] = [
    [
      'it compares every code',
      'guesses',
      {
        weaken: (app) =>
          app.post(
            '/email-verification/verify',
            (_req, res) => void res.status(401).json({ reason: 'code_incorrect' }),
          ),
      },
    ],
    ['it verifies as the tutorial code does', 'race', { weaken: sendNaively }],
    ['a stranger can replace the code', 'stranger', { weaken: sendNaively }],
    [
      'its sign-up has no guard',
      'token',
      { weaken: (app) => app.post('/sign-up', (_req, res) => void res.sendStatus(201)) },
    ],
    [
      'it tells who has an account',
      'known',
      {
        weaken: (app, accounts) =>
          app.post('/email-verification/send', express.json(), (req, res, next) =>
            accounts.exists(req.body.email) ? void res.sendStatus(409) : next(),
          ),
      },
    ],
    [
      'its time tells who has an account',
      'known',
      {
        weaken: (app, accounts) =>
          app.post(
            '/email-verification/send',
            express.json(),
            (req, _res, next) => void (accounts.exists(req.body.email) ? setTimeout(next, 400) : next()),
          ),
      },
    ],
    ['it waits for Redis', 'redis', { emailVerification: { storeTimeout: 5000 } }],
    ['it does not tell that SMTP refused', 'smtp', { emailVerification: { delivery: 'background' } }],
  ];
  it.each(weaknesses)('%s', async (_, name, options) => {
    const { attack } = await start(options);
    const { held, verdict } = await attack(name);
    expect({ held, verdict }).toEqual({ held: false, verdict: expect.stringMatching(/^Broken: /) });
  });
});

describe('the routes of the attacks', () => {
  it('say that the limit of clients answered first', async () => {
    const { post } = await start({
      weaken: (app) => app.post('/email-verification/send', (_req, res) => void res.sendStatus(429)),
    });
    for (const name of ['guesses', 'race']) {
      expect(await post(`/dev/attacks/${name}`)).toEqual({
        status: 503,
        body: { verdict: en.attacks.limited },
      });
    }
  });

  it('let Redis respond again when an attack fails', async () => {
    const { post } = await start({ parts: { timeout: 200 } });
    expect(await post('/dev/attacks/redis')).toEqual({ status: 503, body: { verdict: en.attacks.stopped } });
    expect(await redis.client.ping()).toBe('PONG');
  });

  it('run one attack at a time', async () => {
    const { post } = await start();
    const answers = await Promise.all([post('/dev/attacks/race'), post('/dev/attacks/smtp')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('offer no attack on servers that the demo did not start', async () => {
    const names = (parts: Parameters<typeof offeredAttacks>[0]) =>
      offeredAttacks(parts).filter(({ missing }) => !missing);
    const [mailServer, redisServer] = [mail, redis.server];
    expect(names({ mailServer, redisServer, redis: redis.client })).toHaveLength(7);
    expect(names({ mailServer, redis: redis.client })).toEqual([]);
    expect(names({ mailServer })).toHaveLength(5);
    expect(names({ redisServer, redis: redis.client })).toEqual([]);
    const { post } = await start({ parts: { mailServer: undefined } });
    expect((await post('/dev/attacks/guesses')).status).toBe(404);
  });

  it('refuse posts of other sites, and do not exist in production', async () => {
    const { post } = await start();
    expect((await post('/dev/attacks/smtp', {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const env = {
      NODE_ENV: 'production',
      SMTP_URL: 'smtp://localhost',
      MAIL_FROM: FROM,
      REDIS_URL: 'redis://localhost',
    };
    expect((await createDevelopmentTools(readSettings(env), () => {})).mount).toBeUndefined();
  });

  it('answer in Korean', async () => {
    const { post } = await start();
    const { body } = await post('/dev/attacks/smtp', {}, { 'accept-language': 'ko' });
    expect(ko.attacks.smtpVerdict).toContain(body.verdict);
    expect(body.verdict).toMatch(/^방어 성공/);
  });
});

describe('the clock', () => {
  const email = 'minji@example.com';

  it('goes 60 seconds on, so that another code can be sent', async () => {
    const { post } = await start();
    expect((await post('/email-verification/send', { email })).status).toBe(200);
    expect((await post('/email-verification/send', { email })).status).toBe(429);
    expect((await post('/dev/clock/minute')).body).toMatchObject({ ok: true, offset: 60_000 });
    expect((await post('/email-verification/send', { email })).status).toBe(200);
  });

  it('goes to the end of the current code', async () => {
    const { post } = await start();
    const { challengeId } = (await post('/email-verification/send', { email })).body;
    const entry = { email, challengeId, code: lastCode(email) };
    expect((await post('/dev/clock/expire')).body.verdict).toBe(en.clockDone.noCode);
    const { offset, verdict } = (await post('/dev/clock/expire', { email })).body;
    expect(verdict).toBe(en.clockDone.expire);
    expect(offset).toBeGreaterThan(0);
    expect(offset).toBeLessThanOrEqual(180_000);
    expect((await post('/email-verification/verify', entry)).body.reason).toBe('code_expired');
  });

  it('forgets the limits and keeps the code', async () => {
    const { post } = await start();
    const { challengeId } = (await post('/email-verification/send', { email })).body;
    const entry = { email, challengeId, code: lastCode(email) };
    expect((await post('/dev/clock/limits', { email })).body).toMatchObject({ ok: true, offset: 0 });
    expect((await post('/email-verification/send', { email })).status).toBe(200);
    expect((await post('/email-verification/verify', entry)).status).toBe(200);
  });

  it('neither moves nor deletes anything in a Redis that others may use', async () => {
    const { post } = await start({ parts: { redisServer: undefined } });
    await redis.client.set('ev:foreign', 'kept');
    for (const path of ['clock/minute', 'clock/limits', 'attacks/guesses', 'attacks/token'])
      expect((await post(`/dev/${path}`)).status).toBe(404);
    expect((await post('/dev/naive/send', { email })).status).toBe(404);
    expect(await redis.client.keys('*')).toEqual(['ev:foreign']);
  });

  it('knows no other action', async () => {
    const { post } = await start();
    expect((await post('/dev/clock/constructor')).status).toBe(404);
  });
});
