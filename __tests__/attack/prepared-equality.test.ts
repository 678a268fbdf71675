/** A prepared message equals what nodemailer composes, byte for byte, except for its date and boundary. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { en, ko, type Locale, MemoryStore } from 'express-email-verification';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { buildMessage, type MessageInput } from '../../lib/mail/message.js';
import { createPreparedMessages } from '../../lib/mail/prepared.js';
import type { RawMessage } from '../../lib/mail/smtp/composer.js';
import { createSettings, type EmailVerificationOptions } from '../../lib/options/options.js';
import { LANGUAGES, LOCALES } from '../support/languages.js';
import { randomRuns } from '../support/random-runs.js';

const OPTIONS: EmailVerificationOptions = {
  transport: { host: '127.0.0.1', port: 25 },
  from: 'Acme <hello@acme.example>',
  secret: 'a secret of 32 bytes, for these tests alone',
  store: new MemoryStore(),
};
const LIFETIME = 180_000;

function start(options: Partial<EmailVerificationOptions> = {}) {
  const settings = createSettings({ ...OPTIONS, ...options });
  const prepared = createPreparedMessages(settings, settings.transports[0]?.pool);
  const recipient = {
    email: 'person@example.com',
    locale: en,
    reference: '0b8ee0d3-6a3c-4a43-8d6d-1f0b1c2d3e4f',
    code: settings.codes.write(settings.codes.samples[2]),
  };

  async function composed(to: MessageInput, lifetime: number): Promise<RawMessage> {
    const built = buildMessage(to, lifetime, settings);
    if (built.kind === 'failed' || !settings.transports[0]?.pool) throw new Error('not built');
    return settings.transports[0]?.pool.compose(built.message);
  }
  /** Waits until the message is prepared; undefined if it never is. */
  async function ready(to: MessageInput = recipient, lifetime = LIFETIME): Promise<RawMessage | undefined> {
    for (let n = 0; n < 100; n += 1) {
      const message = prepared(to, lifetime);
      if (message) return message;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return undefined;
  }
  return { settings, prepared, recipient, composed, ready };
}

/** The message without the parts that differ each time. */
function comparable({ raw, envelope }: RawMessage) {
  const text = raw.toString('latin1');
  const [, boundary = ''] = /boundary="([^"]+)"/.exec(text) ?? [];
  return {
    envelope,
    text: text
      .replaceAll(boundary, 'BOUNDARY')
      .replace(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/m, 'DATE'),
  };
}

const cases: [what: string, options: Partial<EmailVerificationOptions>][] = [
  ['without an origin', {}],
  ['with an origin', { origin: 'https://acme.example' }],
  ['with an origin whose port a code cannot be bound to', { origin: 'https://acme.example:8443' }],
  ['with ten digits', { codeLength: 10, origin: 'https://acme.example' }],
  ['with letters', { codeAlphabet: 'letters', origin: 'https://acme.example' }],
  ['with a sender without a name', { from: 'hello@acme.example' }],
  ['with a sender in Korean', { from: { name: '아크메', address: 'hello@acme.example' } }],
  ['with a comma in the name', { from: { name: 'Acme, Inc.', address: 'hello@acme.example' } }],
  ['with an emoji in the name', { from: { name: 'Acme 🚀', address: 'hello@acme.example' } }],
  ['with an international domain', { from: { name: 'Acme', address: 'hello@애크미.example' } }],
  ['with dots, quotes and markup in the app name', { appName: `.Acme's "best" <app> & = more =3D` }],
  ['with a long app name', { appName: 'A very long name '.repeat(5).trim() }],
  ['with digits that look like codes', { appName: '111111 222222 012345', from: '111111@acme.example' }],
];

async function isAsComposed(locale: Locale, options: Partial<EmailVerificationOptions>, runs: number) {
  const { settings, recipient, composed, ready } = start({ locales: LOCALES, ...options });
  const to = { ...recipient, locale };
  const prepared = await ready(to);
  if (!prepared) throw new Error('never prepared');
  expect(comparable(prepared)).toEqual(comparable(await composed(to, LIFETIME)));

  const { codes } = settings;
  const code = fc.stringMatching(codes.plain).map(codes.write);
  await fc.assert(
    fc.asyncProperty(code, email, async (code, email) => {
      const to = { email, locale, code, reference: randomUUID() };
      const message = await ready(to);
      if (!message) throw new Error('not prepared');
      expect(comparable(message)).toEqual(comparable(await composed(to, LIFETIME)));
    }),
    { numRuns: runs },
  );
}

describe.each([
  ['en', en],
  ['ko', ko],
])('in %s', (_tag, locale) => {
  it.each(cases)('%s', (_what, options) => isAsComposed(locale, options, randomRuns(30)));
});

