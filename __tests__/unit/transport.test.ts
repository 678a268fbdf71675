/** The named transport sends the email, or the app does not start and the error says why without showing a password. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmailVerification, MemoryStore, type TransportOption } from 'express-email-verification';
import nodemailer from 'nodemailer';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { startRawSmtpServer } from '../support/raw-smtp-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();
const email = 'person@example.com';
const auth = { user: 'acme', pass: 'open-sesame' };
const host = 'smtp.acme.example';
let warnings: jest.SpyInstance;
beforeEach(() => {
  warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => jest.restoreAllMocks());

function create(transport: unknown, more: object = {}) {
  const { transport: accepted } = { transport: transport as TransportOption };
  const options = { store: new MemoryStore(), from: FROM, secret: SECRET, transport: accepted, ...more };
  return createEmailVerification(options);
}

const NO_SERVER =
  'The `transport.host` option must be the name of an SMTP server, unless `service` or `url` is passed. Received';
const UNSET = 'Is an environment variable unset?';
const BAD_URL = 'The `transport` option must be an SMTP URL, as in smtp://user:password@host:587';

const refused: [transport: unknown, ...sentences: string[]][] = [
  // No server.
  [{}, NO_SERVER, UNSET],
  [{ host: undefined }, NO_SERVER, UNSET],
  [{ host: undefined, port: 587, auth }, NO_SERVER],
  [{ host: null }, NO_SERVER],
  [{ host: '' }, NO_SERVER],
  [{ host: 'undefined' }, NO_SERVER, UNSET],
  [{ port: 25 }, NO_SERVER],
  [{ auth }, NO_SERVER],
  [{ service: undefined, auth }, NO_SERVER],
  [{ pool: true }, NO_SERVER],
  [{ jsonTransport: false }, NO_SERVER],
  [{ sendmail: false }, NO_SERVER],
  [{ url: undefined }, NO_SERVER],
  [{ host: 25 }, NO_SERVER],
  [{ host: 'smtp.acme.example:587' }, 'The `transport.host` option must be only a name or an IP address'],
  [
    { host: 'smtp://acme:open-sesame@smtp.acme.example' },
    'The `transport.host` option must be only a name or an IP',
  ],
  [{ host: ' smtp.acme.example' }, 'The `transport.host` option must be only a name or an IP address'],

  // Names that nodemailer does not know.
  [{ hots: host }, 'Unknown option `transport.hots`: write `host`.'],
  [{ host, prot: 25 }, 'Unknown option `transport.prot`: write `port`.'],
  [{ host, requireTls: true }, 'Unknown option `transport.requireTls`: write `requireTLS`.'],
  [{ host, rejectUnauthorized: false }, 'Unknown option `transport.rejectUnauthorized`'],
  [{ host, user: 'acme', pass: 'open-sesame' }, 'Unknown option `transport.user`: write `auth.user`.'],
  [{ host, password: 'open-sesame' }, 'write `auth.pass`'],
  [{ transport: { host } }, 'Unknown option `transport.transport`'],
  [`smtp://${host}?ignoreTls=true`, 'Unknown option `transport.ignoreTls`: write `ignoreTLS`.'],

  // Values of another type.
  [
    { host, port: 'smtp' },
    "The `transport.port` option must be a whole number from 1 to 65535. Received 'smtp'.",
  ],
  [
    { host, port: Number.NaN },
    'The `transport.port` option must be a whole number from 1 to 65535. Received NaN.',
    UNSET,
  ],
  [{ host, port: '' }, "Received ''.", UNSET],
  [{ host, port: 0 }, 'The `transport.port` option must be'],
  [{ host, port: 65_536 }, 'The `transport.port` option must be'],
  [{ host, port: -1 }, 'The `transport.port` option must be'],
  [{ host, port: 587.5 }, 'The `transport.port` option must be'],
  [{ host, port: '587,' }, 'The `transport.port` option must be'],
  [{ host, secure: 'false' }, "The `transport.secure` option must be true or false. Received 'false'."],
  [{ host, requireTLS: 'true' }, 'The `transport.requireTLS` option must be true or false'],
  [
    { host, maxConnections: 0 },
    'The `transport.maxConnections` option must be a whole number of at least 1. Received 0.',
  ],
  [{ host, maxConnections: Number.NaN }, 'The `transport.maxConnections` option must be'],
  [{ host, greetingTimeout: '10s' }, 'The `transport.greetingTimeout` option must be'],

  // A login without a user or password.
  [
    { host, auth: {} },
    'The `transport.auth.user` option must be the user to log in as. Received undefined.',
    UNSET,
  ],
  [{ host, auth: { user: undefined, pass: undefined } }, 'The `transport.auth.user` option must be', UNSET],
  [
    { host, auth: { user: '', pass: 'open-sesame' } },
    "The `transport.auth.user` option must be the user to log in as. Received ''.",
  ],
  [
    { host, auth: { user: 'undefined', pass: 'open-sesame' } },
    'The `transport.auth.user` option must be',
    UNSET,
  ],
  [{ host, auth: { user: 'acme' } }, 'The `transport.auth.pass` option must be the password', UNSET],
  [
    { host, auth: { user: 'acme', pass: '' } },
    'The `transport.auth.pass` option must be the password',
    UNSET,
  ],
  [{ host, auth: { username: 'acme', password: 'open-sesame' } }, 'The `transport.auth.user` option must be'],
  [{ host, auth: 'acme:open-sesame' }, 'The `transport.auth.user` option must be'],
  [
    { service: 'naver', auth: { user: undefined, pass: undefined } },
    'The `transport.auth.user` option must be',
    UNSET,
  ],
  [{ host, auth: { type: 'OAuth2' } }, 'The `transport.auth.user` option must be the account to log in as'],
  [
    { host, auth: { type: 'OAuth2', user: 'acme' } },
    'The `transport.auth` option must hold an `accessToken`',
  ],
  [
    { host, auth: { type: 'oauth2', user: 'acme', accessToken: undefined } },
    'The `transport.auth` option must hold',
  ],
  [`smtp://acme@${host}`, 'The `transport.auth.pass` option must be the password'],
  [`smtp://undefined:undefined@${host}`, 'The `transport.auth.user` option must be', UNSET],
  ['smtp://acme:open-sesame@undefined', NO_SERVER, UNSET],

  // Options that nodemailer would ignore silently, or that would end the process.
  [{ host, proxy: 'proxy.acme.example' }, 'The `transport.proxy` option must be the URL of an HTTP proxy'],
  [{ host, proxy: 'proxy.acme.example:3128' }, 'The `transport.proxy` option must be'],
  [{ host, proxy: 'http://' }, 'The `transport.proxy` option must be'],
  [{ host, proxy: 'socks5://acme:open-sesame@localhost' }, 'for SOCKS pass a transporter of your own'],
  [{ host, proxy: new URL('http://acme:open-sesame@localhost') }, 'The `transport.proxy` option must be'],
  [{ host, proxy: true }, 'The `transport.proxy` option must be'],
  [`smtp://${host}?proxy=3128`, 'The `transport.proxy` option must be'],
  [{ host, tls: true }, 'The `transport.tls` option must be an object. Received true.'],
  [{ host, tls: [] }, 'The `transport.tls` option must be an object'],
  [{ host, tls: 'open-sesame!' }, 'The `transport.tls` option must be an object. Received another string.'],
  [{ host, name: 5 }, 'The `transport.name` option must be a string'],
  [{ host, servername: 5 }, 'The `transport.servername` option must be a string'],
  [{ host, auth, authMethod: 5 }, 'The `transport.authMethod` option must be a string'],
  [{ host, auth, customAuth: 'OWN' }, 'The `transport.customAuth` option must be an object'],
  [{ host, getSocket: 'socket' }, 'The `transport.getSocket` option must be a function'],
  [{ host, logger: 'debug' }, 'The `transport.logger` option must be true, false or an object'],
  [
    { host, localAddress: 'eth0' },
    "The `transport.localAddress` option must be an IP address. Received 'eth0'.",
  ],
  [{ sendmail: true, path: 5 }, 'The `transport.path` option must be a string'],
  [{ sendmail: true, args: '-t' }, 'The `transport.args` option must be an array'],

  // Services.
  [
    { service: 'Navver', auth },
    "The `transport.service` option must be one that nodemailer knows (else pass `host` and `port`). Received 'Navver'.",
  ],
  [{ service: 'daum', host, auth }, 'The `transport.service` option must be one that nodemailer knows'],
  [{ service: '', auth }, 'The `transport.service` option must be', UNSET],
  [{ service: 'undefined', auth }, 'The `transport.service` option must be', UNSET],
  [{ service: true, auth }, 'The `transport.service` option must be'],

  // URLs.
  ['', BAD_URL],
  ['undefined', BAD_URL],
  ['smtp.acme.example', BAD_URL],
  ['smtp://', BAD_URL],
  ['smtps://:465', BAD_URL],
  ['http://acme:open-sesame@smtp.acme.example', BAD_URL],
  ['direct://acme:open-sesame@smtp.acme.example', BAD_URL],
  ['smtp://acme:open-sesame@smtp.acme.example:65536', BAD_URL],
  ['smtp://acme:open#sesame@smtp.acme.example', BAD_URL],
  ['smtp://acme:25#sesame@smtp.acme.example', BAD_URL],
  ['smtp://acme:25/sesame@smtp.acme.example', BAD_URL],
  ['smtp://acme:25?sesame=1@smtp.acme.example', BAD_URL],
  [{ url: 'http://acme:open-sesame@smtp.acme.example' }, BAD_URL],
  [{ url: '' }, BAD_URL],
  [
    { url: new URL('smtp://acme:open-sesame@smtp.acme.example') },
    'The `transport.url` option must be an SMTP URL',
  ],
  [`smtp://${host}?secure=true`, "The URL of `transport` has 'secure' in its query, where it is ignored"],
  [`smtp://${host}?auth.user=acme`, "The URL of `transport` has 'auth.user' in its query"],

  // Other transports that cannot work.
  [{ SES: { ses: {}, aws: {} } }, 'The `transport.SES` option must be { sesClient'],
  [{ SES: {} }, 'The `transport.SES` option must be { sesClient'],
  [{ SES: { sesClient: {} } }, 'The `transport.SES` option must be { sesClient'],
  [{ SES: { sesClient: { send: () => {} } } }, 'The `transport.SES` option must be { sesClient'],
  [{ host, socket: {} }, 'The `transport.socket` option is one connection'],
  [{ host, connection: {} }, 'The `transport.connection` option is one connection'],

  // Values that are not a transport.
  [new URL('smtp://acme:open-sesame@smtp.acme.example'), 'SMTP URL. Received a URL.'],
  [new String('smtp://acme:open-sesame@smtp.acme.example'), 'SMTP URL. Received a String.'],
  [Buffer.from('smtp://acme:open-sesame@smtp.acme.example'), 'SMTP URL. Received a Buffer.'],
  [new Map([['host', host]]), 'SMTP URL. Received a Map.'],
  [undefined, 'SMTP URL. Received undefined.', UNSET],
  [null, 'SMTP URL. Received null.'],
  [Promise.resolve({}), 'The `transport` option is a promise'],
  [() => {}, 'The `transport` option must be a nodemailer transporter, its options or an SMTP URL'],
  [25, 'The `transport` option must be a nodemailer transporter'],
  [
    [],
    'The `transport` option must be a nodemailer transporter, its options or an SMTP URL, or at least one of these',
  ],

  // One of several: the error says which.
  [[{ host }, undefined], 'The `transport[1]` option must be', 'SMTP URL. Received undefined.', UNSET],
  [[`smtp://${host}`, 'http://acme:open-sesame@x'], 'The `transport[1]` option must be an SMTP URL'],
  [[{ host }, [{ host }]], 'The `transport[1]` option must be a nodemailer transporter'],
  [
    [{ service: 'navver', auth }, { host }],
    'The `transport[0].service` option must be one that nodemailer knows',
  ],
  [[{ host }, { host, pasword: 'open-sesame' }], 'Unknown option `transport[1].pasword`'],
  [[{ host }, { host, auth: { user: 'acme' } }], 'The `transport[1].auth.pass` option must be', UNSET],
  [[{ host }, { host, pool: 'yes' }], 'The `transport[1].pool` option must be true or false'],
  [new Array(2), 'The `transport[0]` option must be', 'Received undefined.'],
  [
    { host, dkim: { domainName: 'd', keySelector: 'k', privateKey: 'open-sesame' } },
    'The `transport.dkim.privateKey` option must be',
  ],
  [
    { host, dkim: { keys: [{ domainName: 'd', keySelector: 'k' }] } },
    'The `transport.dkim.privateKey` option must be',
  ],
];

it.each(refused)('T54: the app does not start with the transport %p', (transport, ...sentences) => {
  const message = messageOf(() => create(transport));
  for (const sentence of sentences) expect(message).toContain(sentence);
  expect(message).not.toMatch(/sesame/);
});

it.each([
  ['undefined@naver.com'],
  ['Acme <undefined@naver.com>'],
  ['Acme <undefined>'],
  ['hello@undefined'],
  ['hello@mail.undefined'],
  ['null@naver.com'],
  ['undefined'],
  ['undefined <hello@acme.example>'],
  ['NaN@acme.example'],
  ['[object Object]@acme.example'],
  [{ name: 'Acme', address: 'undefined@naver.com' }],
  [{ name: 'Acme', address: undefined }],
  [''],
  [undefined],
])('T54: the app does not start with %p as its sender', (from) => {
  expect(messageOf(() => create({ host }, { from }))).toMatch(
    /^The `from(\.address)?` option must be one address/,
  );
});

it.each([
  ['Acme <hello@acme.example>'],
  ['hello@acme.example'],
  ['undefined.kim@acme.example'],
  ['Null <kim.null@acme.example>'],
  [{ name: 'Acme', address: 'hello@undefined.example.com' }],
])('starts with %p as its sender', (from) => {
  expect(() => create({ host }, { from })).not.toThrow();
});

it.each<[unknown]>([
  [{ host }],
  [{ host, port: '587' }],
  [{ host, port: undefined, auth: undefined, secure: undefined }],
  [{ host, auth: false }],
  [{ host, auth: { ...auth, pass: 123_456 } }],
  [{ host, maxMessages: Number.POSITIVE_INFINITY, maxConnections: '20', maxRequeues: -1 }],
  [{ host, logger: false, debug: false, name: 'app.acme.example', tls: { ca: 'x' }, dkim: false, proxy: '' }],
  [{ host, from: FROM }],
  [{ host, proxy: 'http://proxy.acme.example:3128', localAddress: '192.0.2.1', logger: {}, getSocket() {} }],
  [{ host, proxy: 'HTTPS://acme:open-sesame@[2001:db8::1]:3128', tls: { minVersion: 'TLSv1.2' } }],
  [`smtp://${host}?proxy=${encodeURIComponent('http://proxy.acme.example:3128')}`],
  [{ host: '2001:db8::1' }],
  [{ host: '[2001:db8::1]' }],
  [{ service: 'Naver', auth }],
  [{ service: ' gmail ', auth }],
  [{ service: 'Outlook365', auth }],
  [{ service: 'SES-EU-WEST-1', auth }],
  [{ service: 'maildev' }],
  [{ url: 'smtps://acme:open-sesame@smtp.acme.example' }],
  ['smtp://acme:open%23%2F%3F%40sesame@smtp.acme.example:587'],
  ['smtps://smtp.acme.example/?pool=true&maxConnections=3&tls.servername=acme.example&name=app'],
  [{ host, auth: { type: 'OAuth2', user: 'acme', clientId: 'a', clientSecret: 'b', refreshToken: 'c' } }],
  [{ host, auth: { type: 'custom', method: 'OWN' }, customAuth: { OWN: () => {} } }],
])('starts with the transport %p', (transport) => {
  expect(() => create(transport)).not.toThrow();
});

describe('T54: the named transport sends', () => {
  it.each([{}, { pool: true }])('jsonTransport, with %p beside it', async (more) => {
    const verification = create({ jsonTransport: true, ...more });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
    await verification.close();
  });

  it.each([{}, { pool: true, host: 'localhost' }])('streamTransport, with %p beside it', async (more) => {
    const verification = create({ streamTransport: true, buffer: true, ...more });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
  });

  it.each(['path', 'sendmail'])('sendmail, with its binary set by `%s`', async (option) => {
    const folder = await mkdtemp(join(tmpdir(), 'sendmail-'));
    const [binary, messageFile] = [join(folder, 'sendmail'), join(folder, 'message')];
    await writeFile(binary, `#!/bin/sh\necho "$@" > ${messageFile}\ncat >> ${messageFile}\n`, {
      mode: 0o755,
    });
    try {
      const verification = create(
        option === 'path' ? { sendmail: true, path: binary } : { sendmail: binary, pool: true },
      );
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
      const received = await readFile(messageFile, 'utf8');
      expect(received).toMatch(/^-i -f hello@acme\.example person@example\.com\n/);
      expect(received).toMatch(/\b\d{6}\b/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reports a missing sendmail binary', async () => {
    const verification = create({ sendmail: true, path: join(tmpdir(), 'no-such-sendmail') });
    const cause = new Promise<object>((resolve) =>
      verification.on('delivery_failed', ({ cause }) => resolve(cause)),
    );
    expect(await verification.send({ email })).toMatchObject({ kind: 'delivery_failed' });
    expect(await cause).toMatchObject({
      ...{ code: 'ENOENT', temporary: false },
      message: expect.stringContaining('the sendmail binary was not found'),
    });
  });

  it.each([{}, { pool: true }])('SES, with %p beside it', async (more) => {
    const sent: unknown[] = [];
    class SendEmailCommand {
      constructor(readonly input: { Destination: { ToAddresses: string[] } }) {}
    }
    const sesClient = {
      send: async (command: SendEmailCommand) => {
        sent.push(command.input.Destination.ToAddresses);
        return { MessageId: 'm' };
      },
    };
    const verification = create({ SES: { sesClient, SendEmailCommand }, ...more });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(sent).toEqual([[email]]);
  });

  it('a transport plugin, which is left open', async () => {
    const sent: unknown[] = [];
    const plugin = {
      name: 'Own',
      version: '1',
      send: ({ data }: { data: { to: unknown } }, done: (error: null, info: object) => void) => {
        sent.push(data.to);
        done(null, {});
      },
      close: jest.fn(),
    };
    const verification = create(plugin);
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(sent).toEqual([{ name: '', address: email }]);
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
    await verification.close();
    expect(plugin.close).not.toHaveBeenCalled();
  });

  it('one connection for each message with `pool: false`', async () => {
    const verification = create({ url: mail.url, pool: false });
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    expect(mail.messages).toHaveLength(1);
    await verification.close();
  });
});

it('its types accept every valid transport', () => {
  const { user, pass }: { user?: string; pass?: string } = { user: 'acme', pass: 'open-sesame' };
  class SendEmailCommand {}
  const transports: (TransportOption | undefined)[] = [
    nodemailer.createTransport({ host }),
    nodemailer.createTransport({ host, pool: true }),
    nodemailer.createTransport({ jsonTransport: true }),
    { service: 'naver', auth: { user, pass } },
    { host, port: 587, requireTLS: false, maxConnections: 3 },
    { url: 'smtp://smtp.acme.example', pool: false },
    { host, auth: { type: 'OAuth2', user, accessToken: pass } },
    { jsonTransport: true },
    { streamTransport: true, buffer: true },
    { sendmail: true, path: '/usr/sbin/sendmail' },
    { SES: { sesClient: { send: async () => ({ MessageId: 'm' }) }, SendEmailCommand } },
    {
      name: 'Own',
      version: '1',
      send: (_message, done) => done(null, { envelope: {} as never, messageId: 'm' }),
    },
    { sendMail: jest.fn() },
    { sendMail: async ({ to }) => to },
    'smtp://smtp.acme.example',
  ];
  for (const transport of transports) expect(() => create(transport)).not.toThrow();
});

describe('T55: an object whose `sendMail` is a function stands in for a transporter', () => {
  it.each<[string, (sent: unknown[]) => object]>([
    ['a plain function', (sent) => ({ sendMail: async (message: object) => void sent.push(message) })],
    [
      'a function that returns nothing',
      (sent) => ({ sendMail: (message: object) => void sent.push(message) }),
    ],
    ['jest.fn()', (sent) => ({ sendMail: jest.fn((message) => void sent.push(message)) })],
    [
      'jest.fn().mockResolvedValue()',
      (sent) => ({ sendMail: jest.fn(async (message) => ({ messageId: String(sent.push(message)) })) }),
    ],
    [
      'an instance of a class',
      (sent) =>
        new (class {
          sendMail(message: object) {
            sent.push(message);
            return Promise.resolve({});
          }
        })(),
    ],
    [
      'an object whose properties are functions, like a deep mock',
      (sent) => ({
        ...{ sendMail: (message: object) => void sent.push(message), options: () => {} },
        ...{ use: () => {}, transporter: { name: () => {}, options: () => {} } },
      }),
    ],
    [
      'an object with `options: null`',
      (sent) => ({
        sendMail: (message: object) => void sent.push(message),
        options: null,
        transporter: null,
      }),
    ],
  ])('%s', async (_what, mockOf) => {
    for (const delivery of ['await', 'background'] as const) {
      const sent: { to?: unknown }[] = [];
      const verification = create(mockOf(sent), { delivery });
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
      expect(await verification.check()).toEqual({ ok: true, problems: [] });
      await verification.close();
      expect(sent.map(({ to }) => to)).toEqual([{ name: '', address: email }]);
    }
  });

  it('a sendMail() that fails is a failed delivery', async () => {
    const failures = [
      () => {
        throw new Error('no');
      },
      () => Promise.reject(new Error('no')),
      () => Promise.reject('no'),
      () => Promise.reject(undefined),
      () => {
        throw undefined;
      },
    ];
    for (const sendMail of failures)
      expect(await create({ sendMail }).send({ email })).toMatchObject({ kind: 'delivery_failed' });
  });

  it('a verify() that fails or hangs is a problem', async () => {
    const sendMail = () => {};
    const verifies = [
      () => Promise.reject(new Error('no')),
      () => new Promise(() => {}),
      () => {
        throw new Error('no');
      },
    ];
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    for (const verify of verifies) {
      const { ok, problems } = await create({ sendMail, verify }, { mailTimeout: 50 }).check();
      expect([ok, problems.length]).toEqual([false, 1]);
    }
    // A late rejection must not go unhandled.
    await new Promise((resolve) => setTimeout(resolve, 200));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('T56: a custom `getSocket` does not end the process', () => {
  it.each<[string, () => unknown]>([
    [
      'that throws',
      () => {
        throw new Error('no');
      },
    ],
    ['that is asynchronous and rejects', () => Promise.reject(new Error('no'))],
    ['that rejects with a string', () => Promise.reject('no')],
  ])('one %s is a failed delivery', async (_how, getSocket) => {
    const outcomes = [{}, { auth }, { pool: false }].map(async (more) => {
      const verification = create({ host, getSocket, ...more }, { mailTimeout: 1000 });
      expect((await verification.check()).problems).toHaveLength(1);
      expect(await verification.send({ email })).toMatchObject({ kind: 'delivery_failed' });
      await verification.close();
    });
    await Promise.all(outcomes);
  });
});

describe('T56: check()', () => {
  it.each([{}, { pool: false }])('leaves no connection open, with %p', async (more) => {
    const stages = ['greeting', 'ehlo', 'auth'].map(async (stage) => {
      const server = await startRawSmtpServer({ [stage]: 'stall' });
      const verification = create({ url: server.url, auth, ...more }, { mailTimeout: 500 });
      expect((await verification.check()).problems).toEqual([
        `The transport could not log in: 127.0.0.1:${server.port} did not answer in time (ETIMEDOUT).`,
      ]);
      expect(server.connections).toBe(1);
      await until('its connection is closed', () => server.open === 0, 20_000);
      await verification.close();
      await server.close();
    });
    await Promise.all(stages);
  });

  it('reports an unreachable proxy', async () => {
    const server = await startRawSmtpServer();
    await server.close();
    const { problems } = await create({ host, proxy: `http://127.0.0.1:${server.port}` }).check();
    expect(problems).toEqual([
      `The transport could not log in: ${host}:587 was not reached through the proxy (EPROXY).`,
    ]);
  });
});

it('T54: a time too long for a timer counts as the longest one, not the shortest', async () => {
  const server = await startRawSmtpServer();
  const { idleTimeout, ...times } = { idleTimeout: Number.POSITIVE_INFINITY, socketTimeout: 2 ** 31 };
  const verification = create({ url: server.url, idleTimeout, ...times, greetingTimeout: 1e12 });
  for (const person of ['a@example.com', 'b@example.com']) {
    expect(await verification.send({ email: person })).toMatchObject({ kind: 'sent' });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(server.connections).toBe(1);
  await verification.close();
  await server.close();
});

it('keeps no timer once it is closed, whatever `rateDelta` is', async () => {
  const server = await startRawSmtpServer();
  const [begun, ended] = [jest.spyOn(globalThis, 'setTimeout'), jest.spyOn(globalThis, 'clearTimeout')];
  const verification = create({ url: server.url, rateLimit: 1, rateDelta: 3_600_000 });
  expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
  const timer = begun.mock.results[begun.mock.calls.findIndex(([, delay]) => delay === 3_600_000)]?.value;
  expect(timer).toBeDefined();
  await verification.close();
  expect(ended).toHaveBeenCalledWith(timer);
  await server.close();
});

describe('T74: a port that contradicts `secure` is warned about at start', () => {
  const warningsFor = (transport: unknown) => {
    warnings.mockClear();
    create(transport);
    return warnings.mock.calls.map(([sentence]) => sentence);
  };
  const begins = expect.stringContaining('port 465 begins with TLS');
  const changes = (port: number) => expect.stringContaining(`port ${port} starts unencrypted`);

  it.each<[unknown, unknown[]]>([
    [{ host, port: 465, secure: false }, [begins]],
    [{ host, port: '465', secure: false, auth }, [begins]],
    ['smtp://acme:open-sesame@smtp.acme.example:465', [begins]],
    [{ url: 'smtp://smtp.acme.example:465' }, [begins]],
    [{ host, port: 587, secure: true }, [changes(587)]],
    ['smtps://smtp.acme.example:587', [changes(587)]],
    [{ host, port: 25, secure: true }, [changes(25)]],
    [{ host, port: 465 }, []],
    [{ host, port: 465, secure: true }, []],
    [{ host, port: 587, secure: false }, []],
    [{ host, port: 2525, secure: true }, []],
    [{ host }, []],
    [{ service: 'naver', auth }, []],
    [{ service: 'gmail', auth }, []],
    ['smtps://smtp.acme.example', []],
    ['smtps://smtp.acme.example:465', []],
    ['smtp://smtp.acme.example', []],
  ])('%p', (transport, sentences) => {
    expect(warningsFor(transport)).toEqual(sentences);
  });
});

it('leaves a transporter of the app open and unchanged', async () => {
  const transporter = nodemailer.createTransport({ url: mail.url, pool: true });
  const verification = create(transporter);
  expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
  await verification.close();
  await transporter.sendMail({ from: FROM, to: email, text: 'still open' });
  expect(mail.messages).toHaveLength(2);
  transporter.close();
});

function messageOf(create: () => unknown): string {
  try {
    create();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}
