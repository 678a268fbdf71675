/** What is not the address of one person, which spellings reach one mailbox, and whom an email is sent to. */
import type { Mail } from 'express-email-verification';
import fc from 'fast-check';
import { randomRuns } from '../support/random-runs.js';
import { MINUTE, STORES, startClock, useServices } from './services.js';

const { mail, redis, open, startRelay, storeOf } = useServices();
const unlimited = { rateLimit: { send: false, verify: false } } as const;

const notOneAddress: [row: string, what: string, body: object | string][] = [
  ['T12', 'an array', { email: ['a@b.example'] }],
  ['T12', 'an array of two', { email: ['a@b.example', 'evil@x.example'] }],
  ['T12', 'an array in an array', { email: [['a@b.example']] }],
  ['T12', 'an object', { email: { 0: 'a@b.example', length: 1 } }],
  ['T12', 'an object with its own toString', { email: { toString: 'a@b.example', value: 'a@b.example' } }],
  ['T12', 'a form field sent twice', 'email=a%40b.example&email=evil%40x.example'],
  ['T12', 'a form field with brackets', 'email[]=a%40b.example'],
  ['T12', 'a form field with a key', 'email[0]=a%40b.example&email[$ne]=x'],
  ['T12', 'an array of addresses for the whole body', ['a@b.example']],
  ['T13', 'a list separated by comma', { email: 'a@b.example,evil@x.example' }],
  ['T13', 'a list separated by comma and space', { email: 'a@b.example, evil@x.example' }],
  ['T13', 'a list separated by semicolon', { email: 'a@b.example;evil@x.example' }],
  ['T13', 'a list separated by space', { email: 'a@b.example evil@x.example' }],
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
  ['T14', 'an IPv4 address as the domain', { email: 'a@127.0.0.1' }],
  ['T14', 'an IPv4 address in look-alike digits', { email: 'a@①②⑦.⓪.⓪.①' }],
  ['T14', 'a number as the domain', { email: 'a@2130706433' }],
  ['T16', 'a header after a line break', { email: 'a@b.example\r\nBcc: evil@x.example' }],
  ['T16', 'a command after a line break', { email: 'a@b.example>\r\nRCPT TO:<evil@x.example' }],
  ['T16', 'a line feed in the local part', { email: 'a\n@b.example' }],
  ['T16', 'a carriage return in the domain', { email: 'a@b\r.example' }],
  ['T16', 'a line break in the domain', { email: 'a@b\n.example' }],
  ['T16', 'a line separator in the domain', { email: 'a@b.\u2028example' }],
  ['T16', 'a NUL', { email: 'a@b.example\0' }],
  ['T16', 'a NUL before another domain', { email: 'a@b.example\0.evil.example' }],
  ['T16', 'a paragraph separator in the local part', { email: 'a\u2029@b.example' }],
  ['T17', 'a dotless i', { email: 'mınji@example.com' }],
  ['T17', 'a Kelvin sign', { email: '\u212aim@example.com' }],
  ['T17', 'a full-width at sign', { email: 'minji＠example.com' }],
  ['T17', 'full-width letters', { email: 'ｍinji@example.com' }],
  ['T17', 'a zero-width space in the local part', { email: 'min\u200bji@example.com' }],
  ['T17', 'an ideographic full stop as the whole domain', { email: 'minji@。' }],
  ['T17', 'a domain of invisible characters', { email: 'minji@\u200b\u00ad' }],
  ['T17', 'a domain that IDNA rejects', { email: 'minji@xn--a.example' }],
  ['T18', 'a lone high surrogate', '{"email":"a\\ud800@b.example"}'],
  ['T18', 'a lone low surrogate in the domain', '{"email":"a@b\\udc00.example"}'],
  ['T18', 'surrogates the wrong way round', '{"email":"a@b.example\\udc00\\ud800"}'],
  ['T18', 'nothing but a lone surrogate', '{"email":"\\udfff"}'],
  ['T12', 'a local part of 65 characters', { email: `${'a'.repeat(65)}@b.example` }],
  ['T61', 'nothing but white space and format characters', { email: ' \u200b\u00a0\ufeff\n' }],
  ['T61', 'an address after 500 spaces', { email: `${' '.repeat(500)}a@b.example` }],
  [
    'T12',
    '255 characters',
    { email: `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(62)}.example` },
  ],
];

