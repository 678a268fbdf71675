/**
 * Random bodies against both routes: an invalid request is never answered with 5xx, and stores and sends nothing. If it
 * does, fast-check prints the seed and the smallest body that fails.
 */
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { randomRuns } from '../support/random-runs.js';
import { STORES, useServices, WIDE } from './services.js';

const { mail, open, storeOf, redis } = useServices();

jest.setTimeout(300_000);

const BODIES = randomRuns(20_000);
/** Requests in flight at once. */
const LANES = 20;
const END_OF_HEAD = '\r\n\r\n';

/** Shared, because it prepares itself for each of the 1.1 million characters. */
const anyText = fc.string({ unit: 'binary' });

/** The allowed answers and their reasons. */
const REFUSALS = new Map([
  [400, ['invalid_request']],
  [401, ['code_expired']],
  [413, ['invalid_request']],
  [415, ['invalid_request']],
]);

/** Almost an address: each has something in it that no address has. */
const poison = fc.constantFrom(
  ' ',
  ',',
  ';',
  '<',
  '>',
  '"',
  '\r\n',
  '\0',
  '\u2028',
  '\ud800',
  '\udc00',
  '(',
  ')',
  '@',
  '@@',
  '\\',
  '[',
  '＠',
  '\u200b',
  '\u0131',
  'é',
  '\u202e',
);
const nearAddress = fc.oneof(
  poison.map((bad) => `min${bad}ji@example.com`),
  poison.map((bad) => `${bad}@example.com`),
  fc.tuple(poison, anyText).map(([bad, rest]) => `a${bad}@${rest}`),
  fc.integer({ min: 255, max: 3000 }).map((length) => `${'a'.repeat(length)}@example.com`),
  fc.integer({ min: 0, max: 255 }).map((n) => `a@${n}.${n}.0.${n}`),
  fc.constantFrom(
    'a@',
    '@b.example',
    'a',
    'a@b',
    'a@.example',
    'a@b..example',
    'a@-b.example-',
    'a@xn--',
    'a@xn--a.example',
    'a@[::1]',
  ),
);
const digitLike = fc.string({
  unit: fc.constantFrom(...'0123456789٣７𝟗²½-–— \u200b\u00adxe.+'),
  maxLength: 70,
});
const wild = fc.oneof(fc.anything(), anyText, fc.json());
/** A valid address, for /verify only, which sends and stores nothing. */
const VALID = 'minji@verify.example';
const email = fc.oneof(
  { weight: 2, arbitrary: fc.constant(VALID) },
  { weight: 3, arbitrary: nearAddress },
  { weight: 2, arbitrary: wild },
);
const code = fc.oneof(digitLike, wild, fc.constantFrom('123456', 123456, null, '000000', ''));
const optional = fc.oneof(wild, fc.constantFrom(undefined, null, '__proto__', 'x'.repeat(26)));

const fields = fc.record({ email, code, challengeId: optional, locale: optional }, { requiredKeys: [] });
const protoFields = fields.map(
  (own) => `{"__proto__":${text(own)},"constructor":{"prototype":${text(own)}}}`,
);
const jsonBody = fc.oneof(
  { weight: 6, arbitrary: fields.map(text) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 6 }) },
  { weight: 1, arbitrary: protoFields },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40_000 }).map((length) => `{"email":"${'x'.repeat(length)}"}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 3000 })
      .map((depth) => `{"email":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  },
  { weight: 1, arbitrary: fc.tuple(fields.map(text), fc.nat(60)).map(([whole, cut]) => whole.slice(0, cut)) },
);
const formKey = fc.constantFrom(
  'email',
  'code',
  'challengeId',
  'locale',
  'email[]',
  'email[a]',
  '__proto__',
  '__proto__[email]',
  'constructor',
);
const formValue = fc
  .oneof(nearAddress, digitLike, anyText)
  .map((value) => encodeURIComponent(value.toWellFormed()));
const formBody = fc
  .array(fc.tuple(formKey, fc.oneof(formValue, fc.constantFrom('%', '%E0%A4', '%00', '+'))), { maxLength: 8 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'));
const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));

