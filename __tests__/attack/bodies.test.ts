/** Malformed bodies: they are refused in the usual form, and nothing is stored or sent. */
import { gzipSync } from 'node:zlib';
import { STORES, useServices } from './services.js';

const { mail, open, storeOf, redis } = useServices();

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const valid = '"email":"a@b.example","code":"123456"';
const deep = (depth: number) => `{${valid},"email":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const utf16 = Buffer.from(`{"email":["a@b.example"]}`, 'utf16le');

type Row = [what: string, statuses: number[], body: string | Buffer, headers: Record<string, string>];
const rows: Row[] = [
  ['broken JSON', [400], '{"email":', {}],
  ['JSON that ends in the middle of a character', [400], Buffer.from([0x7b, 0x22, 0xe3, 0x81]), {}],
  ['bytes that are not UTF-8', [400], Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}],
  ['no body', [400], '', {}],
  ['null', [400], 'null', {}],
  ['a number', [400], '123456', {}],
  ['a string', [400], '"a@b.example"', {}],
  ['an array', [400], '["a@b.example","123456"]', {}],
  ['an empty object', [400], '{}', {}],
  ['a surplus bracket', [400], `{${valid}}}`, {}],
  ['a comment in it', [400], `{${valid}/**/}`, {}],
  ['NaN', [400], '{"email":NaN}', {}],
  ['fields in __proto__', [400], `{"__proto__":{${valid}}}`, {}],
  ['fields in constructor.prototype', [400], `{"constructor":{"prototype":{${valid}}}}`, {}],
  [
    'a form of prototype keys',
    [400],
    '__proto__[email]=a%40b.example&__proto__[code]=123456',
    { 'content-type': FORM },
  ],
  ['a form with the key __proto__', [400], '__proto__=a%40b.example', { 'content-type': FORM }],
  ['a key twice, the last one invalid', [400], `{${valid},"email":"not one"}`, {}],
  [
    'a form field twice',
    [400],
    'email=a%40b.example&email=a%40b.example&code=123456',
    { 'content-type': FORM },
  ],
  ['a form with broken percents', [400], 'email=%E0%A4%A&code=%', { 'content-type': FORM }],
  ['10 levels of nesting', [400], deep(10), {}],
  ['7000 levels of nesting', [400], deep(7000), {}],
  ['a thousand fields', [400, 413], `${'a=1&'.repeat(1500)}email=x`, { 'content-type': FORM }],
  ['16 kB and a byte', [413], `{"email":"${'a'.repeat(16_373)}"}`, {}],
  ['1 MB', [413], `{${valid},"x":"${'a'.repeat(1e6)}"}`, {}],
  ['1 MB of a form', [413], `email=a%40b.example&x=${'a'.repeat(1e6)}`, { 'content-type': FORM }],
  [
    '1 MB compressed to 1 kB',
    [413],
    gzipSync(`{${valid},"x":"${'a'.repeat(1e6)}"}`),
    { 'content-encoding': 'gzip' },
  ],
  ['gzip that is not gzip', [400], `{${valid}}`, { 'content-encoding': 'gzip' }],
  ['an unknown encoding', [415], `{${valid}}`, { 'content-encoding': 'evil' }],
  ['text', [415], `{${valid}}`, { 'content-type': 'text/plain' }],
  ['XML', [415], '<email>a@b.example</email>', { 'content-type': 'application/xml' }],
  ['a multipart form', [415], '--x\r\n\r\n--x--', { 'content-type': 'multipart/form-data; boundary=x' }],
  ['another JSON type', [415], `{${valid}}`, { 'content-type': 'application/vnd.api+json' }],
  ['two types', [415], `{${valid}}`, { 'content-type': `${JSON_TYPE}, ${FORM}` }],
  ['a malformed type', [415], `{${valid}}`, { 'content-type': 'application/json/evil; =' }],
  ['no type', [415], `{${valid}}`, { 'content-type': '' }],
  ['an unknown charset', [415], `{${valid}}`, { 'content-type': `${JSON_TYPE}; charset=evil` }],
  ['a form in an unknown charset', [415], 'email=x', { 'content-type': `${FORM}; charset=evil` }],
  ['UTF-16 without a byte order mark', [400, 415], utf16, { 'content-type': `${JSON_TYPE}; charset=utf-16` }],
  [
    'UTF-7',
    [400, 415],
    `{${valid.replaceAll('"', '+ACI-')}`,
    { 'content-type': `${JSON_TYPE}; charset=utf-7` },
  ],
];

describe.each(STORES)('on %s', (name) => {
  it.each(rows)(
    'T27: %s is answered with %j in the usual form and changes nothing',
    async (_what, statuses, body, headers) => {
      const service = await open({ store: storeOf(name) });
      for (const route of ['/ev/send', '/ev/verify']) {
        const reply = await service.post(route, body, headers);
        expect(statuses).toContain(reply.status);
        const outcome = route === '/ev/send' ? 'ok' : 'verify';
        expect(reply.body).toEqual({
          ...{ [outcome]: false, reason: 'invalid_request' },
          message: 'Please check what you entered.',
          errors: expect.arrayContaining([{ field: expect.any(String), message: expect.any(String) }]),
        });
        expect(reply.headers['cache-control']).toBe('no-store');
        expect(reply.text).not.toMatch(/example|123456|node_modules|SyntaxError/);
      }
      expect(mail.messages).toEqual([]);
      expect(await redis.client.dbSize()).toBe(0);
      expect(({} as Record<string, unknown>)['email']).toBeUndefined();
    },
  );

  it('T27: a body of the largest allowed size is accepted', async () => {
    const service = await open({ store: storeOf(name) });
    const most = 16 * 1024;
    const body = `{"email":"minji@example.com","captcha":""}`;
    const filled = body.replace('""', `"${'a'.repeat(most - body.length)}"`);
    expect((await service.post('/ev/send', filled)).status).toBe(200);
  });

  it('T27: a code in the digits of any script is accepted', async () => {
    const service = await open({ store: storeOf(name) });
    const { challengeId } = (await service.send({ email: 'minji@example.com' })).body;
    const code = await mail.lastCode('minji@example.com');
    const arabic = [...code].map((digit) => String.fromCodePoint(0x660 + Number(digit))).join('\u200f - ');
    expect((await service.verify({ email: 'minji@example.com', code: arabic, challengeId })).status).toBe(
      200,
    );
  });
});

it.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])('T27: %s is passed on to the app', async (method) => {
  const service = await open({ store: storeOf('MemoryStore') });
  const reply = await fetch(`http://127.0.0.1:${service.port}/ev/verify`, { method });
  expect([404, 200]).toContain(reply.status);
  expect(await reply.text()).not.toContain('reason');
});