it.each(notOneAddress)(
  '%s: %s is not an address: the answer is 400, no email is sent and nothing is stored',
  async (_row, _what, body) => {
    const service = await open({ store: storeOf('RedisStore'), ...unlimited });
    const isForm = typeof body === 'string' && !body.startsWith('{');
    const headers = { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json' };
    const send = await service.post('/ev/send', body, headers);
    expect(send.status).toBe(400);
    expect(send.body).toMatchObject({ ok: false, reason: 'invalid_request' });
    const isFields = typeof body === 'object' && !Array.isArray(body);
    const verify = await service.post('/ev/verify', isFields ? { ...body, code: '123456' } : body, headers);
    expect(verify.status).toBe(400);
    for (const { text } of [send, verify]) expect(text).not.toMatch(/example|evil/);
    expect(mail.messages).toEqual([]);
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
      'T61',
      'white space and format characters at the ends',
      'minji@example.com',
      [
        '\u00a0minji@example.com',
        'minji@example.com\u3000',
        '\u200bminji@example.com\u200b',
        '\ufeffminji+1@example.com\r\n',
        '\u2068Minji@Example.com\u2069',
      ],
    ],
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
  it.each(oneMailbox)('%s: %s share the limits of one mailbox', async (_row, _what, first, spellings) => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read), ...unlimited });
    expect((await service.send({ email: first })).status).toBe(200);
    for (const spelling of spellings) {
      const reply = await service.send({ email: spelling });
      // Either the mailbox's limit applies, or the spelling is not an address at all.
      expect([429, 400]).toContain(reply.status);
      clock.pass(MINUTE - 1);
      expect([429, 400]).toContain((await service.send({ email: spelling })).status);
      clock.pass(1 - MINUTE);
    }
    expect(mail.messages).toHaveLength(1);
  });

  it('T24: 100 spellings of one mailbox over a day get as many emails as one spelling does', async () => {
    const clock = startClock();
    const service = await open({ store: storeOf(name, clock.read), ...unlimited });
    let sent = 0;
    for (let spelling = 0; spelling < 100; spelling += 1) {
      const { status } = await service.send({ email: `m.inji+${spelling}@gmail.com` });
      if (status === 200) sent += 1;
      clock.pass(14 * MINUTE);
    }
    expect(sent).toBe(10);
  });

  const recipients: [what: string, typed: string, canonical: string][] = [
    ['upper case', 'Minji.KIM@Example.COM', 'minji.kim@example.com'],
    ['a tag', 'minji+news@example.com', 'minji+news@example.com'],
    ['dots at Gmail', 'm.inji@gmail.com', 'm.inji@gmail.com'],
    ['an option of a sendmail program', '-oQ/tmp@example.com', '-oq/tmp@example.com'],
    ['a brace', 'a}b{c@example.com', 'a}b{c@example.com'],
    ['an apostrophe', "o'neil@example.com", "o'neil@example.com"],
    ['a domain in its own script', 'minji@bücher.example', 'minji@xn--bcher-kva.example'],
    ['an invisible character at the end', 'minji@example.com\u200b', 'minji@example.com'],
    [
      'a line break and spaces of other scripts at the ends',
      '\u3000Minji@example.com\u00a0\n',
      'minji@example.com',
    ],
    ['a byte order mark at the beginning', '\ufeffminji@example.com', 'minji@example.com'],
    ['marks of writing direction around it', '\u2066minji@example.com\u2069\u200f', 'minji@example.com'],
    ['a domain and a top-level domain in Korean', 'minji@회사.한국', 'minji@xn--vf4b131b.xn--3e0b707e'],
  ];
  it.each(recipients)(
    'T13, T17: with %s there is one RCPT TO, for the canonical address (promise 12)',
    async (_what, typed, canonical) => {
      const wire = await startRelay();
      const service = await open({ store: storeOf(name), transport: wire.url });
      const { challengeId } = (await service.send({ email: typed })).body;
      const lines = (start: RegExp) => wire.received.filter((line) => start.test(line));
      expect(lines(/^RCPT/i)).toEqual([`RCPT TO:<${canonical}>`]);
      expect(lines(/^To:/i)).toEqual([`To: ${canonical}`]);
      expect(lines(/^(Cc|Bcc):/i)).toEqual([]);

      // The address the email goes to is the one the limits are keyed by, and the one the app gets.
      const [code] = lines(/^\d{6}$/);
      const { verificationToken } = (await service.verify({ email: canonical, code, challengeId })).body;
      expect((await service.signUp({ email: typed, verificationToken })).body.email).toBe(canonical);
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
])('T16: the locale %j has no effect: the default email goes to one person', async (locale) => {
  const service = await open({ store: storeOf('RedisStore') });
  expect((await service.send({ email: 'minji@example.com', locale })).status).toBe(200);
  expect(mail.messages[0]?.envelope.to).toEqual(['minji@example.com']);
  expect(mail.messages[0]?.headers['content-language']).toBe('en');
  expect(mail.messages[0]?.raw).not.toMatch(/evil/i);
});

