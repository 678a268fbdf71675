/** What a request can bring into an email: nothing but a language. */
import { defaultTemplate, type EmailVerificationOptions, en, type Mail } from 'express-email-verification';
import type { ReceivedMessage } from '../support/mail-server.js';
import { startClock, useServices, WIDE } from './services.js';

const { mail, open, storeOf } = useServices();

const MARKUP = '<img src=x onerror=alert(1)><a href="https://evil.example">"\'&</a>';

it('T15: markup in appName is escaped in the HTML and left as it is in the text', async () => {
  const service = await open({ store: storeOf('MemoryStore'), appName: MARKUP });
  await service.send({ email: 'minji@example.com' });
  const { html, text } = mail.messages[0] ?? { html: '', text: '' };
  expect(html).not.toContain('<img');
  expect(html).not.toContain('<a ');
  expect(html).toContain(
    '&lt;img src=x onerror=alert(1)&gt;&lt;a href=&quot;https://evil.example&quot;&gt;&quot;&#39;&amp;',
  );
  expect(text).toContain(MARKUP);
});

const ADDRESSES = [
  "a'b@example.com",
  'a&b@example.com',
  'a`b@example.com',
  'a}b{{c}}@example.com',
  'a<b>c@example.com',
  'a$1@example.com',
];

it.each(ADDRESSES)('T15: the address %s appears nowhere in the body of the email', async (email) => {
  const service = await open({ store: storeOf('MemoryStore'), locales: {} });
  const { status } = await service.send({ email });
  if (status === 400) return expect(mail.messages).toEqual([]);
  expect(mail.messages[0]?.html).not.toContain(email.slice(0, email.indexOf('@')));
  expect(mail.messages[0]?.text).not.toContain(email.slice(0, email.indexOf('@')));
});

it.each(ADDRESSES)('T15: the address %s is escaped in an email that names it', async (email) => {
  const service = await open({
    store: storeOf('MemoryStore'),
    template: (input) => defaultTemplate(input, { showEmail: true }),
  });
  const { status } = await service.send({ email });
  if (status === 400) return expect(mail.messages).toEqual([]);
  const escaped = email.replace('&', '&amp;').replace("'", '&#39;');
  expect(mail.messages[0]?.html).toContain(`>This code was requested for ${escaped}.</p>`);
  expect(mail.messages[0]?.text).toContain(`This code was requested for ${email}.`);
});

it('T15: texts of a custom locale are escaped too', async () => {
  const evil = { ...en, mail: { ...en.mail, heading: MARKUP, ignore: MARKUP, preview: () => MARKUP } };
  const service = await open({ store: storeOf('MemoryStore'), locales: { en: evil } });
  await service.send({ email: 'minji@example.com' });
  expect(mail.messages[0]?.html).not.toMatch(/<img|<a /);
});

