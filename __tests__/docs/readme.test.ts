/** Every example of the README is run as it stands: with our own mail server in Naver's place, and nothing else changed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MemoryStore } from 'express-email-verification';
import {
  createEmailVerificationClient,
  type EmailVerificationClient,
} from 'express-email-verification/client';
import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import request from 'supertest';
import ts from 'typescript';
import { guessBound } from '../../lib/challenge/guess-bound.js';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const root = join(__dirname, '../..');
const folder = join(__dirname, `.readme-${process.pid}`);
const redis = useRedis();
const mail = useMailServer();
let readme = '';
let child: ChildProcess | undefined;

beforeAll(async () => {
  readme = await readFile(join(root, 'README.md'), 'utf8');
  await mkdir(folder, { recursive: true });
});
afterEach(async () => {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const examples = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, code = '']) => code);

/** The example that holds a text; imports that another one has already made are left out. */
const example = (text: string, language = 'ts') =>
  examples(language).find((code) => code.includes(text)) ?? '';

/** Runs a module that prints lines; answers the first of them. */
async function firstLineOf(name: string, code: string): Promise<string> {
  const file = join(folder, `${name}.mts`);
  await writeFile(file, code);
  child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    env: {
      ...process.env,
      REDIS_URL: redis.server.url,
      SMTP_USER: 'acme',
      SMTP_PASS: 'not needed here',
      EMAIL_VERIFICATION_SECRET: 'a secret of 32 bytes, for the README alone',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`${name} ended without a line`);
}

const transport = () => `transport: '${mail.url}',`;
const NAVER = "transport: { service: 'naver', auth: { user, pass } },";

it.each([
  ['5', 'express'],
  ['4', 'express4'],
])(
  'T69: the quick start signs a person up on Express %s, answers 409 for a taken address, and lives on',
  async (version, name) => {
    await redis.flush();
    const quickStart = example('app.post(');
    expect(quickStart).toContain(NAVER);
    const port = await firstLineOf(
      `quick-start-${version}`,
      `const accounts = new Set<string>();
     const createAccount = async (email: string, _password: string) => {
       if (email.startsWith('away')) throw new Error('the database is away');
       if (accounts.has(email)) throw Object.assign(new Error('duplicate key value'), { code: '23505' });
       accounts.add(email);
     };
     ${quickStart.replace(NAVER, transport()).replace("from 'express'", `from '${name}'`)}
     app.set('env', 'test');
     const server = app.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port));`,
    );
    const app = `http://127.0.0.1:${port}`;
    const verify = async (email: string) => {
      const sent = await request(app).post('/email-verification/send').send({ email }).expect(200);
      const { challengeId } = sent.body;
      const code = await mail.lastCode(email);
      const fields = { email, code, challengeId };
      const verified = await request(app).post('/email-verification/verify').send(fields).expect(200);
      return { email, verificationToken: verified.body.verificationToken, password: 'a long one' };
    };
    const email = 'person@example.com';
    const signUp = await verify(email);
    await request(app).post('/signup').send(signUp).expect(201, { ok: true });
    await request(app).post('/signup').send(signUp).expect(403);

    await redis.flush();
    mail.clear();
    const again = await verify(email);
    for (let round = 0; round < 2; round += 1) {
      await request(app).post('/signup').send(again).expect(409, { ok: false });
    }
    await request(app)
      .post('/signup')
      .send(await verify('away@example.com'))
      .expect(500);
    expect(child?.exitCode).toBeNull();
  },
);

it('the other examples run too', async () => {
  const line = await firstLineOf(
    'others',
    `import { createEmailVerification, MemoryStore } from 'express-email-verification';
     const options = { store: new MemoryStore(), ${transport()} from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
     const captchaPassed = async (captcha: unknown) => captcha === undefined;
     const hasAccount = async (email: string) => email.startsWith('known');
     ${example('beforeSend: async')}
     ${example('verification.check()')}
     console.log(ok, problems.length);`,
  );
  expect(line).toMatch(/^[\w-]{26} 180$/);
  expect(await mail.server.waitForMessage()).toMatchObject({ envelope: { to: ['person@example.com'] } });
});

