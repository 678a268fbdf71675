/** The packed tarball, installed by npm into an app: what it contains, and how it is loaded, typed and used. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import request from 'supertest';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { appOf, CLASSIC_APP, createStack, TYPED_APP, type Versions } from './stacks.js';

const run = promisify(execFile);
const root = join(__dirname, '../..');
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const mail = useMailServer();
const redis = useRedis();
let folder: string;
let app: string;
let installed: {
  typesVersions: object;
  exports: Readonly<Record<string, unknown>>;
  dependencies: object;
  peerDependencies: object;
  peerDependenciesMeta: object;
};

/** What a TypeScript app has before it installs the package. */
const OF_THE_APP = [
  ...['express', 'redis', '@opentelemetry/api', '@types/express', '@types/node', 'typescript'],
];

/**
 * The app pins the versions in our lock file, so that npm finds them in its cache and needs no network. npm installs only
 * what the app and the package declare: a dependency that the package forgot is missing.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'));
  app = join(folder, 'app');
  await mkdir(app);
  const { stdout } = await run(NPM, ['pack', '--json', '--pack-destination', folder], { cwd: root });
  const tarball = join(folder, JSON.parse(stdout.slice(stdout.indexOf('[')))[0].filename);

  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const dependencies = Object.fromEntries(
    OF_THE_APP.map((name) => [name, lock.packages[`node_modules/${name}`].version]),
  );
  lock.packages[''] = { dependencies };
  await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await writeFile(join(app, 'package-lock.json'), JSON.stringify(lock));
  // npm would fetch metadata of peers that `npm ci` does not cache; `npm ls` checks them instead.
  const flags = ['--prefer-offline', '--legacy-peer-deps', '--no-audit', '--no-fund'];
  await run(NPM, ['install', ...flags, tarball], { cwd: app });
  installed = JSON.parse(
    await readFile(join(app, 'node_modules/express-email-verification/package.json'), 'utf8'),
  );
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

it('requires only the peers that it uses: an unused one breaks the install of an app with another version', async () => {
  await run(NPM, ['ls'], { cwd: app });
  expect(Object.keys(installed.peerDependencies).sort()).toEqual([
    '@opentelemetry/api',
    '@types/express',
    'bullmq',
    'express',
    'redis',
  ]);
  expect(installed.peerDependenciesMeta).toEqual({
    '@opentelemetry/api': { optional: true },
    '@types/express': { optional: true },
    bullmq: { optional: true },
    redis: { optional: true },
  });
});

it('locks its dependencies without the name of a registry', async () => {
  expect(await readFile(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved":');
});

const LANGUAGES = 'en ko ja zh-Hans zh-Hant es pt-BR fr de it ru ar vi id tr'.split(' ');

it('exports a file of its own for each language, and none of what is beside them', async () => {
  const dist = join(app, 'node_modules/express-email-verification/dist');
  for (const kind of ['cjs', 'esm']) {
    const files = (await readdir(join(dist, kind, 'locales'))).filter((name) => name.endsWith('.js'));
    const exported = files
      .map((name) => name.slice(0, -'.js'.length))
      .filter((name) => installed.exports[`./locales/${name}`] !== null);
    expect(exported.sort()).toEqual([...LANGUAGES].sort());
  }
});

it.each(['require', 'import'])('has entries that %s can load', async (kind) => {
  const named = Object.keys(installed.exports).filter((entry) => !/\.json$|\/locales\//.test(entry));
  expect(named).toEqual(expect.arrayContaining(['.', './client']));
  const languages = LANGUAGES.map((language) => `./locales/${language}`);
  for (const entry of [...named, ...languages]) {
    const name = JSON.stringify(entry.replace('.', 'express-email-verification'));
    const load = kind === 'import' ? `await import(${name})` : `require(${name})`;
    const type = kind === 'import' ? 'module' : 'commonjs';
    await run(process.execPath, [`--input-type=${type}`, '-e', load], { cwd: app });
  }
});

it('names the declarations of each entry for compilers that do not read `exports`', () => {
  const entries = Object.keys(installed.exports).filter(
    (entry) => entry !== '.' && !entry.endsWith('.json') && installed.exports[entry] !== null,
  );
  const named = entries.map((entry) => {
    const { types } = (installed.exports[entry] as { require: { types: string } }).require;
    return [entry.slice('./'.length), [types]];
  });
  expect(installed.typesVersions).toEqual({ '*': Object.fromEntries(named) });
});

it('contains the OpenAPI document as JSON', async () => {
  const same = `require('node:assert').deepStrictEqual(
    require('express-email-verification/openapi.json'), { ...require('express-email-verification').openapi });`;
  await run(process.execPath, ['-e', same], { cwd: app });
});

const NAMES =
  'createEmailVerification, emailVerificationRouter, requireVerifiedEmail, MemoryStore, RedisStore, en, ko';
const IMPORTS = {
  cjs: `const express = require('express');
    const { ${NAMES} } = require('express-email-verification');
    const { createEmailVerificationClient } = require('express-email-verification/client');
    const { ja } = require('express-email-verification/locales/ja');
    const { zhHant } = require('express-email-verification/locales/zh-Hant');`,
  mjs: `import express from 'express';
    import { ${NAMES} } from 'express-email-verification';
    import { createEmailVerificationClient } from 'express-email-verification/client';
    import { ja } from 'express-email-verification/locales/ja';
    import { zhHant } from 'express-email-verification/locales/zh-Hant';`,
};
const APP = `
const verification = createEmailVerification({
  store: new MemoryStore(), transport: process.env.SMTP_URL, from: 'Acme <hello@acme.example>', secret: 'x'.repeat(32),
  locales: { en, ko, ja, zhHant },
});
const app = express();
app.use('/email-verification', emailVerificationRouter(verification));
app.post('/signup', express.json(), requireVerifiedEmail(verification), (req, res) => {
  res.status(201).json({ email: req.verifiedEmail });
});
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
new RedisStore({ on() {}, listenerCount: () => 1, evalSha() {}, eval() {} });
createEmailVerificationClient({ baseUrl: '/email-verification' });
`;

/** Runs a file of the app, which prints its port, and signs a person up there. */
async function signUpAt(
  file: string,
  env: Record<string, string>,
  use?: (url: string) => Promise<void>,
  cwd = app,
): Promise<request.Response> {
  const child = spawn(process.execPath, [file], {
    cwd,
    env: { ...process.env, SMTP_URL: mail.url, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const { value: port } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    const url = `http://127.0.0.1:${port}`;
    const site = request(url);
    const email = 'minji@example.com';
    const sent = await site.post('/email-verification/send').send({ email }).expect(200);
    const { challengeId } = sent.body;
    const code = await mail.lastCode(email);
    const verified = await site
      .post('/email-verification/verify')
      .send({ email, code, challengeId })
      .expect(200);
    const { verificationToken } = verified.body;
    const signedUp = await site.post('/signup').send({ email, verificationToken });
    await site.post('/signup').send({ email, verificationToken }).expect(403);
    await use?.(url);
    return signedUp;
  } finally {
    child.kill();
    await ended;
  }
}

it.each(['cjs', 'mjs'] as const)('verifies an email and guards a sign-up, in a .%s file', async (kind) => {
  await writeFile(join(app, `app.${kind}`), IMPORTS[kind] + APP);
  const { status, body } = await signUpAt(`app.${kind}`, {});
  expect([status, body]).toEqual([201, { email: 'minji@example.com' }]);
});

/** The first block of code in a language in the README. */
async function exampleIn(language: string): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  return new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(readme)?.[1] ?? '';
}

it('runs the quick start of the README, and serves its page and the client', async () => {
  const server = (await exampleIn('js')).replace(
    'app.listen(3000)',
    "const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))",
  );
  const page = await exampleIn('html');
  await mkdir(join(app, 'public'), { recursive: true });
  await writeFile(join(app, 'public', 'index.html'), page);
  await writeFile(join(app, 'server.mjs'), server);
  const env = {
    REDIS_URL: redis.server.url,
    MAIL_FROM: 'Acme <hello@acme.example>',
    EMAIL_VERIFICATION_SECRET: 'x'.repeat(32),
  };
  const { status, body } = await signUpAt('server.mjs', env, async (url) => {
    const { text } = await request(url).get('/').expect(200).expect('Content-Type', /html/);
    expect(text).toBe(page);
    const [, source = ''] = /from '(.+)';/.exec(page) ?? [];
    const script = await request(url)
      .get(source)
      .expect(200)
      .expect('Content-Type', /javascript/);
    expect(script.text).toContain('export function createEmailVerificationClient(');
    expect(script.text).not.toMatch(/^import /m);
  });
  expect([status, body]).toEqual([200, 'minji@example.com']);
});

it('is one copy for both module kinds, so that an app may mix them', async () => {
  await writeFile(
    join(app, 'both.mjs'),
    `import assert from 'node:assert';
    import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    for (const entry of ['', '/bullmq', '/captcha', '/evp', '/metrics', '/testing', '/locales/ja']) {
      const name = 'express-email-verification' + entry;
      const imported = await import(name).catch(() => undefined);
      // What an optional peer is missing for is not loaded by either kind.
      if (imported) for (const [key, value] of Object.entries(require(name))) assert.equal(imported[key], value, key);
      else assert.equal(entry, '/metrics');
    }`,
  );
  await run(process.execPath, ['both.mjs'], { cwd: app });
});

it('loads only the languages that an app imports', async () => {
  const script = `const loaded = () => Object.keys(require.cache).flatMap((file) => /locales.(\\w\\w|\\w\\w-\\w+)\\.js$/.exec(file)?.[1] ?? []);
    require('express-email-verification');
    const before = loaded();
    require('express-email-verification/locales/pt-BR');
    console.log(JSON.stringify([before, loaded()]));`;
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: app });
  expect(JSON.parse(stdout)).toEqual([
    ['en', 'ko'],
    ['en', 'ko', 'pt-BR'],
  ]);
});