const others = LANGUAGES.filter(([tag]) => tag !== 'en' && tag !== 'ko');
const few: [what: string, options: Partial<EmailVerificationOptions>][] = [
  ['six digits', { appName: `Acme's, "Inc." = <3` }],
  ['ten digits and an origin', { codeLength: 10, origin: 'https://acme.example' }],
];

describe.each(others)('in %s', (_tag, locale) => {
  it.each(few)('with %s', (_what, options) => isAsComposed(locale, options, randomRuns(10)));
});

const email = fc.oneof(
  fc
    .tuple(
      fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}$/),
      fc.stringMatching(/^([a-z0-9]{1,60}\.){1,3}com$/),
    )
    .map(([local, domain]) => `${local}@${domain}`),
  fc.integer({ min: 62, max: 80 }).map((length) => `${'a'.repeat(length - 12)}@example.com`),
  fc.constant(`${'a'.repeat(64)}@${'b'.repeat(61)}.${'c'.repeat(61)}.${'d'.repeat(60)}.com`),
  fc.constant('first=second?third_fourth%fifth@example.com'),
);

it('fills in a code in an ASCII subject, and leaves an encoded subject to nodemailer', async () => {
  const { recipient, composed, ready } = start({ codeInSubject: true });
  const message = await ready();
  expect(message && comparable(message)).toEqual(comparable(await composed(recipient, LIFETIME)));
  expect(String(message?.raw)).toContain('Subject: 012345 is your code for Acme');

  const encoded = start({ codeInSubject: true, appName: '아크메' });
  const other = await encoded.ready({ ...encoded.recipient, locale: ko });
  if (other)
    expect(comparable(other)).toEqual(
      comparable(await encoded.composed({ ...encoded.recipient, locale: ko }, LIFETIME)),
    );
});

it('each message has the reference of its email, and its own date', async () => {
  const { ready, recipient } = start();
  await ready();
  const reference = randomUUID();
  const message = await ready({ ...recipient, reference });
  expect(message?.messageId).toBe(`<${reference}@acme.example>`);
  const raw = String(message?.raw);
  expect(raw).toContain(`\r\nMessage-ID: <${reference}@acme.example>\r\n`);
  expect(raw).toContain(`\r\nX-Entity-Ref-ID: ${reference}\r\n`);
  const date = Date.parse(/^Date: (.+)\r$/m.exec(raw)?.[1] ?? '');
  expect(Math.abs(date - Date.now())).toBeLessThan(60_000);
});

it('the time left is exact to the second', async () => {
  const { recipient, ready, composed } = start();
  for (const lifetime of [180_000, 179_400, 121_000, 60_000, 31_001]) {
    const message = await ready(recipient, lifetime);
    expect(message && comparable(message)).toEqual(comparable(await composed(recipient, lifetime)));
  }
});

it('the texts of an app are read for each email, as they may name the time', async () => {
  let emails = 0;
  const locale = { ...en, mail: { ...en.mail, expiry: () => `Email number ${++emails}.` } };
  const { recipient, ready } = start({ locales: { 'en-GB': locale } });
  expect(await ready({ ...recipient, locale })).toBe(undefined);
  // The locale that it was copied from has the same tag.
  expect(String((await ready())?.raw)).not.toContain('Email number');
});

it('the texts of an app are read for each email, also if they have not changed so far', async () => {
  const locale = { ...en, mail: { ...en.mail, expiry: () => 'Valid until the shop closes.' } };
  const { recipient, ready } = start({ locales: { 'en-GB': locale } });
  expect(await ready({ ...recipient, locale })).toBe(undefined);
});

it('only the 64 newest are kept, whatever the languages and times left', async () => {
  const { recipient, prepared, ready } = start();
  expect(await ready()).toBeDefined();
  for (let seconds = 1; seconds <= 63; seconds += 1) prepared(recipient, seconds * 1000);
  expect(prepared(recipient, LIFETIME)).toBeDefined();
  prepared(recipient, 64_000);
  expect(prepared(recipient, LIFETIME)).toBe(undefined);
});

it('what `beforeSend` chose for one email is left to nodemailer', async () => {
  const { recipient, prepared, ready } = start();
  expect(await ready()).toBeDefined();
  const words = { from: undefined, appName: 'Beta' };
  expect(prepared({ ...recipient, words }, LIFETIME)).toBe(undefined);
  expect(prepared(recipient, LIFETIME)).toBeDefined();
});

