/** `npm run demo` as a process: what it logs, how it fails, and how it shuts down. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import request from 'supertest';
import { readSettings, SettingsError } from '../../demo-app/settings.js';
import { freePort } from '../support/free-port.js';
import { type MailServer, type MailServerOptions, startMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';

const ended: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** Starts the demo without the settings of this process. */
async function demoProcess(env: Record<string, string> = {}) {
  const port = await freePort();
  const { PATH = '', REDIS_SERVER = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'demo-app/server.ts'], {
    cwd: resolve(__dirname, '../..'),
    env: { PATH, HOME, ...(REDIS_SERVER && { REDIS_SERVER }), PORT: String(port), ...env },
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
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
    output: () => output,
    logs: (pattern: RegExp) => until(`the demo logs ${pattern}:\n${output}`, () => pattern.test(output)),
    async isUp() {
      await until(`the demo responds:\n${output}`, async () => {
        if (child.exitCode !== null) throw new Error(`The demo ended:\n${output}`);
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

/** A server that accepts connections and never responds. */
async function silentServer(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ended.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'demo-'));
  ended.push(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** Where the Redis of a demo listens that has a temporary directory of its own. */
async function redisIn(directory: string): Promise<string> {
  const [name = ''] = (await readdir(directory)).filter((one) => one.startsWith('redis-server-'));
  return join(directory, name, 'redis.sock');
}

async function isRefused(path: string): Promise<boolean> {
  const socket = connect(path);
  return new Promise((done) => {
    socket.on('connect', () => {
      socket.destroy();
      done(false);
    });
    socket.on('error', () => done(true));
  });
}

describe('startup', () => {
  it('starts the services that are not configured, logs them, and stops them on SIGTERM', async () => {
    const TMPDIR = await temporaryDirectory();
    const demo = await demoProcess({ TMPDIR });
    await demo.isUp();
    await demo.logs(/Secret: random/);
    expect(demo.output()).toMatch(
      new RegExp(
        [
          `^Starting on http://localhost:${demo.port}`,
          `Demo: http://localhost:${demo.port}`,
          `Inbox: http://localhost:${demo.port}/inbox \\(development only\\)`,
          '  Redis: [\\d.]+, started by the demo',
          '  Email: kept in the inbox',
          '  Accounts: in memory',
          '  Secret: random, new at each start \\(set EMAIL_VERIFICATION_SECRET to keep it\\)',
        ].join('\n'),
      ),
    );
    expect(await (await fetch(`${demo.url}/inbox`)).text()).toContain('Development only');
    const redis = await redisIn(TMPDIR);
    expect(await isRefused(redis)).toBe(false);

    demo.kill('SIGTERM');
    expect(await demo.exited).toBe(0);
    await until('its Redis has stopped', () => isRefused(redis));
  });

  it.each([
    [
      'a port in use',
      { PORT: 'silent' },
      /^Port \d+ is already in use\. Set PORT to another one: PORT=\d+ npm run demo$/,
    ],
    [
      'a Redis that refuses connections',
      { REDIS_URL: 'redis://user:hunter2@127.0.0.1:1' },
      /^Cannot connect to Redis at 127\.0\.0\.1:1 \(ECONNREFUSED\)\. Check REDIS_URL\.$/,
    ],
    [
      'a Redis that never responds',
      { REDIS_URL: 'redis://user:hunter2@127.0.0.1:silent' },
      /^Cannot connect to Redis at 127\.0\.0\.1:\d+ \(timed out\)\. Check REDIS_URL\.$/,
    ],
    ['a database that cannot be opened', { DATABASE: '/nowhere/accounts.db' }, /open.*DATABASE/],
    ['a Redis server that is none', { REDIS_SERVER: '/bin/true' }, /^REDIS_SERVER is set to/],
    [
      'an option that the package refuses',
      { SMTP_URL: 'smtp://demo:hunter2@mail.acme.example:25', MAIL_FROM: 'nobody' },
      /^The `from` option must be/,
    ],
  ])('reports %s in one line, and exits with 1', async (_name, env: Record<string, string>, message) => {
    const silent = String(await silentServer());
    const demo = await demoProcess(
      Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace('silent', silent)])),
    );
    expect(await demo.exited).toBe(1);
    const [last = '', ...earlier] = demo.output().trim().split('\n').reverse();
    expect(last).toMatch(message);
    // A port in use is found before anything else starts.
    expect(earlier).toEqual(env['PORT'] ? [] : [`Starting on http://localhost:${demo.port}`]);
    expect(demo.output()).not.toContain('hunter2');
  });

  it('warns that the SMTP login fails, and continues', async () => {
    const { port } = await mailServer({ auth: { user: 'demo', pass: 'right' } });
    const demo = await demoProcess({
      SMTP_URL: `smtp://demo:hunter2@127.0.0.1:${port}`,
      MAIL_FROM: 'Acme <hello@acme.example>',
    });
    await demo.logs(
      /Warning: The transport could not log in: 127\.0\.0\.1:\d+ refused the login \(EAUTH, AUTH PLAIN, 535\)\./,
    );
    expect((await fetch(`${demo.url}/sign-up`)).status).toBe(200);
    expect((await fetch(`${demo.url}/inbox`)).status).toBe(404);
    expect(demo.output()).toContain(`  Email: 127.0.0.1:${port}\n`);
    expect(demo.output()).not.toContain('hunter2');
  });
});

describe('a page of another site whose name points to this computer', () => {
  const statusOf = async (demo: { url: string }, host: string, path = '/inbox') =>
    (await request(demo.url).get(path).set('Host', host)).status;

  it('reads nothing in development, where the demo answers only to its own names', async () => {
    const demo = await demoProcess({ ORIGIN: 'https://demo.test', HOST: 'localhost' });
    await demo.isUp();
    await demo.logs(/Secret: random/);
    for (const host of [
      'localhost',
      'LOCALHOST:3000',
      '127.0.0.1:3000',
      '[::1]:3000',
      '192.168.0.7',
      'demo.test',
    ])
      expect([host, await statusOf(demo, host)]).toEqual([host, 200]);
    for (const host of [
      'evil.example',
      'localhost.evil.example:3000',
      'demo.test.evil.example',
      '127.0.0.1.evil.example',
    ])
      for (const path of ['/inbox', '/dev/events', '/sign-up', '/assets/style.css'])
        expect([host, await statusOf(demo, host, path)]).toEqual([host, 421]);
    const { text } = await request(demo.url).get('/inbox').set('Host', 'evil.example');
    expect(text).toBe(
      'In development, the demo is only at https://demo.test. To use another name, set HOST or ORIGIN.\n',
    );
  });

  it('changes nothing for a proxy in production, which may use any name', async () => {
    const { url } = await mailServer();
    const demo = await demoProcess({
      NODE_ENV: 'production',
      SMTP_URL: url,
      MAIL_FROM: 'Acme <hello@acme.example>',
    });
    await demo.isUp();
    expect(await statusOf(demo, 'backend:3000', '/sign-up')).toBe(200);
  });
});

describe('an invalid setting', () => {
  it.each([
    [{ REDIS_URL: 'localhost' }, 'REDIS_URL must be a URL such as redis://localhost:6379.'],
    [{ PORT: '80808' }, "PORT must be an integer from 1 to 65535, not '80808'."],
    [{ PORT: '0' }, "PORT must be an integer from 1 to 65535, not '0'."],
    [
      { SMTP_URL: 'smtp://%zz:hunter2@localhost' },
      'SMTP_URL must be a URL such as smtp://user:password@mail.example.com:587.',
    ],
    [
      { ORIGIN: 'demo.example.com' },
      "ORIGIN must be an origin such as https://demo.example.com, not 'demo.example.com'.",
    ],
    [
      { EMAIL_VERIFICATION_SECRET: 'short' },
      'EMAIL_VERIFICATION_SECRET must be at least 32 bytes long. Create one with: openssl rand -base64 32',
    ],
    [{ SMTP_URL: 'hunter2' }, 'SMTP_URL must be a URL such as smtp://user:password@mail.example.com:587.'],
    [{ REDIS_URL: 'http://localhost' }, 'REDIS_URL must be a URL such as redis://localhost:6379.'],
    [
      { SMTP_URL: 'smtp://minji:hunter2@mail.acme.example' },
      'Set MAIL_FROM to the sender of the emails, such as "Acme <you@example.com>".',
    ],
    [{ NODE_ENV: 'production' }, 'In production, the demo needs a mail server: set SMTP_URL.'],
  ])('is reported in one sentence: %j', (env, message) => {
    expect(() => readSettings(env)).toThrow(new SettingsError(message));
  });
});

it('documents every environment variable in its README', async () => {
  const names = new Set(['REDIS_SERVER']);
  const read = (values: NodeJS.ProcessEnv) => {
    const get = (_target: object, name: string) => {
      names.add(name);
      return values[name];
    };
    readSettings(new Proxy({}, { get }));
  };
  read({});
  read({ SMTP_URL: 'smtp://minji%40example.com:hunter2@localhost', TRUST_PROXY: '1' });
  const readme = await readFile(resolve(__dirname, '../../demo-app/README.md'), 'utf8');
  const documented = [...readme.matchAll(/^\|[^|]*\|/gm)].flatMap(
    ([cell]) => cell.match(/\b[A-Z_]{4,}\b/g) ?? [],
  );
  expect(documented.sort()).toEqual([...names].sort());
});

describe('with a provider that requires STARTTLS and a login', () => {
  it('signs a person up', async () => {
    const auth = { user: 'demo@acme.example', pass: 'p@ss:word' };
    const smtp = await mailServer({ auth, requireTls: true });
    const folder = await temporaryDirectory();
    await writeFile(join(folder, 'ca.pem'), smtp.ca ?? '');
    const login = `${encodeURIComponent(auth.user)}:${encodeURIComponent(auth.pass)}`;
    const demo = await demoProcess({
      SMTP_URL: `smtp://${login}@localhost:${smtp.port}`,
      MAIL_FROM: `Acme <${auth.user}>`,
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    });
    await demo.isUp();

    const browser = request.agent(demo.url);
    const post = (path: string, fields: object) => browser.post(path).send(fields);
    const email = 'minji@example.com';
    const sent = await post('/email-verification/send', { email }).expect(200);
    const message = await smtp.waitForMessage();
    expect(message).toMatchObject({ tls: true, user: auth.user, envelope: { from: auth.user, to: [email] } });
    const code = /^\d{6}$/m.exec(message.text)?.[0];
    const { challengeId } = sent.body;
    const verified = await post('/email-verification/verify', { email, code, challengeId }).expect(200);
    const { verificationToken } = verified.body;
    const name = '민지';
    await post('/sign-up', { email, verificationToken, name, password: 'four words in a row' }).expect(201);
    expect((await browser.get('/welcome').expect(200)).text).toContain('Welcome, 민지');
    expect(demo.output()).not.toMatch(/p@ss|p%40ss|Warning/);
    await demo.logs(/GET \/welcome/);
    // One line for each email and each request, and in none of them an address or a code.
    expect(demo.output().trim().split('\n').slice(-5)).toEqual([
      expect.stringMatching(/^Email to m\*\*\*@example\.com sent in \d+ ms$/),
      expect.stringMatching(/^POST \/email-verification\/send 200 \d+ ms$/),
      expect.stringMatching(/^POST \/email-verification\/verify 200 \d+ ms$/),
      expect.stringMatching(/^POST \/sign-up 201 \d+ ms$/),
      expect.stringMatching(/^GET \/welcome 200 \d+ ms$/),
    ]);
    expect(demo.output()).not.toMatch(new RegExp(`minji|${code}`));
  });
});

describe('shutdown', () => {
  const startWithSlowSmtp = async (delay: number, env: Record<string, string> = {}) => {
    const smtp = await mailServer({ delay });
    const settings = { SMTP_URL: smtp.url, MAIL_FROM: 'Acme <hello@acme.example>' };
    const demo = await demoProcess({ ...settings, ...env });
    await demo.isUp();
    return { smtp, demo };
  };
  const send = (url: string, name: number) =>
    fetch(`${url}/email-verification/send`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: `person${name}@example.com` }),
    });

  it('on SIGTERM, finishes open requests, accepts no new ones, and leaves no Redis behind', async () => {
    const TMPDIR = await temporaryDirectory();
    const { smtp, demo } = await startWithSlowSmtp(1500, { TMPDIR });
    const redis = await redisIn(TMPDIR);
    expect(await isRefused(redis)).toBe(false);
    const answers = Promise.all(Array.from({ length: 5 }, (_, name) => send(demo.url, name)));
    await until('all emails are being sent', () => smtp.connections === 5);
    demo.kill('SIGTERM');
    expect((await answers).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await demo.exited).toBe(0);
    expect(smtp.messages).toHaveLength(5);
    await expect(send(demo.url, 6)).rejects.toThrow();
    await until('its Redis has stopped', () => isRefused(redis));
  });

  it('stops immediately on the second Ctrl+C', async () => {
    // On a busy machine the email may be given up on, and the demo end in order, before the second signal arrives.
    for (let attempt = 1; ; attempt += 1) {
      const { smtp, demo } = await startWithSlowSmtp(60_000);
      const answer = send(demo.url, 0).catch(() => 'cut off');
      await until('the email is being sent', () => smtp.connections > 0);
      demo.kill('SIGINT');
      await demo.logs(/Press Ctrl\+C again to stop immediately/);
      demo.kill('SIGINT');
      const status = await demo.exited;
      if (status === 0 && attempt < 5) continue;
      expect(status).toBe(130);
      expect(await answer).toBe('cut off');
      return;
    }
  });
});
