import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import { createEmailVerificationClient } from 'express-email-verification/client';
import { createActions, createSignUp } from '../../demo-app/recipes/fetch-handler.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji@example.com';
let server: Server;
let origin: string;
const accounts = new Set<string>();
const seen: unknown[] = [];

/** What a fetch-style framework does with a handler. */
async function serve(
  handler: (request: Request) => Promise<Response>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { method = '' } = req;
  const { 'content-type': type = '', 'accept-language': language = '' } = req.headers;
  const headers = { 'Content-Type': type, 'Accept-Language': language };
  const request = new Request(`${origin}${req.url}`, { method, headers, body: await buffer(req) });
  const response = await handler(request).catch(() => new Response(null, { status: 500 }));
  res.writeHead(response.status, Object.fromEntries(response.headers));
  res.end(Buffer.from(await response.arrayBuffer()));
}

beforeEach(async () => {
  accounts.clear();
  seen.length = 0;
  const verification = createEmailVerification({
    store: new MemoryStore(),
    transport: mail.url,
    from: FROM,
    secret: SECRET,
    storeTimeout: 10_000,
    beforeSend: ({ request }) => void seen.push(request),
  });
  const actions = createActions(verification);
  const signUp = createSignUp(verification, async (address) => {
    if (accounts.has(address)) throw new Error('taken');
    accounts.add(address);
  });
  server = createServer((req, res) => void serve(req.url === '/sign-up' ? signUp : actions, req, res));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => server.close());

const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(origin + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

it('serves the browser client, from the email to the sign-up', async () => {
  const client = createEmailVerificationClient({ baseUrl: `${origin}/email-verification` });
  expect(await client.send({ email: 'nobody' })).toMatchObject({
    kind: 'invalid_request',
    errors: [{ field: 'email' }],
  });
  expect(await client.send({ email })).toMatchObject({ kind: 'sent', expiresIn: expect.any(Number) });
  const { challengeId } = client.state;
  expect(await client.resend()).toMatchObject({ kind: 'too_many_requests', challengeId });
  const code = await mail.lastCode(email);
  const wrong = code === '000000' ? '111111' : '000000';
  expect(await client.verify(wrong)).toMatchObject({ kind: 'code_incorrect', attemptsLeft: 4 });
  expect(await client.verify(code)).toMatchObject({ kind: 'verified' });

  const { verificationToken } = client.state;
  const fields = { email, verificationToken, password: 'a long one' };
  accounts.add(email);
  expect((await post('/sign-up', fields)).status).toBe(500);
  accounts.clear();
  expect((await post('/sign-up', fields)).status).toBe(201);
  const again = await post('/sign-up', fields, { 'Accept-Language': 'ko-KR,ko;q=0.9' });
  expect([again.status, await again.json()]).toEqual([
    403,
    { ok: false, message: '먼저 이메일 주소를 인증해 주세요.', reason: 'email_not_verified' },
  ]);
});

it('takes the language from the browser, and nothing from the body but the fields', async () => {
  const response = await post(
    '/email-verification/send',
    { email, request: { ip: 'forged' } },
    { 'Accept-Language': 'ko-KR,ko;q=0.9,en;q=0.8' },
  );
  expect(await response.json()).toMatchObject({ message: '인증번호를 보냈습니다. 메일함을 확인해 주세요.' });
  expect(seen).toEqual([undefined]);
});

it('refuses what a page of another site could post, and answers 404 elsewhere', async () => {
  const response = await post('/email-verification/send', { email }, { 'Content-Type': 'text/plain' });
  expect(response.status).toBe(400);
  expect((await post('/email-verification/other', { email })).status).toBe(404);
  expect(mail.messages).toEqual([]);
});
