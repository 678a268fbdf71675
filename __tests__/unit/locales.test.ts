/** The languages of the package: each is complete, correct in its plurals, and found by the tags that people send. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  en,
  ko,
  type Locale,
  MemoryStore,
  type PartialLocale,
} from 'express-email-verification';
import { ar } from 'express-email-verification/locales/ar';
import { de } from 'express-email-verification/locales/de';
import { es } from 'express-email-verification/locales/es';
import { ptBR } from 'express-email-verification/locales/pt-BR';
import { ru } from 'express-email-verification/locales/ru';
import { zhHans } from 'express-email-verification/locales/zh-Hans';
import { zhHant } from 'express-email-verification/locales/zh-Hant';
import request from 'supertest';
import { checkLocales, chooseDefault } from '../../lib/locales/check-locales.js';
import { chooseLocale } from '../../lib/locales/index.js';
import { isBuiltIn } from '../../lib/locales/locale.js';
import { defaultTemplate } from '../../lib/mail/template.js';
import { createTestApp } from '../support/app.js';
import { LANGUAGES } from '../support/languages.js';

const languagesOf = (option: object, defaultLocale = 'en') =>
  chooseDefault(checkLocales(option), defaultLocale);

it('there is one file for each language, and each is in these tests', () => {
  const files = readdirSync(join(__dirname, '../../lib/locales'));
  const languages = files
    .filter((file) => /^[a-z]{2}(-\w+)?\.ts$/.test(file))
    .map((file) => file.slice(0, -'.ts'.length));
  expect(languages.sort()).toEqual(LANGUAGES.map(([tag]) => tag).sort());
  expect(languages).toHaveLength(15);
});

/** Every text of a locale, with the numbers and names that it is given. */
function textsOf({ answers, fields, mail }: Locale): [name: string, text: string][] {
  const texts: [string, string][] = [];
  const add = (name: string, text: unknown, ...samples: unknown[][]) => {
    if (typeof text === 'string') texts.push([name, text]);
    if (typeof text !== 'function') return;
    for (const sample of samples) texts.push([`${name}(${sample.join(', ')})`, text(...sample)]);
  };
  const counts = [0, 1, 2, 3, 5, 11, 21, 60, 120, 180, 3600, 7200, 86_400].map((count) => [count]);
  for (const [name, text] of Object.entries({ ...answers, ...fields })) add(name, text, ...counts);
  for (const [name, text] of Object.entries(mail))
    add(name, text, ...(name === 'expiry' ? counts : [['Acme', '012345']]));
  return texts;
}

