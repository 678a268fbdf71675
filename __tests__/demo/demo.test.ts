/** The pages of the demo, as a browser without JavaScript gets them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisStore } from 'express-email-verification';
import Database from 'libsql';
import request, { type Response } from 'supertest';
import type { Backend } from '../../demo-app/backends.js';
import { createDemo, type Demo, type DemoOptions } from '../../demo-app/demo.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const mail = useMailServer();
const open: Demo[] = [];
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
});
beforeEach(() => redis.flush());
afterEach(async () => {
  for (const demo of open.splice(0)) await demo.close();
});
afterAll(() => rm(folder, { recursive: true }));

const EMAIL = 'minji@example.com';
const PASSWORD = 'four words in a row';

type TestOptions = Partial<Omit<DemoOptions, 'emailVerification'>> & { emailVerification?: object };

function demoWith({ emailVerification, ...options }: TestOptions = {}) {
  const store = new RedisStore(redis.client);
  // A busy machine must not look like a Redis that does not respond.
  const needed = { store, storeTimeout: 30_000, transport: mail.url, from: FROM, secret: SECRET };
  const demo = createDemo({
    origin: 'http://localhost:3000',
    ...options,
    emailVerification: { ...needed, ...emailVerification },
  });
  open.push(demo);
  return demo;
}

/** Keeps cookies and submits forms, as a browser does. */
function browse(demo: Demo, headers: Record<string, string> = {}) {
  const agent = request.agent(demo.app).set(headers);
  return {
    agent,
    get: (path: string) => agent.get(path),
    post: (path: string, fields: object) => agent.post(path).type('form').send(fields),
  };
}

type Browser = ReturnType<typeof browse>;

function hidden(page: Response, name: string): string {
  const values = [...page.text.matchAll(new RegExp(`name="${name}" value="([^"]*)"`, 'g'))].map(
    (found) => found[1],
  );
  return values.find(Boolean) ?? '';
}

/** The error messages that a page shows. */
function alerts(page: Response): string[] {
  const shown = page.text.matchAll(/role="alert">([^<]*)</g);
  return Array.from(shown, ([, text = '']) => text).filter(Boolean);
}

function cookie(page: Response, name: string): string | undefined {
  const cookies: unknown = page.headers['set-cookie'];
  return Array.isArray(cookies) ? cookies.find((one: string) => one.startsWith(`${name}=`)) : undefined;
}

async function askForCode(browser: Browser, email = EMAIL): Promise<{ challengeId: string; code: string }> {
  await browser.post('/sign-up/send', { email }).expect(303).expect('Location', '/sign-up/code');
  const page = await browser.get('/sign-up/code').expect(200);
  return { challengeId: hidden(page, 'challengeId'), code: await mail.lastCode(email) };
}

async function verifyAddress(browser: Browser, email = EMAIL): Promise<string> {
  const { challengeId, code } = await askForCode(browser, email);
  await browser
    .post('/sign-up/code', { email, challengeId, code })
    .expect(303)
    .expect('Location', '/sign-up/account');
  return hidden(await browser.get('/sign-up/account').expect(200), 'verificationToken');
}

async function signUp(browser: Browser, email = EMAIL): Promise<Response> {
  const verificationToken = await verifyAddress(browser, email);
  return browser
    .post('/sign-up', { email, verificationToken, name: 'Minji', password: PASSWORD })
    .expect(303);
}

const wrong = (code: string) => (code === '000000' ? '000001' : '000000');

