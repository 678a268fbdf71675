/** An email without a code, which an app sends in place of one. */
import {
  type BeforeSend,
  type BrandOptions,
  createEmailVerification,
  MemoryStore,
  type Notice,
  noticeTemplate,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();

const notice: Notice = {
  locale: 'en',
  appName: 'Acme',
  subject: 'You already have an account',
  heading: 'You have an account',
  paragraphs: ['Somebody entered your address.', 'Please sign in.'],
  link: { url: 'https://acme.example/sign-in?a=1&b=2', label: 'Sign in' },
  note: 'If it was not you, ignore this email.',
};

it('is sent in place of a code, and looks like the email with one', async () => {
  const beforeSend: BeforeSend = ({ email, locale }) =>
    email.startsWith('known') ? { kind: 'suppress', mail: noticeTemplate({ ...notice, locale }) } : undefined;
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
    beforeSend,
  });
  for (const email of ['known@example.com', 'free@example.com']) {
    expect(await verification.send({ email, locale: 'ko' })).toMatchObject({ kind: 'sent' });
  }
  await until('both emails are there', () => mail.messages.length === 2);
  const htmlTo = (person: string) =>
    mail.messages.find(({ envelope }) => envelope.to[0] === person)?.html ?? '';
  const [known, free] = [htmlTo('known@example.com'), htmlTo('free@example.com')];
  const card = /<body[^>]*>|class="card" [^>]*>\s*<tr><td[^>]*>\s*<p[^>]*>Acme<\/p>\s*<h1[^>]*>/g;
  expect(known.match(card)).toHaveLength(2);
  expect(known.match(card)).toEqual(free.match(card));
  expect(known).toContain('<html lang="ko" dir="ltr">');
  await verification.close();
});

it('has its words in order, in the text and in the HTML', () => {
  const { subject, text, html } = noticeTemplate(notice, {
    support: 'Questions? Call us.',
    footer: 'Acme Inc.',
  });
  expect(subject).toBe('You already have an account');
  expect(text).toBe(
    `Acme

You have an account

Somebody entered your address.

Please sign in.

Sign in
https://acme.example/sign-in?a=1&b=2

If it was not you, ignore this email.

Questions? Call us.

Acme Inc.`,
  );
  const words = html.replace(/<head>.*<\/head>|<!--.*?-->|<[^>]*>|&#847;|&nbsp;/gs, ' ').replace(/\s+/g, ' ');
  expect(words.trim()).toBe(
    'Somebody entered your address. Acme You have an account Somebody entered your address. Please sign in. ' +
      'Sign in If it was not you, ignore this email. Questions? Call us. Acme Inc.',
  );
  expect(html).toContain('<a href="https://acme.example/sign-in?a=1&amp;b=2"');
});

it('needs neither a link nor a note', () => {
  const { text, html } = noticeTemplate({
    ...notice,
    paragraphs: ['Hello.'],
    link: undefined,
    note: undefined,
  });
  expect(text).toBe('Acme\n\nYou have an account\n\nHello.');
  expect(html).not.toMatch(/<a |class="button"|undefined/);
});

it('escapes every word that it is given (T15)', () => {
  const markup = '<img src=x onerror=alert(1)>"\'&';
  const { html, text } = noticeTemplate(
    {
      ...{ locale: 'en', appName: markup, subject: markup, heading: markup, paragraphs: [markup, markup] },
      ...{ link: { url: 'https://acme.example/?"><img src=x>', label: markup }, note: markup },
    },
    { support: markup, footer: markup },
  );
  expect(html).not.toMatch(/<img/);
  expect(html.match(/&lt;img src=x onerror=alert\(1\)&gt;&quot;&#39;&amp;/g)).toHaveLength(10);
  expect(text.split(markup)).toHaveLength(9);
});

it('reads from right to left in the languages that do', () => {
  const { html, text } = noticeTemplate({ ...notice, locale: 'ar', appName: 'Acme, Inc.' });
  expect(html).toContain('<html lang="ar" dir="rtl">');
  expect(html).toContain('<td align="right"');
  for (const part of [html, text]) expect(part).toContain('\u2068Acme, Inc.\u2069');
  expect(noticeTemplate({ ...notice, locale: 'pa-Arab' }).html).toContain('dir="rtl"');
  expect(noticeTemplate({ ...notice, locale: 'pa' }).html).toContain('dir="ltr"');
});

it('takes a logo and colors, as the email with a code does', () => {
  const logo = { url: 'https://acme.example/logo.png', width: 120, height: 32 };
  const { html } = noticeTemplate(notice, { logo, colors: { accent: '#0a5fd1', page: '#eef3fa' } });
  expect(html).toContain('<img src="https://acme.example/logo.png" alt="Acme" width="120" height="32"');
  expect(html).toContain('border-top:4px solid #0a5fd1');
  expect(html).toContain('background:#eef3fa');
});

it.each<[what: string, words: object, options: object, error: string]>([
  ['an unknown name', { body: 'x' }, {}, 'Unknown option `body` of noticeTemplate()'],
  [
    'a missing subject',
    { subject: undefined },
    {},
    '`subject` option of noticeTemplate() must be a string of',
  ],
  ['a heading that is no string', { heading: 7 }, {}, '`heading` option'],
  ['no paragraph', { paragraphs: [] }, {}, '`paragraphs` option of noticeTemplate() must be an array of one'],
  ['a paragraph that is no string', { paragraphs: ['x', 7] }, {}, '`paragraphs` option'],
  [
    'a language that is none',
    { locale: 'e n' },
    {},
    '`locale` option of noticeTemplate() must be a language tag',
  ],
  ['a link with a script', { link: { url: 'javascript:alert(1)', label: 'x' } }, {}, '`link.url` option'],
  ['a link without words', { link: { url: 'https://acme.example' } }, {}, '`link.label` option'],
  ['a note that is no string', { note: 7 }, {}, '`note` option'],
  [
    'options of the email with a code',
    {},
    { showEmail: true },
    'Unknown option `showEmail` of noticeTemplate()',
  ],
  [
    'a named color',
    {},
    { colors: { page: 'red' } },
    '`colors.page` option of noticeTemplate() must be a color',
  ],
])('refuses %s', (_what, words, options, error) => {
  expect(() => noticeTemplate({ ...notice, ...words } as Notice, options as BrandOptions)).toThrow(error);
});

it('quotes neither a link, which may hold a token, nor a paragraph, which may hold an address', () => {
  const link = { url: 'ftp://acme.example/?token=s3cret', label: 'x' };
  const paragraphs = ['minji@example.com', 7 as never];
  for (const words of [{ link }, { paragraphs }]) {
    let message = '';
    try {
      noticeTemplate({ ...notice, ...words });
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/must be/);
    expect(message).not.toMatch(/s3cret|minji/);
  }
});
