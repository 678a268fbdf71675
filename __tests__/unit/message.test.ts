/** The email: one recipient, the right headers, and texts that cannot break out of it. */
import { type EmailVerificationOptions, en, MemoryStore } from 'express-email-verification';
import nodemailer from 'nodemailer';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'person@example.com';

async function sendTo(
  options: Partial<EmailVerificationOptions> = {},
  headers: Record<string, string> = {},
  more = {},
) {
  const { app } = createTestApp({ store: new MemoryStore(), transport: mail.url, ...options });
  await request(app)
    .post('/ev/send')
    .set(headers)
    .send({ email, ...more })
    .expect(200);
  return mail.server.waitForMessage();
}
const header = ({ raw }: { raw: string }, name: string) =>
  new RegExp(`^${name}: (.*(?:\\r?\\n[ \\t].*)*)`, 'im').exec(raw)?.[1]?.replace(/\r?\n[ \t]/g, ' ');

it('goes to exactly the canonical address, in the envelope and the header', async () => {
  const received = await sendTo({}, {}, { email: ' Person@EXAMPLE.com' });
  expect(received.envelope).toEqual({ from: 'hello@acme.example', to: [email] });
  expect(header(received, 'To')).toBe(email);
});

it('ignores recipients in the defaults of a transporter', async () => {
  const transport = nodemailer.createTransport({ url: mail.url } as never, {
    cc: 'cc@example.com',
    bcc: 'bcc@example.com',
    to: 'to@example.com',
  });
  const received = await sendTo({ transport });
  transport.close();
  expect(received.envelope.to).toEqual([email]);
  expect(received.raw).not.toMatch(/cc@example\.com|to@example\.com/);
});

it('is refused if a plugin of a transporter adds a recipient', async () => {
  const transport = nodemailer.createTransport(mail.url);
  transport.use('compile', ({ data }, done) => {
    data.envelope = { from: 'hello@acme.example', to: [email, 'other@example.com'] };
    done();
  });
  const { app } = createTestApp({ store: new MemoryStore(), transport });
  const answer = await request(app).post('/ev/send').send({ email });
  transport.close();
  expect(answer.body).toMatchObject({ ok: false, reason: 'delivery_failed' });
  expect(mail.messages).toEqual([]);
});

it('is marked as automatic, and names its language', async () => {
  const received = await sendTo({}, { 'Accept-Language': 'ko' });
  expect(header(received, 'Auto-Submitted')).toBe('auto-generated');
  expect(header(received, 'Content-Language')).toBe('ko');
  expect(received.html).toContain('<html lang="ko" dir="ltr">');
  expect(received.subject).toBe('Acme 인증번호');
  expect(received.text).toContain('3분 후에 만료되며 한 번만 쓸 수 있습니다.');
});

it('holds the code as one word in its text and HTML, not in its subject', async () => {
  const received = await sendTo();
  const code = await mail.lastCode(email);
  expect(received.html).toContain(`>${code}<`);
  expect(received.subject).toBe('Your code for Acme');
  expect(received.headers).not.toHaveProperty('otp-token');
});

it('holds the code in its subject if the app wants it', async () => {
  const received = await sendTo({ codeInSubject: true, locales: { en } });
  expect(received.subject).toBe(`${await mail.lastCode(email)} is your code for Acme`);
});

it('binds the code to the origin of the page, for browsers that fill it in', async () => {
  const received = await sendTo({ origin: 'https://acme.example' });
  const code = await mail.lastCode(email);
  expect(header(received, 'OTP-Token')).toBe(`"${code}"; origin="https://acme.example"`);
  expect(received.text.trimEnd().split('\n').at(-1)).toBe(`@acme.example #${code}`);
});

it('escapes the app name (T15)', async () => {
  const received = await sendTo({ appName: '<b onclick="x">Acme & Söhne</b>' });
  expect(received.html).toContain('&lt;b onclick=&quot;x&quot;&gt;Acme &amp; Söhne&lt;/b&gt;');
  expect(received.html).not.toContain('<b ');
});

it('arrives whole with an app name that begins with a full stop, also when it is prepared', async () => {
  const { app } = createTestApp({ store: new MemoryStore(), transport: mail.url, appName: '.Acme' });
  for (const person of ['a', 'b', 'c', 'd']) {
    await request(app)
      .post('/ev/send')
      .send({ email: `${person}@example.com` })
      .expect(200);
    await mail.lastCode(`${person}@example.com`);
    expect(mail.messages.at(-1)?.text.split('\n')[0]).toBe('.Acme');
  }
});

it('is the same whatever the headers of the request (T19)', async () => {
  const plain = (text: string) =>
    text.replace(/\d{6}|(Message-ID|Date|X-Entity-Ref-ID|boundary|Content-Type|--).*/gi, '');
  const first = await sendTo();
  mail.clear();
  const second = await sendTo(
    {},
    { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', Referer: 'https://evil.example' },
  );
  expect(plain(second.raw)).toBe(plain(first.raw));
  expect(second.raw).not.toContain('evil');
});

it('is built by a custom template', async () => {
  const template = jest.fn(({ code, expiresIn, appName }) => ({
    subject: `Hi from ${appName}`,
    text: `${code} for ${expiresIn} s`,
    html: `<p>${code}`,
  }));
  const received = await sendTo({ template });
  expect(received.text).toContain(`${await mail.lastCode(email)} for 180 s`);
  // Once in each language at start, once for the email.
  expect(template).toHaveBeenCalledTimes(3);
});
