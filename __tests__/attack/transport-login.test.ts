/** A login is sent over TLS only, in whatever form the transport is written; only the loopback is exempt. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createEmailVerification, MemoryStore, type TransportOption } from 'express-email-verification';
import { dnsCache } from 'nodemailer/lib/shared';
import wellKnown from 'nodemailer/lib/well-known';
import { FROM, SECRET } from '../support/app.js';
import { type RawSmtpServer, startRawSmtpServer } from '../support/raw-smtp-server.js';

const user = 'acme';
const pass = 'open-sesame';
const auth = { user, pass };
/** Reaches the same machine without being a loopback name. */
const host = '0.0.0.0';
const login = `${user}:${pass}`;

let server: RawSmtpServer;
let proxy: Awaited<ReturnType<typeof startProxy>>;
beforeAll(async () => {
  server = await startRawSmtpServer({}, { host });
  proxy = await startProxy(() => server.port);
});
afterAll(async () => {
  await proxy.close();
  await server.close();
});
beforeEach(() => {
  server.received.length = 0;
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => jest.restoreAllMocks());

/** Points a name that does not exist at the server. */
function pointHere(name: string): void {
  dnsCache.set(name, { value: { addresses: ['127.0.0.1'] }, expires: Date.now() + 600_000 });
}

/** Points nodemailer's entry of a well-known service at the server. */
function pointServiceHere(service: string): void {
  const known = wellKnown(service) || undefined;
  if (!known?.host) throw new Error(`nodemailer knows no ${service}.`);
  pointHere(known.host);
  jest.replaceProperty(known, 'port', server.port);
}

/** Sends one email and checks the transport; returns "refused at start" or how the send ended. */
async function send(transport: unknown): Promise<string> {
  let verification: ReturnType<typeof createEmailVerification>;
  try {
    verification = createEmailVerification({
      store: new MemoryStore(),
      from: FROM,
      secret: SECRET,
      mailTimeout: 10_000,
      transport: transport as TransportOption,
    });
  } catch (error) {
    const { message } = error as Error;
    expect(message).toMatch(/transport/);
    expect(message).not.toContain(pass);
    return 'refused at start';
  }
  const { problems } = await verification.check();
  const { kind } = await verification.send({ email: 'person@example.com' });
  if (kind === 'delivery_failed') expect(problems).toHaveLength(1);
  await verification.close();
  return kind;
}

const secrets = [pass, Buffer.from(`\0${user}\0${pass}`), Buffer.from(pass)].map((secret) =>
  typeof secret === 'string' ? secret : secret.toString('base64'),
);

function expectNoLogin(): void {
  expect(server.received.filter((line) => /^AUTH|^MAIL/i.test(line))).toEqual([]);
  for (const secret of secrets) expect(server.received.join('\n')).not.toContain(secret);
}

type Form = (port: number) => unknown;
const socketOf = (port: number) => connect(port, '127.0.0.1').on('error', () => {});
type GetSocket = (
  options: object,
  done: (error: Error | null, socket: { connection: Socket; [key: string]: unknown }) => void,
) => void;

const forms: Record<string, Form> = {
  'host, auth': (port) => ({ host, port, auth }),
  'port as a string': (port) => ({ host, port: String(port), auth }),
  'secure: false': (port) => ({ host, port, auth, secure: false }),
  ignoreTLS: (port) => ({ host, port, auth, ignoreTLS: true }),
  opportunisticTLS: (port) => ({ host, port, auth, opportunisticTLS: true }),
  'requireTLS: undefined': (port) => ({ host, port, auth, requireTLS: undefined }),
  'requireTLS: null': (port) => ({ host, port, auth, requireTLS: null }),
  'requireTLS: 0': (port) => ({ host, port, auth, requireTLS: 0 }),
  "requireTLS: ''": (port) => ({ host, port, auth, requireTLS: '' }),
  'pool: false': (port) => ({ host, port, auth, pool: false }),
  'pool: true': (port) => ({ host, port, auth, pool: true }),
  lmtp: (port) => ({ host, port, auth, lmtp: true }),
  'forceAuth: false': (port) => ({ host, port, auth, forceAuth: false }),
  authMethod: (port) => ({ host, port, auth, authMethod: 'LOGIN' }),
  'auth.method': (port) => ({ host, port, auth: { ...auth, method: 'LOGIN' } }),
  'auth.type login': (port) => ({ host, port, auth: { type: 'login', ...auth } }),
  'auth.type OAuth2': (port) => ({ host, port, auth: { type: 'OAuth2', user, accessToken: pass } }),
  'auth.type oauth2': (port) => ({ host, port, auth: { type: 'oauth2', user, accessToken: pass } }),
  'OAuth2 by a callback': (port) => ({
    ...{ host, port },
    auth: {
      type: 'OAUTH2',
      user,
      provisionCallback: (_user: string, _renew: boolean, done: (error: null, token: string) => void) =>
        done(null, pass),
    },
  }),
  customAuth: (port) => ({
    ...{ host, port },
    auth: { type: 'custom', method: 'SESAME', ...auth },
    customAuth: {
      SESAME: ({ sendCommand }: { sendCommand: (command: string) => Promise<unknown> }) =>
        sendCommand(`AUTH SESAME ${pass}`),
    },
  }),

  url: (port) => ({ url: `smtp://${login}@${host}:${port}` }),
  'url, auth': (port) => ({ url: `smtp://${host}:${port}`, auth }),
  'url, auth, a loopback host that the url overrides': (port) => ({
    ...{ url: `smtp://${host}:${port}`, host: 'localhost', auth },
  }),
  'url with the user, auth with the password': (port) => ({
    ...{ url: `smtp://${user}:@${host}:${port}`, auth: { pass } },
  }),
  'url, ignoreTLS': (port) => ({ url: `smtp://${login}@${host}:${port}`, ignoreTLS: true }),
  'url with ?ignoreTLS': (port) => ({ url: `smtp://${login}@${host}:${port}?ignoreTLS=true` }),
  'url, pool: false': (port) => ({ url: `smtp://${login}@${host}:${port}`, pool: false }),

  string: (port) => `smtp://${login}@${host}:${port}`,
  'string with /': (port) => `smtp://${login}@${host}:${port}/`,
  'string in capitals': (port) => `SMTP://${login}@${host}:${port}`,
  'string without //': (port) => `smtp:${login}@${host}:${port}`,
  'string with spaces around': (port) => ` smtp://${login}@${host}:${port}\n`,
  'string with ?ignoreTLS': (port) => `smtp://${login}@${host}:${port}?ignoreTLS=true`,
  'string with ?opportunisticTLS': (port) => `smtp://${login}@${host}:${port}?opportunisticTLS=true`,
  'string with ?pool=false': (port) => `smtp://${login}@${host}:${port}?pool=false`,
  'string with ?secure=false': (port) => `smtp://${login}@${host}:${port}?secure=false`,
  'string with ?requireTLS=': (port) => `smtp://${login}@${host}:${port}?requireTLS=`,
  'string with ?requireTLS=0': (port) => `smtp://${login}@${host}:${port}?requireTLS=0`,
  'string with ?requireTLS twice': (port) =>
    `smtp://${login}@${host}:${port}?requireTLS=false&requireTLS=false`,
  'string with ?host': (port) => `smtp://${login}@${host}:${port}?host=localhost`,
  'direct string': (port) => `direct://${login}@${host}:${port}`,

  service: () => ({ service: 'naver', auth }),
  'service in capitals': () => ({ service: 'NAVER', auth }),
  'service by domain': () => ({ service: 'naver.com', auth }),
  'service by address': () => ({ service: 'acme@naver.com', auth }),
  'service with a loopback host of its own': () => ({ service: 'naver', host: 'localhost', auth }),
  'service with host: undefined': () => ({ service: 'naver', host: undefined, auth }),
  'service in a url': (port) => ({ url: `smtp://${login}@localhost:${port}?service=naver` }),
  'service in a string': (port) => `smtp://${login}@localhost:${port}?service=naver`,

  'a name that begins with localhost': (port) => ({ host: 'localhost.acme.example', port, auth }),
  'a name that contains a loopback address': (port) => ({
    host: 'acme.127.0.0.1.example',
    port,
    auth,
  }),
  'a name that contains localhost': (port) => ({ host: 'notlocalhost', port, auth }),

  'the loopback behind a proxy': (port) => ({ host: 'localhost', port, auth, proxy: proxy.url }),
  'the loopback behind a proxy, in a url': (port) =>
    `smtp://${login}@127.0.0.1:${port}?proxy=${encodeURIComponent(proxy.url)}`,
  getSocket: (port) => ({
    ...{ host: 'localhost', port, auth },
    getSocket: ((_options, done) => done(null, { connection: socketOf(port) })) satisfies GetSocket,
  }),
  'getSocket that marks the socket as secured': (port) => ({
    ...{ host: 'localhost', port, auth },
    getSocket: ((_options, done) =>
      done(null, {
        ...{ connection: socketOf(port), requireTLS: false, ignoreTLS: true, secure: true, secured: true },
      })) satisfies GetSocket,
  }),
  'getSocket that turns TLS off': (port) => ({
    ...{ host: 'localhost', port, auth },
    getSocket: ((_options, done) =>
      done(null, {
        ...{ connection: socketOf(port), requireTLS: false, ignoreTLS: true, opportunisticTLS: true },
      })) satisfies GetSocket,
  }),
  connection: (port) => ({ host: 'localhost', port, auth, connection: socketOf(port) }),
  'connection marked as secured': (port) => ({
    ...{ host, port, auth, connection: socketOf(port), secure: true, secured: true },
  }),
};

it.each(Object.entries(forms))('T53: no password is sent in the clear with %s', async (_form, formOf) => {
  pointServiceHere('naver');
  for (const name of ['localhost.acme.example', 'acme.127.0.0.1.example', 'notlocalhost']) pointHere(name);
  expect(await send(formOf(server.port))).toMatch(/refused at start|delivery_failed/);
  expectNoLogin();
});

const exempt: Record<string, Form> = {
  '127.0.0.1': (port) => ({ host: '127.0.0.1', port, auth }),
  'another address of 127/8': (port) => ({ host: '127.9.8.7', port, auth }),
  '127.1': (port) => ({ host: '127.1', port, auth }),
  localhost: (port) => ({ host: 'localhost', port, auth }),
  LOCALHOST: (port) => ({ host: 'LOCALHOST', port, auth }),
  'localhost with a trailing dot': (port) => ({ host: 'localhost.', port, auth }),
  'a name below localhost (RFC 6761)': (port) => ({ host: 'mail.localhost', port, auth }),
  '::ffff:127.0.0.1': (port) => ({ host: '::ffff:127.0.0.1', port, auth }),
  url: (port) => ({ url: `smtp://${login}@localhost:${port}` }),
  'url, auth': (port) => ({ url: `smtp://127.0.0.1:${port}`, auth }),
  string: (port) => `smtp://${login}@127.0.0.1:${port}`,
  'string in capitals': (port) => `smtp://${login}@LOCALHOST:${port}`,
  OAuth2: (port) => ({ host: '127.0.0.1', port, auth: { type: 'OAuth2', user, accessToken: pass } }),
  'requireTLS: false as an option': (port) => ({ host, port, auth, requireTLS: false }),
  'requireTLS: false in a string': (port) => `smtp://${login}@${host}:${port}?requireTLS=false`,
  'requireTLS: false beside a url': (port) => ({
    ...{ url: `smtp://${login}@${host}:${port}`, requireTLS: false },
  }),
  'requireTLS: false beside a proxy': (port) => ({
    ...{ host: 'localhost', port, auth, proxy: proxy.url, requireTLS: false },
  }),
};

it.each(Object.entries(exempt))(
  'T53: a login without TLS is allowed on the loopback or by requireTLS: false, with %s',
  async (_form, formOf) => {
    pointHere('localhost.');
    pointHere('mail.localhost');
    expect(await send(formOf(server.port))).toBe('sent');
    expect(server.received.filter((line) => /^AUTH/.test(line))).not.toEqual([]);
  },
);

it.each(['::1', '[::1]', '0:0:0:0:0:0:0:1'])('T53: a login without TLS is allowed on %s', async (name) => {
  const six = await startRawSmtpServer({}, { host: '::1' });
  try {
    expect(await send({ host: name, port: six.port, auth })).toBe('sent');
    expect(await send(`smtp://${login}@[::1]:${six.port}`)).toBe('sent');
    expect(six.received.filter((line) => /^AUTH/.test(line))).not.toEqual([]);
  } finally {
    await six.close();
  }
});

it('T53: a client secret is not sent to a token URL without TLS', async () => {
  const oauth = { type: 'OAuth2', user, clientId: 'a', clientSecret: pass, refreshToken: pass };
  const at = (accessUrl: string) => send({ host, port: server.port, auth: { ...oauth, accessUrl } });
  expect(await at('http://accounts.acme.example/token')).toBe('refused at start');
  expect(await at('https://accounts.acme.example.invalid/token')).toBe('delivery_failed');
});

/** An HTTP proxy that connects everything to the server. */
async function startProxy(portOf: () => number) {
  const tunnels = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const target = socketOf(portOf());
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(tunnels, 'listening');
  const address = tunnels.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    close: () => new Promise<void>((done) => tunnels.close(() => done())),
  };
}
