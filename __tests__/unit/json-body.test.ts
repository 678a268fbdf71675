/** The short way of parsing a JSON body gives what Express' own parser gives. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { connect } from 'node:net';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { emailVerificationRouter, MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';

const appWith = (before: RequestHandler = (_req, _res, next) => next(), beforeSend = () => {}) =>
  express().use(
    before,
    emailVerificationRouter({
      store: new MemoryStore(),
      transport: 'smtp://127.0.0.1',
      delivery: async () => {},
      from: FROM,
      secret: SECRET,
      beforeSend,
    }),
  );

const PLAIN = 'application/json';
/** The same content type, in a form that takes the ordinary way. */
const NOT_PLAIN = 'application/json; charset="utf-8"';

it.each([
  '{"email":"minji@example.com","code":"123456"}',
  '\ufeff{"email":"minji@example.com","code":"123456"}',
  '{"email":"민지@example.com","code":"123456"}',
  Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  '{"email":',
  '"text"',
  'null',
  '1',
  '[]',
  ' ',
  '{}',
  '{"__proto__":{"email":"minji@example.com","code":"123456"}}',
])('answers %j the same on both ways', async (body) => {
  const [plain, notPlain] = await Promise.all(
    [PLAIN, NOT_PLAIN].map((type) =>
      request(appWith())
        .post('/verify')
        .set('Content-Type', type)
        .serialize((sent) => sent)
        .send(body),
    ),
  );
  expect([plain?.status, plain?.body]).toEqual([notPlain?.status, notPlain?.body]);
  expect([400, 401]).toContain(plain?.status);
});

it('reads a body that arrives byte by byte, even within a character', async () => {
  const server = appWith().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  const body = Buffer.from(JSON.stringify({ email: 'minji@example.com', code: '१२३४५६' }));
  socket.write(
    `POST /verify HTTP/1.1\r\nHost: a\r\nContent-Type: ${PLAIN}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  for (const byte of body) {
    socket.write(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [answer] = await once(socket, 'data');
  socket.destroy();
  server.close();
  expect(String(answer)).toContain('"reason":"code_expired"');
});

it('keeps the async context of the request', async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const app = appWith(
    (_req, _res, next) => context.run('this request', next),
    () => {
      seen.push(context.getStore());
    },
  );
  await request(app).post('/send').send({ email: 'minji@example.com' }).expect(200);
  expect(seen).toEqual(['this request']);
});

it('reports a body that the app has already read', async () => {
  const readAll: RequestHandler = (req, _res, next) => {
    req.resume().on('end', next);
  };
  const errors: string[] = [];
  const app = appWith(readAll);
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error.message);
    res.status(500).end();
  };
  app.use(onError);
  await request(app).post('/verify').send({ email: 'minji@example.com', code: '123456' }).expect(500);
  expect(errors).toEqual([expect.stringContaining('The body was read before emailVerificationRouter()')]);
});
