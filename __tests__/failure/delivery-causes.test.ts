/**
 * Why an email was not sent: the operator gets one line in the event and, if it can be known beforehand, in `check()`.
 * The person is told to check the address only if the address was refused.
 */
import { inspect } from 'node:util';
import {
  createEmailVerification,
  type EmailVerificationEvents,
  type EmailVerificationOptions,
  en,
  ko,
  MemoryStore,
} from 'express-email-verification';
import { createTransport } from 'nodemailer';
import { FROM, SECRET } from '../support/app.js';
import { type Script, startRawSmtpServer } from '../support/raw-smtp-server.js';
import { startTlsSmtpServer } from '../support/tls-smtp-server.js';

const email = 'minji.kim@example.com';
const auth = { user: 'acme', pass: 'open-sesame' };
/** Reaches the same machine without being a loopback name, so TLS and certificates are required. */
const remote = '0.0.0.0';

type Cause = EmailVerificationEvents['delivery_failed']['cause'];
type Closable = { close(): Promise<unknown> };
const open: Closable[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

function opened<T extends Closable>(one: T): T {
  open.push(one);
  return one;
}

/** One failed send: what the event, the person and `check()` say. */
async function fail(options: Partial<EmailVerificationOptions>, { checks = false } = {}) {
  const codes: string[] = [];
  const verification = opened(
    createEmailVerification({
      ...{ store: new MemoryStore(), from: FROM, secret: SECRET, mailTimeout: 10_000 },
      transport: { sendMail: () => {} },
      template: ({ code }) => {
        codes.push(code);
        return { subject: 'Your code', text: code, html: `<p>${code}` };
      },
      ...options,
    }),
  );
  const causes: { readonly name: string; readonly cause: Cause }[] = [];
  verification.on('delivery_failed', ({ cause }) => causes.push({ name: 'delivery_failed', cause }));
  verification.on('delivery_unknown', ({ cause }) => causes.push({ name: 'delivery_unknown', cause }));
  const messages: string[] = [];
  for (const locale of ['en', 'ko']) {
    const outcome = await verification.send({ email, locale });
    if ('message' in outcome) messages.push(outcome.message);
  }
  const problems = checks ? (await verification.check()).problems : [];
  const [first] = causes;
  if (!first) throw new Error(`Nothing failed: ${messages}`);
  for (const { cause } of causes) expectNoSecret(cause, codes);
  for (const problem of problems) expectNoSecret(problem, codes);
  return { ...first, messages, problems, codes };
}

/** Checks that no secret appears in any form that a log could show. */
function expectNoSecret(cause: unknown, codes: readonly string[]): void {
  const { message, stack } = cause instanceof Error ? cause : { message: '', stack: '' };
  const shown = [
    inspect(cause, { depth: 9, showHidden: true }),
    JSON.stringify(cause),
    String(cause),
    `${message} ${stack}`,
  ].join('\n');
  expect(message).not.toContain('\n');
  const base64 = Buffer.from(`\0${auth.user}\0${auth.pass}`).toString('base64');
  for (const secret of [email, auth.pass, base64, ...codes]) expect(shown).not.toContain(secret);
}

const doubted = [en, ko].map(({ answers }) => answers.recipient_refused);
const notDoubted = [en, ko].map(({ answers }) => answers.delivery_failed);

it('T57: in a message that doubts the address, and one that does not', () => {
  expect(doubted).toEqual([
    expect.stringContaining('check the address'),
    expect.stringContaining('주소를 확인하고'),
  ]);
  for (const message of notDoubted) expect(message).not.toMatch(/address|주소/);
});

it('T57: in the only message of a locale that has no other', async () => {
  const { recipient_refused: _none, ...answers } = { ...en.answers, delivery_failed: 'Nicht gesendet.' };
  const server = opened(await startRawSmtpServer({ rcpt: '550 5.1.1 No such user' }));
  const verification = opened(
    createEmailVerification({
      ...{ store: new MemoryStore(), from: FROM, secret: SECRET, transport: server.url },
      locales: { de: { ...en, tag: 'de', answers } },
    }),
  );
  verification.on('delivery_failed', () => {});
  expect(await verification.send({ email, locale: 'de' })).toMatchObject({ message: 'Nicht gesendet.' });
});

interface Expected {
  readonly code: string;
  readonly originalCode?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly enhancedCode?: string;
  readonly temporary: boolean;
  /** Whether the person is told to check the address. */
  readonly doubts?: boolean;
  /** Whether `check()` reports it before the first email. */
  readonly checks?: boolean;
  readonly says: string;
}

/** A temporary failure may be tried again until `mailTimeout`. */
const timeFor = ({ temporary }: { temporary: boolean }) => (temporary ? 1000 : 10_000);

async function expectFailure(
  transport: EmailVerificationOptions['transport'],
  { port, host = '127.0.0.1' }: { readonly port: number; readonly host?: string },
  { says, doubts = false, checks = false, ...fields }: Expected,
): Promise<void> {
  const failed = await fail({ transport, mailTimeout: timeFor(fields) }, { checks: true });
  expect(failed.name).toBe('delivery_failed');
  expect(failed.cause).toMatchObject({ ...fields, host, port });
  const line = `${host}:${port} ${says}`;
  expect(failed.cause.message).toContain(`The email was not sent: ${line}`);
  for (const field of [
    fields.code,
    fields.originalCode,
    fields.command,
    fields.responseCode,
    fields.enhancedCode,
  ])
    if (field !== undefined) expect(failed.cause.message).toContain(String(field));
  expect(failed.messages).toEqual(doubts ? doubted : notDoubted);
  expect(failed.problems).toEqual(checks ? [expect.stringContaining(line)] : []);
}

const replies: [script: Script, Expected][] = [
  // Logging in.
  [
    { auth: `534-5.7.9 Application-specific password required for ${email}\r\n534 5.7.9 ${auth.pass}` },
    {
      code: 'EAUTH',
      command: 'AUTH PLAIN',
      responseCode: 534,
      enhancedCode: '5.7.9',
      temporary: false,
      checks: true,
      says: 'refused the login',
    },
  ],
  [
    { auth: '535 5.7.8 Username and Password not accepted' },
    {
      code: 'EAUTH',
      command: 'AUTH PLAIN',
      responseCode: 535,
      enhancedCode: '5.7.8',
      temporary: false,
      checks: true,
      says: 'refused the login',
    },
  ],
  [
    { auth: '535 5.7.139 Authentication unsuccessful, basic authentication is disabled' },
    {
      code: 'EAUTH',
      responseCode: 535,
      enhancedCode: '5.7.139',
      temporary: false,
      checks: true,
      says: 'refused the login',
    },
  ],
  [
    { auth: '503 5.5.1 AUTH is not available' },
    { code: 'EAUTH', responseCode: 503, temporary: false, checks: true, says: 'refused the login' },
  ],
  [
    { auth: '454 4.7.0 Too many login attempts, please try again later' },
    {
      code: 'EAUTH',
      responseCode: 454,
      enhancedCode: '4.7.0',
      temporary: true,
      checks: true,
      says: 'temporarily refused the login',
    },
  ],
  [
    { auth: '432 4.3.2 Concurrent connections limit exceeded' },
    {
      code: 'EAUTH',
      responseCode: 432,
      enhancedCode: '4.3.2',
      temporary: true,
      checks: true,
      says: 'temporarily refused the login',
    },
  ],

  // The session.
  [
    { greeting: '554 5.7.1 You are on a list' },
    {
      code: 'EPROTOCOL',
      command: 'CONN',
      responseCode: 554,
      temporary: false,
      checks: true,
      says: 'refused it',
    },
  ],
  [
    { greeting: '421 4.7.0 Too many connections' },
    {
      code: 'EPROTOCOL',
      command: 'CONN',
      responseCode: 421,
      enhancedCode: '4.7.0',
      temporary: true,
      checks: true,
      says: 'temporarily refused it',
    },
  ],
  [{ rcpt: 'close' }, { code: 'ECONNECTION', temporary: true, says: 'closed the connection' }],

  // The sender.
  [
    { mail: `550 5.7.1 <hello@acme.example> is not the account of ${auth.user}` },
    {
      code: 'EENVELOPE',
      command: 'MAIL FROM',
      responseCode: 550,
      enhancedCode: '5.7.1',
      temporary: false,
      says: 'refused the sender',
    },
  ],
  [
    { mail: '553 Sender address rejected' },
    {
      code: 'EENVELOPE',
      command: 'MAIL FROM',
      responseCode: 553,
      temporary: false,
      says: 'refused the sender',
    },
  ],
  [
    { mail: '550 5.1.0 Sender rejected' },
    {
      code: 'EENVELOPE',
      command: 'MAIL FROM',
      enhancedCode: '5.1.0',
      temporary: false,
      says: 'refused the sender',
    },
  ],
  [
    { mail: '454 4.7.0 Throttling failure: maximum sending rate exceeded' },
    {
      code: 'EENVELOPE',
      command: 'MAIL FROM',
      responseCode: 454,
      temporary: true,
      says: 'temporarily refused the sender',
    },
  ],

  // The recipient.
  [
    { rcpt: `550 5.1.1 <${email}>: Recipient address rejected: User unknown` },
    {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: 550,
      enhancedCode: '5.1.1',
      temporary: false,
      doubts: true,
      says: 'refused the recipient',
    },
  ],
  ...[
    '550 No such mailbox',
    '553 Not here',
    '501 Bad address',
    '551 Gone',
    '552 5.2.2 Full',
    '550 5.4.1 Access denied',
    '556 5.1.10 Null MX',
    '550 5.1.2 No such host',
    '550 5.0.0 No',
  ].map((reply): [Script, Expected] => [
    { rcpt: reply as `${number}` },
    {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: Number(reply.slice(0, 3)),
      temporary: false,
      doubts: true,
      says: 'refused the recipient',
    },
  ]),
  ...[
    '554 5.7.1 Relay access denied',
    '530 5.7.0 Must issue a STARTTLS command first',
    '550 5.7.26 Unauthenticated email',
    '550 5.4.5 Daily sending quota exceeded',
    '550 5.1.8 Bad outbound sender',
    '550 5.1.90 Daily limit of recipients',
    '530 Authentication required',
    '535 Authentication failed',
    '554 5.3.0 Out of order',
    '502 Not implemented',
  ].map((reply): [Script, Expected] => [
    { rcpt: reply as `${number}` },
    {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: Number(reply.slice(0, 3)),
      temporary: false,
      says: 'refused the recipient',
    },
  ]),
  [
    { rcpt: `451 4.7.1 Greylisting in action, please come back later <${email}>` },
    {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: 451,
      enhancedCode: '4.7.1',
      temporary: true,
      says: 'temporarily refused the recipient',
    },
  ],
  [
    { rcpt: '450 4.1.1 Unverified address' },
    {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: 450,
      enhancedCode: '4.1.1',
      temporary: true,
      says: 'temporarily refused the recipient',
    },
  ],
  [
    { rcpt: '503 5.5.1 Bad sequence of commands' },
    {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: 503,
      temporary: true,
      says: 'refused the recipient',
    },
  ],

  // The message.
  [
    { data: '554 5.5.1 No valid recipients' },
    { code: 'EENVELOPE', command: 'DATA', responseCode: 554, temporary: false, says: 'refused the message' },
  ],
  [
    { dot: `554 5.7.1 Message rejected: Email address is not verified: ${email}` },
    {
      code: 'EMESSAGE',
      command: 'DATA',
      responseCode: 554,
      enhancedCode: '5.7.1',
      temporary: false,
      says: 'refused the message',
    },
  ],
  [
    { dot: '550 5.4.5 Daily user sending limit exceeded' },
    {
      code: 'EMESSAGE',
      command: 'DATA',
      responseCode: 550,
      enhancedCode: '5.4.5',
      temporary: false,
      says: 'refused the message',
    },
  ],
  [
    { dot: '554 5.2.252 SendAsDenied' },
    {
      code: 'EMESSAGE',
      command: 'DATA',
      responseCode: 554,
      enhancedCode: '5.2.252',
      temporary: false,
      says: 'refused the message',
    },
  ],
  [
    { dot: `550 5.1.1 <${email}> No such user here` },
    {
      code: 'EMESSAGE',
      command: 'DATA',
      responseCode: 550,
      enhancedCode: '5.1.1',
      temporary: false,
      doubts: true,
      says: 'refused the message',
    },
  ],
  [
    { dot: '550 No such user here' },
    { code: 'EMESSAGE', command: 'DATA', responseCode: 550, temporary: false, says: 'refused the message' },
  ],
  ...['5.1.7', '5.1.8', '5.1.9', '5.1.90'].map((enhancedCode): [Script, Expected] => [
    { dot: `550 ${enhancedCode} Bad sender` },
    {
      code: 'EMESSAGE',
      command: 'DATA',
      responseCode: 550,
      enhancedCode,
      temporary: false,
      says: 'refused the message',
    },
  ]),
  [
    { dot: '452 4.3.1 Out of memory' },
    {
      code: 'EMESSAGE',
      command: 'DATA',
      responseCode: 452,
      enhancedCode: '4.3.1',
      temporary: true,
      says: 'temporarily refused the message',
    },
  ],
];

it.each(replies)('T56, T57: a server that says %j', async (script, expected) => {
  const server = opened(await startRawSmtpServer(script));
  await expectFailure({ host: '127.0.0.1', port: server.port, auth }, server, expected);
});

it.each(['550 5.1.1 No such user', '452 4.2.2 Full'])(
  'T56: LMTP, which refuses after the message: %s',
  async (reply) => {
    const server = opened(await startRawSmtpServer({ dot: reply as `${number}` }));
    for (const pool of [true, false]) {
      const transport = { host: '127.0.0.1', port: server.port, lmtp: true, pool };
      const failed = await fail({ transport, mailTimeout: 1000 });
      expect(failed.name).toBe('delivery_failed');
      expect(failed.cause).toMatchObject({ code: 'EMESSAGE', responseCode: Number(reply.slice(0, 3)) });
      expect(failed.messages).toEqual(reply.startsWith('550') ? doubted : notDoubted);
    }
  },
);

it.each<[string, object]>([
  ['all of its recipients', { accepted: [], rejected: [email] }],
  [
    'all of them, with the errors',
    { rejected: [email], rejectedErrors: [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550 }] },
  ],
])('T56: a transport that has sent and says that it refused %s', async (_what, info) => {
  for (const options of [
    { transport: { sendMail: async () => info } },
    { delivery: async () => info as never },
  ]) {
    const failed = await fail(options);
    expect(failed.name).toBe('delivery_failed');
    expect(failed.messages).toEqual('rejectedErrors' in info ? doubted : notDoubted);
  }
});

