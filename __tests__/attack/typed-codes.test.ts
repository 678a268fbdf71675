/** A code as people paste it, with what surrounds it in the email, and what is not a code at all. */
import { createEmailVerification, type EmailVerificationOptions, en } from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { LANGUAGES } from '../support/languages.js';
import { memoryInbox, useServices, wrongCode } from './services.js';

const { mail, open, storeOf } = useServices();
const email = 'minji@example.com';

async function openWithCode(options: Partial<EmailVerificationOptions> = {}) {
  const { delivery, lastCode } = memoryInbox();
  const service = await open({ store: storeOf('MemoryStore'), delivery, ...options });
  const { challengeId } = (await service.send({ email })).body;
  const verify = (code: unknown) => service.verify({ email, code, challengeId });
  return { service, verify, code: lastCode(email) };
}

const digitsFrom = (zero: number) => (code: string) =>
  code.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
const fullWidth = digitsFrom(0xff10);
const inTwo = (code: string, between: string) =>
  `${code.slice(0, code.length / 2)}${between}${code.slice(code.length / 2)}`;

const pasted: [what: string, typed: (code: string) => string][] = [
  ['a number sign', (code) => `#${code}`],
  ['the last line of the email', (code) => `@acme.example #${code}`],
  ['the last line and one before it', (code) => `\n\n@acme.example #${code}\n`],
  ['a full stop', (code) => `${code}.`],
  ['a comma', (code) => `${code},`],
  ['a colon before it', (code) => `: ${code}`],
  ['quotation marks', (code) => `“${code}”`],
  ['brackets', (code) => `[${code}]`],
  ['full-width brackets', (code) => `（${code}）`],
  ['asterisks', (code) => `*${code}*`],
  ['a greater-than sign of a reply', (code) => `> ${code}`],
  ['an ideographic full stop', (code) => `${code}。`],
  ['emoji around it', (code) => `👉 ${code} 👈`],
  ['a word before it', (code) => `code ${code}`],
  ['a letter prefix', (code) => `G-${code}`],
  ['a sentence', (code) => `Your code is ${code}.`],
  ['a sentence that begins with it', (code) => `${code} is your code for Acme`],
  [
    'its minutes in a sentence',
    (code) => `Your code is ${code}. It expires in 3 minutes and can be used once.`,
  ],
  ['its minutes on a line of their own', (code) => `${code}\n\n3 minutes, once`],
  ['its minutes right after it', (code) => `Code: ${code} 3 minutes`],
  ['its minutes right before it', (code) => `expires in 3 min: 3 ${code}`],
  ['a time', (code) => `${code} (valid until 12:30)`],
  ['a time and seconds', (code) => `12:30:45 ${code}`],
  ['a date', (code) => `Your code of 2026-11-25: ${code}`],
  ['a date without dashes in between', (code) => `${code}, 25 November 2026`],
  ['a date and a time', (code) => `2026-11-25 12:30 Acme: ${code} is your code`],
  ['a telephone number', (code) => `${code} is your code. Questions? +82 2-1234-56789`],
  ['an amount', (code) => `Code ${code} for your order of $12.50`],
  ['Korean', (code) => `인증번호는 ${code}입니다.`],
  ['Korean, with the minutes of the email', (code) => `${code}\n\n3분 후에 만료되며 한 번만 쓸 수 있습니다.`],
  ['Korean, with the minutes right after it', (code) => `인증번호 ${code} 3분 동안 유효`],
  ['Korean, its subject', (code) => `${code} - Acme 인증번호`],
  ['Korean, in brackets', (code) => `[Acme] 인증번호 [${code}]를 입력해 주세요`],
  ['Korean, with a date', (code) => `2026년 11월 25일 인증번호: ${code}`],
  ['Japanese', (code) => `認証コードは${code}です。3分間有効です。`],
  ['Arabic digits in Arabic', (code) => `رمزك هو ${digitsFrom(0x660)(code)}`],
  ['full-width digits', (code) => fullWidth(code)],
  ['full-width digits in a sentence', (code) => `コード：${fullWidth(code)}（３分間）`],
  ['a space inside', (code) => inTwo(code, ' ')],
  ['a space inside, in a sentence', (code) => `Your code is ${inTwo(code, ' ')}. It is valid for 3 minutes.`],
  [
    'a space inside, before the minutes on a line of their own',
    (code) => `${inTwo(code, ' ')}\n\n3분 동안 유효`,
  ],
  ['a no-break space inside, after a number sign', (code) => `#${inTwo(code, '\u00a0')}`],
  ['a dash inside, in a sentence', (code) => `인증번호: ${inTwo(code, '-')} (3분)`],
  ['a non-breaking hyphen inside, in a sentence', (code) => `Code ${inTwo(code, '\u2011')}.`],
  ['a line break inside, in a sentence', (code) => `Code ${inTwo(code, '\r\n')}.`],
  ['spaces between all digits, in a sentence', (code) => `Code: ${[...code].join(' ')}.`],
  ['format characters inside', (code) => [...code].join('\u200b')],
  ['format characters inside, in a sentence', (code) => `Code \u2068${inTwo(code, '\u200b')}\u2069, 3 min`],
  ['256 characters', (code) => `${code}${'x'.repeat(256 - code.length)}`],
  ['256 characters of white space', (code) => `${code}${' '.repeat(256 - code.length)}`],
];

