/** The recipes for providers with an HTTP API, against servers that respond as the providers document. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CustomDelivery, createEmailVerification, MemoryStore } from 'express-email-verification';
import { postmark } from '../../demo-app/recipes/postmark.js';
import { resend } from '../../demo-app/recipes/resend.js';
import { sendgrid } from '../../demo-app/recipes/sendgrid.js';
import { ses } from '../../demo-app/recipes/ses.js';
import { SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

type Response = { status: number; body?: object } | 'hang' | 'reset';

/** A provider that gives these responses in turn, and then the last one again. */
async function startProvider(...responses: Response[]) {
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of a body, it knows
  const requests: { headers: IncomingHttpHeaders; body: any }[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    requests.push({ headers: req.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
    respond(res, responses[Math.min(requests.length, responses.length) - 1] ?? { status: 200 });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ended.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function respond(res: ServerResponse, response: Response): void {
  if (response === 'hang') return;
  if (response === 'reset') return void res.socket?.destroy();
  res.writeHead(response.status, { 'Content-Type': 'application/json' });
  res.end(response.body && JSON.stringify(response.body));
}

/** Sends an email; returns the kind of the outcome and the cause of a failure. */
async function send(
  delivery: CustomDelivery,
  { mailTimeout = 20_000, from = 'Acme <hello@acme.example>' } = {},
) {
  const options = { store: new MemoryStore(), from, secret: SECRET, delivery, mailTimeout };
  const verification = createEmailVerification(options);
  const causes: { temporary: boolean; recipientRefused: boolean; message: string }[] = [];
  for (const name of ['delivery_failed', 'delivery_unknown'] as const)
    verification.on(name, ({ cause }) => void causes.push(cause));
  let reference: string | undefined;
  verification.on('sent', (event) => {
    reference = event.reference;
  });
  const { kind } = await verification.send({ email: 'minji@example.com' });
  await verification.close();
  return { kind, reference, cause: causes[0] };
}

const KEY = 'hidden-key';
const PROVIDERS = {
  Resend: {
    make: (url: string) => resend(KEY, url),
    accepted: { status: 200, body: { id: '49a3999c-0ce1-4ea6-ab68-afcd6dc2e794' } },
    refused: {
      status: 403,
      body: { statusCode: 403, name: 'validation_error', message: 'minji@example.com' },
    },
    says: 'the provider refused it (EPROVIDER, HTTP 403, validation_error)',
    throttled: { status: 429, body: { statusCode: 429, name: 'rate_limit_exceeded', message: '' } },
  },
  SendGrid: {
    make: (url: string) => sendgrid(KEY, url),
    accepted: { status: 202 },
    refused: { status: 403, body: { errors: [{ message: 'minji@example.com', field: 'from', help: null }] } },
    says: 'the provider refused it (EPROVIDER, HTTP 403)',
    throttled: { status: 429, body: { errors: [{ field: null, message: 'too many requests' }] } },
  },
  Postmark: {
    make: (url: string) => postmark(KEY, url),
    accepted: { status: 200, body: { To: 'minji@example.com', ErrorCode: 0, Message: 'OK' } },
    refused: { status: 422, body: { ErrorCode: 400, Message: 'minji@example.com' } },
    says: 'the provider refused it (EPROVIDER, HTTP 422)',
    throttled: { status: 429, body: { ErrorCode: 429, Message: 'Rate Limit Exceeded' } },
  },
};

describe.each(Object.entries(PROVIDERS))('%s', (_name, { make, accepted, refused, says, throttled }) => {
  it('gets one message, to the address alone, with the reference', async () => {
    const { url, requests } = await startProvider(accepted);
    const { kind, reference } = await send(make(url));
    expect([kind, requests.length]).toEqual(['sent', 1]);
    const written = JSON.stringify(requests[0]);
    expect(written).toContain(KEY);
    expect(written).toContain('hello@acme.example');
    expect(reference).toMatch(/./);
    expect(written).toContain(reference);
    expect(written.match(/minji@example\.com/g)).toHaveLength(1);
    expect(written).toContain('auto-generated');
  });

  it('refuses an email, which was not sent', async () => {
    const { url, requests } = await startProvider(refused);
    const { kind, cause } = await send(make(url));
    expect([kind, requests.length]).toEqual(['delivery_failed', 1]);
    expect(cause).toMatchObject({ temporary: false, message: `The email was not sent: ${says}` });
  });

  it('refuses one because there were too many, which was not sent either', async () => {
    const { url } = await startProvider(throttled);
    const { kind, cause } = await send(make(url));
    expect([kind, cause?.temporary]).toEqual(['delivery_failed', true]);
  });

  it('is unreachable: the email was not sent', async () => {
    const { kind, cause } = await send(make(`http://127.0.0.1:${await freePort()}/`));
    expect([kind, cause?.temporary]).toEqual(['delivery_failed', true]);
    expect(cause?.message).toContain('refused the connection');
  });

  it.each<[string, Response]>([
    ['fails by itself', { status: 500, body: { message: 'Internal server error' } }],
    ['is a proxy that got no response', { status: 502 }],
    ['closes the connection', 'reset'],
  ])('%s: the email may have been sent', async (_what, response) => {
    const { url } = await startProvider(response);
    expect((await send(make(url))).kind).toBe('delivery_unknown');
  });

  it('does not respond within mailTimeout: the email may have been sent', async () => {
    const { url } = await startProvider('hang');
    expect((await send(make(url), { mailTimeout: 500 })).kind).toBe('delivery_unknown');
  });

  it('shows the sender with a name that needs quotes', async () => {
    const { url, requests } = await startProvider(accepted);
    await send(make(url), { from: '"Acme, \\"Inc.\\"" <hello@acme.example>' });
    expect(JSON.stringify(requests[0]?.body)).toMatch(/Acme, (\\\\)?(\\)*"Inc/);
  });
});

it.each([resend, sendgrid, postmark])('%p refuses to start without its key', (make) => {
  expect(() => make(undefined)).toThrow(/is not set/);
});

it('Resend is asked again with the same key if its response was lost, and sends one email', async () => {
  const { url, requests } = await startProvider('reset', { status: 200, body: { id: '1' } });
  expect((await send(resend(KEY, url))).kind).toBe('sent');
  const keys = requests.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBe(keys[1]);
});

it('Resend is not sure while the first request is still being worked on', async () => {
  const body = { statusCode: 409, name: 'concurrent_idempotent_requests', message: '' };
  const { url } = await startProvider('reset', { status: 409, body });
  expect((await send(resend(KEY, url))).kind).toBe('delivery_unknown');
});

it('Postmark refuses an inactive recipient: the person is asked to check the address', async () => {
  const { url } = await startProvider({
    status: 422,
    body: { ErrorCode: 406, Message: 'minji@example.com' },
  });
  expect((await send(postmark(KEY, url))).cause).toMatchObject({ recipientRefused: true });
});

describe('SES', () => {
  class SendEmailCommand {
    constructor(readonly input: object) {}
  }
  const failing = (fields: object) => ({
    send: () => Promise.reject(Object.assign(new Error('minji@example.com'), fields)),
  });

  it('gets one message, to the address alone, with the reference', async () => {
    const commands: SendEmailCommand[] = [];
    const client = { send: async (command: object) => void commands.push(command as SendEmailCommand) };
    const { kind, reference } = await send(ses(client, SendEmailCommand), {
      from: '애크미 <hello@acme.example>',
    });
    expect(kind).toBe('sent');
    expect(commands).toMatchObject([
      {
        input: {
          FromEmailAddress: '=?UTF-8?B?7JWg7YGs66+4?= <hello@acme.example>',
          Destination: { ToAddresses: ['minji@example.com'] },
          EmailTags: [{ Name: 'reference', Value: reference }],
        },
      },
    ]);
  });

  it.each([
    [
      { name: 'MessageRejected', $fault: 'client', $metadata: { httpStatusCode: 400 } },
      'delivery_failed',
      false,
    ],
    [
      { name: 'TooManyRequestsException', $fault: 'client', $metadata: { httpStatusCode: 429 } },
      'delivery_failed',
      true,
    ],
    [{ name: 'Error', code: 'ECONNREFUSED' }, 'delivery_failed', true],
    [
      { name: 'InternalFailure', $fault: 'server', $metadata: { httpStatusCode: 500 } },
      'delivery_unknown',
      true,
    ],
    [{ name: 'TimeoutError' }, 'delivery_unknown', true],
    [{ name: 'Error', code: 'ECONNRESET' }, 'delivery_unknown', true],
  ])('fails with %j', async (fields, kind, temporary) => {
    const outcome = await send(ses(failing(fields), SendEmailCommand));
    expect([outcome.kind, outcome.cause?.temporary]).toEqual([kind, temporary]);
  });
});