it('T56: a connection that is refused', async () => {
  const server = await startRawSmtpServer();
  await server.close();
  await expectFailure({ host: '127.0.0.1', port: server.port }, server, {
    ...{ code: 'ESOCKET', originalCode: 'ECONNREFUSED', command: 'CONN', temporary: true, checks: true },
    says: 'refused the connection',
  });
});

it('T56: a name that does not exist', async () => {
  const host = 'smtp.acme.invalid';
  const failed = await fail({ transport: { host, port: 2525 }, mailTimeout: 5000 }, { checks: true });
  expect(failed.cause).toMatchObject({ host, port: 2525, command: 'CONN', code: 'EDNS' });
  // A machine without a network cannot tell whether a name exists.
  const { originalCode, temporary } = failed.cause;
  expect([originalCode, temporary]).toEqual(
    originalCode === 'EAI_AGAIN' ? ['EAI_AGAIN', true] : ['ENOTFOUND', false],
  );
  expect(failed.cause.message).toMatch(
    /smtp\.acme\.invalid:2525 (was not found|could not be looked up) in DNS \(EDNS, (ENOTFOUND|EAI_AGAIN), CONN\)$/,
  );
  expect(failed.problems).toEqual([expect.stringMatching(/smtp\.acme\.invalid:2525 .* in DNS/)]);
  expect(failed.messages).toEqual(notDoubted);
});

