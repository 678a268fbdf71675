/** No code is visible anywhere but in its email, and a dump of Redis reveals nothing. */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import type { ErrorRequestHandler } from 'express';
import type { EmailVerificationOptions, EventName } from 'express-email-verification';
import { createTestApp, SECRET } from '../support/app.js';
import { until } from '../support/until.js';
import { SECOND, startClock, useServices, WIDE } from './services.js';

const { mail, open, listen, startRelay, storeOf, redis } = useServices();
const email = 'minji.kim@example.com';
const ip = '203.0.113.77';
const LONG = { ...WIDE, codeLength: 10 };

const EVENTS: EventName[] = [
  ...(['sent', 'suppressed', 'refused', 'limited', 'delivered', 'delivery_failed'] as const),
  ...(['delivery_unknown', 'verified', 'code_incorrect', 'code_expired', 'redeemed', 'released'] as const),
  ...(['proof_refused', 'unavailable'] as const),
];

/** Records everything that leaves the process except the email, as text. */
function record() {
  const recorded: string[] = [];
  const note = (...what: unknown[]) => {
    recorded.push(
      what.map((one) => inspect(one, { depth: 20, showHidden: true, maxStringLength: null })).join(' '),
    );
  };
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    jest.spyOn(console, method).mockImplementation(note);
  }
  jest.spyOn(process, 'emitWarning').mockImplementation(note as typeof process.emitWarning);
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((chunk) => {
      recorded.push(String(chunk));
      return true;
    });
  }
  return { recorded, note };
}
afterEach(() => jest.restoreAllMocks());