it('T19: the email is the same whatever the headers of the request (promise 12)', async () => {
  const clock = startClock();
  const service = await open({ store: storeOf('MemoryStore', clock.read), ...WIDE });
  const email = 'minji@example.com';
  const headers: Record<string, string>[] = [
    {},
    { host: 'evil.example' },
    { host: 'evil.example:8443', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
    { 'x-forwarded-for': 'evil.example', forwarded: 'for=evil.example;host=evil.example;proto=http' },
    { 'x-original-host': 'evil.example', 'x-host': 'evil.example', 'x-http-host-override': 'evil.example' },
    { origin: 'https://evil.example', referer: 'https://evil.example/evil', 'user-agent': '<b>evil</b>' },
    { from: 'evil@x.example', 'reply-to': 'evil@x.example', bcc: 'evil@x.example', to: 'evil@x.example' },
    { 'accept-language': 'evil-x, <b>evil</b>;q=0.9, ../evil' },
    { cookie: 'locale=evil', authorization: 'Bearer evil', 'x-request-id': 'evil' },
  ];
  for (const more of headers) {
    clock.pass(2000);
    expect((await service.post('/ev/send', { email }, more)).status).toBe(200);
  }
  expect(mail.messages).toHaveLength(headers.length);
  const [first, ...others] = mail.messages.map(withoutRandomParts);
  for (const other of others) expect(other).toBe(first);
  expect(first).not.toMatch(/evil/i);
});

it('T19: the only header that counts is the language, and it only chooses one', async () => {
  const service = await open({ store: storeOf('MemoryStore'), ...WIDE });
  await service.post(
    '/ev/send',
    { email: 'minji@example.com' },
    { 'accept-language': 'ko-KR-x-evil, en;q=0.5' },
  );
  expect(mail.messages[0]?.headers['content-language']).toBe('ko');
  expect(mail.messages[0]?.raw).not.toMatch(/evil/i);
});

describe('T16: what a custom template returns beside subject, text and HTML', () => {
  const words = { subject: 'Hello', text: 'Enter 012345 here.', html: '<p>Enter 012345 here.' };
  const evil = 'evil@x.example';
  const attachment = { filename: 'evil.txt', content: 'evil' };
  const additions: [what: string, more: object][] = [
    ['a recipient', { to: evil }],
    ['a recipient beside the one', { to: `minji@example.com, ${evil}` }],
    ['a copy', { cc: evil }],
    ['a hidden copy', { bcc: [evil] }],
    ['an envelope', { envelope: { from: evil, to: [evil, 'minji@example.com'] } }],
    ['several recipients', { to: [evil, 'minji@example.com'], maxRecipients: 10 }],
    ['a sender', { from: evil, sender: evil }],
    ['an address for replies', { replyTo: evil, inReplyTo: evil, references: [evil] }],
    ['headers', { headers: { 'X-Evil': 'evil', Bcc: evil, 'Auto-Submitted': 'no' } }],
    ['headers as an array', { headers: [{ key: 'Bcc', value: evil }] }],
    ['headers of a list', { list: { unsubscribe: 'https://evil.example' } }],
    ['an id and a date', { messageId: '<evil@x.example>', date: new Date(0) }],
    ['a priority and a mailer', { priority: 'high', xMailer: 'evil' }],
    ['an attachment', { attachments: [attachment] }],
    ['an attachment from a file', { attachments: [{ path: '/etc/hostname' }] }],
    ['an attachment from a URL', { attachments: [{ href: 'http://127.0.0.1:1/evil' }] }],
    ['inline images', { attachDataUrls: true, attachments: [attachment] }],
    ['an alternative', { alternatives: [{ contentType: 'text/calendar', content: 'evil' }] }],
    ['a calendar event', { icalEvent: { content: 'evil' } }],
    ['AMP and watch HTML', { amp: '<p>evil', watchHtml: '<p>evil' }],
    ['the whole message', { raw: `To: ${evil}\r\n\r\nevil` }],
    ['another code for autofill', { otp: { code: '000000', origin: 'https://evil.example' } }],
    ['an encoding', { encoding: 'base64', textEncoding: 'base64' }],
    ['permission to read files', { disableFileAccess: false, disableUrlAccess: false }],
    ['a signature', { dkim: { domainName: 'evil.example', keySelector: 'evil', privateKey: 'evil' } }],
    ['a signal', { signal: AbortSignal.abort() }],
    ['a prototype', { ['__proto__']: { to: evil, bcc: evil } }],
  ];
  const ways: [what: string, options: (content: typeof words) => Partial<EmailVerificationOptions>][] = [
    ['a template', (content) => ({ template: () => content })],
    ['beforeSend', (content) => ({ beforeSend: () => ({ kind: 'suppress', mail: content }) })],
  ];

  describe.each(ways)('by %s', (_way, options) => {
    it.each(additions)(
      'T16: with %s the email and its recipient stay the same to the byte',
      async (_what, more) => {
        const clock = startClock();
        const store = storeOf('MemoryStore', clock.read);
        for (const content of [words, { ...words, ...more }]) {
          const service = await open({ ...WIDE, store, ...options(content) });
          clock.pass(2000);
          expect((await service.send({ email: 'minji@example.com' })).status).toBe(200);
        }
        const [plain, other, ...surplus] = mail.messages;
        if (!plain || !other) throw new Error('Two emails are sent.');
        expect(surplus).toEqual([]);
        expect(other.envelope).toEqual({ from: 'hello@acme.example', to: ['minji@example.com'] });
        expect(withoutRandomParts(other)).toBe(withoutRandomParts(plain));
        expect(other.raw).not.toMatch(/evil/i);
      },
    );
  });

  it('T16: a custom delivery gets none of them either', async () => {
    const received: Mail[] = [];
    const delivery = async (message: Mail) => void received.push(message);
    for (const [, more] of [['', {}] as const, ...additions]) {
      const content = { ...words, ...more };
      const service = await open({ store: storeOf('MemoryStore'), delivery, template: () => content });
      await service.send({ email: 'minji@example.com' });
    }
    const [plain, ...others] = received.map(({ headers, messageId, ...rest }) => ({
      ...rest,
      // Each email has an id of its own.
      messageId: messageId.replace(/^<[0-9a-f-]{36}@/, ''),
      headers: Object.keys(Object(headers)),
    }));
    expect(others).toHaveLength(additions.length);
    for (const other of others) expect(other).toEqual(plain);
  });
});

describe('T58: headers against threading and automatic replies', () => {
  const suppressed = { subject: 'Hello', text: 'Sign in.', html: '<p>Sign in.' };
  const kinds: [what: string, options: Partial<EmailVerificationOptions>][] = [
    ['a code', {}],
    ['a code in the background', { delivery: 'background' }],
    ['a code by a custom template', { template: () => suppressed }],
    ['an email in place of a code', { beforeSend: () => ({ kind: 'suppress', mail: suppressed }) }],
  ];

  it.each(kinds)('T58: %s has an X-Entity-Ref-ID that no other email has', async (_what, options) => {
    const clock = startClock();
    const service = await open({ store: storeOf('MemoryStore', clock.read), ...WIDE, ...options });
    for (let sent = 0; sent < 5; sent += 1) {
      clock.pass(2000);
      expect((await service.send({ email: 'minji@example.com' })).status).toBe(200);
    }
    await service.verification.close();
    const references = mail.messages.map(({ headers }) => headers['x-entity-ref-id']);
    expect(references).toHaveLength(5);
    expect(new Set(references).size).toBe(5);
    for (const reference of references) expect(reference).toMatch(/^[0-9a-z-]{20,}$/i);
  });

  it.each(kinds)('T58: %s asks for no automatic reply of any kind', async (_what, options) => {
    const service = await open({ store: storeOf('MemoryStore'), ...options });
    await service.send({ email: 'minji@example.com' });
    await service.verification.close();
    expect(mail.messages.map(({ headers }) => headers['x-auto-response-suppress'])).toEqual(['All']);
    expect(mail.messages.map(({ headers }) => headers['auto-submitted'])).toEqual(['auto-generated']);
  });

  it('T58: a custom delivery gets these headers too', async () => {
    const received: Mail[] = [];
    const service = await open({
      store: storeOf('MemoryStore'),
      delivery: async (message) => void received.push(message),
    });
    await service.send({ email: 'minji@example.com' });
    await service.send({ email: 'jun@example.com' });
    expect(received.map(({ headers }) => headers)).toEqual(
      Array(2).fill(
        expect.objectContaining({
          'Auto-Submitted': 'auto-generated',
          'X-Auto-Response-Suppress': 'All',
          'X-Entity-Ref-ID': expect.stringMatching(/^.{20,}$/),
        }),
      ),
    );
    const reference = ({ headers }: Mail) => Object(headers)['X-Entity-Ref-ID'];
    expect(new Set(received.map(reference)).size).toBe(2);
  });
});

/** The raw email without what is random or timed: its code, ids, date and boundary. */
function withoutRandomParts({ raw, text }: ReceivedMessage): string {
  const code = /\b\d{6}\b/.exec(text)?.[0] ?? '';
  const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
  return raw
    .replaceAll(code, 'CODE')
    .replaceAll(boundary, 'BOUNDARY')
    .replace(/^(Message-ID|Date|X-Entity-Ref-ID): .*$/gim, '$1');
}