describe.each([6, 8, 10])('with codes of %i digits', (codeLength) => {
  it.each(pasted)('T63: a code with %s is accepted', async (_what, typed) => {
    const { code, verify } = await openWithCode({ codeLength });
    expect((await verify(typed(code))).body).toMatchObject({ verify: true });
  });
});

it.each(LANGUAGES)(
  "T63: the sentences of the email around a code are accepted, in the language '%s'",
  async (_tag, locale) => {
    const { mail } = locale;
    const around: ((code: string) => string)[] = [
      (code) => mail.subjectWithCode('Acme', code),
      (code) => `${mail.instruction('Acme')}\n\n${code}`,
      (code) => `${mail.instruction('Acme')} ${code} ${mail.expiry(180)}`,
      (code) => `${mail.expiry(180)}\n${code}\n${mail.ignore}`.slice(-256),
    ];
    for (const sentence of around) {
      const { code, verify } = await openWithCode();
      expect([sentence(code), (await verify(sentence(code))).body]).toMatchObject([
        sentence(code),
        { verify: true },
      ]);
    }
  },
);

it('T63: a code in a sentence is accepted in a form and without HTTP too', async () => {
  const { service, code } = await openWithCode();
  const form = new URLSearchParams({ email, code: `@acme.example #${code}` }).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  expect((await service.post('/ev/verify', form, type)).status).toBe(200);

  const { delivery, lastCode } = memoryInbox();
  const options = { from: FROM, secret: SECRET, transport: mail.url, delivery };
  const verification = createEmailVerification({ ...options, store: storeOf('MemoryStore') });
  await verification.send({ email });
  const outcome = await verification.verify({ email, code: `Your code is ${lastCode(email)}.` });
  expect(outcome.kind).toBe('verified');
});

const noCode: [what: string, typed: (code: string) => unknown][] = [
  ['nothing', () => ''],
  ['white space and dashes', () => ' -\u2013\u200b\n'],
  ['words alone', () => 'Your code'],
  ['a digit too few', (code) => code.slice(1)],
  ['a digit too many', (code) => `${code}0`],
  ['a digit too many after a space', (code) => `${code} 0`],
  ['a digit too many after a dash', (code) => `${code}-0`],
  ['a digit too many before a line break', (code) => `0\n${code}`],
  ['a digit too few in a sentence', (code) => `Your code is ${code.slice(1)}.`],
  ['a digit too many in a sentence', (code) => `Your code is ${code}0.`],
  ['a digit too many in a sentence, with a space', (code) => `Your code is ${inTwo(`${code}0`, ' ')}.`],
  ['two codes', (code) => `${code} ${code}`],
  ['two codes in a sentence', (code) => `${code} or ${[...code].reverse().join('')}`],
  ['the same code twice', (code) => `Your code is ${code}.\n\n@acme.example #${code}`],
  ['two codes, each with a space', (code) => `${inTwo(code, ' ')}, ${inTwo(code, ' ')}`],
  ['two codes in two scripts', (code) => `${code}, ${fullWidth(code)}`],
  ['halves with a letter in between', (code) => inTwo(code, 'O')],
  ['halves with a full stop in between', (code) => inTwo(code, '.')],
  ['halves with a colon in between', (code) => `Code ${inTwo(code, ':')}`],
  ['halves with words in between', (code) => inTwo(code, ' and ')],
  ['numerals that are no digits', () => '①②③④⑤⑥'],
  ['superscripts', () => '¹²³⁴⁵⁶'],
  ['Chinese numerals', () => '一二三四五六'],
  ['a number in words', () => 'one two three four five six'],
  ['a fraction', (code) => `${code.slice(1)}½`],
  ['hexadecimal', () => '0x01e240'],
  ['257 characters', (code) => `${code}${'x'.repeat(257 - code.length)}`],
  ['257 characters of white space', (code) => `${code}${' '.repeat(257 - code.length)}`],
  ['an ampersand escape', () => '&#48;&#49;&#50;&#51;&#52;&#53;'],
];

it.each(noCode)('T63: %s is refused with 400 and costs no attempt', async (_what, typed) => {
  const { code, verify } = await openWithCode();
  const refused = await verify(typed(code));
  expect(refused.status).toBe(400);
  expect(refused.body).toMatchObject({
    verify: false,
    reason: 'invalid_request',
    errors: [{ field: 'code', message: 'Please enter the 6-digit code.' }],
  });
  expect((await verify(wrongCode(code))).body.attemptsLeft).toBe(4);
  expect((await verify(code)).status).toBe(200);
});