it.each(['cjs', 'mjs'])('says in a .%s app what to install for a queue', async (kind) => {
  const load = {
    cjs: "const { queueDelivery } = require('express-email-verification/bullmq');",
    mjs: "import { queueDelivery } from 'express-email-verification/bullmq';",
  }[kind];
  const script = `${load}
    try { queueDelivery({ connection: {}, secret: 'x'.repeat(32) }); } catch (error) { console.log(error.message); }`;
  await writeFile(join(app, `queue.${kind}`), script);
  const { stdout } = await run(process.execPath, [`queue.${kind}`], { cwd: app });
  expect(stdout).toBe('express-email-verification/bullmq needs BullMQ: npm install bullmq ioredis\n');
});

it('does not load redis or OpenTelemetry by itself', async () => {
  const script = `require('express-email-verification');
    process.exit(Object.keys(require.cache).some((file) => /node_modules.(redis|@redis|@opentelemetry)./.test(file)) ? 1 : 0);`;
  await run(process.execPath, ['-e', script], { cwd: app });
});

const TYPES = `
import express from 'express';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import {
  createEmailVerification, emailVerificationRouter, requireVerifiedEmail, RedisStore, type SendOutcome,
} from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';
import { ptBR } from 'express-email-verification/locales/pt-BR';

async function app(user: string, pass: string) {
  const redis = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect();
  const verification = createEmailVerification({
    store: new RedisStore(redis),
    transport: { service: 'naver', auth: { user, pass } },
    from: \`Acme <\${user}@naver.com>\`,
    secret: process.env.EMAIL_VERIFICATION_SECRET,
    beforeSend: async ({ email, request }) =>
      request?.body.captcha && email ? { kind: 'suppress' } : undefined,
    locales: { ptBR, nl: { mail: { subject: (appName) => \`Uw code voor \${appName}\` } } },
  });
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), async (req, res) => {
    const address: string = req.verifiedEmail;
    res.status(201).json({ address });
  });
  const outcome: SendOutcome = await verification.send({ email: 'a@b.co' });
  if (outcome.kind === 'sent') outcome.challengeId satisfies string;
  // @ts-expect-error: an outcome other than success has no challengeId
  if (outcome.kind === 'refused') outcome.challengeId;
  verification.on('delivery_failed', ({ email, cause }) => console.log(email, cause.responseCode));
  // @ts-expect-error: there is no such option
  createEmailVerification({ transport: '', from: '', codeLenght: 6 });
}

new RedisStore(createClient({ RESP: 2 }));
new RedisStore(createClient({ RESP: 3, commandOptions: { timeout: 10 } }), { prefix: 'x:' });
new RedisStore(createClientPool());
new RedisStore(createCluster({ rootNodes: [] }));
new RedisStore(createSentinel({ name: 'x', sentinelRootNodes: [] }));
export { app, createEmailVerificationClient };
`;

