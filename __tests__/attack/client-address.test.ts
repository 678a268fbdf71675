/** When Express cannot see clients' addresses, all of them share one limit: the app is warned once which setting to change. */
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type Express, type RequestHandler } from 'express';
import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  MemoryStore,
} from 'express-email-verification';
import express4 from 'express4';
import { FROM, SECRET } from '../support/app.js';
import { expectDocumented } from '../support/documented.js';
import { inParallel } from './services.js';

let folder: string;
let warnings: jest.SpyInstance;
const servers: Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-address-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => {
  warnings.mockRestore();
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

let people = 0;
const newEmail = () => `person${people++}@example.com`;
const warned = () => warnings.mock.calls.map(([sentence]) => String(sentence));

function verificationWith(options: Partial<EmailVerificationOptions> = {}): EmailVerification {
  return createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
    ...{ delivery: async () => {}, rateLimit: { send: { limit: 2 } } },
    ...options,
  });
}

function appOf(trust: unknown, verifications: readonly EmailVerification[], framework = express): Express {
  const app = framework();
  if (trust !== undefined) app.set('trust proxy', trust);
  for (const [n, verification] of verifications.entries())
    app.use(n ? `/ev${n}` : '/ev', expectDocumented, emailVerificationRouter(verification));
  return app;
}

type Headers = Readonly<Record<string, string>>;
type Listening = Readonly<{ socketPath: string } | { host: string; port: number }>;

/** On a TCP port of 127.0.0.1, or on a unix socket. */
async function listen(app: Express, where: 'tcp' | 'unix'): Promise<Listening> {
  const path = join(folder, `${people++}.sock`);
  const options: ListenOptions = where === 'unix' ? { path } : { host: '127.0.0.1', port: 0 };
  const server = app.listen(...([options] as never as [number]));
  servers.push(server);
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address
    ? { host: '127.0.0.1', port: address.port }
    : { socketPath: path };
}

async function post(at: Listening, path: string, headers: Headers = {}): Promise<number> {
  const asked = request({
    ...at,
    path,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  });
  asked.end(JSON.stringify({ email: newEmail(), code: '123456' }));
  const [response] = await once(asked, 'response');
  response.resume();
  return response.statusCode;
}

const XFF = { 'x-forwarded-for': '203.0.113.7' };
const UNIX = 'Express sees no client addresses, as when it listens on a unix socket';
const OFF = "while Express' 'trust proxy' setting is off";
const ANOTHER = "from an address that Express' 'trust proxy' setting does not trust";
const ALL = "while Express' 'trust proxy' setting trusts every address";