describe('the sign-up', () => {
  it('signs a person up, out, and in again', async () => {
    const browser = browse(demoWith());
    const signedUp = await signUp(browser);
    expect(signedUp.headers['location']).toBe('/welcome');
    expect((await browser.get('/welcome').expect(200)).text).toContain('Welcome, Minji');
    await browser.get('/sign-up').expect(303).expect('Location', '/welcome');

    await browser.post('/sign-out', {}).expect(303);
    await browser.get('/welcome').expect(303).expect('Location', '/sign-in');
    await browser.post('/sign-in', { email: ' MINJI@example.com ', password: PASSWORD }).expect(303);
    await browser.get('/welcome').expect(200);
  });

  it('creates no account and no session before the token is redeemed (T21)', async () => {
    const database = join(folder, 'accounts.db');
    const demo = demoWith({ database });
    const browser = browse(demo);
    const db = new Database(database, { readonly: true });
    const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get();
    const expectNothing = () => {
      expect(count('accounts')).toMatchObject({ n: 0 });
      expect(count('sessions')).toMatchObject({ n: 0 });
    };
    const attempt = async (fields: object) => {
      const page = await browser
        .post('/sign-up', { email: EMAIL, name: 'Minji', password: PASSWORD, ...fields })
        .expect(403);
      expect(cookie(page, 'session')).toBeUndefined();
      expectNothing();
    };

    await attempt({});
    const { challengeId, code } = await askForCode(browser);
    expectNothing();
    await attempt({ verificationToken: challengeId });
    await browser.post('/sign-up/code', { email: EMAIL, challengeId, code }).expect(303);
    const page = await browser.get('/sign-up/account').expect(200);
    expectNothing();
    await attempt({ verificationToken: 'made-up' });
    const stranger = browse(demo);
    await attempt({ verificationToken: await verifyAddress(stranger, 'stranger@example.com') });

    const verificationToken = hidden(page, 'verificationToken');
    const form = { email: EMAIL, verificationToken, name: 'Minji', password: PASSWORD };
    expect(cookie(await browser.post('/sign-up', form).expect(303), 'session')).toBeDefined();
    expect(count('accounts')).toMatchObject({ n: 1 });
    db.close();
  });

  it('accepts the token once, and releases it when a field is invalid', async () => {
    const browser = browse(demoWith());
    const verificationToken = await verifyAddress(browser);
    const form = { email: EMAIL, verificationToken, name: 'Minji', password: PASSWORD };
    const refused = await browser.post('/sign-up', { ...form, name: ' ', password: 'short' }).expect(400);
    expect(alerts(refused)).toEqual([
      'Please enter your name (80 characters at most).',
      'Please enter a password with 8 to 200 characters.',
    ]);
    expect(refused.text).not.toContain('short');
    await browser.post('/sign-up', form).expect(303);
    await browser.post('/sign-up', { ...form, name: 'Again' }).expect(403);
  });

  it('creates one account when the address is verified twice', async () => {
    const demo = demoWith({ emailVerification: { sendLimits: [{ max: 10, window: 1 }] } });
    const [one, other] = [browse(demo), browse(demo)];
    const tokens = [await verifyAddress(one), '' as string];
    mail.clear();
    tokens[1] = await verifyAddress(other);
    const form = { email: EMAIL, name: 'Minji', password: PASSWORD };
    const answers = await Promise.all([
      one.post('/sign-up', { ...form, verificationToken: tokens[0] }),
      other.post('/sign-up', { ...form, verificationToken: tokens[1] }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409]);
    expect(answers.flatMap(alerts)).toEqual([
      'An account with this email address already exists. Please sign in.',
    ]);
  });
});

describe('the session', () => {
  it('is a cookie that scripts cannot read and other sites cannot send', async () => {
    const signedUp = await signUp(browse(demoWith()));
    expect(cookie(signedUp, 'session')).toMatch(
      /^session=[\w-]{43}; Max-Age=604800; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
    );
  });

  it('is bound to the host and to HTTPS when the origin is HTTPS', async () => {
    const demo = demoWith({ origin: 'https://demo.example.com' });
    const browser = browse(demo);
    const sent = await browser.post('/sign-up/send', { email: EMAIL }).expect(303);
    expect(cookie(sent, '__Host-sign-up')).toMatch(/; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/);
    const kept = String(cookie(sent, '__Host-sign-up')).split(';')[0] ?? '';
    const page = await request(demo.app).get('/sign-up/code').set('Cookie', kept).expect(200);
    const fields = {
      email: EMAIL,
      challengeId: hidden(page, 'challengeId'),
      code: await mail.lastCode(EMAIL),
    };
    const verified = await browser.post('/sign-up/code', fields).expect(303);
    const next = String(cookie(verified, '__Host-sign-up')).split(';')[0] ?? '';
    const account = await request(demo.app).get('/sign-up/account').set('Cookie', next);
    const verificationToken = hidden(account, 'verificationToken');
    const signedUp = await browser.post('/sign-up', {
      email: EMAIL,
      verificationToken,
      name: 'M',
      password: PASSWORD,
    });
    expect(cookie(signedUp, '__Host-session')).toMatch(/; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/);
    expect(signedUp.headers['strict-transport-security']).toBe('max-age=31536000');
  });

  it('gets a new ID at each sign-in, is stored only as a hash, and ends with the sign-out', async () => {
    const database = join(folder, 'sessions.db');
    const demo = demoWith({ database });
    const browser = browse(demo);
    const idOf = (page: Response) => /^session=([^;]+)/.exec(cookie(page, 'session') ?? '')?.[1] ?? '';
    const first = idOf(await signUp(browser));
    const second = idOf(await browser.post('/sign-in', { email: EMAIL, password: PASSWORD }).expect(303));
    expect(second).not.toBe(first);

    const db = new Database(database, { readonly: true });
    const rows = JSON.stringify(db.prepare('SELECT * FROM sessions').all());
    expect(rows).not.toContain(second);
    db.close();

    const welcome = (id: string) => request(demo.app).get('/welcome').set('Cookie', `session=${id}`);
    await welcome(first).expect(303);
    await welcome(second).expect(200);
    await browser.post('/sign-out', {}).expect(303);
    await welcome(second).expect(303);
  });

  it('does not accept forms from other sites', async () => {
    const { app } = demoWith();
    const post = (headers: Record<string, string>) => request(app).post('/sign-out').set(headers);
    for (const site of ['cross-site', 'same-site']) await post({ 'Sec-Fetch-Site': site }).expect(403);
    await post({ Origin: 'https://evil.example' }).expect(403);
    await post({ Origin: 'null' }).expect(403);
    await post({ 'Sec-Fetch-Site': 'same-origin', Origin: 'null' }).expect(303);
    await post({ Host: 'localhost:3000', Origin: 'http://localhost:3000' }).expect(303);
  });
});

describe('an address with an account', () => {
  it('looks like one without an account: only its owner learns of it, by an email in the language of the page', async () => {
    const demo = demoWith();
    await signUp(browse(demo));
    mail.clear();
    await redis.flush();

    const korean = { 'Accept-Language': 'ko' };
    const [existing, unused] = [browse(demo, korean), browse(demo, korean)];
    const answers = [
      await existing.post('/sign-up/send', { email: EMAIL }),
      await unused.post('/sign-up/send', { email: 'other@example.com' }),
    ];
    const seen = answers.map(({ status, headers, text }) => ({
      status,
      text,
      location: headers['location'],
      names: Object.keys(headers).sort(),
    }));
    expect(seen[0]).toEqual(seen[1]);
    const plain = ({ text }: Response) =>
      text
        .replaceAll(/minji|other/g, 'NAME')
        .replaceAll(/value="[\w-]{26}"/g, 'value="ID"')
        .replaceAll(/\d:\d\d/g, 'TIME');
    expect(plain(await existing.get('/sign-up/code'))).toBe(plain(await unused.get('/sign-up/code')));

    const [notice] = mail.messages.filter(({ envelope }) => envelope.to.includes(EMAIL));
    expect(notice).toMatchObject({ subject: '이미 가입된 이메일 주소입니다' });
    expect(notice?.text).toContain('http://localhost:3000/sign-in');
    expect(notice?.text).not.toMatch(/\b\d{6}\b/);
  });
});

describe('signing in', () => {
  it('shows the same error for a wrong password and for an unknown address', async () => {
    const browser = browse(demoWith());
    await signUp(browser);
    const [wrongPassword, unknown] = [
      await browser.post('/sign-in', { email: EMAIL, password: 'not this one' }).expect(401),
      await browser.post('/sign-in', { email: 'minju@example.com', password: PASSWORD }).expect(401),
    ];
    expect(alerts(wrongPassword)).toEqual(['Incorrect email address or password. Please try again.']);
    expect(wrongPassword.text.replaceAll('minji', 'minju')).toBe(unknown.text);
    for (const page of [wrongPassword, unknown]) expect(cookie(page, 'session')).toBeUndefined();
  });

  it('computes a hash for an unknown address too, so that the response time reveals nothing', async () => {
    const browser = browse(demoWith());
    await signUp(browser);
    const cpuOf = async (fields: object) => {
      const before = process.cpuUsage();
      await browser.post('/sign-in', fields).expect(401);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const known = await cpuOf({ email: EMAIL, password: 'not this one' });
    const unknown = await cpuOf({ email: 'nobody@example.com', password: 'not this one' });
    expect(unknown).toBeGreaterThan(known / 3);
  });

  it('is refused after ten failures from one IP address', async () => {
    const browser = browse(demoWith());
    const guess = () => browser.post('/sign-in', { email: EMAIL, password: 'x'.repeat(201) });
    for (let failures = 0; failures < 10; failures++) await guess().expect(401);
    expect(alerts(await guess().expect(429))).toEqual([
      'Too many failed sign-in attempts. Please try again in 10 minutes.',
    ]);
  });
});

describe('a refusal', () => {
  it('shows the error of an invalid address, and keeps the address', async () => {
    const page = await browse(demoWith()).post('/sign-up/send', { email: 'no "address"' }).expect(400);
    expect(alerts(page)).toEqual(['Please enter a valid email address.']);
    expect(page.text).toContain('value="no &#34;address&#34;"');
    expect(page.text).toContain('<title>Error: Create your account');
  });

  it('shows how many attempts are left, and that a code has expired', async () => {
    let now = Date.now();
    const browser = browse(
      demoWith({ emailVerification: { store: new RedisStore(redis.client, { clock: () => now }) } }),
    );
    const { challengeId, code } = await askForCode(browser);
    const verify = (typed: string) =>
      browser.post('/sign-up/code', { email: EMAIL, challengeId, code: typed });
    expect(alerts(await verify('12').expect(400))).toEqual(['Please enter the 6-digit code.']);
    expect(alerts(await verify(wrong(code)).expect(401))).toEqual([
      'The code is incorrect. You have 4 attempts left.',
    ]);
    now += 181_000;
    expect(alerts(await verify(code).expect(401))).toEqual([
      'This code has expired. Please request a new one.',
    ]);
  });

  it('accepts an earlier code after another one is refused', async () => {
    const browser = browse(demoWith());
    const { challengeId, code } = await askForCode(browser);
    await browser
      .post('/sign-up/send', { email: EMAIL, challengeId })
      .expect(303)
      .expect('Location', '/sign-up/code');
    const page = await browser.get('/sign-up/code').expect(200);
    expect(alerts(page)[0]).toMatch(/^Too many requests\. .* If you already have a code, enter it below\.$/);
    await browser
      .post('/sign-up/code', { email: EMAIL, challengeId: hidden(page, 'challengeId'), code })
      .expect(303);
  });

  it('is a page, not JSON, when an IP address exceeds its limit', async () => {
    const browser = browse(
      demoWith({ emailVerification: { rateLimit: { send: { limit: 1, windowMs: 600_000 } } } }),
    );
    await browser.post('/sign-up/send', { email: EMAIL }).expect(303);
    const limited = await browser.post('/sign-up/send', { email: 'b'.repeat(9000) }).expect(303);
    expect(cookie(limited, 'sign-up')?.length).toBeLessThan(1000);
    const page = await browser.get('/sign-up/code').expect('Content-Type', /html/);
    expect(alerts(page)[0]).toMatch(/^Too many requests\. Please try again in 10 minutes\./);
  });

  it('shows that the email could not be sent, and keeps the address', async () => {
    mail.server.respondWith({ stage: 'rcpt', code: 550, text: 'no such mailbox' });
    const page = await browse(demoWith()).post('/sign-up/send', { email: EMAIL }).expect(500);
    expect(alerts(page)).toEqual([
      'The email could not be delivered. Please check the address and try again.',
    ]);
    expect(page.text).toContain(`value="${EMAIL}"`);
  });

  it('shows at each step that the store is unavailable, and continues when it recovers', async () => {
    const demo = demoWith({ emailVerification: { storeTimeout: 500 } });
    const browser = browse(demo);
    const { challengeId, code } = await askForCode(browser);
    const unavailable = ['The service is not available right now. Please try again in a moment.'];
    const whileUnresponsive = async (path: string, fields: object) => {
      redis.server.pause();
      try {
        expect(alerts(await browser.post(path, fields).expect(503))).toEqual(unavailable);
      } finally {
        redis.server.resume();
      }
    };
    await whileUnresponsive('/sign-up/send', { email: EMAIL });
    await whileUnresponsive('/sign-up/code', { email: EMAIL, challengeId, code });
    await browser.post('/sign-up/code', { email: EMAIL, challengeId, code }).expect(303);
    const verificationToken = hidden(await browser.get('/sign-up/account'), 'verificationToken');
    const form = { email: EMAIL, verificationToken, name: 'Minji', password: PASSWORD };
    await whileUnresponsive('/sign-up', form);
    await browser.post('/sign-up', form).expect(303);
  });

  it('responds with 404 to an unknown path, and with 4xx to an invalid form', async () => {
    const { app } = demoWith();
    expect((await request(app).get('/nowhere').expect(404)).text).toContain('Page not found');
    await request(app)
      .post('/sign-up/send')
      .type('form')
      .send(`email=${'x'.repeat(20_000)}`)
      .expect(413);
    await request(app).post('/sign-up/send').type('form').send('email=a@b.co&email=c@d.co').expect(400);
  });
});

describe('every page', () => {
  const PAGES = ['/sign-up', '/sign-up/code', '/sign-up/account', '/sign-in', '/inbox', '/mails', '/nowhere'];

  it('runs no inline scripts and applies no inline styles', async () => {
    const { app } = demoWith({ inbox: mail.server });
    for (const path of PAGES) {
      const { headers, text } = await request(app).get(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
      expect(headers).not.toHaveProperty('x-powered-by');
      const own = text.replaceAll(/srcdoc="[^"]*"/g, '');
      expect(own).not.toMatch(/<script(?![^>]* src=)|<style| on\w+=| style=/);
    }
  });

  it('the API browser loads nothing from another site, and its scripts are files', async () => {
    const { app } = demoWith();
    expect((await request(app).get('/sign-up').expect(200)).text).toContain('<a href="/api"');
    const { headers, text } = await request(app).get('/api/').expect(200);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'");
    expect(text).not.toMatch(/<script(?![^>]* src="\.\/)/);
    const { body } = await request(app).get('/api/openapi.json').expect(200);
    expect(body.servers).toEqual([{ url: '/email-verification' }]);
  });

  it('starts with a skip link that names its target', async () => {
    const { app } = demoWith({ inbox: mail.server });
    const skipLinksOf = async (language: string) => {
      const pages = PAGES.map((path) => request(app).get(path).set('Accept-Language', language));
      return (await Promise.all(pages)).map(
        ({ text }) => /class="skip-link" href="#main">([^<]*)</.exec(text)?.[1],
      );
    };
    const form = ['Skip to form', '입력란 바로가기'];
    const content = ['Skip to main content', '본문 바로가기'];
    for (const [index, language] of ['en', 'ko'].entries()) {
      expect(await skipLinksOf(language)).toEqual(
        [form, form, form, form, content, content, content].map((words) => words[index]),
      );
    }
  });

  it('escapes user input', async () => {
    const browser = browse(demoWith());
    const verificationToken = await verifyAddress(browser);
    const name = '<img src=x onerror=alert(1)>"\'&';
    await browser.post('/sign-up', { email: EMAIL, verificationToken, name, password: PASSWORD }).expect(303);
    const { text } = await browser.get('/welcome');
    expect(text).toContain('Welcome, &#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;');
    expect(text).not.toContain('<img');
  });

  it('is in the language of the browser, or in the chosen one', async () => {
    const browser = browse(demoWith(), { 'Accept-Language': 'ko-KR,ko;q=0.9,en;q=0.8' });
    expect((await browser.get('/sign-up')).text).toContain('<html lang="ko">');
    await browser.get('/sign-up/code?lang=en').expect(303).expect('Location', '/sign-up/code');
    expect((await browser.get('/sign-up')).text).toContain('<html lang="en">');
    await browser.get('//evil.example/?lang=ko').expect('Location', '/evil.example/');
  });

  it.each<Backend>([
    { kind: 'redis', host: '10.0.0.1:6379' },
    { kind: 'local_redis', version: '7.0.15' },
    { kind: 'memory_store' },
    { kind: 'smtp', name: '10.0.0.1:25' },
    { kind: 'inbox' },
    { kind: 'memory_accounts' },
    { kind: 'file_accounts', file: '/' },
  ])('lists in its footer what the demo runs on, in the language of the page: %j', async (backend) => {
    const { app } = demoWith({ inbox: mail.server, backends: [backend] });
    const footerFor = async (language: string) => {
      const { text } = await request(app).get('/sign-up').set('Accept-Language', language);
      return /<footer[\s\S]*<\/footer>/.exec(text)?.[0].replaceAll(/<[^>]*>|Redis/g, '') ?? '';
    };
    expect(await footerFor('en')).toMatch(/\w[\s\S]*Inbox \(development only\)\s+Email previews/);
    const korean = await footerFor('ko');
    expect(korean).toMatch(/\S[\s\S]*받은메일함 \(개발용\)\s+메일 미리보기/);
    expect(korean.replace('OpenAPI', '')).not.toMatch(/[a-z]/i);
  });
});

describe('the inbox', () => {
  it('shows the newest message first, in a sandboxed frame', async () => {
    const demo = demoWith({ inbox: mail.server });
    const browser = browse(demo);
    expect((await browser.get('/inbox')).text).toContain('No messages yet');
    await askForCode(browser, 'first@example.com');
    const { code } = await askForCode(browser, 'second@example.com');
    const { text } = await browser.get('/inbox').expect(200);
    expect(text.indexOf('second@example.com')).toBeLessThan(text.indexOf('first@example.com'));
    expect(text).toContain(`data-copy="${code}"`);
    expect(text).toMatch(/<iframe sandbox="" srcdoc="&#60;!doctype html&#62;&#60;meta http-equiv/);
    expect(text).toContain('Development only');
    // A message may be in another language than the page.
    const korean = await browser.get('/inbox').set('Accept-Language', 'ko');
    expect(korean.text).toMatch(/<html lang="ko">[\s\S]*<strong lang="en">Your code/);
    const [first] = mail.messages;
    const source = await browser.get(`/inbox/${first?.id}?view=source`).expect(200);
    expect(source.text).toContain('Auto-Submitted: auto-generated');
    await browser.get('/inbox/999').expect(404);
  });

  it('does not exist in production', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    try {
      const browser = browse(demoWith({ inbox: mail.server }));
      await browser.get('/inbox').expect(404);
      await browser.get('/mails').expect(404);
      await browser.get('/api/').expect(404);
    } finally {
      process.env['NODE_ENV'] = before;
    }
  });

  it('does not exist without a mail server, and is not linked either', async () => {
    const browser = browse(demoWith());
    await browser.get('/inbox').expect(404);
    expect((await browser.get('/sign-up')).text).not.toContain('/inbox');
  });
});