it('none of 10,000 messages holds a code or an address of another', async () => {
  const { ready, prepared } = start({ origin: 'https://acme.example' });
  for (const locale of [en, ko]) {
    const reference = randomUUID();
    await ready({ email: 'first@example.com', locale, code: '999999', reference });
    for (let n = 0; n < 5000; n += 1) {
      const code = String(n * 199).padStart(6, '0');
      const message = prepared({ email: `person-${n}@example.com`, locale, code, reference }, LIFETIME);
      const raw = String(message?.raw);
      expect(message?.envelope.to).toEqual([`person-${n}@example.com`]);
      expect(raw.match(/[\w-]+@example\.com/g)).toEqual([`person-${n}@example.com`]);
      const text = decoded(raw);
      expect(new Set(text.match(/(?<![#\w&;:=.-])[0-9]{6}(?![\w;-])/g))).toEqual(new Set([code]));
    }
  }
});

describe('parsers of other mail programs read it as the person should', () => {
  const SENDERS: EmailVerificationOptions['from'][] = [
    'hello@acme.example',
    { name: '아크메', address: 'hello@acme.example' },
    { name: 'Acme, Inc.', address: 'hello@acme.example' },
    { name: 'Acme 🚀', address: 'hello@acme.example' },
  ];
  const LONGEST = `${'a'.repeat(64)}@${'b'.repeat(61)}.${'c'.repeat(61)}.${'d'.repeat(60)}.com`;
  const messages: { raw: string; to: string; from: { name: string; address: string }; code: string }[] = [];

  beforeAll(async () => {
    for (const from of SENDERS)
      for (const [tag, locale] of LANGUAGES) {
        // With other senders, these two stand for all.
        if (from !== SENDERS[0] && tag !== 'en' && tag !== 'ko') continue;
        for (const origin of [undefined, 'https://acme.example'])
          for (const codeLength of [6, 10])
            for (const to of [LONGEST, 'first=second?third_fourth%fifth@example.com']) {
              const { ready } = start({ from, origin, codeLength });
              const code = '0012345678'.slice(0, codeLength);
              const message = await ready({ email: to, locale, code, reference: randomUUID() });
              if (!message) throw new Error('never prepared');
              const sender = typeof from === 'object' ? from : { address: String(from) };
              const named = { name: '', ...sender };
              messages.push({ raw: message.raw.toString('latin1'), to, from: named, code });
            }
      }
  });

  it('postal-mime', async () => {
    for (const { raw, to, from, code } of messages) {
      const parsed = await PostalMime.parse(Buffer.from(raw, 'latin1'));
      expect(parsed).toMatchObject({ from, to: [{ address: to, name: '' }] });
      expect(parsed.text).toContain(code);
      expect(parsed.html).toContain(code);
    }
  });

  const python = spawnSync('python3', ['-c', 'import email.policy']).status === 0;
  (python ? it : it.skip)("Python's email, which finds no defect", () => {
    const script = `
import email, email.policy, json, sys
for message in json.load(sys.stdin):
    parsed = email.message_from_bytes(message['raw'].encode('latin1'), policy=email.policy.SMTP)
    assert not any(part.defects for part in parsed.walk()), message['raw']
    assert all(not getattr(value, 'defects', None) for value in parsed.values()), message['raw']
    [sender], [recipient] = parsed['From'].addresses, parsed['To'].addresses
    assert (sender.display_name, sender.addr_spec) == (message['from']['name'], message['from']['address']), message['raw']
    assert recipient.addr_spec == message['to'], message['raw']
    assert [part.get_content_type() for part in parsed.iter_parts()] == ['text/plain', 'text/html'], message['raw']
    assert all(message['code'] in part.get_content() for part in parsed.iter_parts()), message['raw']
    assert all(len(line) <= 998 for line in message['raw'].split('\\r\\n')), message['raw']
print('read')
`;
    const { stdout, stderr } = spawnSync('python3', ['-c', script], { input: JSON.stringify(messages) });
    expect([String(stdout), String(stderr)]).toEqual(['read\n', '']);
  });
});

/** With base64 parts decoded in place. */
function decoded(raw: string): string {
  return raw.replace(/(base64\r\n\r\n)([A-Za-z0-9+/=\r\n]+)/g, (_part, head: string, body: string) => {
    return head + Buffer.from(body, 'base64').toString();
  });
}

it.each<[string, Partial<EmailVerificationOptions>]>([
  ['a custom template', { template: ({ code }) => ({ subject: 'x', text: code, html: code }) }],
  ['a custom transporter', { transport: { sendMail: async () => {} } }],
  ['a transport without a pool', { transport: { host: '127.0.0.1', pool: false } }],
  ['another transport', { transport: { jsonTransport: true } }],
])('with %s nodemailer composes every message', async (_what, options) => {
  const { prepared, recipient } = start(options);
  for (let n = 0; n < 3; n += 1) {
    expect(prepared(recipient, LIFETIME)).toBe(undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
