/** What `beforeSend` may choose for one email, and what an app can add to the default email. */
import {
  type BeforeSend,
  createEmailVerification,
  defaultTemplate,
  type EmailVerificationEvents,
  type EmailVerificationOptions,
  en,
  MemoryStore,
  type TemplateInput,
  type TemplateOptions,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();
const email = 'minji@example.com';

function start(
  beforeSend: (input: { email: string }) => unknown,
  options: Partial<EmailVerificationOptions> = {},
) {
  return createEmailVerification({
    store: new MemoryStore(),
    transport: mail.url,
    from: FROM,
    secret: SECRET,
    storeTimeout: 10_000,
    beforeSend: beforeSend as BeforeSend,
    ...options,
  });
}

describe("{ kind: 'send' }", () => {
  it('sends one email from another sender, in its header, its envelope and its Message-ID', async () => {
    const verification = start(() => ({ kind: 'send', from: 'Beta <hi@beta.example>' }));
    const delivered: EmailVerificationEvents['delivered'][] = [];
    verification.on('delivered', (event) => delivered.push(event));
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    const message = await mail.server.waitForMessage();
    expect(message).toMatchObject({
      from: { name: 'Beta', address: 'hi@beta.example' },
      envelope: { from: 'hi@beta.example', to: [email] },
      subject: 'Your code for Beta',
    });
    expect(message.headers['message-id']).toBe(delivered[0]?.messageId);
    expect(delivered[0]?.messageId).toMatch(/@beta\.example>$/);
    await verification.close();
  });

  it('applies to this email alone, also when its messages are prepared', async () => {
    const names: Record<string, string> = { 'b@example.com': 'Beta', 'd@example.com': 'Delta' };
    const verification = start(({ email }) => names[email] && { kind: 'send', appName: names[email] });
    for (const to of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      await verification.send({ email: `${to}@example.com` });
      await mail.lastCode(`${to}@example.com`);
    }
    const subjects = mail.messages.map(({ envelope, subject }) => `${envelope.to[0]}: ${subject}`);
    expect(subjects).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(
        (to) => `${to}@example.com: Your code for ${names[`${to}@example.com`] ?? 'Acme'}`,
      ),
    );
    await verification.close();
  });

  it('prefers its own `appName` to the name of its sender', async () => {
    const verification = start(() => ({ kind: 'send', appName: 'Gamma', from: 'Beta <hi@beta.example>' }));
    await verification.send({ email });
    expect((await mail.server.waitForMessage()).subject).toBe('Your code for Gamma');
    await verification.close();
  });

  it('passes the canonical address to the template', async () => {
    const verification = start(() => undefined, {
      template: (input) => defaultTemplate(input, { showEmail: true }),
    });
    await verification.send({ email: ' MinJi@Example.com', locale: 'ko' });
    const { html, text } = await mail.server.waitForMessage();
    for (const part of [html, text])
      expect(part).toContain('minji@example.com 주소로 인증번호 요청이 접수되어 보내 드리는 메일입니다.');
    await verification.close();
  });

  it('passes `data` to the template, with the purpose', async () => {
    const seen: unknown[] = [];
    const verification = start(() => ({ kind: 'send', data: { device: 'a phone' } }), {
      purpose: 'sign-in',
      template: ({ code, data, purpose }) => {
        seen.push({ data, purpose });
        return { subject: 'x', text: code, html: code };
      },
    });
    await verification.send({ email });
    expect(seen.at(-1)).toEqual({ data: { device: 'a phone' }, purpose: 'sign-in' });
    // At the start, the template is tried without.
    expect(seen[0]).toEqual({ data: undefined, purpose: 'sign-in' });
    await verification.close();
  });

  it.each([
    ['a name with a line feed', { appName: 'a\nb' }, '`appName` option of the result of `beforeSend`'],
    [
      'a sender with two addresses',
      { from: 'a@b.co, c@d.co' },
      '`from` option of the result of `beforeSend`',
    ],
    ['a sender without an address', { from: { name: 'x' } }, '`from.address` option of the result'],
    ['an unset variable', { from: 'Acme <undefined@acme.example>' }, '`from` option of the result'],
    ['an unknown name', { appname: 'x' }, 'Did you mean `appName`?'],
  ])('refuses %s before anything is stored or sent', async (_what, words, error) => {
    let fields: object = words;
    const verification = start(() => ({ kind: 'send', ...fields }));
    await expect(verification.send({ email })).rejects.toThrow(error);
    expect(mail.messages).toEqual([]);
    // Neither the limits nor the queue have kept anything.
    fields = {};
    expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    await verification.close();
  });
});

it("with { kind: 'suppress' }, the other email can have a sender of its own", async () => {
  const content = { subject: 'You have an account', text: 'Sign in', html: '<p>Sign in' };
  const verification = start(() => ({ kind: 'suppress', mail: content, from: 'Beta <hi@beta.example>' }));
  expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
  await until('the email is there', () => mail.messages.length === 1);
  expect(mail.messages[0]).toMatchObject({
    subject: 'You have an account',
    envelope: { from: 'hi@beta.example', to: [email] },
  });
  await verification.close();
});

