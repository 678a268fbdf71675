/** requireVerifiedEmail(): one token for one handler, given back when the sign-up fails. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import {
  createEmailVerification,
  emailVerificationRouter,
  MemoryStore,
  requireVerifiedEmail,
} from 'express-email-verification';
import express4 from 'express4';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';
import { until } from '../support/until.js';

const email = 'person@example.com';

/** A verification that keeps its codes in a variable, and a token for the address. */
async function tokenFor(address = email, purpose = 'signup') {
  let code = '';
  const verification = createEmailVerification({
    store: new MemoryStore(),
    transport: 'smtp://127.0.0.1:1',
    from: FROM,
    secret: SECRET,
    purpose,
    delivery: async ({ text }) => {
      code = /\b\d{6}\b/.exec(text)?.[0] ?? '';
    },
  });
  await verification.send({ email: address });
  const verified = await verification.verify({ email: address, code });
  if (verified.kind !== 'verified') throw new Error('not verified');
  return { verification, verificationToken: verified.verificationToken };
}

function appWith(guard: RequestHandler, handler: RequestHandler, make: () => express.Express = express) {
  const app = make();
  app.post('/signup', express.json(), guard, handler);
  const onError: ErrorRequestHandler = (error, _req, res, _next) =>
    void res.status(500).json({ error: error.message });
  app.use(onError);
  return app;
}

const created: RequestHandler = (req, res) =>
  void res.status(201).json({ email: req.verifiedEmail, body: req.body.email });
const signUp = (app: express.Express | Server, body: object) => request(app).post('/signup').send(body);

it.each([
  ['Express 5', express],
  ['Express 4', express4],
])('writes the canonical address into the body and the request on %s', async (_name, make) => {
  const { verification, verificationToken } = await tokenFor();
  const app = appWith(requireVerifiedEmail(verification), created, make);
  await signUp(app, { email: ' Person@EXAMPLE.com', verificationToken }).expect(201, { email, body: email });
  await signUp(app, { email, verificationToken }).expect(403);
});

it('reads the address and the token as the app says, and leaves the body alone', async () => {
  const { verification, verificationToken } = await tokenFor();
  const guard = requireVerifiedEmail(verification, {
    email: (req) => req.body.user.mail,
    token: (req) => req.headers['x-token'],
  });
  const app = appWith(guard, (req, res) => void res.json({ at: req.verifiedEmail, body: req.body }));
  const body = { user: { mail: 'PERSON@example.com' } };
  await request(app)
    .post('/signup')
    .set('X-Token', verificationToken)
    .send(body)
    .expect(200, { at: email, body });
});

it.each([
  ['no token', {}],
  ['a malformed token', { verificationToken: 'x' }],
  ['a token that is not a string', { verificationToken: { a: 1 } }],
  ['no address', { email: undefined }],
  ['an invalid address', { email: ['person@example.com'] }],
  ['another address', { email: 'other@example.com' }],
])('refuses %s', async (_what, body) => {
  const { verification, verificationToken } = await tokenFor();
  const app = appWith(requireVerifiedEmail(verification), created);
  const sent = 'email' in body ? { verificationToken, ...body } : { email, ...body };
  const answer = await signUp(app, sent).expect(403);
  expect(answer.body).toEqual({
    ok: false,
    message: 'Please verify your email address first.',
    reason: 'email_not_verified',
  });
  expect(answer.headers['cache-control']).toBe('no-store');
  await signUp(app, { email, verificationToken }).expect(201);
});

it('refuses an altered token and one for another purpose', async () => {
  const { verification, verificationToken } = await tokenFor();
  const other = await tokenFor(email, 'reset');
  const app = appWith(requireVerifiedEmail(verification), created);
  const altered = verificationToken.slice(0, -1) + (verificationToken.endsWith('A') ? 'B' : 'A');
  await signUp(app, { email, verificationToken: altered }).expect(403);
  await signUp(app, { email, verificationToken: other.verificationToken }).expect(403);
  await signUp(app, { email, verificationToken }).expect(201);
});

it('reports a missing body parser to the app', async () => {
  const { verification } = await tokenFor();
  const app = express();
  app.post('/signup', requireVerifiedEmail(verification), created);
  const onError: ErrorRequestHandler = (error, _req, res, _next) => void res.status(500).send(error.message);
  app.use(onError);
  const answer = await request(app).post('/signup').send({ email }).expect(500);
  expect(answer.text).toContain('express.json()');
});