const faults: [what: string, where: 'tcp' | 'unix', trust: unknown, headers: Headers, sentence: string][] = [
  ['X-Forwarded-For, trust off', 'tcp', undefined, XFF, OFF],
  ['X-Forwarded-For, trust false', 'tcp', false, XFF, OFF],
  ['X-Forwarded-For, trust 0', 'tcp', 0, XFF, OFF],
  ['trust of another address', 'tcp', '172.17.0.1', XFF, ANOTHER],
  ['trust of other networks', 'tcp', ['10.0.0.0/8', 'fc00::/7'], XFF, ANOTHER],
  ['trust of private addresses alone', 'tcp', 'uniquelocal', XFF, ANOTHER],
  ['trust by a function that returns false', 'tcp', () => false, XFF, ANOTHER],
  ['trust of everyone', 'tcp', true, XFF, ALL],
  ['trust by a function that returns true for everyone', 'tcp', () => true, XFF, ALL],
  ['trust of the whole net', 'tcp', ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'], XFF, ALL],
  ['a unix socket', 'unix', undefined, {}, UNIX],
  ['a unix socket, X-Forwarded-For, trust off', 'unix', undefined, XFF, UNIX],
  ['a unix socket, X-Forwarded-For, trust of loopback', 'unix', 'loopback', XFF, UNIX],
  ['a unix socket, trust 1, but no X-Forwarded-For', 'unix', 1, {}, UNIX],
  ['a unix socket and X-Real-IP alone', 'unix', 1, { 'x-real-ip': '203.0.113.7' }, UNIX],
  ['a unix socket, trust of everyone', 'unix', true, XFF, ALL],
  ...[
    ['Forwarded', 'for=203.0.113.7'],
    ['X-Real-IP', '203.0.113.7'],
    ['X-Client-IP', '203.0.113.7'],
    ['CF-Connecting-IP', '203.0.113.7'],
    ['True-Client-IP', '203.0.113.7'],
    ['Fastly-Client-IP', '203.0.113.7'],
    ['Fly-Client-IP', '203.0.113.7'],
    ['X-Azure-ClientIP', '203.0.113.7'],
  ].flatMap(([name = '', value = '']): typeof faults =>
    [undefined, 'loopback'].map((trust) => [
      `${name} alone, trust ${trust ?? 'off'}`,
      'tcp',
      trust,
      { [name]: value },
      `came with ${name}, which Express does not read, and without X-Forwarded-For`,
    ]),
  ),
];

const right: [what: string, where: 'tcp' | 'unix', trust: unknown, headers: Headers][] = [
  ['no proxy', 'tcp', undefined, {}],
  ['a trusted proxy that forwards', 'tcp', 'loopback', XFF],
  ['trust of one hop', 'tcp', 1, XFF],
  ['trust by a function', 'tcp', (address: string) => address === '127.0.0.1', XFF],
  ['a trusted proxy, a request of its own', 'tcp', 'loopback', {}],
  ['a client on the same machine as the proxy', 'tcp', 'loopback', { 'x-forwarded-for': '127.0.0.1' }],
  [
    'X-Forwarded-For beside others',
    'tcp',
    'loopback',
    { ...XFF, forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7' },
  ],
  ['a malformed header that the proxy passes on', 'tcp', 'loopback', { 'x-forwarded-for': 'unknown' }],
  ['a unix socket, trust 1', 'unix', 1, XFF],
  ['a unix socket, trust by a function', 'unix', (address: unknown) => address === undefined, XFF],
];

describe.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
])('T47: on %s', (_name, framework) => {
  it.each(faults)(
    'T47: with %s there is one warning, which names the setting',
    async (_what, where, trust, headers, sentence) => {
      const verification = verificationWith();
      const at = await listen(appOf(trust, [verification], framework), where);
      const statuses: number[] = [];
      for (let n = 0; n < 4; n += 1) statuses.push(await post(at, '/ev/send', headers));
      // All of them count as one client.
      expect(statuses).toEqual([200, 200, 429, 429]);
      expect(warned()).toEqual([expect.stringContaining(sentence)]);
      expect(warned()[0]).toContain("'trust proxy'");
    },
  );

  it.each(right)('T47: with %s there is no warning', async (_what, where, trust, headers) => {
    const at = await listen(appOf(trust, [verificationWith()], framework), where);
    for (let n = 0; n < 3; n += 1) await post(at, '/ev/send', headers);
    expect(warned()).toEqual([]);
  });

  it('T47: behind a unix socket with the right setting, clients count separately', async () => {
    const at = await listen(appOf(1, [verificationWith()], framework), 'unix');
    const ask = (ip: string) => post(at, '/ev/send', { 'x-forwarded-for': ip });
    const statuses: number[] = [];
    for (const ip of ['203.0.113.1', '203.0.113.1', '203.0.113.1', '203.0.113.2'])
      statuses.push(await ask(ip));
    expect(statuses).toEqual([200, 200, 429, 200]);
  });
});