it.each(['Acme\r\nBcc: evil@x.example', 'Acme\0', 'Acme\u2028', 'Acme\u2029', 'Acme\x7f'])(
  'T16: the app name %j is refused at start',
  async (appName) => {
    await expect(open({ store: storeOf('MemoryStore'), appName })).rejects.toThrow(/appName/);
  },
);

it("T16: a line break in the sender's name is refused at start", async () => {
  const from = { name: 'Acme\r\nBcc: evil@x.example', address: 'hello@acme.example' };
  await expect(open({ store: storeOf('MemoryStore'), from })).rejects.toThrow(/from\.name/);
});

it('T16: line breaks in what a template returns add no header and no recipient', async () => {
  const service = await open({
    store: storeOf('MemoryStore'),
    template: ({ code }) => ({ subject: `Hi\r\nBcc: evil@x.example\r\n\r\n${code}`, text: code, html: code }),
  });
  expect((await service.send({ email: 'minji@example.com' })).status).toBe(200);
  expect(mail.messages[0]?.envelope.to).toEqual(['minji@example.com']);
  expect(mail.messages[0]?.headers).not.toHaveProperty('bcc');
  expect(mail.messages[0]?.raw).not.toMatch(/^Bcc:/im);
});

/** Every Unicode character that a pattern matches. */
function charactersOf(pattern: RegExp): string[] {
  return Array.from({ length: 0x110000 }, (_, point) => point)
    .filter((point) => point < 0xd800 || point > 0xdfff)
    .map((point) => String.fromCodePoint(point))
    .filter((character) => pattern.test(character));
}

/** How a failing test names a character. */
function named(character: string): string {
  return `U+${character.codePointAt(0)?.toString(16).padStart(4, '0')}`;
}

describe('every invisible character', () => {
  const removable = charactersOf(/[\s\p{Cf}]/u);
  const ignorable = charactersOf(/\p{Default_Ignorable_Code_Point}/u).filter(
    (character) => !removable.includes(character) && !/[\u{e0200}-\u{e0fff}]/u.test(character),
  );
  const control = charactersOf(/[\p{Cc}]/u).filter((character) => !removable.includes(character));

  async function openWithInbox() {
    const sentTo: string[] = [];
    const delivery = async ({ to }: Mail) => void sentTo.push(to.address);
    const service = await open({ store: storeOf('MemoryStore'), delivery, ...unlimited });
    return { service, sentTo };
  }

  it('T61: is removed at the ends of an address if it is white space or a format character', async () => {
    const { service, sentTo } = await openWithInbox();
    expect(removable.length).toBeGreaterThan(150);
    const refused: string[] = [];
    for (const [index, character] of removable.entries()) {
      for (const [end, email] of [
        ['before', `${character}before${index}@example.com`],
        ['after', `after${index}@example.com${character}`],
        ['around', `${character}${character}around${index}@example.com \n${character}`],
      ]) {
        const { status } = await service.send({ email });
        if (status !== 200) refused.push(`${named(character)} ${end}`);
      }
    }
    expect(refused).toEqual([]);
    expect(sentTo).toHaveLength(3 * removable.length);
    for (const address of sentTo) expect(address).toMatch(/^[a-z]+[0-9]+@example\.com$/);
  });

  it.each([
    ['white space or a format character', removable],
    ['default-ignorable', ignorable],
    ['a control character', control],
  ])('T61: is refused inside an address if it is %s', async (_what, characters) => {
    const { service, sentTo } = await openWithInbox();
    expect(characters.length).toBeGreaterThan(50);
    const accepted: string[] = [];
    for (const character of characters) {
      for (const email of [
        `min${character}ji@example.com`,
        `minji${character}@example.com`,
        `minji@${character}example.com`,
        `minji@exam${character}ple.com`,
        `minji@example${character}.com`,
        `minji@example.${character}com`,
        `minji@example.c${character}om`,
        `minji@회${character}사.한국`,
      ]) {
        const { status } = await service.send({ email });
        if (status !== 400) accepted.push(`${named(character)} in ${email}`);
      }
    }
    expect(accepted).toEqual([]);
    expect(sentTo).toEqual([]);
  });

  it.each([
    ['default-ignorable', ignorable],
    ['a control character', control],
  ])('T61: is refused at the ends too if it is %s but not white space', async (_what, characters) => {
    const { service, sentTo } = await openWithInbox();
    const accepted: string[] = [];
    for (const character of characters) {
      for (const email of [`${character}minji@example.com`, `minji@example.com${character}`]) {
        const { status } = await service.send({ email });
        if (status !== 400) accepted.push(named(character));
      }
    }
    expect(accepted).toEqual([]);
    expect(sentTo).toEqual([]);
  });
});