it('T56: TLS on a port that does not begin with TLS', async () => {
  const server = opened(await startRawSmtpServer());
  await expectFailure({ host: '127.0.0.1', port: server.port, secure: true }, server, {
    ...{ code: 'ESOCKET', originalCode: 'ERR_SSL_WRONG_VERSION_NUMBER', command: 'CONN', temporary: false },
    ...{ checks: true, says: 'does not begin with TLS: leave `secure` out' },
  });
});

it('T56: a server that waits for TLS and says nothing', async () => {
  const server = opened(await startTlsSmtpServer({ secure: true }));
  await expectFailure({ host: '127.0.0.1', port: server.port }, server, {
    ...{ code: 'ETIMEDOUT', temporary: true, checks: true, says: 'did not answer in time' },
  });
});

it('T56: TLS of a version that is too old', async () => {
  const server = opened(await startTlsSmtpServer({ maxVersion: 'TLSv1.2' }));
  const tls = { ca: server.cert, servername: 'localhost', minVersion: 'TLSv1.3' } as const;
  await expectFailure(
    { host: remote, port: server.port, auth, tls },
    { host: remote, port: server.port },
    {
      ...{
        code: 'ESOCKET',
        temporary: false,
        checks: true,
        says: 'and this app have no TLS version or cipher in common',
      },
      originalCode: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    },
  );
});