/** An app whose every byte, event and error is recorded. */
async function openRecorded(options: Partial<EmailVerificationOptions>, signUpStatus = () => 201) {
  const { recorded, note } = record();
  const codes: string[] = [];
  const { app, verification } = createTestApp(
    { store: storeOf('RedisStore'), transport: mail.url, ...LONG, ...options },
    (_req, res) => void res.status(signUpStatus()).json({}),
  );
  for (const name of EVENTS) verification.on(name, (event) => note(name, event));
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    note(error);
    res.status(500).end();
  };
  const service = await listen(app.use(onError), verification);

  /** Sends and reads raw bytes, since an HTTP client might leave something out. */
  async function post(path: string, fields: object): Promise<Record<string, string>> {
    const body = JSON.stringify(fields);
    const head = [
      ...[`POST ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', 'Content-Type: application/json'],
      ...[`X-Forwarded-For: ${ip}`, `Content-Length: ${Buffer.byteLength(body)}`],
    ];
    const socket = connect(service.port, '127.0.0.1');
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    const bytes = (await buffer(socket)).toString();
    recorded.push(bytes);
    return JSON.parse(/\{.*\}/.exec(bytes)?.[0] ?? '{}');
  }
  return { recorded, post, codes, verification };
}

const codeIn = (text: string) => /\b\d{10}\b/.exec(text)?.[0] ?? '';
const lastCode = () => codeIn(mail.messages.at(-1)?.text ?? '');

it('T22: in a successful run no byte, log line, event or warning holds a code (promise 13)', async () => {
  let status = 409;
  const clock = startClock();
  const { recorded, post } = await openRecorded(
    { store: storeOf('RedisStore', clock.read), codeInSubject: true, origin: 'https://acme.example' },
    () => status,
  );
  const { challengeId } = await post('/ev/send', { email });
  const codes = [lastCode()];
  const wrong = codes[0] === '0000000000' ? '0000000001' : '0000000000';
  await post('/ev/verify', { email, code: wrong, challengeId });
  await post('/ev/verify', { email, code: wrong });
  await post('/ev/verify', { email, code: `${codes[0]}1`, challengeId });
  await post('/ev/verify', { email, code: { [codes[0] ?? '']: codes[0] }, challengeId });
  clock.pass(SECOND);
  await post('/ev/send', { email, challengeId });
  codes.push(lastCode());
  const { verificationToken } = await post('/ev/verify', { email, code: codes[0], challengeId });
  await post('/ev/verify', { email, code: codes[1], challengeId });
  await post('/signup', { email, verificationToken });
  status = 201;
  await post('/signup', { email, verificationToken });
  await post('/signup', { email, verificationToken });

  expect(new Set(codes).size).toBe(2);
  const events = recorded.filter((line) => /^'(delivered|verified|released|redeemed)'/.test(line));
  expect(events.map((line) => line.split("'")[1])).toEqual([
    'delivered',
    'delivered',
    'verified',
    'redeemed',
    'released',
    'redeemed',
  ]);
  expectNowhere(recorded, codes);
  // Events and logs hold neither the address nor the token.
  expectNowhere(
    recorded.filter((line) => !line.startsWith('HTTP/1.1')),
    [email, 'minji', challengeId ?? '', verificationToken ?? ''],
  );
});

it('T22: no code leaks when the relay echoes the whole message in its refusal (promise 13)', async () => {
  const script = {
    get dot(): `${number}${string}` {
      return `550-5.7.1 <${email}> refused\r\n550 5.7.1 ${relay.received.join(' ').slice(-700)}`;
    },
  };
  const relay = await startRelay(script);
  const { recorded, post } = await openRecorded({ transport: relay.url });
  expect((await post('/ev/send', { email }))['reason']).toBe('delivery_failed');
  const code = codeIn(relay.received.filter((line) => /^\d{10}$/.test(line)).join());
  expect(code).toHaveLength(10);
  expect(recorded.join()).toContain('5.7.1');
  expectNowhere(recorded, [code, email]);
});

it.each(['await', 'background', 'function'])(
  'T22: no code leaks when delivery (%s) fails with an error that holds the message (promise 13)',
  async (way) => {
    let code = '';
    const fail = async ({ text, subject }: { text?: unknown; subject?: string }) => {
      code = codeIn(String(text));
      const error = new Error(`could not send: ${subject} ${text}`, { cause: new Error(String(text)) });
      throw Object.assign(error, {
        response: `550 5.1.1 ${code}`,
        mail: text,
        command: code,
        code: `E${code}-x`,
      });
    };
    const transport = {
      name: 'Own',
      version: '1',
      send: (sent: { data: object }, done: (error: Error) => void) => void fail(sent.data).catch(done),
    };
    const { createTransport } = jest.requireActual<typeof import('nodemailer')>('nodemailer');
    const options =
      way === 'function'
        ? { delivery: fail }
        : { delivery: way as 'await', transport: createTransport(transport) };
    const { recorded, post, verification } = await openRecorded(options);
    await post('/ev/send', { email });
    await until('the delivery is tried', () => code !== '');
    // A background delivery would be tried again until close().
    await verification.close();
    expect(recorded.some((line) => line.startsWith("'delivery_failed'"))).toBe(true);
    expect(code).toHaveLength(10);
    expectNowhere(recorded, [code, email]);
  },
);

it('T22: no code leaks when Redis refuses a command (promise 13)', async () => {
  const { recorded, post } = await openRecorded({});
  const { challengeId } = await post('/ev/send', { email });
  const code = lastCode();
  await redis.client.configSet('maxmemory', '1');
  try {
    expect((await post('/ev/verify', { email, code, challengeId }))['reason']).toBe('unavailable');
    expect((await post('/ev/send', { email: 'other@example.com' }))['reason']).toBe('unavailable');
  } finally {
    await redis.client.configSet('maxmemory', '0');
  }
  expect(recorded.join()).toContain("'unavailable'");
  expectNowhere(recorded, [code]);
  expectNowhere(
    recorded.filter((line) => !line.startsWith('HTTP/1.1')),
    [email, challengeId ?? '', SECRET],
  );
  expect((await post('/ev/verify', { email, code, challengeId }))['verificationToken']).toHaveLength(26);
});

it('promise 8: keys and values in Redis hold no address, client IP, code, token or challengeId in the clear', async () => {
  const client = { send: { limit: 20 }, verify: { limit: 20 } };
  const service = await open({ store: storeOf('RedisStore'), ...LONG, rateLimit: client });
  const secrets: string[] = [];
  // One with a pending code, one with a token, one that was limited, one whose email failed.
  for (const name of ['pending', 'verified', 'limited', 'refused']) {
    const address = `${name}.kim@example.com`;
    if (name === 'refused') mail.server.respondWith({ stage: 'rcpt', code: 550, text: 'no' });
    const { challengeId } = (await service.send({ email: address }, ip)).body;
    const code = name === 'refused' ? '' : lastCode();
    if (name === 'limited') await service.send({ email: address, challengeId }, ip);
    await service.verify({ email: address, code: '0000000000', challengeId }, ip);
    const { verificationToken } =
      name === 'verified'
        ? (await service.verify({ email: address, code, challengeId }, ip)).body
        : { verificationToken: '' };
    secrets.push(...[address, name, code, challengeId, verificationToken].filter(Boolean));
  }
  secrets.push('kim@', 'example.com', ip, SECRET);

  const dump = await dumpAll();
  expect(dump.keys).toBeGreaterThan(7);
  for (const secret of secrets) {
    expect(dump.text.toLowerCase()).not.toContain(secret.toLowerCase());
    // Nor an unkeyed digest of it: a million codes can be hashed in a second.
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const digest = createHash(algorithm).update(secret).digest(encoding).slice(0, 12);
        expect(dump.text).not.toContain(digest);
      }
    }
  }
});

it('promise 8: no command to Redis holds one either, so that traces of commands hold none', async () => {
  const { recorded, post, verification } = await openRecorded({});
  const monitor = redis.client.duplicate();
  await monitor.connect();
  const commands: string[] = [];
  await monitor.monitor((command) => void commands.push(command));
  const { challengeId = '' } = await post('/ev/send', { email });
  const code = lastCode();
  const wrong = code === '0000000000' ? '0000000001' : '0000000000';
  await post('/ev/verify', { email, code: wrong, challengeId });
  const { verificationToken = '' } = await post('/ev/verify', { email, code, challengeId });
  await verification.status({ email });
  await post('/signup', { email, verificationToken });
  await verification.forget({ email });
  await until('all commands are seen', () => commands.some((command) => /"del"/i.test(command)));
  monitor.destroy();
  expect(commands.filter((command) => /"evalsha"/i.test(command)).length).toBeGreaterThan(5);
  expect(recorded.length).toBeGreaterThan(0);
  // The connection of the app, which MONITOR prefixes to each command, is a Unix socket.
  expectNowhere(commands, [email, 'minji', ip, code, wrong, challengeId, verificationToken]);
});

it('promise 8: with another secret every key and digest is different', async () => {
  const digests: Set<string>[] = [];
  for (const secret of [SECRET, `${SECRET}!`]) {
    const service = await open({ store: storeOf('RedisStore'), ...LONG, secret, rateLimit: {} });
    await service.send({ email }, ip);
    digests.push(new Set((await dumpAll()).text.match(/[\w-]{16}/g)));
    await redis.flush();
  }
  const [one = new Set(), other = new Set()] = digests;
  expect(one.size).toBeGreaterThan(4);
  expect([...one].filter((digest) => other.has(digest) && !/^\d+$/.test(digest))).toEqual([]);
});

function expectNowhere(recorded: readonly string[], secrets: readonly string[]): void {
  for (const secret of secrets.filter(Boolean)) {
    const spaced = new RegExp([...secret].map((one) => one.replace(/\W/, '\\$&')).join('[\\s-]?'));
    expect(recorded.filter((line) => line.includes(secret) || spaced.test(line))).toEqual([]);
  }
}

/** All of Redis, as readable values and as its dump format. */
async function dumpAll(): Promise<{ keys: number; text: string }> {
  const parts: string[] = [];
  const keys = await redis.client.keys('*');
  for (const key of keys) {
    const type = await redis.client.type(key);
    const value = type === 'hash' ? await redis.client.hGetAll(key) : await redis.client.get(key);
    const raw = String(await redis.client.sendCommand(['DUMP', key]));
    parts.push(key, JSON.stringify(value), raw);
  }
  return { keys: keys.length, text: parts.join('\n') };
}