/** Type-checks files of the app. */
async function typeCheck(files: readonly string[], ...more: readonly string[]): Promise<void> {
  const tsc = join(app, 'node_modules', 'typescript', 'bin', 'tsc');
  // Without skipLibCheck: what our declarations import must exist in the app too.
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  await run(process.execPath, [tsc, ...flags, ...more, ...files], { cwd: app }).catch(({ stdout }) => {
    throw new Error(stdout);
  });
}

it('has strict types for every client of node-redis, in modules of both kinds', async () => {
  const files = ['uses.mts', 'uses.cts'];
  for (const file of files) await writeFile(join(app, file), TYPES);
  await writeFile(join(app, 'quick-start.mts'), await exampleIn('js'));
  await typeCheck([...files, 'quick-start.mts']);
});

/** An app that passes what `process.env` gives, unset variables included. */
const UNSET = `
import express from 'express';
import {
  createEmailVerification, emailVerificationRouter, requireVerifiedEmail, MemoryStore,
  type ClientLimitOption, type EmailVerificationOptions, type Locale, type MemoryStoreOptions,
  type RedisStoreOptions, type RequireVerifiedEmailOptions, type Sender, type SendInput, type SendVerdict, type TemplateOptions,
} from 'express-email-verification';
import { captcha, type CaptchaOptions } from 'express-email-verification/captcha';
import type { EmailVerificationClientOptions } from 'express-email-verification/client';
import type { ConsoleDeliveryOptions, StoreContractOptions, TestInboxOptions } from 'express-email-verification/testing';

const { env } = process;
const limit = env['LIMIT'] === undefined ? undefined : Number(env['LIMIT']);
const verification = createEmailVerification({
  store: new MemoryStore({ clock: undefined }),
  transport: {
    host: env['SMTP_HOST'], port: env['SMTP_PORT'], service: env['SMTP_SERVICE'], secure: limit === 465,
    auth: { user: env['SMTP_USER'], pass: env['SMTP_PASS'] },
  },
  from: env['MAIL_FROM'],
  secret: [env['SECRET'], env['SECRET_BEFORE']],
  origin: env['ORIGIN'],
  appName: env['APP_NAME'],
  purpose: env['PURPOSE'],
  defaultLocale: env['LOCALE'],
  codeLength: limit,
  sendLimits: undefined,
  rateLimit: { send: { limit, windowMs: limit, message: env['MESSAGE'] }, verify: undefined },
  locales: { ko: undefined },
  fixedCodes: [{ email: env['REVIEW_EMAIL'], code: env['REVIEW_CODE'], until: env['REVIEW_UNTIL'] }],
  delivery: env['QUEUE'] ? 'background' : undefined,
  beforeSend: env['CAPTCHA'] ? captcha({ provider: 'turnstile', secret: env['CAPTCHA'], hostname: env['HOST'] }) : undefined,
});
createEmailVerification({ transport: env['SMTP_URL'], from: { name: env['NAME'], address: 'a@b.co' }, secret: env['SECRET'] });
const app = express();
app.use(emailVerificationRouter(verification));
app.post('/signup', express.json(), requireVerifiedEmail(verification, { email: undefined }), (req, res) => {
  req.verifiedEmail satisfies string;
  res.json({});
});

type OptionalNames<T> = { [Name in keyof T]-?: {} extends Pick<T, Name> ? Name : never }[keyof T];
/** Whether each optional option may be undefined. */
type MayBeUnset<T> = { [Name in OptionalNames<T>]: undefined } extends Pick<T, OptionalNames<T>> ? true : OptionalNames<T>;
type RateLimit = Exclude<EmailVerificationOptions['rateLimit'], undefined | false>;
true satisfies MayBeUnset<EmailVerificationOptions>;
true satisfies MayBeUnset<RateLimit>;
true satisfies MayBeUnset<Exclude<ClientLimitOption, false>>;
true satisfies MayBeUnset<Sender>;
true satisfies MayBeUnset<MemoryStoreOptions>;
true satisfies MayBeUnset<RedisStoreOptions>;
true satisfies MayBeUnset<RequireVerifiedEmailOptions>;
true satisfies MayBeUnset<SendInput>;
true satisfies MayBeUnset<Locale['answers']>;
true satisfies MayBeUnset<Locale['fields']>;
true satisfies MayBeUnset<Extract<SendVerdict, { kind: 'refuse' }>>;
true satisfies MayBeUnset<Extract<SendVerdict, { kind: 'suppress' }>>;
true satisfies MayBeUnset<Extract<SendVerdict, { kind: 'send' }>>;
true satisfies MayBeUnset<TemplateOptions>;
true satisfies MayBeUnset<NonNullable<TemplateOptions['logo']>>;
true satisfies MayBeUnset<NonNullable<TemplateOptions['colors']>>;
true satisfies MayBeUnset<CaptchaOptions>;
true satisfies MayBeUnset<StoreContractOptions>;
true satisfies MayBeUnset<TestInboxOptions>;
true satisfies MayBeUnset<ConsoleDeliveryOptions>;
true satisfies MayBeUnset<EmailVerificationClientOptions>;
// @ts-expect-error: the check itself finds an option that may be left out, but not be undefined
true satisfies MayBeUnset<{ readonly origin?: string }>;
`;