it('T56: no TLS, although there is a login', async () => {
  const server = opened(await startRawSmtpServer({}, { host: remote }));
  await expectFailure(
    { host: remote, port: server.port, auth },
    { host: remote, port: server.port },
    {
      ...{ code: 'ETLS', command: 'STARTTLS', responseCode: 502, temporary: false, checks: true },
      says: 'offers no TLS: without it no password is sent, unless you set `requireTLS: false`',
    },
  );
});

it.each<[string, Parameters<typeof startTlsSmtpServer>[0], object, string, string]>([
  [
    'that is self-signed',
    {},
    {},
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'has an untrusted certificate: pass the certificate of its authority as `tls.ca`',
  ],
  [
    'for another name',
    { name: 'other.example' },
    { servername: 'localhost' },
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'has a certificate for another name',
  ],
  [
    'that has expired',
    { endsInDays: -10 },
    { servername: 'localhost' },
    'CERT_HAS_EXPIRED',
    'has a certificate that has expired or is not yet valid',
  ],
])('T56: a certificate %s', async (_what, made, tls, originalCode, says) => {
  for (const secure of [false, true]) {
    const server = opened(await startTlsSmtpServer({ ...made, secure }));
    const trusted = Object.keys(tls).length > 0 ? { ca: server.cert } : {};
    await expectFailure(
      { host: remote, port: server.port, secure, auth, tls: { ...tls, ...trusted } },
      { host: remote, port: server.port },
      { code: 'ESOCKET', originalCode, command: 'CONN', temporary: false, checks: true, says },
    );
    expect(server.logins).toEqual([]);
  }
});

