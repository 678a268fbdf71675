/** The app of the demo, as a program sees it: its routes, its session, and the pages before their scripts run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisStore as SessionStore } from 'connect-redis';
import {
  type EmailVerification,
  type EmailVerificationOptions,
  RedisStore,
} from 'express-email-verification';
import Database from 'libsql';
import request, { type Response } from 'supertest';
import { type Accounts, openAccounts } from '../../demo-app/accounts/accounts.js';
import { createSessions } from '../../demo-app/accounts/sign-in.js';
import { type AppOptions, createApp } from '../../demo-app/app.js';
import { en, ko } from '../../demo-app/site/site.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const mail = useMailServer();
const open: { verification: EmailVerification; accounts: Accounts }[] = [];
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
});
beforeEach(() => redis.flush());
afterEach(async () => {
  for (const { verification, accounts } of open.splice(0)) {
    await verification.close();
    accounts.close();
  }
});
afterAll(() => rm(folder, { recursive: true }));

const EMAIL = 'minji@example.com';
const PASSWORD = 'four words in a row';

interface TestOptions extends Partial<Omit<AppOptions, 'emailVerification'>> {
  readonly database?: string;
  readonly emailVerification?: Partial<EmailVerificationOptions>;
}

function appWith({
  database,
  emailVerification,
  origin = 'http://localhost:3000',
  ...options
}: TestOptions = {}) {
  const accounts = openAccounts(database);
  const secure = origin.startsWith('https:');
  const { app, verification } = createApp({
    origin,
    accounts,
    sessions: createSessions({ secret: SECRET, secure, store: new SessionStore({ client: redis.client }) }),
    ...options,
    emailVerification: {
      store: new RedisStore(redis.client),
      // A busy machine must not look like a Redis that does not respond.
      storeTimeout: 30_000,
      transport: mail.url,
      from: FROM,
      secret: SECRET,
      ...emailVerification,
    },
  });
  open.push({ verification, accounts });
  return app;
}

type App = ReturnType<typeof appWith>;

/** Keeps cookies, as a browser does. */
function browse(app: App, headers: Record<string, string> = {}) {
  const agent = request.agent(app).set(headers);
  return {
    get: (path: string) => agent.get(path),
    post: (path: string, fields: object) => agent.post(path).send(fields),
    submit: (path: string, fields: object) => agent.post(path).type('form').send(fields),
  };
}

type Browser = ReturnType<typeof browse>;

async function verifyAddress(browser: Browser, email = EMAIL): Promise<string> {
  const sent = await browser.post('/email-verification/send', { email }).expect(200);
  const { challengeId } = sent.body;
  const code = await mail.lastCode(email);
  const verified = await browser.post('/email-verification/verify', { email, code, challengeId }).expect(200);
  return verified.body.verificationToken;
}

async function signUp(browser: Browser, email = EMAIL): Promise<Response> {
  const verificationToken = await verifyAddress(browser, email);
  return browser
    .post('/sign-up', { email, verificationToken, name: 'Minji', password: PASSWORD })
    .expect(201);
}

function cookie(response: Response, name: string): string | undefined {
  const cookies: unknown = response.headers['set-cookie'];
  return Array.isArray(cookies) ? cookies.find((one: string) => one.startsWith(`${name}=`)) : undefined;
}

/** The error that a page shows. */
const alertOf = ({ text }: Response) => /role="alert">([^<]*)</.exec(text)?.[1];