it('T63: a wrong code in a sentence costs one attempt, like any wrong code', async () => {
  const { code, verify } = await openWithCode();
  expect((await verify(`Your code is ${wrongCode(code)}.`)).body).toMatchObject({
    reason: 'code_incorrect',
    attemptsLeft: 4,
  });
  expect((await verify(`Your code is ${code}.`)).status).toBe(200);
});

describe('T65: a field that is not a string', () => {
  const values: [what: string, value: unknown][] = [
    ['a number', 123456],
    ['zero', 0],
    ['a fraction', 1.5],
    ['true', true],
    ['false', false],
    ['an array', ['123456']],
    ['an empty array', []],
    ['an object', { code: '123456' }],
    ['an empty object', {}],
  ];
  it.each(values)(
    'T65: %s as the code: the message says that it must be a string, in the language of the request',
    async (_what, value) => {
      const { service, verify, code } = await openWithCode();
      expect((await verify(value)).body).toEqual({
        verify: false,
        message: 'Please check what you entered.',
        reason: 'invalid_request',
        errors: [{ field: 'code', message: 'The code must be a string.' }],
      });
      const korean = await service.verify({ email, code: value, locale: 'ko' });
      expect(korean.status).toBe(400);
      expect(korean.body).toMatchObject({ errors: [{ message: 'code는 문자열이어야 합니다.' }] });
      // No attempt is taken.
      expect((await verify(wrongCode(code))).body.attemptsLeft).toBe(4);
    },
  );

  it.each(values)(
    'T65: %s as the address: the message says that it must be a string, on both routes',
    async (_what, value) => {
      const { service } = await openWithCode();
      for (const path of ['/ev/send', '/ev/verify']) {
        const body = { email: value, code: '123456' };
        const english = await service.post(path, body);
        expect(english.status).toBe(400);
        expect(english.body).toMatchObject({
          errors: [{ field: 'email', message: 'The email must be a string.' }],
        });
        const korean = await service.post(path, { ...body, locale: 'ko' });
        expect(korean.body).toMatchObject({
          errors: [{ field: 'email', message: 'email은 문자열이어야 합니다.' }],
        });
      }
    },
  );

  it.each([
    ['null', null],
    ['nothing', undefined],
    ['an empty string', ''],
  ])('T65: %s counts as a field that was not filled in', async (_what, value) => {
    const { service } = await openWithCode();
    expect((await service.verify({ email: value, code: value })).body).toMatchObject({
      errors: [
        { field: 'email', message: 'Please enter a valid email address.' },
        { field: 'code', message: 'Please enter the 6-digit code.' },
      ],
    });
  });

  it.each([
    [
      'its own texts',
      { emailNotString: 'El email debe ser texto.', codeNotString: 'El code debe ser texto.' },
      ['El email debe ser texto.', 'El code debe ser texto.'],
    ],
    [
      'the texts for a wrong value if it has none for a wrong type',
      { emailNotString: undefined, codeNotString: undefined },
      ['Escriba una dirección.', 'Escriba 6 cifras.'],
    ],
  ])('T65: a custom locale uses %s', async (_what, texts, [emailMessage, codeMessage]) => {
    const code = (length: number) => `Escriba ${length} cifras.`;
    const fields = { ...en.fields, email: 'Escriba una dirección.', code, ...texts };
    const { service } = await openWithCode({ locales: { es: { ...en, tag: 'es', fields } } });
    expect((await service.verify({ email: 5, code: 123456, locale: 'es' })).body).toMatchObject({
      errors: [
        { field: 'email', message: emailMessage },
        { field: 'code', message: codeMessage },
      ],
    });
  });

  it('T65: the operations without HTTP say it too', async () => {
    const { service } = await openWithCode();
    const { verification } = service;
    const refusal = {
      kind: 'invalid_request',
      errors: [{ message: expect.stringMatching(/must be a string/) }],
    };
    for (const value of [123456, 123456n, Symbol('code'), () => '123456', new String('123456'), new Date()]) {
      expect(await verification.verify({ email, code: value })).toMatchObject(refusal);
      expect(await verification.send({ email: value })).toMatchObject(refusal);
      expect(await verification.redeem({ email: value, verificationToken: '' })).toMatchObject(refusal);
    }
  });

  it('T65: a form field sent twice is not a string either', async () => {
    const { service } = await openWithCode();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const { body } = await service.post('/ev/verify', 'email=a%40b.co&code=123456&code=123456', type);
    expect(body).toMatchObject({ errors: [{ field: 'code', message: 'The code must be a string.' }] });
  });
});
