/** What is no address of one person, what reaches one mailbox, and whom a mail goes to. */
import { MINUTE, STORES, startClock, useFrontDoor } from './front-door.js';

const { mail, redis, open, startRelay, storeOf } = useFrontDoor();
const unlimited = { rateLimit: { send: false, verify: false } } as const;

const notOneAddress: [row: string, what: string, body: object | string][] = [
  ['T12', 'an array', { email: ['a@b.example'] }],
  ['T12', 'an array of two', { email: ['a@b.example', 'evil@x.example'] }],
  ['T12', 'an array in an array', { email: [['a@b.example']] }],
  ['T12', 'an object', { email: { 0: 'a@b.example', length: 1 } }],
  [
    'T12',
    'an object that is a string of its own',
    { email: { toString: 'a@b.example', value: 'a@b.example' } },
  ],
  ['T12', 'a form field that came twice', 'email=a%40b.example&email=evil%40x.example'],
  ['T12', 'a form field with brackets', 'email[]=a%40b.example'],
  ['T12', 'a form field with a key', 'email[0]=a%40b.example&email[$ne]=x'],
  ['T12', 'an array of addresses for the whole body', ['a@b.example']],
  ['T13', 'a list by comma', { email: 'a@b.example,evil@x.example' }],
  ['T13', 'a list by comma and space', { email: 'a@b.example, evil@x.example' }],
  ['T13', 'a list by semicolon', { email: 'a@b.example;evil@x.example' }],
  ['T13', 'a list by space', { email: 'a@b.example evil@x.example' }],
  ['T13', 'angle brackets', { email: '<a@b.example>' }],
  ['T13', 'a name and angle brackets', { email: 'Evil <a@b.example>' }],
  ['T13', 'an address before another in angle brackets', { email: 'a@b.example <evil@x.example>' }],
  ['T13', 'a group', { email: 'all:a@b.example,evil@x.example;' }],
  ['T13', 'a comment', { email: 'a(evil@x.example)@b.example' }],
  ['T13', 'a source route', { email: '@evil.example:a@b.example' }],
  ['T13', 'two at signs', { email: 'a@b@c.example' }],
  ['T13', 'a percent route', { email: 'a%evil.example@[127.0.0.1]' }],
  ['T13', 'a bang path of a relay', { email: 'evil.example!a@localhost' }],
  ['T13', 'a mailto link', { email: 'mailto:a@b.example?bcc=evil@x.example' }],
  ['T14', 'a quoted local part', { email: '"a"@b.example' }],
  ['T14', 'a quoted local part with an address in it', { email: '"evil@x.example x"@b.example' }],
  ['T14', 'a quoted local part with a bracket', { email: '"a@evil.example> "@b.example' }],
  ['T14', 'a quote inside', { email: 'a"b"@c.example' }],
  ['T14', 'a quote in the domain', { email: 'a@"b.example"' }],
  ['T14', 'a domain literal', { email: 'a@[127.0.0.1]' }],
  ['T14', 'an IPv4 address for a domain', { email: 'a@127.0.0.1' }],
  ['T14', 'an IPv4 address by look-alikes', { email: 'a@①②⑦.⓪.⓪.①' }],
  ['T14', 'a number for a domain', { email: 'a@2130706433' }],
  ['T16', 'a header after a line break', { email: 'a@b.example\r\nBcc: evil@x.example' }],
  ['T16', 'a command after a line break', { email: 'a@b.example>\r\nRCPT TO:<evil@x.example' }],
  ['T16', 'a line feed at the end', { email: 'a@b.example\n' }],
  ['T16', 'a line feed at the beginning', { email: '\na@b.example' }],
  ['T16', 'a line feed in the local part', { email: 'a\n@b.example' }],
  ['T16', 'a carriage return in the domain', { email: 'a@b\r.example' }],
  ['T16', 'a NUL', { email: 'a@b.example\0' }],
  ['T16', 'a NUL before another domain', { email: 'a@b.example\0.evil.example' }],
  ['T16', 'a line separator', { email: 'a@b.example\u2028' }],
  ['T16', 'a paragraph separator in the local part', { email: 'a\u2029@b.example' }],
  ['T16', 'a vertical tab', { email: 'a@b.example\v' }],
  ['T16', 'a non-breaking space', { email: 'a@b.example\u00a0' }],
  ['T17', 'a dotless i', { email: 'mınji@example.com' }],
  ['T17', 'a Kelvin sign', { email: '\u212aim@example.com' }],
  ['T17', 'a full-width at sign', { email: 'minji＠example.com' }],
  ['T17', 'full-width letters', { email: 'ｍinji@example.com' }],
  ['T17', 'a zero-width space in the local part', { email: 'min\u200bji@example.com' }],
  ['T17', 'an ideographic full stop alone for a domain', { email: 'minji@。' }],
  ['T17', 'a domain of invisible characters', { email: 'minji@\u200b\u00ad' }],
  ['T17', 'a domain that maps to none', { email: 'minji@xn--a.example' }],
  ['T18', 'a lone high surrogate', '{"email":"a\\ud800@b.example"}'],
  ['T18', 'a lone low surrogate in the domain', '{"email":"a@b\\udc00.example"}'],
  ['T18', 'surrogates the wrong way round', '{"email":"a@b.example\\udc00\\ud800"}'],
  ['T18', 'a lone surrogate alone', '{"email":"\\udfff"}'],
  ['T12', 'a local part of 65 characters', { email: `${'a'.repeat(65)}@b.example` }],
  [
    'T12',
    '255 characters',
    { email: `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(62)}.example` },
  ],
];