describe('the sign-up', () => {
  it('signs a person up, out, and in again', async () => {
    const browser = browse(appWith());
    expect((await signUp(browser)).body).toEqual({ ok: true, url: '/welcome' });
    expect((await browser.get('/welcome').expect(200)).text).toContain('Welcome, Minji');
    await browser.get('/').expect(303).expect('Location', '/welcome');

    const signedOut = await browser.submit('/sign-out', {}).expect(303).expect('Location', '/sign-in');
    expect(signedOut.headers['clear-site-data']).toBe('"cache"');
    await browser.get('/welcome').expect(303).expect('Location', '/sign-in');
    await browser.submit('/sign-in', { email: ' MINJI@example.com ', password: PASSWORD }).expect(303);
    await browser.get('/welcome').expect(200);
  });

  it('creates no account and no session before the token is redeemed (T21)', async () => {
    const database = join(folder, 'accounts.db');
    const app = appWith({ database });
    const browser = browse(app);
    const db = new Database(database, { readonly: true });
    const accounts = () => db.prepare('SELECT email FROM accounts').all();
    const attempt = async (fields: object) => {
      const form = { email: EMAIL, name: 'Minji', password: PASSWORD, ...fields };
      const { body, headers } = await browser.post('/sign-up', form).expect(403);
      expect(body).toMatchObject({ ok: false, reason: 'email_not_verified' });
      expect(headers).not.toHaveProperty('set-cookie');
      expect(accounts()).toEqual([]);
      expect(await redis.client.keys('sess:*')).toEqual([]);
    };

    await attempt({});
    await attempt({ verificationToken: 'made-up' });
    const { body } = await browser.post('/email-verification/send', { email: EMAIL }).expect(200);
    await attempt({ verificationToken: body.challengeId });
    await attempt({ verificationToken: await verifyAddress(browse(app), 'stranger@example.com') });

    const { challengeId } = body;
    const code = await mail.lastCode(EMAIL);
    const verified = await browser
      .post('/email-verification/verify', { email: EMAIL, code, challengeId })
      .expect(200);
    expect(accounts()).toEqual([]);
    const { verificationToken } = verified.body;
    const form = { email: EMAIL, verificationToken, name: 'Minji', password: PASSWORD };
    expect(cookie(await browser.post('/sign-up', form).expect(201), 'session')).toBeDefined();
    expect(accounts()).toEqual([{ email: EMAIL }]);
    db.close();
  });

  it('takes the token once, and gives it back when a field is invalid', async () => {
    const browser = browse(appWith());
    const verificationToken = await verifyAddress(browser);
    const form = { email: EMAIL, verificationToken, name: 'Minji', password: PASSWORD };
    const refused = await browser.post('/sign-up', { ...form, name: ' ', password: 'short' }).expect(400);
    expect(refused.body).toEqual({
      ok: false,
      errors: [
        { field: 'name', message: 'Please enter your name (80 characters at most).' },
        { field: 'password', message: 'Please enter a password with 8 to 200 characters.' },
      ],
    });
    for (const field of [['a'], 7, null, {}])
      await browser.post('/sign-up', { ...form, name: field, password: field }).expect(400);
    await browser.post('/sign-up', form).expect(201);
    await browser.post('/sign-up', { ...form, name: 'Again' }).expect(403);
  });

  it('counts the characters of a name and a password, and not their UTF-16 units', async () => {
    const browser = browse(appWith());
    const verificationToken = await verifyAddress(browser);
    const form = { email: EMAIL, verificationToken, name: '🦊'.repeat(80), password: '🦊'.repeat(200) };
    for (const [field, text] of [
      ['name', '🦊'.repeat(81)],
      ['password', '🦊'.repeat(7)],
      ['password', '🦊'.repeat(201)],
    ] as const) {
      const { body } = await browser.post('/sign-up', { ...form, [field]: text }).expect(400);
      expect(body.errors).toEqual([{ field, message: en.errors[field] }]);
    }
    await browser.post('/sign-up', form).expect(201);
    await browser.submit('/sign-in', form).expect(303);
  });

  it('creates one account when the address is verified twice', async () => {
    const app = appWith({ emailVerification: { sendLimits: [{ max: 10, window: 1 }] } });
    const first = await verifyAddress(browse(app));
    mail.clear();
    const second = await verifyAddress(browse(app));
    const form = { email: EMAIL, name: 'Minji', password: PASSWORD };
    const answers = await Promise.all(
      [first, second].map((verificationToken) =>
        browse(app).post('/sign-up', { ...form, verificationToken }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toEqual({
      ok: false,
      message: 'An account with this email address already exists. Please sign in.',
    });
  });

  it.each([
    ['en', 'This code was requested for minji@example.com.', 'Questions? Write to help@acme.example.'],
    [
      'ko',
      'minji@example.com 주소로 인증번호 요청이 접수되어 보내 드리는 메일입니다.',
      '문의: help@acme.example',
    ],
    ['fr', 'This code was requested for minji@example.com.', 'Questions? Write to help@acme.example.'],
  ])('names the address and a way to get help in the email, in %s', async (locale, ...words) => {
    await browse(appWith()).post('/email-verification/send', { email: EMAIL, locale }).expect(200);
    const { text, html } = await mail.server.waitForMessage();
    for (const part of [text, html]) for (const one of words) expect(part).toContain(one);
  });

  it.each([
    ['en', en],
    ['ko', ko],
  ])('sends a known address the way to sign in, and no code, in %s', async (locale, { emails }) => {
    const app = appWith({ emailVerification: { sendLimits: [{ max: 10, window: 1 }] } });
    await signUp(browse(app));
    mail.clear();
    const { body } = await browse(app).post('/email-verification/send', { email: EMAIL, locale }).expect(200);
    expect(Object.keys(body)).toEqual(['ok', 'message', 'challengeId', 'expiresIn', 'resendIn']);
    const { subject, text, html } = await mail.server.waitForMessage();
    const { existingAccount, support } = emails;
    expect(subject).toBe(existingAccount.subject);
    for (const words of [existingAccount.paragraph, existingAccount.note, support]) {
      expect(text).toContain(words);
      expect(html).toContain(`>${words}</p>`);
    }
    expect(text).toContain(`${existingAccount.button}\nhttp://localhost:3000/sign-in`);
    expect(html).toContain('<a href="http://localhost:3000/sign-in"');
    expect(text).not.toMatch(/\b\d{6}\b/);
  });

  it('answers 503 while Redis is unresponsive, and works again with the same token', async () => {
    const browser = browse(appWith({ emailVerification: { storeTimeout: 500 } }));
    const verificationToken = await verifyAddress(browser);
    const form = { email: EMAIL, verificationToken, name: 'Minji', password: PASSWORD };
    redis.server.pause();
    try {
      await browser.post('/sign-up', form).expect(503);
      // A page needs no session before the sign-up.
      await browser.get('/sign-up').expect(200);
    } finally {
      redis.server.resume();
    }
    await browser.post('/sign-up', form).expect(201);
  });
});

describe('the session', () => {
  it('is a cookie that scripts cannot read and other sites cannot send', async () => {
    const signedUp = await signUp(browse(appWith()));
    expect(cookie(signedUp, 'session')).toMatch(
      /^session=[^;]{40,}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
    );
  });

  it('is bound to the host and to HTTPS when the origin is HTTPS', async () => {
    const app = appWith({ origin: 'https://demo.example.com', trustProxy: 1 });
    const signedUp = await signUp(browse(app, { 'X-Forwarded-Proto': 'https' }));
    expect(cookie(signedUp, '__Host-session')).toMatch(/; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/);
    expect(signedUp.headers['strict-transport-security']).toMatch(/^max-age=31536000/);
  });

  it('gets a new ID at each sign-in, and ends with the sign-out', async () => {
    const app = appWith();
    const browser = browse(app);
    const idOf = (response: Response) => cookie(response, 'session')?.split(';')[0] ?? '';
    const first = idOf(await signUp(browser));
    const second = idOf(await browser.submit('/sign-in', { email: EMAIL, password: PASSWORD }).expect(303));
    expect(second).not.toBe(first);

    const welcome = (session: string) => request(app).get('/welcome').set('Cookie', session);
    await welcome(first).expect(303);
    await welcome(second).expect(200);
    await browser.submit('/sign-out', {}).expect(303);
    await welcome(second).expect(303);
  });

  it('responds with 503 while Redis is unresponsive, and is still there when it recovers', async () => {
    const browser = browse(appWith());
    await signUp(browser);
    redis.server.pause();
    try {
      expect((await browser.get('/welcome').expect(503)).text).toContain('Something went wrong');
      await browser.submit('/sign-out', {}).expect(503);
    } finally {
      redis.server.resume();
    }
    await browser.get('/welcome').expect(200);
  });

  it('does not accept posts from other sites', async () => {
    const app = appWith();
    const post = (headers: Record<string, string>) => request(app).post('/sign-out').set(headers);
    for (const site of ['cross-site', 'same-site']) await post({ 'Sec-Fetch-Site': site }).expect(403);
    await post({ Origin: 'https://evil.example' }).expect(403);
    await post({ Origin: 'null' }).expect(403);
    await post({ 'Sec-Fetch-Site': 'same-origin', Origin: 'null' }).expect(303);
    await post({ Host: 'localhost:3000', Origin: 'http://localhost:3000' }).expect(303);
  });
});

describe('an address with an account', () => {
  it('looks like one without: only its owner learns of it, by an email in the language of the page', async () => {
    const app = appWith();
    await signUp(browse(app));
    mail.clear();
    await redis.flush();

    const send = (email: string) =>
      browse(app, { 'Accept-Language': 'ko' }).post('/email-verification/send', { email }).expect(200);
    const seen = [await send(EMAIL), await send('other@example.com')].map(({ body, headers }) => ({
      body: { ...body, challengeId: typeof body.challengeId },
      names: Object.keys(headers).sort(),
    }));
    expect(seen[0]).toEqual(seen[1]);
    const [notice] = mail.messages.filter(({ envelope }) => envelope.to.includes(EMAIL));
    expect(notice).toMatchObject({ subject: '이미 가입된 이메일 주소입니다' });
    expect(notice?.text).toContain('http://localhost:3000/sign-in');
    expect(notice?.text).not.toMatch(/\b\d{6}\b/);
  });
});

describe('signing in', () => {
  it('shows the same error for a wrong password and for an unknown address', async () => {
    const browser = browse(appWith());
    await signUp(browser);
    const [wrongPassword, unknown] = [
      await browser.submit('/sign-in', { email: EMAIL, password: 'not this one' }).expect(401),
      await browser.submit('/sign-in', { email: 'minju@example.com', password: PASSWORD }).expect(401),
    ];
    expect(alertOf(wrongPassword)).toBe('Incorrect email address or password. Please try again.');
    expect(wrongPassword.text.replaceAll('minji', 'minju')).toBe(unknown.text);
    for (const page of [wrongPassword, unknown]) expect(cookie(page, 'session')).toBeUndefined();
  });

  it('computes a hash for an unknown address too, so that the response time reveals nothing', async () => {
    const browser = browse(appWith());
    await signUp(browser);
    const cpuOf = async (fields: object) => {
      const before = process.cpuUsage();
      await browser.submit('/sign-in', fields).expect(401);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const known = await cpuOf({ email: EMAIL, password: 'not this one' });
    const unknown = await cpuOf({ email: 'nobody@example.com', password: 'not this one' });
    expect(unknown).toBeGreaterThan(known / 3);
  });

  it('is refused after ten failures from one IP address', async () => {
    const browser = browse(appWith());
    const guess = () => browser.submit('/sign-in', { email: EMAIL, password: 'x'.repeat(201) });
    for (let failures = 0; failures < 10; failures++) await guess().expect(401);
    expect(alertOf(await guess().expect(429))).toBe(
      'Too many failed sign-in attempts. Please try again in 10 minutes.',
    );
  });

  it('responds with 4xx to a form that cannot be read', async () => {
    const browser = browse(appWith());
    await browser.submit('/sign-in', { email: ['a', 'b'], password: { a: 1 } }).expect(401);
    await browser.submit('/sign-in', { email: 'x'.repeat(20_000) }).expect(413);
    await request(appWith()).post('/sign-up').type('json').send('{"email":').expect(400);
  });
});

describe('every page', () => {
  const PAGES = ['/sign-up', '/sign-up/code', '/sign-up/account', '/sign-in', '/nowhere'];

  it('runs no inline scripts and applies no inline styles', async () => {
    const app = appWith();
    for (const path of PAGES) {
      const { headers, text } = await request(app).get(path);
      const policy = String(headers['content-security-policy']);
      expect(policy.split(';')).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "style-src 'self'",
          "frame-ancestors 'none'",
        ]),
      );
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(text).not.toMatch(/<script(?![^>]* (src=|type="application\/json"))|<style| on\w+=| style=/);
    }
  });

  it('starts with a skip link whose target exists', async () => {
    const app = appWith();
    for (const path of PAGES) {
      const { text } = await request(app).get(path);
      const [, target] = /class="skip-link" href="#([^"]+)"/.exec(text) ?? [];
      expect(text).toContain(`id="${target}"`);
    }
  });

  it('escapes user input', async () => {
    const browser = browse(appWith());
    const verificationToken = await verifyAddress(browser);
    const name = '<img src=x onerror=alert(1)>$&"\'&';
    await browser.post('/sign-up', { email: EMAIL, verificationToken, name, password: PASSWORD }).expect(201);
    const { text } = await browser.get('/welcome');
    expect(text).toContain('Welcome, &lt;img src=x onerror=alert(1)&gt;$&amp;&#34;&#39;&amp;');
    expect(text).not.toContain('<img src=x');
  });

  it('is in the language of the browser, or in the chosen one', async () => {
    const browser = browse(appWith(), { 'Accept-Language': 'ko-KR,ko;q=0.9,en;q=0.8' });
    expect((await browser.get('/sign-up')).text).toContain('<html lang="ko">');
    await browser.get('/sign-up/code?lang=en').expect(303).expect('Location', '/sign-up/code');
    expect((await browser.get('/sign-up')).text).toContain('<html lang="en">');
    await browser.get('//evil.example/?lang=ko').expect('Location', '/evil.example/');
    expect((await browser.get('/sign-in?lang=xx').expect(200)).text).toContain('<html lang="ko">');
  });

  it('stays the same page in another language, with all that its address says', async () => {
    const browser = browse(appWith());
    const { text } = await browser.get('/sign-in?view=a%26b&lang=xx&page=2').expect(200);
    const link = '?view=a%26b&amp;page=2&amp;lang=ko';
    expect(text).toContain(`href="${link}"`);
    const chosen = await browser.get(`/sign-in${link.replaceAll('&amp;', '&')}`).expect(303);
    expect(chosen.headers['location']).toBe('/sign-in?view=a%26b&page=2');
  });

  it('isolates itself where browsers know how: over HTTPS and on this computer', async () => {
    const isolation = async (app: App, host: string) => {
      const { headers } = await request(app).get('/sign-in').set('Host', host);
      return [headers['cross-origin-opener-policy'], headers['origin-agent-cluster']];
    };
    const app = appWith();
    for (const host of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000'])
      expect(await isolation(app, host)).toEqual(['same-origin', '?1']);
    expect(await isolation(app, '192.168.0.7:3000')).toEqual([undefined, undefined]);
    const secure = appWith({ origin: 'https://acme.example' });
    expect(await isolation(secure, 'acme.example')).toEqual(['same-origin', '?1']);
  });

  it('responds with 404 to an unknown path', async () => {
    const { text } = await request(appWith()).get('/nowhere').expect(404);
    expect(text).toContain('Page not found');
  });
});