const charset = fc.constantFrom(
  '',
  '; charset=utf-8',
  '; charset=UTF-16',
  '; charset=utf-7',
  '; charset=latin1',
  '; charset=',
  '; charset="',
  ';;',
  '; boundary=x',
);
const type = fc.oneof(
  { weight: 5, arbitrary: charset.map((set) => `application/json${set}`) },
  { weight: 3, arbitrary: charset.map((set) => `application/x-www-form-urlencoded${set}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'text/plain',
      'application/xml',
      'multipart/form-data',
      'application/json5',
      'a/b/c',
      '*/*',
      'application/*',
    ),
  },
);
const encoding = fc.oneof(
  { weight: 9, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('gzip', 'br', 'deflate', 'identity', 'x')
      .map((name) => ({ 'content-encoding': name })),
  },
);
const language = fc.oneof(
  { weight: 9, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('*', ';', 'ko;q=x', ',,,', 'x'.repeat(2000))
      .map((tag) => ({ 'accept-language': tag })),
  },
);

const attackRequest = fc.record({
  route: fc.constantFrom('/ev/send', '/ev/verify'),
  body: fc.oneof(
    { weight: 6, arbitrary: jsonBody },
    { weight: 3, arbitrary: formBody },
    { weight: 1, arbitrary: bytes },
  ),
  headers: fc
    .tuple(type, encoding, language)
    .map(([contentType, ...more]) => Object.assign({ 'content-type': contentType }, ...more)),
});

// Each refusal is an error in Express, and collecting stacks costs more than all else; the test does not need them.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

it.each(STORES)(
  `T27: ${BODIES / STORES.length} random bodies on %s cause no 5xx, no key and no email`,
  async (name) => {
    const service = await open({ store: storeOf(name), ...WIDE });
    const seen = new Set<number>();
    const attack = async () => {
      const connection = openConnection(service.port);
      const property = fc.asyncProperty(attackRequest, async ({ route, body, headers }) => {
        const path = body.includes('verify.example') ? '/ev/verify' : route;
        const { status, reason } = await connection.post(path, body, headers);
        seen.add(status);
        // Compared by hand: `expect` collects a stack each time, 20,000 times for nothing.
        if (!REFUSALS.get(status)?.includes(reason)) throw new Error(`answered ${status} ${reason}`);
        if (mail.messages.length > 0) throw new Error('an email was sent');
      });
      await fc.assert(property, { seed: seed++, numRuns: Math.ceil(BODIES / STORES.length / LANES) });
      connection.close();
    };
    let seed = Date.now() & 0x7fffffff;
    await Promise.all(Array.from({ length: LANES }, attack));
    expect(await redis.client.dbSize()).toBe(0);
    expect([...seen].sort()).toEqual(expect.arrayContaining([...REFUSALS.keys()]));
    expect(Object.keys(Object.prototype)).toEqual([]);
  },
);

/** Lone surrogates become JSON escapes, as an attacker would write them; values that JSON lacks are left out. */
function text(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? 'null'
    );
  } catch {
    return '{}';
  }
}

/** A keep-alive connection for one request after the other: Node's HTTP client costs more than the server. */
function openConnection(port: number) {
  let socket: Socket | undefined;
  let reply = '';
  let onReply: (error?: Error) => void = () => {};

  function connected(): Socket {
    const fresh = connect(port, '127.0.0.1');
    fresh.on('data', (bytes) => {
      reply += bytes.toString('latin1');
      if (isWhole(reply)) onReply();
    });
    fresh.on('error', () => {});
    fresh.on('close', () => {
      if (socket !== fresh) return;
      socket = undefined;
      onReply(new Error(`closed after ${JSON.stringify(reply)}`));
    });
    return fresh;
  }
  async function ask(request: Buffer) {
    reply = '';
    socket ??= connected();
    socket.write(request);
    await new Promise<void>((resolve, reject) => {
      onReply = (error) => (error ? reject(error) : resolve());
    });
    if (/\r\nconnection: close\r\n/i.test(reply)) {
      socket?.destroy();
      socket = undefined;
    }
    const { reason } = JSON.parse(reply.slice(reply.indexOf(END_OF_HEAD)));
    return { status: Number(reply.slice(9, 12)), reason: String(reason) };
  }

  return {
    async post(path: string, body: string | Buffer, headers: Readonly<Record<string, string>>) {
      const bytes = Buffer.from(body);
      const lines = Object.entries({ host: 'localhost', 'content-length': bytes.length, ...headers });
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const request = Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), bytes]);
      // A server that answers before it has read a large body may close the connection: then the request is repeated.
      return ask(request).catch(() => ask(request));
    },
    close: () => socket?.destroy(),
  };
}

function isWhole(reply: string): boolean {
  const head = reply.indexOf(END_OF_HEAD);
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(reply)?.[1];
  return head > 0 && length !== undefined && reply.length === head + END_OF_HEAD.length + Number(length);
}