it.each(notOneAddress)(
  '%s: %s is no address: 400, nobody mailed, nothing kept',
  async (_row, _what, body) => {
    const door = await open({ store: storeOf('RedisStore'), ...unlimited });
    const isForm = typeof body === 'string' && !body.startsWith('{');
    const headers = { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json' };
    const send = await door.post('/ev/send', body, headers);
    expect(send.status).toBe(400);
    expect(send.body).toMatchObject({ ok: false, reason: 'invalid_request' });
    const isFields = typeof body === 'object' && !Array.isArray(body);
    const verify = await door.post('/ev/verify', isFields ? { ...body, code: '123456' } : body, headers);
    expect(verify.status).toBe(400);
    for (const { text } of [send, verify]) expect(text).not.toMatch(/example|evil/);
    expect(mail.mails).toEqual([]);
    expect(await redis.client.dbSize()).toBe(0);
  },
);

describe.each(STORES)('on %s', (name) => {
  const oneMailbox: [row: string, what: string, first: string, spellings: string[]][] = [
    [
      'T24',
      '+tags',
      'minji@example.com',
      ['minji+1@example.com', 'minji+a+b@example.com', 'minji+@example.com'],
    ],
    ['T24', 'case', 'minji@example.com', ['MINJI@example.com', 'minji@EXAMPLE.com', 'MinJi+X@Example.Com']],
    ['T24', 'spaces and tabs at the ends', 'minji@example.com', [' minji@example.com\t']],
    [
      'T24',
      'dots at Gmail',
      'minji.kim@gmail.com',
      [
        'minjikim@gmail.com',
        'm.i.n.j.i.k.i.m@gmail.com',
        'minji.kim@googlemail.com',
        'Minji.Kim+a.b@GoogleMail.com',
      ],
    ],
    [
      'T17',
      'invisible characters in the domain',
      'minji@example.com',
      ['minji@example.com\u200b', 'minji@exam\u00adple.com', 'minji@\u2060example.com'],
    ],
    [
      'T17',
      'look-alike letters in the domain',
      'minji@example.com',
      ['minji@ｅｘａｍｐｌｅ.com', 'minji@ⓔxample.com'],
    ],
    [
      'T17',
      'full stops of other scripts',
      'minji@mail.example.com',
      ['minji@mail。example.com', 'minji@mail．example.com'],
    ],
    [
      'T17',
      'a domain in its own script',
      'minji@bücher.example',
      ['minji@BÜCHER.example', 'minji@xn--bcher-kva.example'],
    ],
  ];
  it.each(oneMailbox)('%s: %s: one mailbox, one limit', async (_row, _what, first, spellings) => {
    const clock = startClock();
    const door = await open({ store: storeOf(name, clock.read), ...unlimited });
    expect((await door.send({ email: first })).status).toBe(200);
    for (const spelling of spellings) {
      const reply = await door.send({ email: spelling });
      // It is the mailbox's limit, or no address at all.
      expect([429, 400]).toContain(reply.status);
      clock.pass(MINUTE - 1);
      expect([429, 400]).toContain((await door.send({ email: spelling })).status);
      clock.pass(1 - MINUTE);
    }
    expect(mail.mails).toHaveLength(1);
  });

  it('T24: 100 spellings of one mailbox over a day: as many mails as the limits allow to one', async () => {
    const clock = startClock();
    const door = await open({ store: storeOf(name, clock.read), ...unlimited });
    let sent = 0;
    for (let spelling = 0; spelling < 100; spelling += 1) {
      const { status } = await door.send({ email: `m.inji+${spelling}@gmail.com` });
      if (status === 200) sent += 1;
      clock.pass(14 * MINUTE);
    }
    expect(sent).toBe(10);
  });

  const whom: [what: string, typed: string, canonical: string][] = [
    ['upper case', 'Minji.KIM@Example.COM', 'minji.kim@example.com'],
    ['a tag', 'minji+news@example.com', 'minji+news@example.com'],
    ['dots at Gmail', 'm.inji@gmail.com', 'm.inji@gmail.com'],
    ['an option of a mail program', '-oQ/tmp@example.com', '-oq/tmp@example.com'],
    ['a brace', 'a}b{c@example.com', 'a}b{c@example.com'],
    ['an apostrophe', "o'neil@example.com", "o'neil@example.com"],
    ['a domain in its own script', 'minji@bücher.example', 'minji@xn--bcher-kva.example'],
    ['an invisible character in the domain', 'minji@example.com\u200b', 'minji@example.com'],
  ];
  it.each(whom)(
    'T13, T17: %s: promise 12, one RCPT TO, and it is the canonical address',
    async (_what, typed, canonical) => {
      const wire = await startRelay();
      const door = await open({ store: storeOf(name), transport: wire.url });
      const { challengeId } = (await door.send({ email: typed })).body;
      const lines = (start: RegExp) => wire.received.filter((line) => start.test(line));
      expect(lines(/^RCPT/i)).toEqual([`RCPT TO:<${canonical}>`]);
      expect(lines(/^To:/i)).toEqual([`To: ${canonical}`]);
      expect(lines(/^(Cc|Bcc):/i)).toEqual([]);

      // What was mailed is what was keyed, and what the app gets.
      const [code] = lines(/^\d{6}$/);
      const { verificationToken } = (await door.verify({ email: canonical, code, challengeId })).body;
      expect((await door.signUp({ email: typed, verificationToken })).body.email).toBe(canonical);
    },
  );
});

it.each([
  '\r\nBcc: evil@x.example',
  'en\nX-Evil: 1',
  'en\0',
  'en\u2028',
  '../../etc/passwd',
  '__proto__',
  'constructor',
])('T16: the locale %j is inert: the mail is the default one, to one person', async (locale) => {
  const door = await open({ store: storeOf('RedisStore') });
  expect((await door.send({ email: 'minji@example.com', locale })).status).toBe(200);
  expect(mail.mails[0]?.envelope.to).toEqual(['minji@example.com']);
  expect(mail.mails[0]?.headers['content-language']).toBe('en');
  expect(mail.mails[0]?.raw).not.toMatch(/evil/i);
});

it.each(['Acme\r\nBcc: evil@x.example', 'Acme\0', 'Acme\u2028', 'Acme\u2029', 'Acme\x7f'])(
  'T16: the app name %j is refused when the app starts',
  async (appName) => {
    await expect(open({ store: storeOf('MemoryStore'), appName })).rejects.toThrow(/appName/);
  },
);

it('T16: line breaks in the name of the sender and in the words of a template add no header and no recipient', async () => {
  const door = await open({
    store: storeOf('MemoryStore'),
    appName: 'Acme',
    from: { name: 'Acme\r\nBcc: evil@x.example', address: 'hello@acme.example' },
    template: ({ code }) => ({ subject: `Hi\r\nBcc: evil@x.example\r\n\r\n${code}`, text: code, html: code }),
  });
  expect((await door.send({ email: 'minji@example.com' })).status).toBe(200);
  expect(mail.mails[0]?.envelope.to).toEqual(['minji@example.com']);
  expect(mail.mails[0]?.headers).not.toHaveProperty('bcc');
  expect(mail.mails[0]?.raw).not.toMatch(/^Bcc:/im);
});