/** Runs an example of the browser: its imports and globals are the parameters. */
async function runInPage(code: string, page: Record<string, unknown>): Promise<Record<string, never>> {
  const body = ts.transpileModule(code.replace(/^import .*$/gm, ''), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, jsx: ts.JsxEmit.React },
  }).outputText;
  return new Function(...Object.keys(page), body)(...Object.values(page));
}

describe('in the browser', () => {
  const email = 'person@example.com';
  let server: Server;
  let baseUrl: string;

  beforeEach(async () => {
    const { app } = createTestApp({ store: new MemoryStore(), transport: mail.url });
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ev`;
  });
  afterEach(() => server.close());

  it('the example in plain JavaScript verifies an address', async () => {
    let client: EmailVerificationClient | undefined;
    const page = {
      createEmailVerificationClient: () => {
        client = createEmailVerificationClient({ baseUrl });
        return client;
      },
      sessionStorage: undefined,
      codeForm: { hidden: false, onsubmit: (_event: object) => {} },
      emailForm: { onsubmit: (_event: object) => {} },
      resendButton: { disabled: false },
      statusLine: { textContent: '' },
      emailInput: { value: email },
      codeInput: { value: '' },
    };
    const event = { preventDefault: () => {} };
    await runInPage(example('codeForm.onsubmit', 'js'), page);
    expect(page.codeForm.hidden).toBe(true);
    page.emailForm.onsubmit(event);
    page.codeInput.value = await mail.lastCode(email);
    await until('the code field is shown', () => !page.codeForm.hidden);
    expect(page.resendButton.disabled).toBe(true);
    page.codeForm.onsubmit(event);
    await until(
      'the address is verified',
      () => page.statusLine.textContent === 'Your email address is verified.',
    );
    client?.reset();
  });

  it('the example in React shows each step', async () => {
    const client = createEmailVerificationClient({ baseUrl });
    const VerifyEmail = await runInPage(`${example('VerifyEmail', 'jsx')}\nreturn VerifyEmail;`, {
      React,
      useSyncExternalStore: React.useSyncExternalStore,
      client,
      SignUp: () => 'sign up',
      EmailForm: () => 'address',
      CodeForm: ({ wait }: { wait: number }) => `code, ${wait} s`,
    });
    const shown = () => renderToStaticMarkup(React.createElement(VerifyEmail as never));
    expect(shown()).toBe('address');
    await client.send({ email });
    expect(shown()).toBe('code, 60 s');
    await client.verify(await mail.lastCode(email));
    expect(shown()).toBe('sign up');
  });
});

it('the bound it prints is the bound of the defaults', () => {
  const sendLimits = [
    { max: 1, window: 60_000 },
    { max: 5, window: 3_600_000 },
    { max: 10, window: 86_400_000 },
  ];
  const { guesses, chance } = guessBound({ sendLimits, codeTtl: 180_000, maxAttempts: 5, codeLength: 6 });
  expect(readme).toContain(`= ${guesses} of 10⁶`);
  expect(readme).toContain(`${chance * 1e4}·10⁻⁴ a mailbox and day`);
});

it('the tests it names are there, and carry the numbers it gives', async () => {
  const named = new Set([...readme.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, name = '']) => name));
  expect(named.size).toBeGreaterThan(10);
  const read = (name: string) => readFile(join(root, '__tests__', name), 'utf8');
  const tests = (await Promise.all([...named].map(read))).join('\n');
  const numbers = new Set(readme.match(/\bT\d+\b/g));
  expect(numbers.size).toBeGreaterThan(15);
  for (const number of numbers) expect(tests).toMatch(new RegExp(`\\b${number}\\b`));
});

it('the commands it gives are those of package.json', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const commands = [...readme.matchAll(/npm (?:run )?(demo|test|bench|check)\b/g)].map(
    ([, name = '']) => name,
  );
  expect(commands).toEqual(expect.arrayContaining(['demo', 'test']));
  for (const name of commands) expect(scripts).toHaveProperty(name);
});
