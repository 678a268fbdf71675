/** The packed tarball in a project of its own: loaded by require and by import, and typed under strict. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(__dirname, '..');
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';
let project: string;

/** As `npm install` of the tarball lays it out, with the dependencies that are here already. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'consumer-'));
  await run(NPM, ['pack', '--pack-destination', project], { cwd: root });
  const [tarball = ''] = await readdir(project);
  const modules = join(project, 'node_modules');
  await mkdir(join(modules, 'express-email-verification'), { recursive: true });
  await run('tar', [
    '-xzf',
    join(project, tarball),
    '--strip-components=1',
    '-C',
    join(modules, 'express-email-verification'),
  ]);
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name));
  }
}, 120_000);

afterAll(() => rm(project, { recursive: true, force: true }));

const USE = `
const verification = createEmailVerification({
  store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', from: 'a@b.co', secret: 'x'.repeat(32),
});
if (emailVerificationRouter(verification).stack.length !== 2) throw new Error('two routes');
if (requireVerifiedEmail(verification).length !== 3) throw new Error('a middleware');
createEmailVerificationClient({ baseUrl: '/ev' });
`;

it('is loaded by require', async () => {
  await writeFile(
    join(project, 'loads.cjs'),
    `const { createEmailVerification, emailVerificationRouter, requireVerifiedEmail, MemoryStore, RedisStore, en, ko } =
      require('express-email-verification');
    const { createEmailVerificationClient } = require('express-email-verification/client');${USE}`,
  );
  await run(process.execPath, ['loads.cjs'], { cwd: project });
});

it('is loaded by import', async () => {
  await writeFile(
    join(project, 'loads.mjs'),
    `import { createEmailVerification, emailVerificationRouter, requireVerifiedEmail, MemoryStore, RedisStore, en, ko }
      from 'express-email-verification';
    import { createEmailVerificationClient } from 'express-email-verification/client';${USE}`,
  );
  await run(process.execPath, ['loads.mjs'], { cwd: project });
});

it('knows a verification of the other module kind', async () => {
  await writeFile(
    join(project, 'both.mjs'),
    `import { createRequire } from 'node:module';
    import { createEmailVerification, MemoryStore } from 'express-email-verification';
    const { emailVerificationRouter } = createRequire(import.meta.url)('express-email-verification');
    emailVerificationRouter(createEmailVerification({
      store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', from: 'a@b.co', secret: 'x'.repeat(32),
    }));`,
  );
  await run(process.execPath, ['both.mjs'], { cwd: project });
});

it('loads no redis by itself', async () => {
  const script = `require('express-email-verification');
    process.exit(Object.keys(require.cache).some((file) => /node_modules.(redis|@redis)./.test(file)) ? 1 : 0);`;
  await run(process.execPath, ['-e', script], { cwd: project });
});

const TYPES = `
import express from 'express';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import {
  createEmailVerification, emailVerificationRouter, requireVerifiedEmail, RedisStore, type SendOutcome,
} from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';

async function app(user: string, pass: string) {
  const redis = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect();
  const verification = createEmailVerification({
    store: new RedisStore(redis),
    transport: { service: 'naver', auth: { user, pass } },
    from: \`Acme <\${user}@naver.com>\`,
    secret: process.env.EMAIL_VERIFICATION_SECRET,
    beforeSend: async ({ email, request }) =>
      request?.body.captcha && email ? { kind: 'suppress' } : undefined,
  });
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), async (req, res) => {
    const address: string = req.verifiedEmail;
    res.status(201).json({ address });
  });
  const outcome: SendOutcome = await verification.send({ email: 'a@b.co' });
  if (outcome.kind === 'sent') outcome.challengeId satisfies string;
  // @ts-expect-error: an outcome that is no success has no challengeId
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

it.each(['mts', 'cts'])(
  'is typed under strict for every client of node-redis, in a .%s file',
  async (kind) => {
    await writeFile(join(project, `uses.${kind}`), TYPES);
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--types',
      'node',
      '--skipLibCheck',
    ];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [tsc, ...flags, `uses.${kind}`], { cwd: project }).catch(({ stdout }) => {
      throw new Error(stdout);
    });
  },
  60_000,
);
