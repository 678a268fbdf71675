/** onRefused: the app's own page in place of the JSON refusals of the router, the client limit and the guard. */
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  MemoryStore,
  type OnRefused,
  type Refusal,
  requireVerifiedEmail,
} from 'express-email-verification';
import express4 from 'express4';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';

const email = 'person@example.com';

function createVerification(options: Partial<EmailVerificationOptions> = {}) {
  return createEmailVerification({
    store: new MemoryStore(),
    transport: 'smtp://127.0.0.1:9',
    delivery: async () => {},
    from: FROM,
    secret: SECRET,
    storeTimeout: 10_000,
    ...options,
  });
}

const onError: ErrorRequestHandler = (error, _req, res, _next) => void res.status(500).send(`app: ${error}`);
const passed: RequestHandler = (_req, res) => void res.send('passed');

/** Renders a page, and keeps what it was called with. */
function createPage() {
  const refusals: Refusal[] = [];
  const onRefused: OnRefused = (_req, res, refusal) => {
    refusals.push(refusal);
    res.type('html').send(`<p>${refusal.message}</p>`);
  };
  return { refusals, onRefused };
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('on %s', (_name, make: () => Express) => {
  it('the router renders the page with the status and the headers of the JSON', async () => {
    const { refusals, onRefused } = createPage();
    const app = make().use('/ev', emailVerificationRouter(createVerification(), { onRefused }));
    const post = (path: string, body: object) => request(app).post(path).type('form').send(body);

    const invalid = await post('/ev/send', { email: 'nobody' }).expect(
      400,
      '<p>Please check what you entered.</p>',
    );
    expect(invalid.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
    });
    await post('/ev/send', { email }).expect(200);
    const limited = await post('/ev/send', { email }).expect(429);
    expect(limited.headers['retry-after']).toBe(String(refusals[1]?.retryAfter));
    await post('/ev/verify', { email, code: '1' }).expect(400);
    await post('/ev/verify', { email: 'other@example.com', code: '123456' }).expect(401);
    await post('/ev/send', { email }).set('Sec-Fetch-Site', 'cross-site').expect(403);
    for (const path of ['/ev/send', '/ev/verify'])
      await request(app).post(path).type('json').send('{').expect(400);
    await request(app)
      .post('/ev/send')
      .type('json')
      .send(`"${'x'.repeat(20_000)}"`)
      .expect(413);

    const message = expect.any(String);
    const errors = [{ field: expect.any(String), message }];
    const body = { message, errors: [{ field: 'body', message }] };
    expect(refusals).toEqual([
      { ok: false, status: 400, reason: 'invalid_request', message, errors },
      { ok: false, status: 429, reason: 'too_many_requests', message, retryAfter: expect.any(Number) },
      { verify: false, status: 400, reason: 'invalid_request', message, errors },
      { verify: false, status: 401, reason: 'code_expired', message },
      { ok: false, status: 403, reason: 'refused', message },
      { ok: false, status: 400, reason: 'invalid_request', ...body },
      { verify: false, status: 400, reason: 'invalid_request', ...body },
      { ok: false, status: 413, reason: 'invalid_request', ...body },
    ]);
  });

  it('the client limit of a router and of a route each have their own, and count together', async () => {
    const verification = createVerification({
      rateLimit: { send: { windowMs: 60_000, limit: 1, statusCode: 420 } },
    });
    const page = createPage();
    const app = make()
      .use('/json', emailVerificationRouter(verification))
      .use('/pages', emailVerificationRouter(verification, { onRefused: page.onRefused }))
      .post('/form', verification.clientLimit({ onRefused: page.onRefused }), passed)
      .post('/plain', verification.clientLimit, passed);
    await request(app).post('/plain').expect(200, 'passed');
    for (const path of ['/form', '/pages/send']) {
      const { text, headers } = await request(app).post(path).send({ email }).expect(420);
      expect(text).toMatch(/^<p>Too many requests\. Please try again in \d+ seconds\.<\/p>$/);
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': expect.any(String) });
    }
    for (const path of ['/plain', '/json/send']) {
      const { body } = await request(app).post(path).send({ email }).expect(420);
      expect(body).toMatchObject({ ok: false, reason: 'too_many_requests' });
    }
    expect(page.refusals.map(({ status, reason }) => [status, reason])).toEqual(
      Array(2).fill([420, 'too_many_requests']),
    );
  });

  it('the client limit of /verify renders the page, too', async () => {
    const { refusals, onRefused } = createPage();
    const verification = createVerification({ rateLimit: { verify: { windowMs: 60_000, limit: 1 } } });
    const app = make().use('/ev', emailVerificationRouter(verification, { onRefused }));
    const verify = () => request(app).post('/ev/verify').send({ email, code: '123456' });
    await verify().expect(401);
    expect((await verify().expect(429)).text).toMatch(/^<p>Too many requests/);
    expect(refusals[1]).toMatchObject({ verify: false, status: 429, reason: 'too_many_requests' });
  });

  it('the guard may redirect, for example, and passes verified addresses as before', async () => {
    let code = '';
    const verification = createVerification({
      delivery: async ({ text }) => {
        code = /\b\d{6}\b/.exec(text)?.[0] ?? '';
      },
    });
    const guard = requireVerifiedEmail(verification, {
      onRefused: (_req, res, { reason }) => res.redirect(303, `/sign-up?${reason}`),
    });
    const app = make().post('/signup', express.urlencoded(), guard, passed);
    const signUp = (body: object) => request(app).post('/signup').type('form').send(body);
    const refused = await signUp({ email }).expect(303).expect('Location', '/sign-up?email_not_verified');
    expect(refused.headers['cache-control']).toBe('no-store');
    await verification.send({ email });
    const verified = await verification.verify({ email, code });
    if (verified.kind !== 'verified') throw new Error(verified.kind);
    await signUp({ email, verificationToken: verified.verificationToken }).expect(200, 'passed');
  });

  describe('reaches the error handler of the app', () => {
    const failures: [string, OnRefused, string][] = [
      [
        'what it throws',
        () => {
          throw new Error('no template');
        },
        'app: Error: no template',
      ],
      [
        'what it rejects with',
        async () => Promise.reject(new Error('no template')),
        'app: Error: no template',
      ],
      [
        'a falsy value that it throws',
        () => {
          throw undefined;
        },
        'app: Error: undefined was thrown in place of an error',
      ],
      [
        'an error passed to next',
        (_req, _res, _refusal, next) => next(new Error('mine')),
        'app: Error: mine',
      ],
      [
        'a bare next()',
        (_req, _res, _refusal, next) => next(),
        'app: TypeError: `onRefused` called next() without an error',
      ],
      [
        'next(undefined)',
        (_req, _res, _refusal, next) => next(undefined),
        'app: TypeError: `onRefused` called next()',
      ],
      [
        "next('route')",
        (_req, _res, _refusal, next) => next('route'),
        'app: TypeError: `onRefused` called next() without an error',
      ],
      [
        "next('router')",
        (_req, _res, _refusal, next) => next('router'),
        'app: TypeError: `onRefused` called next() without an error',
      ],
    ];

    it.each(failures)('%s, and nothing goes on', async (_what, onRefused, text) => {
      const emails: unknown[] = [];
      const verification = createVerification({
        delivery: async ({ to }) => void emails.push(to),
        rateLimit: { send: { windowMs: 60_000, limit: 1 } },
      });
      const app = make()
        .use('/ev', emailVerificationRouter(verification, { onRefused }))
        .post('/limited', verification.clientLimit({ onRefused }), passed)
        .post('/signup', express.json(), requireVerifiedEmail(verification, { onRefused }), passed)
        .use(onError);
      await request(app).post('/ev/send').send({ email }).expect(200);
      const paths = ['/ev/send', '/limited', '/signup', '/ev/verify'];
      for (const path of paths) {
        const response = await request(app).post(path).send({ email });
        expect([path, response.status, response.text]).toEqual([path, 500, expect.stringContaining(text)]);
      }
      expect(emails).toHaveLength(1);
    });

    it.each(['route', 'router'] as const)(
      "T37: next('%s'), where app.use() mounted the guard and the client limit, lets no request through",
      async (word) => {
        const onRefused: OnRefused = (_req, _res, _refusal, next) => next(word);
        const verification = createVerification({ rateLimit: { send: { windowMs: 60_000, limit: 1 } } });
        const app = make()
          .use('/signup', express.json(), requireVerifiedEmail(verification, { onRefused }))
          .use('/limited', verification.clientLimit({ onRefused }))
          .post(['/signup', '/limited'], passed)
          .use(onError);
        await request(app).post('/limited').expect(200, 'passed');
        for (const path of ['/signup', '/limited']) {
          const { status, text } = await request(app).post(path).send({ email });
          expect([path, status, text]).toEqual([path, 500, expect.stringContaining('without an error')]);
        }
      },
    );
  });
});

