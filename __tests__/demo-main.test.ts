/** `npm run demo` as a process: what it says, how it fails, and how it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import request from 'supertest';
import {
  type MailServer,
  type MailServerOptions,
  startMailServer,
} from '../demo-app/development/mail-server.js';
import { readSettings, SettingsError } from '../demo-app/settings.js';
import { freePort } from './support/free-port.js';
import { until } from './support/until.js';

jest.setTimeout(60_000);

const ended: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** Started with nothing of this process' own settings. */
async function demoProcess(env: Record<string, string> = {}) {
  const port = await freePort();
  const { PATH = '', REDIS_SERVER = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'demo-app/main.ts'], {
    cwd: resolve(__dirname, '..'),
    env: { PATH, HOME, ...(REDIS_SERVER && { REDIS_SERVER }), PORT: String(port), ...env },
  });
  let said = '';
  const listen = (chunk: Buffer) => {
    said += chunk;
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const exited = once(child, 'close').then(([code]) => code);
  ended.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    exited,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    said: () => said,
    hears: (what: RegExp) => until(`the demo says ${what}:\n${said}`, () => what.test(said)),
    async isUp() {
      await until(`the demo answers:\n${said}`, async () => {
        if (child.exitCode !== null) throw new Error(`The demo ended:\n${said}`);
        return fetch(`${url}/sign-up`).then(
          ({ ok }) => ok,
          () => false,
        );
      });
    },
  };
}

async function mailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options);
  ended.push(() => server.close());
  return server;
}

/** Something that listens on a port, and never says a word. */
async function silentServer(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ended.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((done) => {
    socket.on('connect', () => {
      socket.destroy();
      done(false);
    });
    socket.on('error', () => done(true));
  });
}

const field = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`name="${name}" value="([^"]*)"`, 'g'))]
    .map(([, value]) => value)
    .find(Boolean);

describe('at its start', () => {
  it('brings along what is not there, says so, and ends all of it at SIGTERM', async () => {
    const demo = await demoProcess();
    await demo.isUp();
    await demo.hears(/A random secret/);
    expect(demo.said()).toMatch(
      new RegExp(
        [
          `^The demo is on http://localhost:${demo.port}`,
          `Its mails are on http://localhost:${demo.port}/inbox \\(development only\\)`,
          '  Redis [\\d.]+, started by the demo \\(port \\d+\\)',
          '  Emails stay in the inbox',
          '  Accounts in memory',
          '  A random secret, until the process ends: set EMAIL_VERIFICATION_SECRET to keep one',
        ].join('\n'),
      ),
    );
    expect(await (await fetch(`${demo.url}/inbox`)).text()).toContain('Development only');
    const redisPort = Number(/port (\d+)/.exec(demo.said())?.[1]);
    expect(await isRefused(redisPort)).toBe(false);

    demo.kill('SIGTERM');
    expect(await demo.exited).toBe(0);
    await until('its Redis is gone', () => isRefused(redisPort));
  });

  it.each([
    [
      'a taken port',
      { PORT: 'taken' },
      /^Port \d+ is taken: set PORT to another one, as in PORT=\d+ npm run demo\.\n$/,
    ],
    [
      'a Redis that refuses',
      { REDIS_URL: 'redis://user:hunter2@127.0.0.1:1' },
      /^Redis at 127\.0\.0\.1:1 does not answer \(ECONNREFUSED\): check REDIS_URL\.\n$/,
    ],
    [
      'a Redis that never answers',
      { REDIS_URL: 'redis://user:hunter2@127.0.0.1:taken' },
      /^Redis at 127\.0\.0\.1:\d+ does not answer \(no answer\): check REDIS_URL\.\n$/,
    ],
    [
      'an unknown service',
      { SMTP_SERVICE: 'acme', SMTP_USER: 'a@b.co', SMTP_PASS: 'hunter2' },
      /^transport\.service "acme" is not known/,
    ],
  ])('says %s in one sentence, and exits with 1', async (_name, env: Record<string, string>, sentence) => {
    const taken = String(await silentServer());
    const demo = await demoProcess(
      Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace('taken', taken)])),
    );
    expect(await demo.exited).toBe(1);
    expect(demo.said()).toMatch(sentence);
    expect(demo.said().trim().split('\n')).toHaveLength(1);
    expect(demo.said()).not.toContain('hunter2');
  });

  it('says that the SMTP login fails, and goes on', async () => {
    const { port } = await mailServer({ auth: { user: 'demo', pass: 'right' } });
    const demo = await demoProcess({
      SMTP_URL: `smtp://demo:hunter2@127.0.0.1:${port}`,
      MAIL_FROM: 'Acme <hello@acme.example>',
    });
    await demo.hears(/Trouble: The transport does not log in: EAUTH\./);
    expect((await fetch(`${demo.url}/sign-up`)).status).toBe(200);
    expect((await fetch(`${demo.url}/inbox`)).status).toBe(404);
    expect(demo.said()).toContain(`Email via 127.0.0.1:${port}`);
    expect(demo.said()).not.toContain('hunter2');
  });
});

