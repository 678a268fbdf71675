/** `demo-app/recipes/test-with-playwright.ts` in Playwright Test, against an app with `demo-app/recipes/expose-codes.ts`. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { transformSync } from 'esbuild';
import { MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { exposeCodes } from '../../demo-app/recipes/expose-codes.js';
import { describeInBrowser, executablePath } from '../browser/browser.js';
import { createTestApp } from '../support/app.js';

const root = join(__dirname, '../..');
const playwright = join(dirname(require.resolve('@playwright/test/package.json')), 'cli.js');

const client = transformSync(readFileSync(join(root, 'lib/client/client.ts'), 'utf8'), { loader: 'ts' }).code;

const PAGE = `<!doctype html><html lang="en"><title>Sign up</title>
<form id="ask"><label>Email address <input name="email"></label><button>Send code</button></form>
<form id="enter"><label>Code <input name="code"></label><button>Verify</button></form>
<p role="status" id="line"></p>
<script type="module">
  import { createEmailVerificationClient } from '/client.js';
  const client = createEmailVerificationClient({ baseUrl: '/ev' });
  ask.onsubmit = () => { client.send({ email: ask.email.value }); return false; };
  enter.onsubmit = () => { client.verify(enter.code.value).then(({ message }) => { line.textContent = message; }); return false; };
</script>`;

let server: Server;
let baseUrl: string;

beforeEach(async () => {
  const { options, router } = exposeCodes();
  const { app } = createTestApp({ store: new MemoryStore(), ...options });
  app.use('/test-codes', router);
  app.get('/client.js', (_req, res) => void res.type('js').send(client));
  app.get('/', (_req, res) => void res.send(PAGE));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

it('the route gives the code that was sent', async () => {
  await request(baseUrl).post('/ev/send').send({ email: 'person@example.com' }).expect(200);
  const { body } = await request(baseUrl).get('/test-codes/Person%40example.com').expect(200);
  await request(baseUrl)
    .post('/ev/verify')
    .send({ email: 'person@example.com', code: body.code })
    .expect(200);
});

it('the route lets one client verify many addresses', async () => {
  for (let n = 0; n < 25; n += 1)
    await request(baseUrl)
      .post('/ev/send')
      .send({ email: `person${n}@example.com` })
      .expect(200);
});

it('the route says what arrived instead', async () => {
  const { body } = await request(baseUrl).get('/test-codes/nobody%40example.com').expect(404);
  expect(body.message).toContain('No code for nobody@example.com arrived');
});

it.each(['production', 'development', ''])('the route cannot exist if NODE_ENV is %j', (environment) => {
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = environment;
  try {
    expect(exposeCodes).toThrow('Codes are exposed only if NODE_ENV is test.');
  } finally {
    process.env['NODE_ENV'] = NODE_ENV;
  }
});

describeInBrowser('in Chromium', () => {
  it('the recipe passes in Playwright Test', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'playwright-'));
    const { JEST_WORKER_ID: _worker, ...own } = process.env;
    const env = { ...own, BASE_URL: baseUrl, CHROMIUM_PATH: executablePath, OUTPUT_FOLDER: folder };
    const config = join(root, '__tests__/support/playwright.config.mjs');
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [playwright, 'test', '--config', config],
        {
          cwd: root,
          env,
        },
      );
      expect(stdout).toContain('1 passed');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
