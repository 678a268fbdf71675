/**
 * Random bodies against both routes: nothing that is no request of ours is answered 5xx, kept or mailed. fast-check
 * prints the seed and the smallest body it found when one is.
 */
import fc from 'fast-check';
import { type Door, STORES, useFrontDoor, WIDE } from './front-door.js';

const { mail, open, storeOf, redis } = useFrontDoor();

jest.setTimeout(300_000);

const BODIES = 20_000;
/** Requests under way at once. */
const LANES = 20;

/** Near an address, and none: each has something in it that no address has. */
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
  fc.tuple(poison, fc.string({ unit: 'binary', maxLength: 30 })).map(([bad, rest]) => `a${bad}@${rest}`),
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
const wild = fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), fc.json());
/** A real one, which goes to /verify alone: that mails and keeps nothing. */
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
  .oneof(nearAddress, digitLike, fc.string({ unit: 'binary' }))
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

it.each(STORES)(
  `T27: ${BODIES / STORES.length} random bodies on %s: never a 5xx, a key or a mail`,
  async (name) => {
    const door = await open({ store: storeOf(name), ...WIDE });
    const seen = new Map<number, number>();
    const property = fc.asyncProperty(attackRequest, async ({ route, body, headers }) => {
      const path = body.includes('verify.example') ? '/ev/verify' : route;
      const { status, body: answer } = await ask(door, path, body, headers);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      expect([400, 401, 413, 415]).toContain(status);
      expect(['invalid_request', 'code_expired']).toContain(answer.reason);
      expect(mail.mails).toHaveLength(0);
    });
    const seed = Date.now() & 0x7fffffff;
    const numRuns = BODIES / STORES.length / LANES;
    await Promise.all(
      Array.from({ length: LANES }, (_, lane) => fc.assert(property, { seed: seed + lane, numRuns })),
    );
    expect(await redis.client.dbSize()).toBe(0);
    expect([...seen.keys()].sort()).toEqual(expect.arrayContaining([400, 401, 413, 415]));
    expect(Object.keys(Object.prototype)).toEqual([]);
  },
);

/** Lone surrogates as JSON escapes, as an attacker writes them; what JSON does not know is left out. */
function text(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? 'null'
    );
  } catch {
    return '{}';
  }
}

/** A server that answers before it has read a large body may close on us: then it is asked again. */
async function ask(door: Door, ...request: Parameters<Door['post']>): ReturnType<Door['post']> {
  try {
    return await door.post(...request);
  } catch (error) {
    if (!(error instanceof Error) || !/ECONNRESET|EPIPE|hang up/.test(error.message)) throw error;
    return door.post(...request);
  }
}