describe('what is set wrong', () => {
  it.each([
    [{ REDIS_URL: 'localhost' }, 'REDIS_URL must be like redis://localhost:6379.'],
    [{ PORT: '80808' }, 'PORT must be a whole number from 0 to 65535.'],
    [{ ORIGIN: 'demo.example.com' }, 'ORIGIN must be like https://demo.example.com.'],
    [
      { EMAIL_VERIFICATION_SECRET: 'short' },
      'EMAIL_VERIFICATION_SECRET must be at least 32 bytes, as of: openssl rand -base64 32',
    ],
    [{ SMTP_URL: 'hunter2' }, 'SMTP_URL must be like smtp://user:password@mail.example.com:587.'],
    [
      { SMTP_SERVICE: 'naver' },
      'SMTP_SERVICE, SMTP_USER and SMTP_PASS go together: set all three, or SMTP_URL.',
    ],
    [
      { SMTP_SERVICE: 'naver', SMTP_USER: 'minji', SMTP_PASS: 'hunter2' },
      'Set MAIL_FROM to the address that mails come from, as "Acme <you@example.com>".',
    ],
    [
      { NODE_ENV: 'production' },
      'NODE_ENV is production, where there is no inbox: set SMTP_URL, or SMTP_SERVICE, SMTP_USER and SMTP_PASS.',
    ],
  ])('is told in a sentence: %j', (env, sentence) => {
    expect(() => readSettings(env)).toThrow(new SettingsError(sentence));
  });
});

describe('with a provider that demands STARTTLS and a login', () => {
  it('signs a person up', async () => {
    const auth = { user: 'demo@acme.example', pass: 'p@ss:word' };
    const smtp = await mailServer({ auth, requireTls: true });
    const folder = await mkdtemp(join(tmpdir(), 'demo-'));
    ended.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'ca.pem'), smtp.ca ?? '');
    const login = `${encodeURIComponent(auth.user)}:${encodeURIComponent(auth.pass)}`;
    const demo = await demoProcess({
      SMTP_URL: `smtp://${login}@localhost:${smtp.port}`,
      MAIL_FROM: `Acme <${auth.user}>`,
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    });
    await demo.isUp();

    const browser = request.agent(demo.url);
    const post = (path: string, fields: object) => browser.post(path).type('form').send(fields).expect(303);
    const email = 'minji@example.com';
    await post('/sign-up/send', { email });
    const mail = await smtp.waitForMessage();
    expect(mail).toMatchObject({ tls: true, user: auth.user, envelope: { from: auth.user, to: [email] } });
    const code = /^\d{6}$/m.exec(mail.text)?.[0];
    const codePage = await browser.get('/sign-up/code');
    await post('/sign-up/code', { email, code, challengeId: field(codePage.text, 'challengeId') });
    const accountPage = await browser.get('/sign-up/account');
    const verificationToken = field(accountPage.text, 'verificationToken');
    await post('/sign-up', { email, verificationToken, name: 'Minji', password: 'four words in a row' });
    expect((await browser.get('/welcome').expect(200)).text).toContain('Welcome, Minji');
    expect(demo.said()).not.toMatch(/p@ss|p%40ss|Trouble/);
  });
});

describe('at its end', () => {
  const slowMail = async (delay: number) => {
    const smtp = await mailServer({ delay });
    const demo = await demoProcess({ SMTP_URL: smtp.url, MAIL_FROM: 'Acme <hello@acme.example>' });
    await demo.isUp();
    return { smtp, demo };
  };
  const send = (url: string, name: number) =>
    fetch(`${url}/email-verification/send`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: `person${name}@example.com` }),
    });

  it('finishes what is under way at SIGTERM, takes nothing new, and leaves no Redis behind', async () => {
    const { smtp, demo } = await slowMail(1500);
    const redisPort = Number(/port (\d+)/.exec(demo.said())?.[1]);
    const answers = Promise.all(Array.from({ length: 5 }, (_, name) => send(demo.url, name)));
    await until('all emails are being sent', () => smtp.connections === 5);
    demo.kill('SIGTERM');
    expect((await answers).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await demo.exited).toBe(0);
    expect(smtp.messages).toHaveLength(5);
    await expect(send(demo.url, 6)).rejects.toThrow();
    await until('its Redis is gone', () => isRefused(redisPort));
  });

  it('ends at once at the second Ctrl-C', async () => {
    const { smtp, demo } = await slowMail(60_000);
    const answer = send(demo.url, 0).catch(() => 'cut off');
    await until('the email is being sent', () => smtp.connections > 0);
    demo.kill('SIGINT');
    await demo.hears(/Once more to end at once/);
    demo.kill('SIGINT');
    expect(await demo.exited).toBe(130);
    expect(await answer).toBe('cut off');
  });
});
