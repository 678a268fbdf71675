/** Every example in every README runs as it is, its links lead somewhere, and its numbers are those of the code. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Ajv2020 as Ajv } from 'ajv/dist/2020';
import express from 'express';
import {
  emailVerificationRouter,
  guessBound,
  MemoryStore,
  openapi,
  requireVerifiedEmail,
} from 'express-email-verification';
import {
  createEmailVerificationClient,
  type EmailVerificationClient,
} from 'express-email-verification/client';
import { attachProof, type ProofField, type ProofInput } from 'express-email-verification/client/proof';
import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import request from 'supertest';
import ts from 'typescript';
import { PROFILE } from '../../lib/evp/profile.js';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { startRedisCluster } from '../support/redis-cluster.js';
import { SENTINEL_NAME, startWatchedRedis } from '../support/redis-sentinel.js';
import { until } from '../support/until.js';

const run = promisify(execFile);
const root = join(__dirname, '../..');
const folder = join(__dirname, `.readme-${process.pid}`);
const redis = useRedis();
const mail = useMailServer();
/** The text of each document, by its path. */
const documents = new Map<string, string>();
let child: ChildProcess | undefined;

const FILES = [
  ...['README.md', 'CHANGELOG.md', '.github/CONTRIBUTING.md', '.github/SECURITY.md', 'demo-app/README.md'],
  ...[
    'lib/README.md',
    'lib/bullmq/README.md',
    'lib/captcha/README.md',
    'lib/challenge/README.md',
    'lib/client/README.md',
    'lib/evp/README.md',
    'lib/http/README.md',
  ],
  'lib/locales/README.md',
  ...[
    'lib/mail/README.md',
    'lib/metrics/README.md',
    'lib/operations/README.md',
    'lib/operations/scale.md',
    'lib/store/README.md',
  ],
  'lib/testing/README.md',
  ...['__tests__/README.md', '__tests__/bench/README.md'],
];

const documentAt = (file: string) => documents.get(file) ?? '';