describe('without the development tools, as in production', () => {
  it('there is no inbox, no API browser, and no other tool, and no page links to one', async () => {
    const app = appWith();
    for (const path of ['/inbox', '/api/', '/dev/previews', '/dev/events'])
      await request(app).get(path).expect(404);
    for (const path of ['/dev/panel', '/dev/clock/minute', '/dev/attacks/smtp'])
      await request(app).post(path).expect(404);
    for (const path of ['/sign-up', '/sign-in', '/nowhere']) {
      const { text, headers } = await request(app).get(path);
      expect(text).not.toMatch(/href="\/(inbox|api|dev)/);
      // Neither a port, nor a path, nor a version.
      const shown = text.replaceAll(
        /<script[\s\S]*?<\/script>|<details[\s\S]*?<\/details>|<head>[\s\S]*?<\/head>/g,
        '',
      );
      expect(shown).not.toMatch(/:\d{4,5}\b|\/tmp\/|node_modules|\d+\.\d+\.\d+/);
      expect(JSON.stringify(headers)).not.toMatch(/express|\d+\.\d+\.\d+/i);
    }
  });
});

describe('the texts', () => {
  const shapeOf = (texts: object, path = ''): string[] =>
    Object.entries(texts).flatMap(([name, text]: [string, unknown]) =>
      typeof text === 'object' && text !== null
        ? shapeOf(text, `${path}${name}.`)
        : `${path}${name} ${[...String(text).matchAll(/\{\w+\}/g)].sort()}`,
    );

  it('are the same in Korean and in English, with the same placeholders', () => {
    expect(shapeOf(ko).sort()).toEqual(shapeOf(en).sort());
  });
});
