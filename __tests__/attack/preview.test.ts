/** What an inbox shows of an email before it is opened, and that spam filters do not mind how this is done. */
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmailVerificationOptions, en, ko, type Locale } from 'express-email-verification';
import nodemailer from 'nodemailer';
import { useServices } from './services.js';

const { mail, open, storeOf } = useServices();
const email = 'minji@example.com';

/** More than any inbox or lock screen shows of a message, such as Gmail's snippet or five lines on a phone. */
const PREVIEW = 200;

async function sent(options: Partial<EmailVerificationOptions> = {}, locale = 'en') {
  const service = await open({ store: storeOf('MemoryStore'), ...options });
  expect((await service.send({ email, locale })).status).toBe(200);
  const code = await mail.lastCode(email);
  const message = mail.messages.at(-1);
  if (!message) throw new Error('No email arrived.');
  return { ...message, code };
}

/** The words of a page in order, as mail clients build a preview: white space collapsed, entities decoded. */
function wordsOf(html: string): string {
  return html
    .replace(/<head>.*<\/head>|<!--.*?-->|<[^>]*>/gs, ' ')
    .replace(/&#(\d+);/g, (_entity, point) => String.fromCodePoint(Number(point)))
    .replaceAll('&nbsp;', '\u00a0')
    .replace(/[ \t\r\n]+/g, ' ')
    .trim();
}

/** A locale of few words, none of them before the code. */
const terse: Locale = {
  ...en,
  mail: {
    ...en.mail,
    preview: () => 'Hi',
    heading: 'Hi',
    instruction: () => 'Code:',
    expiry: () => 'Soon.',
    ignore: 'Or not.',
  },
};

describe('T59: lock screens do not show the code', () => {
  const messages: [what: string, options: Partial<EmailVerificationOptions>, locale: string][] = [
    ['English', {}, 'en'],
    ['Korean', {}, 'ko'],
    ['10 digits', { codeLength: 10 }, 'en'],
    ['10 digits in Korean', { codeLength: 10 }, 'ko'],
    ['an origin', { origin: 'https://acme.example' }, 'en'],
    ['an app name of one letter', { appName: 'A' }, 'ko'],
    ['a terse locale', { locales: { en: terse } }, 'en'],
    ['background delivery', { delivery: 'background' }, 'ko'],
    ['the code in its subject', { codeInSubject: true }, 'ko'],
  ];

  it.each(messages)(
    'T59: with %s the preview of the HTML ends before the code',
    async (_what, options, locale) => {
      const { html, code } = await sent(options, locale);
      const words = wordsOf(html);
      expect(words).toContain(code);
      expect(words.slice(0, PREVIEW)).not.toContain(code.slice(0, 4));
      // The preview text comes first.
      const { preview = en.mail.preview } = (options.locales ?? { en, ko })[locale]?.mail ?? {};
      expect(words.startsWith(preview(options.appName ?? 'Acme'))).toBe(true);
    },
  );

  it.each(messages)(
    'T59: with %s the preview of the text ends before the code',
    async (_what, options, locale) => {
      const { text, code } = await sent(options, locale);
      const words = text.replace(/\s+/g, ' ').trim();
      expect(words.indexOf(code)).toBeGreaterThanOrEqual(PREVIEW);
      expect(words.slice(0, PREVIEW)).not.toContain(code.slice(0, 4));
      // The code has its own line, so it is easy to copy, and no line is wider than a terminal.
      expect(text.split('\n')).toContain(code);
      for (const line of text.split('\n')) expect(line.length).toBeLessThan(100);
    },
  );
});

describe('T59: the email matches no more spam rules than that of a tutorial', () => {
  it.each(['en', 'ko'])(
    'T59: the HTML hides nothing with styles that filters look for, in %s',
    async (locale) => {
      const { html } = await sent({ origin: 'https://acme.example' }, locale);
      const styles = [...html.matchAll(/\bstyle\s*=\s*"([^"]*)"/g)].map(([, style = '']) => style);
      expect(styles.length).toBeGreaterThan(5);
      for (const style of styles) {
        expect(style).not.toMatch(/display\s*:\s*none|visibility\s*:\s*hidden/i);
        expect(style).not.toMatch(
          /font(-size)?\s*:\s*[0-4](\.\d+)?(px|pt|em|%|;|$)|color\s*:\s*transparent|opacity/i,
        );
        const [, background] = /background:(#\w+)/.exec(style) ?? [];
        if (background) expect(style).not.toMatch(new RegExp(`[^-]color:${background}`));
      }
    },
  );

  const found = spawnSync('spamassassin', ['--version']).status === 0;
  const withSpamAssassin = found ? it : it.skip;
  const run = promisify(execFile);

  withSpamAssassin(
    'T59: SpamAssassin reports no rule that it does not report for the email of a tutorial (skipped if not installed)',
    async () => {
      const text = { en: 'Your code is 483920.', ko: '인증번호는 483920입니다.' };
      const subject = { en: 'Your code for Acme', ko: 'Acme 인증번호' };
      const transport = nodemailer.createTransport(mail.url);
      // Relays with and without a reverse DNS name have different rules.
      const relays = ['mail.acme.example [93.184.216.34]', 'unknown [93.184.216.34]'];
      const rows: { path: string; tutorial: string | undefined; what: string }[] = [];
      const save = async (what: string, tutorial?: string) => {
        const raw = mail.messages.at(-1)?.raw ?? '';
        for (const [index, relay] of relays.entries()) {
          const path = join(tmpdir(), `${process.pid}-${rows.length}.eml`);
          const received = `Received: from mail.acme.example (${relay})\r\n\tby mx.example.com with ESMTPS id 4Tabcd1234z\r\n\tfor <${email}>; ${new Date().toUTCString()}\r\n`;
          await writeFile(path, received + raw);
          rows.push({ path, what: `${what} ${index}`, tutorial: tutorial && `${tutorial} ${index}` });
        }
      };
      for (const locale of ['en', 'ko'] as const) {
        const html = `<p>${text[locale]}</p>`;
        const message = { from: 'Acme <hello@acme.example>', to: email, subject: subject[locale] };
        await transport.sendMail({ ...message, text: text[locale], html });
        await save(`tutorial ${locale}`);
        for (const codeLength of [6, 10]) {
          for (const origin of [undefined, 'https://acme.example']) {
            for (const codeInSubject of [false, true]) {
              await sent({ codeLength, origin, codeInSubject }, locale);
              await save(`${locale} ${codeLength} ${origin} ${codeInSubject}`, `tutorial ${locale}`);
            }
          }
        }
      }
      transport.close();

      const { stdout } = await run(
        'spamassassin',
        ['--local', '--nocreate-prefs', '--test-mode', ...rows.map(({ path }) => path)],
        { maxBuffer: 64 * 1024 * 1024 },
      );
      const statuses = stdout.match(/^X-Spam-Status: .*(?:\n[ \t].*)*/gm) ?? [];
      expect(statuses).toHaveLength(rows.length);
      const rules = new Map(
        rows.map(({ what }, index) => {
          const [, tests = ''] = /tests=((?:[A-Z0-9_]+,?\s*)+)/.exec(statuses[index] ?? '') ?? [];
          return [what, tests.split(/[\s,]+/).filter((rule) => /^[A-Z0-9_]+$/.test(rule))];
        }),
      );
      for (const { what, tutorial } of rows) {
        if (tutorial === undefined) continue;
        const surplus = rules.get(what)?.filter((rule) => !rules.get(tutorial)?.includes(rule));
        expect([what, surplus]).toEqual([what, []]);
      }
    },
  );
});