beforeAll(async () => {
  for (const file of FILES) documents.set(file, await readFile(join(root, file), 'utf8'));
  await mkdir(folder, { recursive: true });
});
afterEach(async () => {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Every block of code in every document. */
const examples = () =>
  [...documents].flatMap(([file, text]) =>
    [...text.matchAll(/^```(ts|js|jsx|html)\n([\s\S]*?)^```/gm)].map(([, language, code = '']) => ({
      file,
      language,
      code,
    })),
  );

const used = new Set<string>();

/** The one example that contains a text, in whichever document it is. */
function example(text: string): string {
  const [found, another] = examples().filter(({ code }) => code.includes(text));
  if (!found || another) throw new Error(`${found ? 'Several examples have' : 'No example has'} ${text}`);
  used.add(found.code);
  return found.code;
}

/** Runs a module that prints lines; returns the first of them. */
async function firstLineOf(name: string, code: string): Promise<string> {
  const file = join(folder, `${name}.mts`);
  await writeFile(file, code);
  child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    env: {
      ...process.env,
      REDIS_URL: redis.server.url,
      SMTP_URL: mail.url,
      SECOND_SMTP_URL: mail.url,
      SMTP_USER: 'acme',
      SMTP_PASS: 'not needed here',
      MAIL_FROM: 'Acme <hello@acme.example>',
      TURNSTILE_SECRET: 'secret',
      HCAPTCHA_SECRET: 'secret',
      EMAIL_VERIFICATION_SECRET: 'a secret of 32 bytes, for the README alone',
      REVIEW_CODE: 'hT5wBq28Lz',
      EMAIL_VERIFICATION_SECRETS:
        'the first of two secrets of 32 bytes,the one before it of 32 bytes as well',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`${name} ended without a line`);
}

const LISTEN = 'app.listen(3000);';

/** The server of the quick start on a free port, which it prints. */
function quickStart(express: string): string {
  const code = example(LISTEN);
  return code.replace("from 'express'", `from '${express}'`).replace(
    LISTEN,
    `app.set('env', 'test');
       const server = app.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port));`,
  );
}

/** Verifies an address with the app on a port; returns the fields of its sign-up. */
async function verify(app: string, email: string) {
  const sent = await request(app).post('/email-verification/send').send({ email }).expect(200);
  const { challengeId } = sent.body;
  const code = await mail.lastCode(email);
  const fields = { email, code, challengeId };
  const verified = await request(app).post('/email-verification/verify').send(fields).expect(200);
  return { email, verificationToken: verified.body.verificationToken, password: 'a long one' };
}

const EXPRESS = [
  ['5', 'express'],
  ['4', 'express4'],
] as const;

describe.each(EXPRESS)('on Express %s', (version, express) => {
  const email = 'person@example.com';
  beforeEach(() => redis.flush());

  it('the quick start verifies an address, and lets it sign up once', async () => {
    const app = `http://127.0.0.1:${await firstLineOf(`quick-start-${version}`, quickStart(express))}`;
    const signUp = await verify(app, email);
    await request(app).post('/signup').send(signUp).expect(200, JSON.stringify(email));
    await request(app).post('/signup').send(signUp).expect(403);
  });

  it('T69: the sign-up creates an account, answers 409 for a taken address, and keeps running', async () => {
    const port = await firstLineOf(
      `sign-up-${version}`,
      `const accounts = new Set<string>();
       const createAccount = async (email: string, _password: string) => {
         if (email.startsWith('broken')) throw new Error('the database is unreachable');
         if (accounts.has(email)) throw Object.assign(new Error('duplicate key value'), { code: '23505' });
         accounts.add(email);
       };
       ${quickStart(express).replace(/^app\.post\('\/signup'.*$/m, () => example('23505'))}`,
    );
    const app = `http://127.0.0.1:${port}`;
    const signUp = await verify(app, email);
    await request(app).post('/signup').send(signUp).expect(201, { ok: true });
    await request(app).post('/signup').send(signUp).expect(403);

    await redis.flush();
    mail.clear();
    const again = await verify(app, email);
    for (let round = 0; round < 2; round += 1) {
      await request(app).post('/signup').send(again).expect(409, { ok: false });
    }
    await request(app)
      .post('/signup')
      .send(await verify(app, 'broken@example.com'))
      .expect(500);
    expect(child?.exitCode).toBeNull();
  });
});

it('the quick start has 12 lines of server, and 8 of page', () => {
  const linesOf = (code: string) => code.split('\n').filter(Boolean);
  const isCode = (line: string) => !line.startsWith('//');
  expect(linesOf(example(LISTEN)).filter(isCode).length).toBeLessThanOrEqual(12);
  expect(linesOf(example('<form id="ask">')).length).toBeLessThanOrEqual(8);
});

it('the operations and a beforeSend that suppresses or refuses work', async () => {
  const line = await firstLineOf(
    'operations',
    `import { createEmailVerification, MemoryStore } from 'express-email-verification';
     const options = { store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
     const isBlocked = (email: string) => email.startsWith('robot');
     const hasAccount = async (email: string) => email.startsWith('known');
     ${example('if (isBlocked(email))')}
     const suppressed = await verification.send({ email: 'known@example.com' });
     const refused = await verification.send({ email: 'robot@example.com' });
     if (suppressed.kind !== 'sent' || refused.kind !== 'refused') throw new Error(\`\${suppressed.kind}, \${refused.kind}\`);
     ${example('verification.check()')}
     if (!ok) throw new Error(problems.join());`,
  );
  expect(line).toMatch(/^[\w-]{26} 180$/);
  const message = await mail.server.waitForMessage();
  expect(message.envelope.to).toEqual(['person@example.com']);
  expect(mail.messages).toHaveLength(1);
});

it('the example of an email without a code sends it to known addresses alone', async () => {
  const line = await firstLineOf(
    'notice',
    `import { createEmailVerification, MemoryStore, noticeTemplate } from 'express-email-verification';
     const options = { store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
     const isKnown = async (email: string) => email.startsWith('known');
     ${example('noticeTemplate({')}
     const kinds: string[] = [];
     for (const email of ['known@example.com', 'free@example.com']) kinds.push((await verification.send({ email })).kind);
     await verification.close();
     console.log(kinds.join());`,
  );
  expect(line).toBe('sent,sent');
  const subjects = mail.messages.map(({ envelope, subject }) => `${envelope.to[0]}: ${subject}`);
  expect(subjects.sort()).toEqual([
    'free@example.com: Your code for b.co',
    'known@example.com: You already have an account with Acme',
  ]);
});

it('the examples of captchas refuse a send without a token', async () => {
  const tries = {
    alone: example("captcha({ provider: 'turnstile'"),
    composed: example('await passes(attempt)'),
  };
  const [lineOfImport = ''] = /^import .*$/m.exec(tries.alone) ?? [];
  const line = await firstLineOf(
    'captchas',
    `import { createEmailVerification, MemoryStore } from 'express-email-verification';
     ${lineOfImport}
     const options = { store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
     const hasAccount = async (_email: string) => true;
     const kinds: string[] = [];
     ${Object.values(tries)
       .map(
         (code) => `{
           ${code.replace(lineOfImport, '')}
           kinds.push((await verification.send({ email: 'person@example.com' })).kind);
         }`,
       )
       .join('\n')}
     console.log(kinds.join());`,
  );
  expect(line).toBe('refused,refused');
});

it('the examples of browser proofs make nonces, and send a code without a proof', async () => {
  const code = example('browserProof: evp({');
  const [lineOfImport = ''] = /^import .*$/m.exec(code) ?? [];
  const line = await firstLineOf(
    'proofs',
    `import { createEmailVerification, MemoryStore } from 'express-email-verification';
     ${lineOfImport}
     const options = { store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
     const kinds: string[] = [];
     {
       ${code.replace(lineOfImport, '')}
       kinds.push(String(verification.createNonce().expiresIn), (await verification.send({ email: 'person@example.com' })).kind);
     }
     {
       const certificate = '';
       ${example('localIssuers: {')}
       const verification = createEmailVerification({ ...options, browserProof });
       kinds.push((await verification.send({ email: 'other@example.com', proof: 'x', nonce: 'y' })).kind);
     }
     console.log(kinds.join());`,
  );
  expect(line).toBe('600,sent,sent');
});

it('the example of several purposes sends codes of each', async () => {
  const line = await firstLineOf(
    'purposes',
    `import express from 'express';
     import { createEmailVerifications, emailVerificationRouter, MemoryStore } from 'express-email-verification';
     const options = { store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
     const app = express();
     ${example('createEmailVerifications(options')}
     const server = app.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port));`,
  );
  const app = request(`http://127.0.0.1:${line}`);
  await app.post('/sign-up/verification/send').send({ email: 'one@example.com' }).expect(200);
  await app.post('/account/verification/send').send({ email: 'two@example.com' }).expect(200);
  expect(await mail.lastCode('one@example.com')).toMatch(/^\d{6}$/);
  expect(await mail.lastCode('two@example.com')).toMatch(/^\d{8}$/);
});

it('the examples of options work', async () => {
  const tries = {
    rotation: example('EMAIL_VERIFICATION_SECRETS'),
    provider: example("service: 'naver'"),
    delivery: example('provider.send'),
    relay: example('maxMessages: 1000'),
    fixedCodes: example('fixedCodes: ['),
    failOver: example('SECOND_SMTP_URL'),
    template: example('template: ('),
    rateLimit: example('rateLimit: {'),
    ioredis: example('new Redis(process.env.REDIS_URL)'),
    pool: `${example('createClientPool')} const verification = createEmailVerification({ ...options, store });`,
  };
  const line = await firstLineOf(
    'options',
    `import { createEmailVerification, MemoryStore, RedisStore } from 'express-email-verification';
     import { Redis } from 'ioredis';
     import { createClientPool } from 'redis';
     const sent: unknown[] = [];
     const provider = { send: async (message: { to: string }) => void sent.push(message.to) };
     const user = 'acme', pass = 'hidden', secret = process.env.EMAIL_VERIFICATION_SECRET;
     const optionsOf = () => ({ store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'a@b.co', secret });
     type Options = ReturnType<typeof optionsOf>;
     const made = {
       ${Object.entries(tries)
         .map(
           ([name, code]) =>
             `${name}: await (async (options: Options) => { ${code} return verification; })(optionsOf()),`,
         )
         .join('\n')}
     };
     const kinds: Record<string, string> = {};
     for (const [name, verification] of Object.entries(made)) {
       // These two name the server of a provider.
       if (name === 'provider' || name === 'relay') continue;
       kinds[name] = (await verification.send({ email: \`\${name}@example.com\` })).kind;
     }
     console.log(JSON.stringify({ kinds, sent }));`,
  );
  const sent = 'sent';
  expect(JSON.parse(line)).toEqual({
    kinds: {
      rotation: sent,
      fixedCodes: sent,
      delivery: sent,
      template: sent,
      rateLimit: sent,
      ioredis: sent,
      pool: sent,
      failOver: sent,
    },
    sent: ['delivery@example.com'],
  });
  const subjects = Object.fromEntries(
    mail.messages.map(({ envelope, subject }) => [envelope.to[0], subject]),
  );
  expect(subjects['template@example.com']).toBe('Your code for b.co');
  expect(Object.keys(subjects)).toHaveLength(7);
});

it('the examples of Redis Cluster and Sentinel have at most 12 lines, and keep a code', async () => {
  const [cluster, watched] = await Promise.all([startRedisCluster(), startWatchedRedis()]);
  /** In place of those in the examples. */
  const port = (hosts: readonly { port: number }[], n: string) => `${hosts[Number(n) - 1]?.port}`;
  const here = (code: string) =>
    code
      .replace(/redis-(\d):6379/g, (_, n) => `127.0.0.1:${port(cluster.nodes, n)}`)
      .replace(/'sentinel-(\d)'/g, (_, n) => port(watched.rootNodes, n))
      .replace('(host) => ({ host, port: 26379 })', "(port) => ({ host: '127.0.0.1', port })")
      .replace("'mymaster'", `'${SENTINEL_NAME}'`);
  const setUps = {
    cluster: example('createCluster({'),
    ioredisCluster: example('new Cluster('),
    sentinel: example('createSentinel({'),
    ioredisSentinel: example('sentinels: ['),
  };
  try {
    for (const [name, code] of Object.entries(setUps)) {
      expect(code.trim().split('\n').length).toBeLessThanOrEqual(12);
      const line = await firstLineOf(
        name,
        `import { createEmailVerification, RedisStore } from 'express-email-verification';
         import { Cluster, Redis } from 'ioredis';
         import { createCluster, createSentinel } from 'redis';
         ${here(code)}
         const { EMAIL_VERIFICATION_SECRET: secret, MAIL_FROM: from } = process.env;
         const verification = createEmailVerification({ store, from, secret, delivery: async () => {} });
         const email = '${name}@example.com';
         await verification.send({ email });
         console.log(JSON.stringify(await verification.status({ email })));
         process.exit();`,
      );
      expect(JSON.parse(line)).toMatchObject({ kind: 'status', sendsToday: 1 });
    }
  } finally {
    await Promise.all([cluster.stop(), watched.stop()]);
  }
});

it('the examples of a queue send an email through it, with a worker', async () => {
  const app = example('delivery: queueDelivery({');
  const worker = example('const worker = createMailWorker({');
  const line = await firstLineOf(
    'queue',
    `import { createEmailVerification, RedisStore } from 'express-email-verification';
     import { createClient } from 'redis';
     process.env.QUEUE_REDIS_URL = process.env.REDIS_URL.replace('unix://', '');
     const redis = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect();
     ${app}
     ${worker}
     worker.on('delivered', async () => {
       console.log('delivered');
       await worker.close();
       await verification.close();
       redis.destroy();
     });
     await verification.send({ email: 'queued@example.com' });`,
  );
  expect(line).toBe('delivered');
  expect(mail.messages.map(({ envelope }) => envelope.to)).toContainEqual(['queued@example.com']);
});

it('the example of metrics works', async () => {
  const code = example('const stop = instrument(verification)');
  const line = await firstLineOf(
    'metrics',
    `import { createEmailVerification, MemoryStore } from 'express-email-verification';
     import { metrics } from '@opentelemetry/api';
     import { MeterProvider } from '@opentelemetry/sdk-metrics';
     metrics.setGlobalMeterProvider(new MeterProvider());
     const secret = process.env.EMAIL_VERIFICATION_SECRET;
     const options = { store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'a@b.co', secret };
     const verification = createEmailVerification(options);
     ${code}
     const { kind } = await verification.send({ email: 'person@example.com' });
     stop();
     console.log(kind);`,
  );
  expect(line).toBe('sent');
});

it('a language of the package, and one of an app with at most 20 lines, work as in the examples', async () => {
  const own = example('pluralsIn(');
  expect(own.split('\n').filter(Boolean).length).toBeLessThanOrEqual(20);
  const line = await firstLineOf(
    'languages',
    `import { createEmailVerification, durationsIn, MemoryStore, pluralsIn } from 'express-email-verification';
     ${example("locales/ja'").replace('const verification', 'const options = optionsOf();\nconst packaged')}
     function optionsOf() {
       return { store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'Acme <a@b.co>', secret: process.env.EMAIL_VERIFICATION_SECRET };
     }
     ${own}
     const said = async (asked: typeof packaged, locale: string) => (await asked.verify({ email: 'a@b.co', code: '1', locale })).message;
     const { message } = await verification.send({ email: 'person@example.com', locale: 'nl-BE' });
     const korean = await verification.send({ email: 'korean@example.com', locale: 'ko' });
     console.log(JSON.stringify([message, korean.message, await said(packaged, 'ja'), await said(packaged, 'zh-HK'), await said(verification, 'nl')]));`,
  );
  expect(JSON.parse(line)).toEqual([
    'We hebben je een code gestuurd. Bekijk je e-mail.',
    '인증번호를 보냈어요.',
    '入力内容をご確認ください。',
    '請檢查您輸入的內容。',
    'Please check what you entered.',
  ]);
  const message = mail.messages.find(({ envelope }) => envelope.to[0] === 'person@example.com');
  expect(message?.subject).toBe('Je verificatiecode voor Acme');
  expect(message?.text).toContain('De code is 3 minuten geldig, voor één keer.');
});

it('the examples for tests work', async () => {
  const line = await firstLineOf(
    'testing',
    `import { createEmailVerification, MemoryStore } from 'express-email-verification';
     import { createConsoleDelivery, createTestClock, createTestInbox, describeStoreContract, withoutLimits } from 'express-email-verification/testing';
     const transport = process.env.SMTP_URL;
     const options = { from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
     const kinds: string[] = [];
     {
       ${example('const inbox = createTestInbox()')}
       kinds.push(kind);
     }
     {
       const options = { transport, from: 'a@b.co', secret: process.env.EMAIL_VERIFICATION_SECRET };
       ${example('const clock = createTestClock()')}
       kinds.push((await verification.send({ email: 'person@example.com' })).kind);
     }
     {
       const print = console.log;
       console.log = () => {};
       ${example('...withoutLimits()')}
       for (const _ of [1, 2]) kinds.push((await verification.send({ email: 'person@example.com' })).kind);
       console.log = print;
     }

     const tests: (() => Promise<void>)[] = [];
     const it = Object.assign((_name: string, test: () => Promise<void>) => void tests.push(test), { skip() {} });
     Object.assign(globalThis, { describe: (_name: string, define: () => void) => define(), it });
     class PostgresStore extends MemoryStore { constructor(_pool: object, options: { clock: () => number }) { super(options); } }
     const pool = {};
     ${example('describeStoreContract(')}
     for (const test of tests) await test();
     console.log(...kinds, tests.length > 50);`,
  );
  expect(line).toBe('verified sent sent sent true');
});

/** Runs an example of the browser, with its imports and globals as parameters. */
async function runInPage(code: string, page: Record<string, unknown>): Promise<Record<string, never>> {
  const body = ts.transpileModule(code.replace(/^\s*import .*$/gm, ''), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, jsx: ts.JsxEmit.React },
  }).outputText;
  return new Function(...Object.keys(page), body)(...Object.values(page));
}