describe('T73: TLS with a self-signed certificate on the loopback', () => {
  const email = 'person@example.com';
  const send = async (transport: EmailVerificationOptions['transport']) => {
    const verification = opened(
      createEmailVerification({ store: new MemoryStore(), from: FROM, secret: SECRET, transport }),
    );
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
    return (await verification.send({ email })).kind;
  };

  it('is accepted, without a login and with one', async () => {
    const server = opened(await startTlsSmtpServer());
    expect(await send(`smtp://localhost:${server.port}`)).toBe('sent');
    expect(await send({ host: '127.0.0.1', port: server.port })).toBe('sent');
    expect(await send({ url: `smtp://localhost:${server.port}`, auth })).toBe('sent');
    expect(server.received.map(({ secure }) => secure)).toEqual([true, true, true]);
    expect(server.logins).toEqual([auth.user, auth.user]);
  });

  it('is no obstacle if STARTTLS is offered but refused', async () => {
    const server = opened(
      await startRawSmtpServer({ starttls: '454 4.7.0 TLS not available due to local problem' }),
    );
    expect(await send(server.url)).toBe('sent');
    expect(await send({ url: server.url, auth })).toBe('sent');
    const { cause } = await fail({
      transport: { url: server.url, opportunisticTLS: false },
      mailTimeout: 1000,
    });
    expect(cause).toMatchObject({ code: 'ETLS', command: 'STARTTLS', responseCode: 454, temporary: true });
  });

  it.each<[string, object]>([
    ['requireTLS is set', { requireTLS: true, auth }],
    ['the certificate must be checked', { tls: { rejectUnauthorized: true } }],
    ['an authority is given', { tls: { ca: 'none' } }],
  ])('is refused if %s', async (_when, more) => {
    const server = opened(await startTlsSmtpServer());
    const transport = { host: '127.0.0.1', port: server.port, ...more };
    const { cause } = await fail({ transport });
    expect(cause).toMatchObject({ originalCode: 'DEPTH_ZERO_SELF_SIGNED_CERT', temporary: false });
    expect(server.received).toEqual([]);
  });

  it('is refused if TLS comes first', async () => {
    const server = opened(await startTlsSmtpServer({ secure: true }));
    const { cause } = await fail({ transport: `smtps://localhost:${server.port}` });
    expect(cause).toMatchObject({ originalCode: 'DEPTH_ZERO_SELF_SIGNED_CERT', temporary: false });
  });

  it('is refused on any other host, even without a login', async () => {
    const server = opened(await startTlsSmtpServer());
    const { cause } = await fail({ transport: { host: remote, port: server.port } });
    expect(cause.message).toContain(
      'has an untrusted certificate: pass the certificate of its authority as `tls.ca`',
    );
  });
});

