/** What can be brought into a mail from outside: nothing but a language. */

import { type EmailVerificationOptions, en, type Mail } from 'express-email-verification';
import type { ReceivedMessage } from '../../demo-app/development/mail-server.js';
import { startClock, useFrontDoor, WIDE } from './front-door.js';

const { mail, open, storeOf } = useFrontDoor();

const MARKUP = '<img src=x onerror=alert(1)><a href="https://evil.example">"\'&</a>';

it('T15: markup in the app name is escaped in the HTML, and stays what it is in the text', async () => {
  const door = await open({ store: storeOf('MemoryStore'), appName: MARKUP });
  await door.send({ email: 'minji@example.com' });
  const { html, text } = mail.mails[0] ?? { html: '', text: '' };
  expect(html).not.toContain('<img');
  expect(html).not.toContain('<a ');
  expect(html).toContain(
    '&lt;img src=x onerror=alert(1)&gt;&lt;a href=&quot;https://evil.example&quot;&gt;&quot;&#39;&amp;',
  );
  expect(text).toContain(MARKUP);
});

it.each([
  "a'b@example.com",
  'a&b@example.com',
  'a`b@example.com',
  'a}b{{c}}@example.com',
  'a<b>c@example.com',
  'a$1@example.com',
])('T15: the address %s is nowhere in the words of the mail', async (email) => {
  const door = await open({ store: storeOf('MemoryStore'), locales: {} });
  const { status } = await door.send({ email });
  if (status === 400) return expect(mail.mails).toEqual([]);
  expect(mail.mails[0]?.html).not.toContain(email.slice(0, email.indexOf('@')));
  expect(mail.mails[0]?.text).not.toContain(email.slice(0, email.indexOf('@')));
});

it('T15: words of a locale of the app are escaped too', async () => {
  const evil = { ...en, mail: { ...en.mail, heading: MARKUP, ignore: MARKUP, preview: () => MARKUP } };
  const door = await open({ store: storeOf('MemoryStore'), locales: { en: evil } });
  await door.send({ email: 'minji@example.com' });
  expect(mail.mails[0]?.html).not.toMatch(/<img|<a /);
});

it('T19: the mail is the same whatever the headers of the request: promise 12', async () => {
  const clock = startClock();
  const door = await open({ store: storeOf('MemoryStore', clock.read), ...WIDE });
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
    expect((await door.post('/ev/send', { email }, more)).status).toBe(200);
  }
  expect(mail.mails).toHaveLength(headers.length);
  const [first, ...others] = mail.mails.map(withoutChance);
  for (const other of others) expect(other).toBe(first);
  expect(first).not.toMatch(/evil/i);
});

it('T19: the one header that counts is the language, and nothing of it but a choice', async () => {
  const door = await open({ store: storeOf('MemoryStore'), ...WIDE });
  await door.post(
    '/ev/send',
    { email: 'minji@example.com' },
    { 'accept-language': 'ko-KR-x-evil, en;q=0.5' },
  );
  expect(mail.mails[0]?.headers['content-language']).toBe('ko');
  expect(mail.mails[0]?.raw).not.toMatch(/evil/i);
});

describe('T58: what keeps the emails of one person apart, and holiday notes away', () => {
  const suppressed = { subject: 'Hello', text: 'Sign in.', html: '<p>Sign in.' };
  const kinds: [what: string, options: Partial<EmailVerificationOptions>][] = [
    ['a code', {}],
    ['a code in the background', { delivery: 'background' }],
    ['a code by a template of the app', { template: () => suppressed }],
    ['an email in place of a code', { beforeSend: () => ({ kind: 'suppress', mail: suppressed }) }],
  ];

  it.each(kinds)('T58: %s has an X-Entity-Ref-ID that no other email has', async (_what, options) => {
    const clock = startClock();
    const door = await open({ store: storeOf('MemoryStore', clock.read), ...WIDE, ...options });
    for (let sent = 0; sent < 5; sent += 1) {
      clock.pass(2000);
      expect((await door.send({ email: 'minji@example.com' })).status).toBe(200);
    }
    await door.verification.close();
    const references = mail.mails.map(({ headers }) => headers['x-entity-ref-id']);
    expect(references).toHaveLength(5);
    expect(new Set(references).size).toBe(5);
    for (const reference of references) expect(reference).toMatch(/^[0-9a-z-]{20,}$/i);
  });

  it.each(kinds)('T58: %s asks Exchange for no answer of any kind', async (_what, options) => {
    const door = await open({ store: storeOf('MemoryStore'), ...options });
    await door.send({ email: 'minji@example.com' });
    await door.verification.close();
    expect(mail.mails.map(({ headers }) => headers['x-auto-response-suppress'])).toEqual(['All']);
    expect(mail.mails.map(({ headers }) => headers['auto-submitted'])).toEqual(['auto-generated']);
  });

  it('T58: a delivery of the app is handed them too', async () => {
    const handed: Mail[] = [];
    const door = await open({
      store: storeOf('MemoryStore'),
      delivery: async (message) => void handed.push(message),
    });
    await door.send({ email: 'minji@example.com' });
    await door.send({ email: 'jun@example.com' });
    expect(handed.map(({ headers }) => headers)).toEqual(
      Array(2).fill(
        expect.objectContaining({
          'Auto-Submitted': 'auto-generated',
          'X-Auto-Response-Suppress': 'All',
          'X-Entity-Ref-ID': expect.stringMatching(/^.{20,}$/),
        }),
      ),
    );
    const reference = ({ headers }: Mail) => Object(headers)['X-Entity-Ref-ID'];
    expect(new Set(handed.map(reference)).size).toBe(2);
  });
});

/** The bytes of a mail without what is drawn or timed for each: its code, its ids and its boundary. */
function withoutChance({ raw, text }: ReceivedMessage): string {
  const code = /\b\d{6}\b/.exec(text)?.[0] ?? '';
  const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
  return raw
    .replaceAll(code, 'CODE')
    .replaceAll(boundary, 'BOUNDARY')
    .replace(/^(Message-ID|Date|X-Entity-Ref-ID): .*$/gim, '$1');
}