it('T17: whatever domain is typed, the address that gets the email is its own canonical form', async () => {
  const runs = randomRuns(2000);
  const sentTo: string[] = [];
  const delivery = async ({ to }: Mail) => void sentTo.push(to.address);
  const service = await open({ store: storeOf('MemoryStore'), delivery, ...unlimited });
  const { verification } = service;
  // Characters of each kind that the mapping to ASCII changes, drops, splits at, joins or refuses.
  const characters = [
    ...'abZ09--..。．｡üÜßſKİıªﬁǆ①ⅷ²ａ가힣조한中日ひとアｱーйЙκςعहิำ\u0301\u0308\u1112\u1161\u11ab\u200d\u00ad\ufe0f”。',
  ];
  const label = fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 6 });
  const domain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
  const top = fc.constantFrom('com', 'kr', '한국', 'рф', 'テスト', 'xn--3e0b707e', 'ＣＯＭ', 'com으로', '');
  let person = 0;
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(domain, top, async (name, end) => {
      person += 1;
      const outcome = await verification.send({ email: `p${person}@${name}.${end}` });
      if (outcome.kind === 'invalid_request') return;
      const address = sentTo.at(-1) ?? '';
      expect(address).toMatch(/^p\d+@[a-z0-9-]+(\.[a-z0-9-]+)+$/);
      expect(await verification.send({ email: address })).toMatchObject({ kind: 'too_many_requests' });
      accepted += 1;
    }),
    { numRuns: runs },
  );
  expect(accepted).toBeGreaterThan(runs / 20);
  expect(sentTo).toHaveLength(accepted);
});