/** What SDKs and HTTP clients were seen to reject with. */
const named = (name: string, more: object) => Object.assign(new Error(`to ${email}`), { name }, more);
const providers: [
  string,
  () => unknown,
  { temporary: boolean; doubts?: boolean } & Partial<Cause>,
  string,
][] = [
  [
    'SES, an address that is not verified',
    () => named('MessageRejected', { $fault: 'client', $metadata: { httpStatusCode: 400 } }),
    { statusCode: 400, providerCode: 'MessageRejected', temporary: false },
    'refused it',
  ],
  [
    'SES, its name alone',
    () => named('MessageRejected', {}),
    { providerCode: 'MessageRejected', temporary: false },
    'refused it',
  ],
  [
    'SES, the rate',
    () => named('TooManyRequestsException', { $fault: 'client', $metadata: { httpStatusCode: 429 } }),
    { statusCode: 429, providerCode: 'TooManyRequestsException', temporary: true },
    'is rate limiting',
  ],
  [
    'SES, the rate, as a 400',
    () => named('ThrottlingException', { $fault: 'client', $metadata: { httpStatusCode: 400 } }),
    { providerCode: 'ThrottlingException', temporary: true },
    'is rate limiting',
  ],
  [
    'SES, the rate, by version 2 of the SDK',
    () => Object.assign(new Error(email), { code: 'Throttling', statusCode: 400, retryable: true }),
    { providerCode: 'Throttling', temporary: true },
    'is rate limiting',
  ],
  [
    'SES, the keys',
    () => named('InvalidClientTokenId', { $fault: 'client', $metadata: { httpStatusCode: 403 } }),
    { statusCode: 403, providerCode: 'InvalidClientTokenId', temporary: false },
    'refused it',
  ],
  [
    'SES, in trouble',
    () => named('InternalFailure', { $fault: 'server', $metadata: { httpStatusCode: 500 } }),
    { statusCode: 500, temporary: true },
    'had an internal error',
  ],
  [
    'Resend',
    () => ({ name: 'validation_error', statusCode: 422, message: `Invalid to: ${email}` }),
    { statusCode: 422, providerCode: 'validation_error', temporary: false },
    'refused it',
  ],
  [
    'SendGrid',
    () =>
      Object.assign(new Error('Unauthorized'), {
        name: 'ResponseError',
        code: 401,
        response: { body: { errors: [{ message: email, field: null }] } },
      }),
    { statusCode: 401, temporary: false },
    'refused it',
  ],
  [
    'Postmark, a recipient that is inactive',
    () => named('InactiveRecipientsError', { code: 406, statusCode: 422 }),
    { statusCode: 422, providerCode: 'InactiveRecipientsError', temporary: false, doubts: true },
    'refused it',
  ],
  [
    'axios, 401',
    () =>
      named('AxiosError', {
        code: 'ERR_BAD_REQUEST',
        status: 401,
        config: { data: email, headers: { Authorization: auth.pass } },
        response: { status: 401, data: { code: 'unauthorized', message: email } },
      }),
    { code: 'ERR_BAD_REQUEST', statusCode: 401, providerCode: 'unauthorized', temporary: false },
    'refused it',
  ],
  [
    'axios, 429',
    () => named('AxiosError', { code: 'ERR_BAD_REQUEST', response: { status: 429, data: email } }),
    { statusCode: 429, temporary: true },
    'is rate limiting',
  ],
  [
    'axios, 503',
    () =>
      named('AxiosError', {
        code: 'ERR_BAD_RESPONSE',
        response: { status: 503, data: { error: { code: 'Busy' } } },
      }),
    { statusCode: 503, providerCode: 'Busy', temporary: true },
    'had an internal error',
  ],
  [
    'an HTTP client that keeps the response',
    () => named('HTTPError', { response: { status: 400 } }),
    { statusCode: 400, temporary: false },
    'refused it',
  ],
  [
    'an HTTP client of statusCode 408',
    () => ({ statusCode: 408 }),
    { statusCode: 408, temporary: true },
    'refused it',
  ],
  ['a status as a string', () => ({ status: '404' }), { statusCode: 404, temporary: false }, 'refused it'],
  [
    'Azure',
    () => named('RestError', { code: 'DomainNotLinked', statusCode: 404 }),
    { statusCode: 404, providerCode: 'DomainNotLinked', temporary: false },
    'refused it',
  ],
  [
    'a connection that is refused',
    () =>
      Object.assign(new TypeError('fetch failed'), {
        cause: Object.assign(new Error(email), { code: 'ECONNREFUSED' }),
      }),
    { code: 'ECONNREFUSED', temporary: true },
    'refused the connection',
  ],
  [
    'a certificate',
    () =>
      Object.assign(new TypeError('fetch failed'), {
        cause: Object.assign(new Error(email), { code: 'CERT_HAS_EXPIRED' }),
      }),
    { code: 'CERT_HAS_EXPIRED', temporary: false },
    'has a certificate that has expired or is not yet valid',
  ],
  [
    'a time-out',
    () => new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
    { code: 'ETIMEDOUT', temporary: true },
    'did not answer in time',
  ],
  [
    'an SMTP reply',
    () => Object.assign(new Error(email), { responseCode: 550, response: `550 5.1.1 ${email}` }),
    { responseCode: 550, enhancedCode: '5.1.1', temporary: false, doubts: true },
    'refused it',
  ],
  [
    'an SMTP reply of the app’s own making',
    () => ({ responseCode: 550, command: `RCPT TO:<${email}>` }),
    { responseCode: 550, command: 'RCPT TO', temporary: false, doubts: true },
    'refused the recipient',
  ],
  [
    'a login',
    () =>
      Object.assign(new Error('no'), {
        code: 'EAUTH',
        command: `AUTH PLAIN ${auth.pass}`,
        responseCode: 535,
      }),
    { command: 'AUTH PLAIN', temporary: false },
    'refused the login',
  ],
  [
    'an error without details',
    () => new Error(`${email} ${auth.pass}`),
    { code: 'EUNKNOWN', temporary: true },
    'failed',
  ],
  ['a string', () => `${email} ${auth.pass}`, { code: 'EUNKNOWN', temporary: true }, 'failed'],
  ['nothing', () => undefined, { code: 'EUNKNOWN', temporary: true }, 'failed'],
  ['null', () => null, { code: 'EUNKNOWN', temporary: true }, 'failed'],
  ['false', () => false, { code: 'EUNKNOWN', temporary: true }, 'failed'],
  ['a function', () => () => email, { code: 'EUNKNOWN', temporary: true }, 'failed'],
  [
    'an error whose properties throw',
    () =>
      new Proxy(
        {},
        {
          get: () => {
            throw new Error(email);
          },
        },
      ),
    { code: 'EUNKNOWN', temporary: true },
    'failed',
  ],
];

