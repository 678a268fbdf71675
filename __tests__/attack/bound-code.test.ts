/** The line that binds a code to its origin, parsed as the specification says. */
import type { EmailVerificationOptions, Mail, Template, TemplateInput } from 'express-email-verification';
import { useServices } from './services.js';

const { mail, open, storeOf } = useServices();
const email = 'minji@example.com';

async function sent(options: Partial<EmailVerificationOptions>, locale = 'en') {
  const service = await open({ store: storeOf('MemoryStore'), ...options });
  expect((await service.send({ email, locale })).status).toBe(200);
  const code = await mail.lastCode(email);
  const message = mail.messages.at(-1);
  if (!message) throw new Error('No email arrived.');
  return { ...message, code };
}

/** "Parse an origin-bound one-time code message" (WICG origin-bound one-time codes, §3.2). */
function parseBoundCode(message: string): { origin: string; code: string } | 'failure' {
  const line = message.replace(/\r\n?/g, '\n').split('\n').at(-1) ?? '';
  const [, host = '', code = ''] = /^@([^\t\n\f\r ]+) #([^\t\n\f\r ]+)(?: |$)/.exec(line) ?? [];
  // The host must be valid in a URL, with the default port.
  const origin = `https://${host}`;
  return URL.canParse(origin) && new URL(origin).host === new URL(origin).hostname && code !== ''
    ? { origin: new URL(origin).origin, code }
    : 'failure';
}

/** The text part as it came over the wire: the line break before a boundary belongs to the boundary (RFC 2046 §5.1.1). */
function textOnTheWire(raw: string): string {
  const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
  const part = raw.split(`--${boundary}`).find((one) => /^\s*Content-Type: text\/plain/i.test(one)) ?? '';
  const [head = '', ...rest] = part.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n').replace(/\r\n$/, '');
  if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString();
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

const bindable = [
  'https://acme.example',
  'https://mail.acme-app.example',
  'https://xn--vf4b131b.xn--3e0b707e',
  'https://localhost',
];
const notBindable = [
  'https://acme.example:8443',
  'https://localhost:3000',
  'http://localhost',
  'http://localhost:3000',
  'http://app.localhost:3000',
  'http://127.0.0.1',
  'http://127.0.0.1:8080',
  'http://[::1]:3000',
];
const ways: [what: string, locale: string, options: Partial<EmailVerificationOptions>][] = [
  ['English', 'en', {}],
  ['Korean', 'ko', {}],
  ['10 digits', 'en', { codeLength: 10 }],
  ['a name so long that lines are folded', 'en', { appName: 'A name that takes many words '.repeat(3) }],
  ['background delivery', 'ko', { delivery: 'background' }],
];

describe.each(ways)('in %s', (_what, locale, options) => {
  it.each(bindable)('T60: the last line of the text binds the code to %s', async (origin) => {
    const { raw, code, html, headers } = await sent({ origin, ...options }, locale);
    const text = textOnTheWire(raw);
    expect(text).toContain(code);
    expect(parseBoundCode(text)).toEqual({ origin, code });
    expect(html).toContain(`>@${new URL(origin).host} #${code}<`);
    expect(headers['otp-token']).toBe(`"${code}"; origin="${origin}"`);
  });

  it.each([undefined, ...notBindable])(
    'T60: with %s as the origin the line is left out, as it would be invalid',
    async (origin) => {
      const { raw, code, html } = await sent({ origin, ...options }, locale);
      const text = textOnTheWire(raw);
      expect(text.split('\n').at(-1)?.trim()).toBe(code);
      expect(parseBoundCode(text)).toBe('failure');
      for (const part of [text, html]) {
        expect(part).not.toContain(`#${code}`);
        expect(part).not.toMatch(/@(?!media)/);
      }
    },
  );
});

it('T60: a custom delivery receives a text that ends in the code, not in a line feed', async () => {
  const received: Mail[] = [];
  const delivery = async (message: Mail) => void received.push(message);
  for (const origin of [...bindable, ...notBindable]) {
    const service = await open({ store: storeOf('MemoryStore'), delivery, origin });
    await service.send({ email });
  }
  expect(received).toHaveLength(bindable.length + notBindable.length);
  for (const { text } of received) expect(text).toMatch(/(^|\n|#)\d{6}$/);
});

it('T60: a custom template gets an originHost only if a code can be bound to it', async () => {
  const originHosts: TemplateInput['originHost'][] = [];
  const template: Template = ({ code, originHost }) => ({
    subject: 'Code',
    text: `${code}\n${originHost}`,
    html: code,
  });
  for (const origin of [...bindable, undefined, ...notBindable]) {
    const { text } = await sent({ origin, template });
    const host = text.trim().split('\n').at(-1);
    originHosts.push(host === 'undefined' ? undefined : host);
  }
  const hosts = [
    ...bindable.map((origin) => new URL(origin).host),
    undefined,
    ...notBindable.map(() => undefined),
  ];
  expect(originHosts).toEqual(hosts);
});