describe('T62: text copied along with an address', () => {
  const beside: [what: string, email: string][] = [
    ['a closing quotation mark', 'minji@example.com”'],
    ['quotation marks', '“minji@example.com”'],
    ['a closing single quotation mark', 'minji@example.com’'],
    ['guillemets', '«minji@example.com»'],
    ['corner brackets', '「minji@example.com」'],
    ['lenticular brackets', '【minji@example.com】'],
    ['full-width brackets', '（minji@example.com）'],
    ['an ideographic full stop', 'minji@naver.com。'],
    ['an ideographic comma', 'minji@naver.com、'],
    ['a full-width comma', 'minji@naver.com，'],
    ['an ellipsis', 'minji@example.com…'],
    ['an em dash', 'minji@example.com—'],
    ['a bullet', '•minji@example.com'],
    ['a middle dot after it', 'minji@example.com·'],
    ['a trade mark sign', 'minji@example.com™'],
    ['a registered sign', 'minji@example.com®'],
    ['a superscript', 'minji@example.com¹'],
    ['an ordinal indicator', 'minji@example.comº'],
    ['a degree sign', 'minji@example.com°'],
    ['an emoji', 'minji@example.com😀'],
    ['an emoji in the domain', 'minji@i❤.ws'],
    ['an emoji in the domain, in its ASCII form', 'minji@xn--i-7iq.ws'],
    ['an arrow', 'minji@example.com→'],
    ['a full stop', 'minji@example.com.'],
    ['a comma', 'minji@example.com,'],
    ['a semicolon', 'minji@example.com;'],
    ['a question mark', 'minji@example.com?'],
    ['an exclamation mark', 'minji@example.com!'],
    ['a slash', 'minji@example.com/'],
    ['a bracket', '(minji@example.com)'],
    ['a combining stroke', 'minji@example.com\u0336'],
    ['a keycap', 'minji@example.com\u20e3'],
    ['Korean: to', 'minji@naver.com으로'],
    ['Korean: to, after a country', 'minji@naver.co.kr로'],
    ['Korean: is', 'minji@naver.com입니다'],
    ['Korean: is, with a full stop', 'minji@naver.com입니다.'],
    ['Korean: at', 'minji@naver.com에'],
    ['Korean: and, before another', 'minji@naver.com와'],
    ['Korean: to, in its ASCII form', 'minji@naver.xn--com-ky7m580d'],
    ['a quotation mark in its ASCII form', 'minji@example.xn--com-9o0a'],
    ['Japanese: to', 'minji@example.jpまで'],
    ['Japanese: in care of', 'minji@example.jp宛'],
    ['Chinese: the mailbox', 'minji@example.cn的邮箱'],
    ['Russian: and', 'minji@example.comи'],
    ['Russian letters for Latin ones', 'minji@example.сom'],
    ['Greek', 'minji@example.comκαι'],
    ['Arabic', 'minji@example.comو'],
    ['Thai', 'minji@example.comครับ'],
    ['Korean after Russian', 'minji@пример.рф으로'],
    ['a digit after Korean', 'minji@회사.한국2'],
    ['Chinese: the next sentence', 'minji@example.com。谢谢'],
    ['Japanese: the next sentence', 'minji@example.co.jp。よろしくお願いします'],
    ['Japanese: the next sentence after a half-width full stop', 'minji@example.com｡ありがとう'],
    ['Korean: the next sentence', 'minji@naver.com。감사합니다'],
  ];
  it.each(beside)('T62: %s: %s is refused, and no email is sent', async (_what, email) => {
    const service = await open({ store: storeOf('MemoryStore') });
    expect((await service.send({ email })).body).toMatchObject({ ok: false, reason: 'invalid_request' });
    expect((await service.verify({ email, code: '123456' })).status).toBe(400);
    expect(mail.messages).toEqual([]);
  });

  const real: [what: string, email: string, canonical: string][] = [
    ['German', 'minji@bücher.example', 'minji@xn--bcher-kva.example'],
    ['German, in its ASCII form', 'minji@xn--bcher-kva.example', 'minji@xn--bcher-kva.example'],
    ['German, decomposed', 'minji@bu\u0308cher.example', 'minji@xn--bcher-kva.example'],
    ['a German top-level domain', 'minji@a.vermögensberater', 'minji@a.xn--vermgensberater-ctb'],
    ['Korean', 'minji@회사.한국', 'minji@xn--vf4b131b.xn--3e0b707e'],
    ['Korean, in its ASCII form', 'minji@xn--vf4b131b.xn--3e0b707e', 'minji@xn--vf4b131b.xn--3e0b707e'],
    ['Korean and Latin in one label', 'minji@kt회사.com', 'minji@xn--kt-4q4jr63e.com'],
    ['Korean, digits and a hyphen', 'minji@회사-24.한국', 'minji@xn---24-ow4n588f.xn--3e0b707e'],
    ['Japanese', 'minji@例え.テスト', 'minji@xn--r8jz45g.xn--zckzah'],
    ['an ideographic full stop', 'minji@mail。example.jp', 'minji@mail.example.jp'],
    ['an ideographic full stop and Japanese', 'minji@mail.例え。テスト', 'minji@mail.xn--r8jz45g.xn--zckzah'],
    ['Chinese', 'minji@例子.中国', 'minji@xn--fsqu00a.xn--fiqs8s'],
    ['Russian', 'minji@пример.рф', 'minji@xn--e1afmkfd.xn--p1ai'],
    ['Greek', 'minji@παράδειγμα.ελ', 'minji@xn--hxajbheg2az3al.xn--qxam'],
    ['Arabic', 'minji@مثال.إختبار', 'minji@xn--mgbh0fb.xn--kgbechtv'],
    ['Hindi, with vowel signs', 'minji@उदाहरण.भारत', 'minji@xn--p1b6ci4b4b3a.xn--h2brj9c'],
    ['Thai', 'minji@สำเร็จ.ไทย', 'minji@xn--82c7cua6a8dzbzb.xn--o3cw4h'],
    ['hyphens', 'minji@my-long-name.co.uk', 'minji@my-long-name.co.uk'],
    ['digits', 'minji@163.com', 'minji@163.com'],
    ['two hyphens', 'minji@a--b.example', 'minji@a--b.example'],
  ];
  it.each(real)('T62: a domain in %s: the email to %s goes to %s', async (_what, email, canonical) => {
    const wire = await startRelay();
    const service = await open({ store: storeOf('MemoryStore'), transport: wire.url });
    expect((await service.send({ email })).status).toBe(200);
    expect(wire.received.filter((line) => /^(RCPT|To:)/i.test(line))).toEqual([
      `RCPT TO:<${canonical}>`,
      `To: ${canonical}`,
    ]);
    // The canonical address is an address of its own, and stays the same.
    expect((await service.send({ email: canonical })).status).toBe(429);
    const code = wire.received.find((line) => /^\d{6}$/.test(line));
    const { verificationToken } = (await service.verify({ email, code })).body;
    expect((await service.signUp({ email, verificationToken })).body.email).toBe(canonical);
  });
});