it('the client that is generated from openapi.json has types, and calls the routes', async () => {
  await writeFile(join(folder, 'openapi.json'), JSON.stringify(openapi));
  const types = join(folder, 'email-verification.d.ts');
  const node = (...args: string[]) => run(process.execPath, args, { cwd: root });
  await node('node_modules/openapi-typescript/bin/cli.js', join(folder, 'openapi.json'), '-o', types);

  const { app } = createTestApp({ store: new MemoryStore(), transport: mail.url });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ev`;
  const code = example('createClient<paths>').replace('https://acme.example/email-verification', baseUrl);
  try {
    expect(await firstLineOf('first', code)).toBe('The code expires in 180 seconds.');
    expect(await firstLineOf('second', code)).toMatch(/^Try again in \d+ seconds\.$/);
  } finally {
    server.close();
  }
  await writeFile(join(folder, 'wrong.mts'), code.replace('error.retryAfter', 'error.errors'));
  const files = ['first.mts', 'wrong.mts'].map((file) => join(folder, file));
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
  const checked = node('node_modules/typescript/bin/tsc', ...options, '--types', 'node', ...files);
  const { stdout } = await checked.catch((error: { stdout: string }) => error);
  // The type of `error` follows from its `reason`.
  expect(stdout.match(/\w+\.mts|error TS\d+/g)).toEqual(['wrong.mts', 'error TS2339']);
});

it('the example of OpenAPI adds a sign-up to a valid document', async () => {
  const document = await runInPage(`${example("'/signup': {")}\nreturn document;`, { openapi });
  const official = 'node_modules/@seriousme/openapi-schema-validator/schemas/v3.1/schema.json';
  const schema = JSON.parse(await readFile(join(root, official), 'utf8'));
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  validate(JSON.parse(JSON.stringify(document)));
  expect(validate.errors).toBeNull();
  expect(Object.keys(Object(document.paths))).toEqual([
    '/email-verification/send',
    '/email-verification/verify',
    '/signup',
  ]);
});

it('the examples of onRefused render the page of the app', async () => {
  const { verification } = createTestApp({
    store: new MemoryStore(),
    transport: mail.url,
    rateLimit: { send: { windowMs: 60_000, limit: 1 } },
  });
  const app = express().engine('html', (_path, view, done) =>
    done(null, `${Reflect.get(view, 'email')}: ${Reflect.get(view, 'message')}`),
  );
  await writeFile(join(folder, 'sign-up.html'), '');
  app.set('views', folder).set('view engine', 'html');
  await runInPage(example('verification.clientLimit({ onRefused'), {
    ...{ app, express, verification, emailVerificationRouter, requireVerifiedEmail },
    sendCode: (_req: unknown, res: express.Response) => res.send('sent'),
    createAccount: () => {
      throw new Error('not verified');
    },
  });
  const post = (path: string) => request(app).post(path).type('form').send({ email: 'person@example.com' });
  await post('/sign-up/send').expect(200, 'sent');
  await post('/sign-up/send').expect(429, /^person@example\.com: Too many requests\./);
  await post('/email-verification/send').expect(429, /^person@example\.com: Too many requests\./);
  await post('/sign-up').expect(403, 'person@example.com: Please verify your email address first.');
});

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

  it('the page of the quick start verifies an address', async () => {
    const html = example('<form id="ask">');
    const [, script = ''] = /<script type="module">([\s\S]*)<\/script>/.exec(html) ?? [];
    const alerts: string[] = [];
    const page = {
      createEmailVerificationClient: () => createEmailVerificationClient({ baseUrl }),
      ask: { email: { value: email }, onsubmit: () => true },
      enter: { code: { value: '' }, onsubmit: () => true },
      alert: (message: string) => alerts.push(message),
    };
    for (const name of ['id="ask"', 'name="email"', 'id="enter"', 'name="code"'])
      expect(html).toContain(name);
    await runInPage(script, page);
    expect(page.ask.onsubmit()).toBe(false);
    page.enter.code.value = await mail.lastCode(email);
    await until('the page says that the code was sent', () => alerts.length === 1);
    expect(page.enter.onsubmit()).toBe(false);
    await until('the page says something more', () => alerts.length === 2);
    expect(alerts[1]).toBe('Your email address is verified.');
  });

  describe('with proofs', () => {
    const browserProof = { check: async () => ({ kind: 'accepted', email }) as const };
    const attached: ProofField[] = [];
    const attach = (input: ProofInput) => {
      const proof = attachProof(input, { baseUrl });
      attached.push(proof);
      return proof;
    };
    afterEach(() => {
      for (const proof of attached.splice(0)) proof.detach();
    });

    beforeEach(async () => {
      server.close();
      const { app } = createTestApp({ store: new MemoryStore(), transport: mail.url, browserProof });
      server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ev`;
    });

    /** A field that the browser fills in as soon as it has a nonce. */
    const createField = () => ({
      value: '',
      setAttribute(name: string, nonce: string) {
        expect(name).toBe(PROFILE.field.nonceAttribute);
        this.value = `a proof for ${nonce}`;
      },
      removeAttribute: () => {},
    });

    it('the example of a page verifies an address without a code', async () => {
      const html = example('import { attachProof }');
      expect(html).toContain(`autocomplete="${PROFILE.field.autocomplete}"`);
      const [, script = ''] = /<script type="module">([\s\S]*)<\/script>/.exec(html) ?? [];
      const alerts: string[] = [];
      const start = { email: { value: email }, proof: createField(), onsubmit: () => true };
      await runInPage(script, {
        createEmailVerificationClient: () => createEmailVerificationClient({ baseUrl }),
        attachProof: attach,
        start,
        alert: (message: string) => alerts.push(message),
      });
      await until('the browser has made a proof', () => start.proof.value !== '');
      expect(start.onsubmit()).toBe(false);
      await until('the page says more', () => alerts.length === 1);
      expect(alerts).toEqual(['verified: Your email address is verified.']);
    });

    it('the example in React hands the proof on', async () => {
      const field = createField();
      const received: object[] = [];
      const refs = [{ current: field }, { current: undefined }];
      const component: unknown = await runInPage(`${example('function EmailForm(')}\nreturn EmailForm;`, {
        React,
        attachProof: attach,
        useRef: () => refs.shift(),
        useEffect: (run: () => void) => run(),
      });
      const EmailForm = component as (props: object) => React.ReactElement<{ onSubmit(event: object): void }>;
      const form = EmailForm({
        onEmail: (address: string, extra: object) => received.push({ address, extra }),
      });
      expect(renderToStaticMarkup(form)).toContain(`autoComplete="${PROFILE.field.autocomplete}"`);
      await until('the browser has made a proof', () => field.value !== '');
      form.props.onSubmit({ preventDefault: () => {}, target: { email: { value: email } } });
      const proof = expect.stringMatching(/^a proof for [\w-]{48}$/);
      expect(received).toEqual([{ address: email, extra: { proof, nonce: expect.any(String) } }]);
    });
  });

  it('the example in plain JavaScript shows errors, and verifies an address', async () => {
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
      emailError: { textContent: '' },
      codeError: { textContent: '' },
      emailInput: { value: '' },
      codeInput: { value: '' },
    };
    const event = { preventDefault: () => {} };
    await runInPage(example('codeForm.onsubmit'), page);
    expect([page.codeForm.hidden, page.resendButton.disabled]).toEqual([true, true]);
    page.emailInput.value = 'nobody';
    page.emailForm.onsubmit(event);
    await until('the error is shown', () => page.emailError.textContent !== '');
    expect(page.emailError.textContent).toBe('Please enter a valid email address.');
    page.emailInput.value = email;
    page.emailForm.onsubmit(event);
    page.codeInput.value = await mail.lastCode(email);
    await until('the code field is shown', () => !page.codeForm.hidden);
    expect(page.resendButton.disabled).toBe(true);
    page.codeInput.value = '12';
    page.codeForm.onsubmit(event);
    await until('the error is shown', () => page.codeError.textContent !== '');
    page.codeInput.value = await mail.lastCode(email);
    page.codeForm.onsubmit(event);
    await until(
      'the address is verified',
      () => page.statusLine.textContent === 'Your email address is verified.',
    );
    client?.reset();
  });

  it('the example of a captcha sends the token of its widget, and resets it', async () => {
    const client = createEmailVerificationClient({ baseUrl });
    const page = {
      client,
      emailForm: { onsubmit: async (_event: object) => {} },
      emailInput: { value: email },
      turnstile: { getResponse: () => 'token', reset: jest.fn() },
    };
    await runInPage(example('turnstile.getResponse'), page);
    await page.emailForm.onsubmit({ preventDefault: () => {} });
    expect(client.state.status).toBe('sent');
    expect(page.turnstile.reset).toHaveBeenCalledTimes(1);
  });

  it('the example in React shows each step', async () => {
    const client = createEmailVerificationClient({ baseUrl });
    const VerifyEmail = await runInPage(`${example('function VerifyEmail')}\nreturn VerifyEmail;`, {
      React,
      WORDS: {},
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

it('the bounds they print for other options are those of the function', () => {
  const table = documentAt('lib/challenge/README.md').split('## Stronger codes')[1]?.split('\n## ')[0] ?? '';
  const rows = [...table.matchAll(/^\| (none|`\{.+?\}`) \| (\d+) \| ([\d.]+)·10⁻(.) \|$/gm)];
  expect(rows.length).toBeGreaterThan(5);
  for (const [, options = '', guesses, factor, power = ''] of rows) {
    const bound = guessBound(options === 'none' ? {} : new Function(`return (${options.slice(1, -1)})`)());
    expect([options, bound.guesses]).toEqual([options, Number(guesses)]);
    expect(bound.chance.toExponential(1)).toBe(`${factor}e-${'⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(power)}`);
  }
});

it('the bound they print is the bound of the defaults', () => {
  const { guesses, chance } = guessBound();
  const printed = `${chance * 1e4}·10⁻⁴ per mailbox and day`;
  expect(documentAt('README.md')).toContain(printed);
  expect(documentAt('lib/challenge/README.md')).toContain(printed);
  expect(documentAt('lib/challenge/README.md')).toContain(`= ${guesses} of 10⁶`);
  // At most one fixed code is valid at once, and 3 drawn ones.
  const [aDay, in90Days] = [guesses / 3, (90 * guesses) / 3];
  expect(documentAt('lib/challenge/README.md')).toContain(
    `= ${aDay} guesses a day are compared, or ${in90Days.toLocaleString('en')} in 90 days`,
  );
});

it('the tests they name are there, and carry the numbers they give', async () => {
  const text = documentAt('lib/challenge/README.md');
  const named = new Set([...text.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, name = '']) => name));
  expect(named.size).toBeGreaterThan(10);
  const read = (name: string) => readFile(join(root, '__tests__', name), 'utf8');
  const tests = (await Promise.all([...named].map(read))).join('\n');
  const numbers = new Set(text.match(/\bT\d+\b/g));
  expect(numbers.size).toBeGreaterThan(15);
  for (const number of numbers) expect(tests).toMatch(new RegExp(`\\b${number}\\b`));
});

it('the commands they give are those of package.json', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const text = [...documents.values()].join('\n');
  const commands = [...text.matchAll(/npm (?:run ([\w:]+)|(test))\b/g)].map(([, name, test]) => name ?? test);
  expect(commands).toEqual(expect.arrayContaining(['demo', 'test', 'bench', 'check']));
  for (const name of commands) expect(scripts).toHaveProperty([name ?? '']);
});

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

it.each(FILES)('every link of %s leads to a file, or to a heading in it', async (file) => {
  for (const [, target = ''] of documentAt(file).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https:\/\//.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const linked = path === '' ? file : join(dirname(file), path);
    const text = await readFile(join(root, linked), 'utf8').catch(() => undefined);
    expect([target, text !== undefined]).toEqual([target, true]);
    if (anchor === undefined) continue;
    const anchors = [...(text ?? '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
    expect([target, anchors]).toEqual([target, expect.arrayContaining([anchor])]);
  }
});

it('the README has at most 200 lines and 2,000 words', () => {
  const readme = documentAt('README.md');
  expect(readme.split('\n').length - 1).toBeLessThanOrEqual(200);
  expect(readme.split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(2000);
});

// The last one: it looks at what the others have run.
it('every example was run', () => {
  const missed = examples().filter(({ code }) => !used.has(code));
  expect(missed.map(({ file, code }) => `${file}: ${code}`)).toEqual([]);
});