it.each<[string, (res: Response) => unknown]>([
  ['the app has responded, for example after a timeout', (res) => res.status(503).send('too late')],
  ['the client has disconnected', (res) => res.destroy()],
])('is not called once %s', async (_what, end) => {
  const { refusals, onRefused } = createPage();
  const verification = createVerification({
    beforeSend: ({ request: req }) => {
      if (req?.res) end(req.res);
      return { kind: 'refuse' };
    },
  });
  const app = express().use(emailVerificationRouter(verification, { onRefused }));
  const outcome = await request(app)
    .post('/send')
    .send({ email })
    .then(({ text }) => text, String);
  expect(outcome).toMatch(/too late|socket hang up/);
  await new Promise(setImmediate);
  expect(refusals).toEqual([]);
});

it.each<[string, (options: never) => unknown]>([
  ['requireVerifiedEmail()', (options) => requireVerifiedEmail(createVerification(), options)],
  ['emailVerificationRouter()', (options) => emailVerificationRouter(createVerification(), options)],
  ['clientLimit()', (options) => createVerification().clientLimit(options)],
  ['clientLimit()', (options) => createVerification({ rateLimit: false }).clientLimit(options)],
])('%s checks its options at start', (of, call) => {
  const create = (options: unknown) => () => call(options as never);
  expect(create({ onRefusd: () => {} })).toThrow(
    `Unknown option \`onRefusd\` of ${of}. Did you mean \`onRefused\`?`,
  );
  expect(create({ onRefused: 'page' })).toThrow(
    `The \`onRefused\` option of ${of} must be a function. Received 'page'.`,
  );
  expect(create(null)).toThrow(`${of} takes an object of options.`);
  expect(create({ onRefused: undefined })).not.toThrow();
});