it('takes undefined for every optional option, also under exactOptionalPropertyTypes', async () => {
  await writeFile(join(app, 'unset.mts'), UNSET);
  await typeCheck(['unset.mts'], '--exactOptionalPropertyTypes');
});

describe('in the strict layout of pnpm', () => {
  let stacks = 0;

  async function stackOf(versions: Versions): Promise<string> {
    stacks += 1;
    const stack = join(folder, `stack-${stacks}`);
    const { dependencies, peerDependencies } = installed;
    const packed = join(app, 'node_modules/express-email-verification');
    await createStack(stack, versions, { folder: packed, dependencies, peerDependencies });
    return stack;
  }

  it.each([
    ['mjs', 'express', 'redis', 'nodemailer'],
    ['cjs', 'express418', 'redis5', 'nodemailer9'],
    ['cjs', 'express', 'ioredis', 'nodemailer8'],
    ['mjs', 'express418', 'ioredis5', 'nodemailer'],
    ['mjs', 'express4', 'redis5', 'nodemailer8'],
    ['cjs', 'express4', 'ioredis', 'nodemailer9'],
  ] as const)(
    'signs a person up in a .%s app with %s, %s and %s',
    async (kind, express, client, nodemailer) => {
      const library = client.replace(/\d+$/, '');
      const stack = await stackOf({ express, [library]: client, nodemailer });
      await writeFile(join(stack, `app.${kind}`), appOf(kind, library));
      await redis.flush();
      mail.clear();
      const { status, body } = await signUpAt(
        `app.${kind}`,
        { REDIS_URL: redis.server.url },
        undefined,
        stack,
      );
      expect([status, body]).toEqual([201, { email: 'minji@example.com' }]);
    },
  );

  it.each([
    ['mjs', 'bullmq'],
    ['cjs', 'bullmq5'],
  ] as const)('signs a person up in a .%s app whose emails are on a queue of %s', async (kind, bullmq) => {
    const stack = await stackOf({ express: 'express', redis: 'redis', nodemailer: 'nodemailer', bullmq });
    await writeFile(join(stack, `app.${kind}`), appOf(kind, 'redis', true));
    await redis.flush();
    mail.clear();
    const { status, body } = await signUpAt(`app.${kind}`, { REDIS_URL: redis.server.url }, undefined, stack);
    expect([status, body]).toEqual([201, { email: 'minji@example.com' }]);
  });

  it('finds no package that it does not declare', async () => {
    const stack = await stackOf({ express: 'express' });
    for (const name of ['redis', 'ioredis', '@opentelemetry/api']) {
      const script = `require.resolve('${name}', { paths: [require.resolve('express-email-verification')] })`;
      await expect(run(process.execPath, ['-e', script], { cwd: stack })).rejects.toThrow('MODULE_NOT_FOUND');
    }
    await run(process.execPath, ['-e', "require('express-email-verification')"], { cwd: stack });
  });

  const NEWEST = {
    express: 'express',
    redis: 'redis',
    ioredis: 'ioredis',
    '@types/express': '@types/express',
  };
  const OLDEST = {
    express: 'express418',
    redis: 'redis5',
    ioredis: 'ioredis5',
    '@types/express': 'types-express4',
  };
  const RESOLUTIONS = {
    nodenext: ['--module', 'nodenext'],
    bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
  };

  /** Compiles files of a stack under the strictest options, with the declarations that they import. */
  async function compile(
    typescript: string,
    stack: string,
    files: readonly string[],
    ...flags: readonly string[]
  ) {
    const tsc = join(root, 'node_modules', typescript, 'bin', 'tsc');
    const strict = [
      '--strict',
      '--exactOptionalPropertyTypes',
      '--noUncheckedIndexedAccess',
      '--noPropertyAccessFromIndexSignature',
    ];
    const options = [...strict, '--target', 'es2022', '--types', 'node', '--esModuleInterop', ...flags];
    await run(process.execPath, [tsc, ...options, ...files], { cwd: stack }).catch(({ stdout }) => {
      throw new Error(stdout);
    });
  }

  it.each([
    ['typescript5', 'nodenext', 'newest', ['app.mts', 'app.cts']],
    ['typescript7', 'nodenext', 'newest', ['app.mts', 'app.cts']],
    ['typescript7', 'nodenext', 'oldest', ['app.mts', 'app.cts']],
    ['typescript7', 'bundler', 'newest', ['app.ts']],
  ] as const)('has types for %s and %s, with the %s versions', async (typescript, resolution, age, files) => {
    const versions = age === 'newest' ? NEWEST : OLDEST;
    const stack = await stackOf({ ...versions, '@types/node': '@types/node' });
    for (const file of files) await writeFile(join(stack, file), TYPED_APP);
    await compile(typescript, stack, files, '--noEmit', ...RESOLUTIONS[resolution]);
  });

  it('has types for a compiler that does not read `exports`, whose output Node runs', async () => {
    const stack = await stackOf({ ...NEWEST, '@types/node': '@types/node' });
    await writeFile(join(stack, 'app.ts'), CLASSIC_APP);
    await compile('typescript5', stack, ['app.ts'], '--module', 'commonjs', '--moduleResolution', 'node10');
    const { stdout } = await run(process.execPath, ['app.js'], { cwd: stack });
    expect(stdout.trim()).toBe('function true');
  });
});