describe('T47: one warning', () => {
  it('T47: covers all routes, routers and verifications of an app', async () => {
    const limits = { send: { limit: 50 }, verify: { limit: 50 } };
    const verifications = ['signup', 'invite'].map((purpose) =>
      verificationWith({ purpose, rateLimit: limits }),
    );
    const app = appOf(undefined, verifications);
    for (const verification of verifications) app.use('/again', emailVerificationRouter(verification));
    const at = await listen(app, 'tcp');
    const paths = ['/ev/send', '/ev/verify', '/ev1/send', '/ev1/verify', '/again/send', '/again/verify'];
    await inParallel(30, (n) => post(at, paths[n % paths.length] ?? '', XFF));
    expect(warned()).toEqual([expect.stringContaining(OFF)]);
  });

  it('T47: is given for a limit on /verify alone', async () => {
    const at = await listen(
      appOf(undefined, [verificationWith({ rateLimit: { send: false, verify: { limit: 5 } } })]),
      'tcp',
    );
    await post(at, '/ev/send', XFF);
    expect(warned()).toEqual([]);
    await post(at, '/ev/verify', XFF);
    expect(warned()).toEqual([expect.stringContaining(OFF)]);
  });

  it('T47: goes by the setting of the outer app for a router in a nested app', async () => {
    const outer = express().set('trust proxy', '10.0.0.1');
    outer.use('/sub', express().use('/ev', emailVerificationRouter(verificationWith())));
    const at = await listen(outer, 'tcp');
    await post(at, '/sub/ev/send', XFF);
    expect(warned()).toEqual([expect.stringContaining(ANOTHER)]);
  });
});

describe('T47: no warning', () => {
  it.each<[string, EmailVerificationOptions['rateLimit']]>([
    ['without a limit', false],
    ['without a limit on send', { send: false }],
    [
      'with a custom keyGenerator',
      { send: { keyGenerator: ({ headers }) => String(headers['x-forwarded-for']) } },
    ],
    ['with validate: false', { send: { validate: false } }],
    ['with that check off', { send: { validate: { xForwardedForHeader: false, trustProxy: false } } }],
    ['with all checks off by default', { send: { validate: { default: false } } }],
  ])('T47: %s', async (_what, rateLimit) => {
    for (const trust of [undefined, '10.0.0.1', true]) {
      const at = await listen(appOf(trust, [verificationWith({ rateLimit })]), 'tcp');
      await post(at, '/ev/send', XFF);
      await post(at, '/ev/verify', XFF);
    }
    expect(warned()).toEqual([]);
  });

  it.each<[string, EmailVerificationOptions['rateLimit'], 'tcp' | 'unix', Headers]>([
    ['ip', { send: { validate: { ip: false } } }, 'unix', {}],
    [
      'forwardedHeader',
      { send: { validate: { forwardedHeader: false } } },
      'tcp',
      { forwarded: 'for=203.0.113.7' },
    ],
  ])('T47: with validate.%s off', async (_what, rateLimit, where, headers) => {
    const at = await listen(appOf(undefined, [verificationWith({ rateLimit })]), where);
    await post(at, '/ev/send', headers);
    expect(warned()).toEqual([]);
  });

  it('T47: for a client that hung up', async () => {
    const app = express();
    // Its address is no longer known when the limit reads it.
    const awaitHangUp: RequestHandler = (req, _res, next) => {
      hangUp.emit('now');
      req.socket.once('close', () => next());
    };
    const hangUp = new EventEmitter();
    const addresses: (string | undefined)[] = [];
    app.post('/own', awaitHangUp, verificationWith().clientLimit, (req) => {
      addresses.push(req.ip);
      hangUp.emit('served');
    });
    const at = await listen(app, 'tcp');
    const [here, served] = [once(hangUp, 'now'), once(hangUp, 'served')];
    const asked = request({ ...at, path: '/own', method: 'POST' }).on('error', () => {});
    asked.end();
    await here;
    asked.destroy();
    await served;
    expect(addresses).toEqual([undefined]);
    expect(warned()).toEqual([]);
  });
});