describe.each(LANGUAGES)('%s', (tag, locale) => {
  const texts = textsOf(locale);

  it('has every text of English, for every number', () => {
    expect(texts.map(([name]) => name)).toEqual(textsOf(en).map(([name]) => name));
    for (const [name, text] of texts) expect([name, text]).toEqual([name, expect.stringMatching(/\S/)]);
    expect(locale.tag).toBe(tag);
    expect(isBuiltIn(locale)).toBe(true);
  });

  it('has no text twice, no stray space, and no English', () => {
    const english = new Map(textsOf(en));
    for (const [name, text] of texts) {
      expect([name, text]).toEqual([name, text.normalize('NFC').trim()]);
      expect([name, text]).not.toEqual([
        name,
        expect.stringMatching(/undefined|null|NaN|\[object|\$\{| {2}/),
      ]);
      if (tag !== 'en') {
        expect([name, text]).not.toEqual([name, english.get(name)]);
        expect([name, text]).not.toEqual([
          name,
          expect.stringMatching(/\b(the|your|you|please|enter|request|seconds|hours?)\b/i),
        ]);
      }
    }
    const withoutNumber = Object.entries({ ...locale.answers, ...locale.fields, ...locale.mail });
    const strings = withoutNumber.flatMap(([, text]) => (typeof text === 'string' ? [text] : []));
    expect(new Set(strings).size).toBe(strings.length);
  });

  it('writes all digits as 0 to 9, and only those it was given', () => {
    for (const [name, text] of texts) {
      expect([name, text.match(/\p{Nd}/gu)?.filter((digit) => !/[0-9]/.test(digit)) ?? []]).toEqual([
        name,
        [],
      ]);
    }
    // A person may paste the sentence around the code: it holds no other digits than those.
    expect(locale.mail.subjectWithCode('Acme', '012345').match(/\d+/g)).toEqual(['012345']);
    expect(locale.mail.instruction('Acme')).not.toMatch(/\d/);
    expect(locale.fields.code(8).match(/\d+/g)).toEqual(['8']);
  });

  it('names the app in the email, and how long its code is valid', () => {
    for (const name of ['subject', 'preview', 'instruction'] as const)
      expect(locale.mail[name]('Acme')).toContain('Acme');
    expect(locale.mail.subjectWithCode('Acme', '012345')).toContain('Acme');
    expect(locale.mail.expiry(180)).toContain('3');
    expect(locale.mail.expiry(179)).toContain('179');
    expect(locale.mail.requestedFor?.('minji@example.com')).toContain('minji@example.com');
    expect(locale.answers.too_many_requests(7201)).toContain('3');
    expect(locale.answers.code_incorrect(4)).toContain('4');
    expect(locale.answers.code_incorrect(0)).not.toContain('0');
  });

  it('writes an email with its language and direction, and the code from left to right', () => {
    const { html, text } = defaultTemplate({
      email: 'minji@example.com',
      code: '012345',
      expiresIn: 180,
      purpose: 'signup',
      data: undefined,
      appName: 'Acme',
      locale,
      originHost: 'acme.example',
      codeInSubject: false,
    });
    const dir = tag === 'ar' ? 'rtl' : 'ltr';
    expect(html).toContain(`<html lang="${tag}" dir="${dir}">`);
    expect(html).toMatch(new RegExp(`<td align="${dir === 'rtl' ? 'right' : 'left'}"`));
    expect(html).toMatch(/<td class="code" dir="ltr"[^>]*>012345<\/td>/);
    expect(html).toMatch(/<p class="soft" dir="ltr"[^>]*>@acme\.example #012345<\/p>/);
    expect(text.split('\n')).toEqual(expect.arrayContaining(['012345', '@acme.example #012345']));
    // A lock screen shows no more than the beginning.
    expect(text.replace(/\s+/g, ' ').indexOf('012345')).toBeGreaterThanOrEqual(200);
    // Korean breaks lines between words only; a line of Chinese or Japanese is one word.
    expect(html.includes('word-break:keep-all')).toBe(!/^(ja|zh)/.test(tag));
  });
});

describe('numbers have the forms that a language needs', () => {
  it.each([
    [1, '1 попытка', '1 секунду', '1 минуту'],
    [2, '2 попытки', '2 секунды', '2 минуты'],
    [5, '5 попыток', '5 секунд', '5 минут'],
    [11, '11 попыток', '11 секунд', '11 минут'],
    [21, '21 попытка', '21 секунду', '21 минуту'],
  ])('Russian, %i', (count, attempts, seconds, minutes) => {
    expect(ru.answers.code_incorrect(count)).toContain(attempts);
    expect(ru.answers.code_incorrect(count)).toContain(/попытка/.test(attempts) ? 'Осталась' : 'Осталось');
    expect(ru.answers.too_many_requests(count)).toContain(`через ${seconds}.`);
    expect(ru.mail.expiry(count * 60).replaceAll('\u00a0', ' ')).toContain(` через ${minutes}.`);
  });

  it.each([
    [1, 'محاولة واحدة', 'ثانية واحدة', 'دقيقة واحدة'],
    [2, 'محاولتان', 'ثانيتين', 'دقيقتين'],
    [5, '5 محاولات', '5 ثوانٍ', '5 دقائق'],
    [11, '11 محاولة', '11 ثانية', '11 دقيقة'],
    [21, '21 محاولة', '21 ثانية', '21 دقيقة'],
  ])('Arabic, %i', (count, attempts, seconds, minutes) => {
    expect(ar.answers.code_incorrect(count)).toContain(`لك ${attempts}.`);
    expect(ar.answers.too_many_requests(count)).toContain(`بعد ${seconds}.`);
    expect(ar.mail.expiry(count * 60)).toContain(`بعد ${minutes}،`);
  });

  it('the other languages', () => {
    const lastWords = (text: string) => text.replaceAll('\u00a0', ' ').split(' ').slice(-2).join(' ');
    expect([1, 2].map((count) => lastWords(de.answers.code_incorrect(count)))).toEqual([
      '1 Versuch.',
      '2 Versuche.',
    ]);
    expect([1, 2].map((count) => lastWords(es.answers.code_incorrect(count)))).toEqual([
      '1 intento.',
      '2 intentos.',
    ]);
    expect(es.answers.code_incorrect(1)).toContain('Te queda 1');
    expect([1, 2].map((count) => lastWords(ptBR.answers.code_incorrect(count)))).toEqual([
      '1 tentativa.',
      '2 tentativas.',
    ]);
    expect(lastWords(es.answers.too_many_requests(3601))).toBe('61 minutos.');
    expect(lastWords(de.answers.too_many_requests(1))).not.toContain('Sekunden');
  });
});

describe('a tag finds the language', () => {
  const chinese = { zhHans, zhHant, 'pt-BR': ptBR, es };

  it.each([
    ...['zh', 'zh-CN', 'zh-SG', 'zh-Hans', 'zh-Hans-CN', 'zh-Hans-HK', 'ZH-cn'].map((tag) => [
      tag,
      'zh-Hans',
    ]),
    ...['zh-TW', 'zh-HK', 'zh-MO', 'zh-Hant', 'zh-Hant-HK', 'zh-Hant-TW', 'zh-tw'].map((tag) => [
      tag,
      'zh-Hant',
    ]),
    ...['pt', 'pt-BR', 'pt-PT', 'pt-AO'].map((tag) => [tag, 'pt-BR']),
    ...['es', 'es-MX', 'es-419', 'es-ES'].map((tag) => [tag, 'es']),
    ...['ko-KR', 'ko-Kore-KR'].map((tag) => [tag, 'ko']),
    ...['en-GB', 'en-US-POSIX'].map((tag) => [tag, 'en']),
    ...['tlh', '', '-', 'z', 'zho', 'pt_BR'].map((tag) => [tag, undefined]),
  ])('%j: %s', (tag, expected) => {
    expect(chooseLocale(languagesOf(chinese), tag)?.tag).toBe(expected);
  });

  it.each([
    ['letters', 'zh'.repeat(5000), undefined],
    ['subtags', 'zh-'.repeat(5000), 'zh-Hans'],
  ])('in 10,000 characters of %s', (_what, tag, expected) => {
    expect(chooseLocale(languagesOf(chinese), tag)?.tag).toBe(expected);
  });

  it('every region in the script that Unicode CLDR gives it', () => {
    const languages = languagesOf(chinese);
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const wrong = letters.flatMap((first) =>
      letters
        .map((second) => new Intl.Locale(`zh-${first}${second}`))
        // `Intl` replaces codes that are out of use, such as UK by GB.
        .filter((tag) => /^[A-Z]{2}$/.test(tag.region ?? ''))
        .filter((tag) => chooseLocale(languages, tag.toString())?.tag !== `zh-${tag.maximize().script}`),
    );
    expect(wrong.map(String)).toEqual([]);
  });

  it('the other script of a language before another language', () => {
    expect(chooseLocale(languagesOf({ zhHant }), 'zh-CN')).toBe(zhHant);
    expect(chooseLocale(languagesOf({ zhHans }), 'zh-TW')).toBe(zhHans);
    expect(chooseLocale(languagesOf({ zhHant, zhHans }), 'zh')).toBe(zhHans);
  });

  it('a locale of its own before another one of the same language', () => {
    const own = { ...es, tag: 'es-MX' };
    const languages = languagesOf({ es, 'es-MX': own, pt: en, 'pt-BR': ptBR });
    expect(chooseLocale(languages, 'es-MX')).toBe(own);
    expect(chooseLocale(languages, 'es-CO')).toBe(es);
    expect(chooseLocale(languages, 'pt-PT')).toBe(en);
  });

  it.each([
    ['zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7', zhHant],
    ['zh-CN,zh;q=0.9,en;q=0.8', zhHans],
    ['zh-Hant-HK;q=1.0, zh-Hans-CN;q=0.9', zhHant],
    ['tlh, es-MX;q=0.8, en;q=0.5', es],
    ['en;q=0.5, pt;q=0.9', ptBR],
    ['es;q=0, ko', ko],
    ['tlh, *;q=0.5', zhHant],
    ['*', zhHant],
    ['tlh', zhHant],
    ['', zhHant],
  ])('in Accept-Language: %s', async (header, expected) => {
    const { app } = createTestApp({
      store: new MemoryStore(),
      transport: 'smtp://127.0.0.1:1',
      locales: chinese,
      defaultLocale: 'zh-Hant',
    });
    const { body } = await request(app).post('/ev/send').set('Accept-Language', header).send({}).expect(400);
    expect(body.message).toBe(expected.answers.invalid_request);
  });
});

describe('a partial locale', () => {
  const options: EmailVerificationOptions = {
    store: new MemoryStore(),
    transport: 'smtp://127.0.0.1:1',
    from: 'Acme <hello@acme.example>',
    secret: 'a secret of 32 bytes, for these tests alone',
  };

  let warnings: string[];
  let spy: jest.SpyInstance;
  beforeEach(() => {
    warnings = [];
    spy = jest
      .spyOn(process, 'emitWarning')
      .mockImplementation((warning) => void warnings.push(String(warning)));
  });
  afterEach(() => spy.mockRestore());

  const complete = (locales: Record<string, PartialLocale>) => checkLocales(locales);

  it('takes what is missing from English, text by text, and one warning names it', () => {
    const { tag, dir, fields, mail } = de;
    const { sent, verified, ...answers } = de.answers;
    createEmailVerification({
      ...options,
      locales: {
        de: { tag, dir, answers, fields, mail: { ...mail, heading: undefined } },
        nl: { answers: { ...en.answers, sent: 'Verzonden.' }, mail },
      },
    });
    expect(warnings).toEqual([
      'English replaces texts that `locales` lacks: de.answers.sent, de.answers.verified, de.mail.heading, nl.fields.',
    ]);
    const german = complete({ de: { tag, dir, answers, fields, mail } }).get('de');
    expect(german).toEqual({
      ...de,
      answers: { ...answers, sent: en.answers.sent, verified: en.answers.verified },
    });
  });

  it('names the languages without a text for codes of letters, if an app has such codes', () => {
    const { letterCode, ...fields } = de.fields;
    const locales = { de: { ...de, fields }, nl: { ...de, tag: 'nl', fields }, ar };
    createEmailVerification({ ...options, locales });
    expect(warnings).toEqual([]);
    createEmailVerification({ ...options, locales, codeAlphabet: 'letters' });
    expect(warnings).toEqual([
      'English replaces texts that `locales` lacks: de.fields.letterCode, nl.fields.letterCode.',
    ]);
    expect(letterCode).toEqual(expect.any(String));
  });

  it('takes nothing from English that has a substitute in its own language', () => {
    const { captcha, recipient_refused, code_outdated, sent, ...answers } = de.answers;
    const { emailNotString, codeNotString, ...fields } = de.fields;
    const german = complete({ de: { answers, fields, mail: de.mail } }).get('de');
    expect(german?.answers.captcha).toBe(undefined);
    expect(german?.answers.recipient_refused).toBe(undefined);
    expect(german?.answers.code_outdated).toBe(undefined);
    expect(german?.fields.emailNotString).toBe(undefined);
    expect(german?.fields.codeNotString).toBe(undefined);
    expect(warnings).toEqual(['English replaces texts that `locales` lacks: de.answers.sent.']);
  });

  it('without a sentence for the address, names the address alone', () => {
    const { requestedFor, ...mail } = de.mail;
    const locales = complete({ de: { ...de, mail }, nl: { answers: en.answers, fields: en.fields, mail } });
    expect(warnings).toEqual([]);
    for (const tag of ['de', 'nl']) {
      const locale = locales.get(tag);
      if (!locale) throw new Error(`no ${tag}`);
      expect(locale.mail.requestedFor).toBe(undefined);
      const input = { email: 'minji@example.com', code: '012345', expiresIn: 180, purpose: 'signup', locale };
      const more = { appName: 'Acme', data: undefined, originHost: undefined, codeInSubject: false };
      const { text, html } = defaultTemplate({ ...input, ...more }, { showEmail: true });
      expect(text.split('\n')).toContain('minji@example.com');
      expect(html).toContain('>minji@example.com</p>');
    }
    expect(requestedFor).toEqual(expect.any(Function));
  });

  it('replaces single texts of its language without a warning', () => {
    const sent = '인증번호를 보냈어요.';
    const locales = complete({
      ko: { answers: { sent } },
      'es-MX': { mail: { heading: 'Hola' } },
      es: { ...es, mail: { ...es.mail, heading: 'Buenas' } },
      'en-GB': {},
    });
    expect(locales.get('ko')).toEqual({ ...ko, answers: { ...ko.answers, sent } });
    expect(locales.get('es-mx')).toEqual({ ...es, tag: 'es-MX', mail: { ...es.mail, heading: 'Hola' } });
    expect(locales.get('en-gb')).toEqual({ ...en, tag: 'en-GB' });
    expect(warnings).toEqual([]);
  });

  it('takes tag and direction from its name', () => {
    const { answers, fields, mail } = en;
    const locales = complete({
      he: { answers, fields, mail },
      'pa-Arab': { answers, fields, mail },
      pa: { answers, fields, mail },
      fa: { answers, fields, mail, dir: 'ltr' },
    });
    expect([...locales.values()].map(({ tag, dir }) => `${tag} ${dir}`)).toEqual([
      ...['en ltr', 'ko ltr', 'he rtl', 'pa ltr', 'fa ltr', 'pa-Arab rtl'],
    ]);
    expect(warnings).toEqual([]);
  });

  it('is still checked: a text of another kind, or an unknown one', () => {
    const create = (locale: object) => () => createEmailVerification({ ...options, locales: { nl: locale } });
    expect(create({ answers: { sent: 5 } })).toThrow(
      'The `locales.nl.answers.sent` option must be a string.',
    );
    expect(create({ mail: { expiry: 'x' } })).toThrow(
      'The `locales.nl.mail.expiry` option must be a function',
    );
    expect(create({ answers: { send: '' } })).toThrow('Unknown option `locales.nl.answers.send`.');
  });

  it('of a class keeps its texts, and those that use `this`', () => {
    class Dutch {
      readonly sent = 'Verzonden.';
      too_many_requests(seconds: number) {
        return `${this.sent} ${seconds}`;
      }
    }
    const dutch = complete({ nl: { answers: new Dutch() } }).get('nl');
    expect(dutch?.answers.too_many_requests(5)).toBe('Verzonden. 5');
    expect(dutch?.answers.verified).toBe(en.answers.verified);
  });
});

it('a name, an address, a line for support and small print keep their own direction in a right-to-left email', () => {
  const input = {
    ...{ email: 'minji@example.com', code: '012345', expiresIn: 180, purpose: 'signup', data: undefined },
    codeInSubject: true,
  };
  const written = (locale: Locale) =>
    defaultTemplate(
      { ...input, appName: 'Acme, Inc.', originHost: undefined, locale },
      { support: 'Questions? Call us!', footer: 'Acme, Inc.', showEmail: true },
    );
  const { subject, text, html } = written(ar);
  for (const part of [subject, text, html]) expect(part).toContain('\u2068Acme, Inc.\u2069');
  for (const part of [text, html]) expect(part).toContain(' \u2068minji@example.com\u2069.');
  for (const small of ['Questions\\? Call us!', 'Acme, Inc\\.'])
    expect(html).toMatch(new RegExp(`<p class="soft" dir="auto"[^>]*>${small}</p>`));
  for (const part of Object.values(written(de))) expect(part).not.toMatch(/[\u2066-\u2069]/);
});

it('an Arabic subject reads from right to left, although a code of letters comes first', () => {
  const subject = ar.mail.subjectWithCode('Acme', 'GHJK-BCDF');
  // The first strong character of a line decides its direction (UAX #9, P2 and P3).
  expect(/[\p{L}\u200e\u200f]/u.exec(subject)?.[0]).toBe('\u200f');
});