describe('defaultTemplate()', () => {
  const input: TemplateInput = {
    email,
    code: '012345',
    expiresIn: 180,
    appName: 'Acme',
    purpose: 'signup',
    data: undefined,
    locale: en,
    originHost: 'acme.example',
    codeInSubject: false,
  };
  const logo = { url: 'https://acme.example/logo.png', width: 120, height: 32 };

  it('without options, returns what the package sends by default', async () => {
    const verification = start(() => undefined, { template: defaultTemplate });
    await verification.send({ email });
    const { html, text, subject } = await mail.server.waitForMessage();
    const code = await mail.lastCode(email);
    const expected = defaultTemplate({ ...input, code, originHost: undefined });
    expect({ subject, text: text.trimEnd() }).toEqual({ subject: expected.subject, text: expected.text });
    expect(html.trim()).toBe(expected.html.trim());
    await verification.close();
  });

  it("opens with the app's name, or with its logo", () => {
    const opening = (html: string) => /class="card"[^>]*>\n<tr><td[^>]*>\n(.*)\n<h1/.exec(html)?.[1];
    const named = defaultTemplate({ ...input, appName: 'Acme & <Co>' });
    expect(opening(named.html)).toMatch(/^<p class="strong"[^>]*>Acme &amp; &lt;Co&gt;<\/p>$/);
    expect(opening(defaultTemplate(input, { logo }).html)).toMatch(/^<img [^>]*alt="Acme"[^>]*>$/);
    expect(named.text.split('\n\n').slice(0, 2)).toEqual(['Acme & <Co>', 'Verify your email address']);
    expect(defaultTemplate(input, { logo }).text.split('\n')[0]).toBe('Acme');
  });

  it('names the address only with `showEmail`', () => {
    for (const showEmail of [undefined, false])
      for (const part of Object.values(defaultTemplate(input, { showEmail })))
        expect(part).not.toContain('minji');
    const { text, html } = defaultTemplate({ ...input, email: "o'neil&co@example.com" }, { showEmail: true });
    expect(text).toContain("This code was requested for o'neil&co@example.com.");
    expect(html).toContain('>This code was requested for o&#39;neil&amp;co@example.com.</p>');
    expect(text.indexOf(input.code)).toBeGreaterThan(200);
  });

  it('escapes what it is given', () => {
    const { html } = defaultTemplate(input, {
      logo: { ...logo, url: 'https://acme.example/?a=1&b="', alt: '<Acme>' },
      support: '<b>help</b>',
      footer: '"Acme" & Co\nSpringfield',
    });
    expect(html).toContain('src="https://acme.example/?a=1&amp;b=&quot;" alt="&lt;Acme&gt;"');
    expect(html).toContain('&lt;b&gt;help&lt;/b&gt;');
    expect(html).toContain('&quot;Acme&quot; &amp; Co<br>Springfield');
  });

  it('keeps the accent in dark mode, and the line that binds the code to a site last', () => {
    const { html, text } = defaultTemplate(input, { colors: { accent: '#0a5fd1' }, footer: 'Acme Inc.' });
    expect(html).toContain('border-top-color: #0a5fd1 !important');
    expect(text.split('\n').at(-1)).toBe('@acme.example #012345');
  });

  it.each<[string, object, string]>([
    ['an unknown name', { colours: {} }, 'Did you mean `colors`?'],
    [
      'an unknown color',
      { colors: { text: '#000000' } },
      'Unknown option `colors.text` of defaultTemplate()',
    ],
    [
      'a named color',
      { colors: { accent: 'red' } },
      '`colors.accent` option of defaultTemplate() must be a color',
    ],
    ['markup as a color', { colors: { page: '#fff"><script>' } }, '`colors.page` option'],
    ['a dark background for the code', { colors: { code: '#333333' } }, '`colors.code` option'],
    [
      'a background on which the code has a contrast of 4.15',
      { colors: { code: '#7a7a7a' } },
      '`colors.code` option',
    ],
    ['a logo without TLS', { logo: { ...logo, url: 'http://acme.example/x.png' } }, '`logo.url` option'],
    ['a logo wider than the email', { logo: { ...logo, width: 561 } }, '`logo.width` option'],
    ['a logo without a height', { logo: { url: logo.url, width: 10 } }, '`logo.height` option'],
    ['a footer that is no string', { footer: 7 }, '`footer` option'],
    ['a text as a switch', { showEmail: 'yes' }, '`showEmail` option of defaultTemplate() must be true'],
  ])('refuses %s when the app starts', (_what, options, error) => {
    const template = (one: TemplateInput) => defaultTemplate(one, options as TemplateOptions);
    expect(() => start(() => undefined, { template })).toThrow(error);
  });
});