describe('its options', () => {
  const made = async () => (await tokenFor()).verification;

  it.each([
    [
      'an unknown name',
      { tokn: () => '' },
      'Unknown option `tokn` of requireVerifiedEmail(). Did you mean `token`?',
    ],
    ['a name in the wrong case', { giveback: () => true }, 'Did you mean `giveBack`?'],
    [
      'an option of the verification',
      { purpose: 'signup' },
      'Known options: `email`, `token`, `giveBack`, `onRefused`.',
    ],
    [
      'a string for `email`',
      { email: 'address' },
      "The `email` option of requireVerifiedEmail() must be a function. Received 'address'.",
    ],
    ['null for `token`', { token: null }, 'must be a function. Received null.'],
    ['an object for `token`', { token: { a: 1 } }, 'must be a function. Received [Object].'],
    [
      'true for `giveBack`',
      { giveBack: true },
      'The `giveBack` option of requireVerifiedEmail() must be a function. Received true.',
    ],
    ['null', null, 'requireVerifiedEmail() takes an object of options.'],
    ['an array', [() => ''], 'requireVerifiedEmail() takes an object of options.'],
    ['a function', () => '', 'requireVerifiedEmail() takes an object of options.'],
    ['a string', 'email', 'requireVerifiedEmail() takes an object of options.'],
  ])('refuse %s at start', async (_what, options, message) => {
    const verification = await made();
    const make = () => requireVerifiedEmail(verification, options as never);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it('have their defaults if undefined', async () => {
    const { verification, verificationToken } = await tokenFor();
    for (const options of [undefined, {}, { email: undefined, token: undefined, giveBack: undefined }]) {
      const guard = requireVerifiedEmail(verification, options);
      await signUp(
        appWith(guard, (_req, res) => void res.status(409).end()),
        { email, verificationToken },
      ).expect(409);
    }
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'verification'],
    ['its options', { from: FROM, secret: SECRET }],
    ['a lookalike', { redeem: () => {}, clientLimit: () => {} }],
  ])('follow the verification, not %s', (_what, verification) => {
    for (const make of [requireVerifiedEmail, emailVerificationRouter]) {
      const start = () => (make as (made: unknown) => unknown)(verification);
      expect(start).toThrow(TypeError);
      expect(start).not.toThrow(SECRET);
    }
    expect(() => requireVerifiedEmail(verification as never)).toThrow(
      'The first argument must be what createEmailVerification() returned. Received ',
    );
  });
});

describe('giving back', () => {
  it('lets the token work again after the handler answered with 400 or more', async () => {
    const { verification, verificationToken } = await tokenFor();
    let status = 409;
    const app = appWith(
      requireVerifiedEmail(verification),
      (_req, res) => void res.status(status).json({ status }),
    );
    await signUp(app, { email, verificationToken }).expect(409, { status: 409 });
    await signUp(app, { email, verificationToken }).expect(409);
    status = 201;
    await signUp(app, { email, verificationToken }).expect(201);
    await signUp(app, { email, verificationToken }).expect(403);
  });

  it('gives the token back before the answer ends', async () => {
    const { verification, verificationToken } = await tokenFor();
    const app = appWith(requireVerifiedEmail(verification), (_req, res) => void res.status(500).end());
    for (let round = 0; round < 20; round += 1) await signUp(app, { email, verificationToken }).expect(500);
  });

  it('gives the token back after the handler threw', async () => {
    const { verification, verificationToken } = await tokenFor();
    let broken = true;
    const app = appWith(requireVerifiedEmail(verification), (_req, res) => {
      if (broken) throw new Error('a bug');
      res.status(201).end();
    });
    await signUp(app, { email, verificationToken }).expect(500, { error: 'a bug' });
    broken = false;
    await signUp(app, { email, verificationToken }).expect(201);
  });

  it('keeps the answer that the handler ended, whatever it does next', async () => {
    const { verification, verificationToken } = await tokenFor();
    const app = appWith(requireVerifiedEmail(verification), (_req, res) => {
      res.status(409).set('X-First', 'yes').json({ taken: true });
      res.status(500).set('X-Second', 'yes').json({ a: 'longer answer than the one before it' });
    });
    const answer = await signUp(app, { email, verificationToken }).expect(409, { taken: true });
    expect(answer.headers).toMatchObject({ 'x-first': 'yes' });
    expect(answer.headers).not.toHaveProperty('x-second');
  });

  it('follows a custom giveBack', async () => {
    const { verification, verificationToken } = await tokenFor();
    const giveBack = jest.fn((res: express.Response) => res.statusCode === 202);
    const app = appWith(
      requireVerifiedEmail(verification, { giveBack }),
      (_req, res) => void res.status(202).end(),
    );
    await signUp(app, { email, verificationToken }).expect(202);
    await signUp(app, { email, verificationToken }).expect(202);
    expect(giveBack).toHaveBeenCalledTimes(2);
  });

  describe('when the client hangs up', () => {
    let server: Server;
    afterEach(() => server.close());

    async function listen(app: express.Express): Promise<number> {
      server = createServer(app).listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    }

    /** Posts a sign-up; destroy the result to hang up. */
    function post(port: number, body: object) {
      const call = httpRequest({
        port,
        method: 'POST',
        path: '/signup',
        headers: { 'Content-Type': 'application/json' },
      });
      call.on('error', () => {});
      call.end(JSON.stringify(body));
      return call;
    }

    it('gives the token back once the handler ends with 400 or more, not before', async () => {
      const { verification, verificationToken } = await tokenFor();
      let calls = 0;
      let hasHungUp = false;
      let finish = () => {};
      const app = appWith(requireVerifiedEmail(verification), (_req, res) => {
        calls += 1;
        res.on('close', () => {
          hasHungUp = true;
        });
        finish = () => void res.status(409).json({});
      });
      const port = await listen(app);
      const call = post(port, { email, verificationToken });
      await until('the handler is called', () => calls === 1);
      call.destroy();
      await until('the server has seen the hang-up', () => hasHungUp);
      await signUp(server, { email, verificationToken }).expect(403);
      const released = new Promise((resolve) => verification.on('released', resolve));
      finish();
      await released;
      const next = post(port, { email, verificationToken });
      await until('the handler is called again', () => calls === 2);
      next.destroy();
    });
  });
});
