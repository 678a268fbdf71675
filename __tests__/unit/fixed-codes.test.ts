/** The `fixedCodes` option when the app starts: what is refused, what is warned about, and that no code is shown. */
import { inspect } from 'node:util';
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import { SECRET } from '../support/app.js';

const DAY = 86_400_000;
const code = 'hT5wBq28Lz';
const email = 'reviewer@acme.example';
const inDays = (days: number) => new Date(Date.now() + days * DAY);
const entry = { email, code, until: inDays(30) };

const create = (fixedCodes: unknown, options: object = {}) =>
  createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', from: 'a@b.co', secret: SECRET },
    ...options,
    fixedCodes: fixedCodes as never,
  });

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)));
});
afterEach(() => jest.restoreAllMocks());

describe('is refused, and neither the code nor the address is shown', () => {
  it.each<[sentence: string, fixedCodes: unknown]>([
    ['`fixedCodes` option must be an array of { email, code, until }. Received an object.', entry],
    ['`fixedCodes` option must be an array of { email, code, until }. Received a string of 10 bytes.', code],
    ['`fixedCodes[0]` option must be { email, code, until }. Received a string of 10 bytes.', [code]],
    ['`fixedCodes[1]` option must be { email, code, until }. Received undefined.', [entry, ...Array(1)]],
    ['Unknown option `fixedCodes[0].untill`. Did you mean `until`?', [{ ...entry, untill: '' }]],
    ['`fixedCodes[1].email` option is in an earlier entry, too.', [entry, { ...entry, code: `${code}2` }]],
  ])('%s', (sentence, fixedCodes) => refused(fixedCodes, sentence));

  it.each<[what: string, email: unknown]>([
    ['absent', undefined],
    ['null', null],
    ['a number', 5],
    ['an array', [email]],
    ['empty', ''],
    ['not an address', 'reviewer'],
    ['in upper case', 'Reviewer@acme.example'],
    ['surrounded by white space', ` ${email}`],
    ['with a name', `Reviewer <${email}>`],
    ['of a domain that is not in ASCII', 'reviewer@bücher.example'],
    ['two addresses', `${email},other@acme.example`],
  ])('an address that is %s', (_what, address) => {
    const sentence =
      '`fixedCodes[0].email` option must be one address in lower case, with its domain in ASCII.';
    refused([{ ...entry, email: address }], sentence);
  });

  const form = '10 to 64 ASCII letters and digits. Received ';
  const guessable = 'hard to guess: no repetition, no sequence, and no part of the address. Received ';
  it.each<[what: string, code: unknown, expected: string]>([
    ['absent', undefined, form],
    ['null', null, form],
    ['a number', 4839201746, form],
    ['an array', [code], form],
    ['empty', '', form],
    ['of 9 characters', code.slice(1), form],
    ['of 65 characters', code.repeat(7).slice(0, 65), form],
    ['with a space', 'hT5wB q28Lz', form],
    ['with a dash', 'hT5wB-q28Lz', form],
    ['with a line break at its end', `${code}\n`, form],
    ['with a full-width letter', 'hT5wBq28L\uff5a', form],
    ['with a Cyrillic letter', 'hT5wBq28L\u0430', form],
    ['one character ten times', '0000000000', guessable],
    ['two characters in turn', 'aBaBaBaBaB', guessable],
    ['four characters', '2580258025', guessable],
    ['one letter in both cases', 'aAaAaAaAaAa', guessable],
    ['digits in order', '0123456789', guessable],
    ['digits in order, from 1', '1234567890', guessable],
    ['digits backwards', '9876543210', guessable],
    ['digits in order, twice', '1234512345', guessable],
    ['digits in order, in three parts', '0123478945', guessable],
    ['letters in order, in both cases', 'ABCDEfghij', guessable],
    ['the local part and a year', 'Reviewer2026', guessable],
    ['the domain', 'x7acmeQ2zP', guessable],
    ['what contains a code of six digits', 'hT491837Lz', 'without a run of 6 digits'],
  ])('a code that is %s', (_what, value, expected) => {
    refused([{ ...entry, code: value }], `\`fixedCodes[0].code\` option must be ${expected}`);
  });

  it('a code that contains one of `codeLength` digits, whatever that is', () => {
    const options = { codeLength: 8 };
    refused([{ ...entry, code: 'hT49183726Lz' }], 'must be without a run of 8 digits', options);
    expect(() => create([{ ...entry, code: 'hT491837Lz' }], options)).not.toThrow();
    expect(() => create([{ ...entry, code: '4839201746' }], { codeLength: 10 })).not.toThrow();
  });

  const instant = "a Date, or a string such as '2026-12-31' or '2026-12-31T18:00:00+09:00'. Received ";
  it.each<[what: string, until: unknown]>([
    ['absent', undefined],
    ['null', null],
    ['a time in ms', Date.now() + DAY],
    ['an invalid Date', new Date(Number.NaN)],
    ['empty', ''],
    ['words', 'tomorrow'],
    ['without an offset', '2026-12-31T18:00:00'],
    ['in the format of a country', '12/31/2026'],
    ['a year', '2026'],
    ['30 February', '2027-02-30'],
    ['a 13th month', '2026-13-01'],
    ['25 hours', '2026-12-31T25:00Z'],
    ['a code by mistake', code],
  ])('an end that is %s', (_what, until) => {
    refused([{ ...entry, until }], `\`fixedCodes[0].until\` option must be ${instant}`);
  });

  it('an end that is more than 90 days ahead', () => {
    jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-10-01T00:00:00Z'));
    const sentence = 'must be at most 90 days ahead. Received 2026-12-30T00:00:00.001Z.';
    refused([{ ...entry, until: '2026-12-30T00:00:00.001Z' }], sentence);
    expect(() => create([{ ...entry, until: '9999-12-31' }])).toThrow(RangeError);
    expect(() => create([{ ...entry, until: '2026-12-30' }])).not.toThrow();
    expect(() => create([{ ...entry, until: '2026-12-30T09:00:00+09:00' }])).not.toThrow();
  });

  function refused(fixedCodes: unknown, sentence: string, options?: object): void {
    let thrown: unknown;
    try {
      create(fixedCodes, options);
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toContain(sentence);
    const shown = inspect(thrown, { depth: null, showHidden: true });
    for (const secret of [code, code.slice(2), email, '491837', '4839201746', '258025', '2026)'])
      expect([secret, shown.includes(secret)]).toEqual([secret, false]);
  }
});

it('a start with fixed codes causes one warning, and a line in check(), with masked addresses and without codes', async () => {
  jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-11-01T00:00:00Z'));
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production';
  try {
    const verification = create(
      [
        { email, code, until: '2026-12-31T18:00:00+09:00' },
        { email: 'canary@acme.example', code: 'Zq81mVt4Kx', until: new Date('2026-11-02') },
        { email: 'former@acme.example', code: 'Pw3nHs72Gd', until: '2026-10-31' },
      ],
      { delivery: async () => {} },
    );
    const sentences = [
      'With `fixedCodes`, whoever knows the code verifies these addresses without an email: ' +
        'r***@acme.example (until 2026-12-31T09:00:00.000Z), c***@acme.example (until 2026-11-02T00:00:00.000Z).',
      '`fixedCodes` contains codes that have ended. Remove them: f***@acme.example (until 2026-10-31T00:00:00.000Z).',
    ];
    expect(warnings).toEqual([sentences.join(' ')]);
    const { ok, problems } = await verification.check();
    expect([ok, problems]).toEqual([true, sentences]);
    expect(warnings).toHaveLength(1);
    expect(inspect(verification, { depth: null, showHidden: true })).not.toContain(code);

    // It tells what is true when it is read.
    jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2027-01-01T00:00:00Z'));
    expect((await verification.check()).problems).toEqual([
      expect.stringMatching(/^`fixedCodes` contains codes that have ended\. .*r\*\*\*.*c\*\*\*.*f\*\*\*/),
    ]);
  } finally {
    process.env['NODE_ENV'] = NODE_ENV;
  }
});

it('without entries there is no warning and no line', async () => {
  for (const fixedCodes of [undefined, []]) {
    const verification = create(fixedCodes);
    expect((await verification.check()).problems.join()).not.toContain('fixedCodes');
    const outcome = await verification.verify({ email, code });
    expect(outcome.kind).toBe('invalid_request');
  }
  expect(warnings).toEqual([]);
});

it('hardly any random code is refused as easy to guess', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let state = 42;
  /** The multiplicative generator of Park and Miller: the same codes in every run. */
  const draw = (characters: string) => {
    state = (state * 48_271) % 2_147_483_647;
    return characters[state % characters.length] ?? '';
  };
  const isRefused = (characters: string) => {
    const drawn = Array.from({ length: 10 }, () => draw(characters)).join('');
    try {
      create([{ ...entry, code: drawn }], { transport: undefined, delivery: async () => {} });
      return false;
    } catch {
      return true;
    }
  };
  const refusedOf = (characters: string) =>
    Array.from({ length: 200 }, () => isRefused(characters)).filter(Boolean);
  expect(refusedOf(alphabet)).toHaveLength(0);
  expect(refusedOf('0123456789').length).toBeLessThan(10);
});