describe.each<[string, (thrown: () => unknown) => Partial<EmailVerificationOptions>]>([
  ['a custom delivery that rejects', (thrown) => ({ delivery: () => Promise.reject(thrown()) })],
  [
    'a custom delivery that throws',
    (thrown) => ({
      delivery: () => {
        throw thrown();
      },
    }),
  ],
  [
    'an object with sendMail that rejects',
    (thrown) => ({ transport: { sendMail: () => Promise.reject(thrown()) }, mailTimeout: 1000 }),
  ],
])('T56: %s', (_how, optionsFor) => {
  it.each(providers)('with %s', async (_what, thrown, { doubts = false, ...fields }, says) => {
    const failed = await fail(optionsFor(thrown));
    expect(failed.name).toBe('delivery_failed');
    expect(failed.cause).toMatchObject(fields);
    expect(failed.cause.message).toMatch(
      new RegExp(`^The email was not sent: the (provider|server|delivery) ${says}\\b`),
    );
    for (const value of [fields.statusCode, fields.providerCode, fields.code])
      if (value !== undefined) expect(failed.cause.message).toContain(String(value));
    expect(failed.messages).toEqual(doubts ? doubted : notDoubted);
  });

  it('with an error marked as unknown', async () => {
    for (const more of [{}, { responseCode: 550 }, { statusCode: 500 }, { code: 'ECONNRESET' }]) {
      const failed = await fail(optionsFor(() => Object.assign(new Error(email), { unknown: true }, more)));
      expect(failed.name).toBe('delivery_unknown');
      expect(failed.cause.message).toMatch(/^It is not known whether the email was sent: /);
    }
  });

  it('with an error that holds the code in every property', async () => {
    const codes: string[] = [];
    const thrown = () => {
      const code = codes.at(-1) ?? '';
      const error = Object.assign(new Error(code), { cause: new Error(code) });
      const texts = ['name', 'code', 'originalCode', 'command', 'type', 'response', 'errorCode'];
      for (const name of texts) Object.assign(error, { [name]: `E${code}` });
      for (const name of ['status', 'statusCode', 'responseCode'])
        Object.assign(error, { [name]: Number(code) });
      return error;
    };
    const template = ({ code }: { code: string }) => {
      codes.push(code);
      return { subject: 'Your code', text: code, html: code };
    };
    const failed = await fail({ ...optionsFor(thrown), template });
    expect(codes.at(-1)).toMatch(/^\d{6}$/);
    const numbers = codes.map((code) => String(Number(code)));
    expectNoSecret(failed.cause, [...codes, ...numbers]);
  });
});

describe('T56: nodemailer’s transport for SES', () => {
  class SendEmailCommand {}
  const ses = (thrown: () => unknown) => ({
    SES: { SendEmailCommand, sesClient: { send: () => Promise.reject(thrown()) } },
  });

  it.each(providers.slice(0, 7))('with %s', async (_what, thrown, { doubts: _none, ...fields }, says) => {
    const options = { mailTimeout: timeFor(fields) };
    for (const transport of [ses(thrown), createTransport(ses(thrown) as never)]) {
      const failed = await fail({ transport, ...options });
      expect(failed.cause).toMatchObject(fields);
      expect(failed.cause.message).toContain(`the provider ${says}`);
      expect(failed.messages).toEqual(notDoubted);
    }
  });

  it('is tried again in the background only after a temporary refusal', async () => {
    const tries = { MessageRejected: 0, ThrottlingException: 0 };
    for (const name of ['MessageRejected', 'ThrottlingException'] as const) {
      const send = () => {
        tries[name] += 1;
        if (name === 'ThrottlingException' && tries[name] > 1) return Promise.resolve({ MessageId: 'm' });
        return Promise.reject(named(name, { $metadata: { httpStatusCode: 400 } }));
      };
      const verification = opened(
        createEmailVerification({
          ...{ store: new MemoryStore(), from: FROM, secret: SECRET, delivery: 'background' },
          transport: { SES: { SendEmailCommand, sesClient: { send } } },
        }),
      );
      const events = (['delivered', 'delivery_failed'] as const).map(
        (event) => new Promise((resolve) => verification.on(event, () => resolve(event))),
      );
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
      expect(await Promise.race(events)).toBe(name === 'MessageRejected' ? 'delivery_failed' : 'delivered');
    }
    expect(tries).toEqual({ MessageRejected: 1, ThrottlingException: 2 });
  });

  it('reports in check() what keeps it from sending', async () => {
    const denied = () =>
      named('AccessDeniedException', { $fault: 'client', $metadata: { httpStatusCode: 403 } });
    const { problems } = await fail({ transport: ses(denied) }, { checks: true });
    expect(problems).toEqual([
      'The transport could not log in: the provider refused it (ESES, HTTP 403, AccessDeniedException).',
    ]);
  });
});

describe('T56: a custom delivery', () => {
  it.each<[string, () => unknown]>([
    ['returns no promise', () => undefined],
    ['returns something else', () => ({ messageId: 'm' })],
    ['returns a promise of something', async () => ({ messageId: 'm' })],
  ])('that %s has delivered', async (_what, delivery) => {
    const verification = createEmailVerification({
      ...{ store: new MemoryStore(), from: FROM, secret: SECRET, transport: { sendMail: () => {} } },
      delivery: delivery as () => Promise<void>,
    });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
  });
});

describe('T74: a contradiction of port and `secure`', () => {
  it('is reported in the event and in check()', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const getSocket = (_options: object, done: (error: Error) => void) =>
      done(Object.assign(new Error('no'), { code: 'ETIMEDOUT' }));
    const transport = { host: 'smtp.acme.example', port: 465, secure: false, getSocket };
    const { cause, problems } = await fail({ transport, mailTimeout: 1000 }, { checks: true });
    const hint = 'port 465 begins with TLS: pass `secure: true`';
    expect(warned).toHaveBeenCalledWith(expect.stringContaining(hint), 'EmailVerificationWarning');
    expect(cause.message).toContain(`smtp.acme.example:465 did not answer in time: ${hint}`);
    expect(problems).toEqual([
      expect.stringContaining(`smtp.acme.example:465 did not answer in time: ${hint}`),
    ]);
    warned.mockRestore();
  });
});
