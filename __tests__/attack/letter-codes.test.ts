/** Codes of letters: what people may type and paste, and what never counts as a code. */
import { inspect } from 'node:util';
import { createEmailVerification, type EmailVerificationOptions } from 'express-email-verification';
import { letterCodes } from '../../lib/challenge/code.js';
import { FROM, SECRET } from '../support/app.js';
import { STORES, useServices, WIDE } from './services.js';

const { mail, open, storeOf } = useServices();
const email = 'minji@example.com';
const LETTERS: Partial<EmailVerificationOptions> = { codeAlphabet: 'letters' };

/** The code in the newest email, as it is written there. */
async function writtenCode(): Promise<string> {
  const { text } = await mail.server.waitForMessage();
  const code = /\b[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}\b/.exec(text)?.[0];
  if (!code) throw new Error(`no code in\n${text}`);
  return code;
}

const written: [how: string, (code: string) => string][] = [
  ['as it is', (code) => code],
  ['in lower case', (code) => code.toLowerCase()],
  ['in mixed case', (code) => code.slice(0, 3) + code.slice(3).toLowerCase()],
  ['without its dash', (code) => code.replace('-', '')],
  ['with a space in place of its dash', (code) => code.replace('-', ' ')],
  ['with an en dash', (code) => code.replace('-', '\u2013')],
  ['with spaces between all letters', (code) => [...code].join(' ')],
  ['with white space and format characters around it', (code) => ` \u200b${code}\u00a0\n`],
  ['in full width', (code) => code.replace(/[A-Z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0))],
  ['as the line for browsers', (code) => `@acme.example #${code}`],
  ['in a sentence', (code) => `Your code is ${code}.`],
  [
    'in a sentence in Korean',
    (code) => `인증번호는 ${code}입니다. 3분 안에 입력해 주세요`.replace(code, `${code} `),
  ],
  ['twice, as a subject and a text hold it', (code) => `${code} is your code\n\n${code}`],
];

describe.each(STORES)('on %s', (store) => {
  it.each(written)('a code written %s is accepted', async (_how, write) => {
    const { send, verify } = await open({ store: storeOf(store), ...LETTERS });
    const { challengeId } = (await send({ email })).body;
    const code = await writtenCode();
    expect(await verify({ email, challengeId, code: write(code) })).toMatchObject({ status: 200 });
    expect(await verify({ email, challengeId, code })).toMatchObject({ status: 401 });
  });

  it('of 200 wrong codes at once, exactly `maxAttempts` are compared', async () => {
    const { send, verify } = await open({ store: storeOf(store), ...LETTERS, ...WIDE });
    const { challengeId } = (await send({ email })).body;
    const code = await writtenCode();
    const wrong = code.startsWith('B') ? 'CCCC-CCCC' : 'BBBB-BBBB';
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => verify({ email, challengeId, code: wrong })),
    );
    expect(replies.filter(({ body }) => body.reason === 'code_incorrect')).toHaveLength(5);
    expect((await verify({ email, challengeId, code })).body.reason).toBe('code_expired');
  });
});

it.each<[string, unknown]>([
  ['seven letters', 'BCDF-GHJ'],
  ['nine letters', 'BCDF-GHJKL'],
  ['a vowel', 'ACDF-GHJK'],
  ['a Y', 'BCDF-GHJY'],
  ['a digit', 'BCDF-GHJ1'],
  ['digits', '012345'],
  ['Cyrillic letters that look the same', 'ВСDF-GHJK'],
  ['a letter that becomes two in upper case', 'BCDF-GH\u00df'],
  ['two different codes', 'BCDF-GHJK or BCDF-GHJL'],
  ['a code within a word', 'XXBCDF-GHJKXX'],
  ['a code at the beginning of a word', 'BCDF-GHJKXX'],
  ['a code at the end of a word', 'XXBCDF-GHJK'],
  ['two halves that are far apart in a sentence', 'Tables BCDF     GHJK'],
  ['an array', ['BCDF-GHJK']],
  ['a number', 12345678],
  ['a long text', `${'-'.repeat(256)}BCDF-GHJK`],
  ['characters that grow when they are normalized', '\ufdfa'.repeat(256)],
])('%s is not a code, and costs no attempt', async (_what, code) => {
  const { send, verify } = await open({ store: storeOf('MemoryStore'), ...LETTERS });
  const { challengeId } = (await send({ email })).body;
  const reply = await verify({ email, challengeId, code });
  expect([reply.status, reply.body]).toMatchObject([400, { errors: [{ field: 'code' }] }]);
  expect(reply.text).not.toContain('digit');
  const wrong = (await writtenCode()).startsWith('B') ? 'CCCC-CCCC' : 'BBBB-BBBB';
  expect((await verify({ email, challengeId, code: wrong })).body.attemptsLeft).toBe(4);
});

it('asks for letters in the language of the person', async () => {
  const { verify } = await open({ store: storeOf('MemoryStore'), ...LETTERS });
  const messageIn = async (locale: string) => {
    const { body } = await verify({ email, code: '012345', locale });
    return (body as unknown as { errors: { message: string }[] }).errors[0]?.message;
  };
  expect(await messageIn('en')).toBe('Please enter the 8-letter code.');
  expect(await messageIn('ko')).toContain('영문 8자');
});

it('every letter is drawn in every place, about as often as the others', () => {
  const { draw, plain } = letterCodes();
  const counts = new Map<string, number>();
  const CODES = 20_000;
  for (let n = 0; n < CODES; n += 1) {
    const code = draw();
    expect(code).toMatch(plain);
    for (const [place, letter] of [...code].entries()) {
      const key = `${place}${letter}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  expect(counts.size).toBe(8 * 20);
  // 1,000 each; the standard deviation is 31.
  for (const count of counts.values()) expect(Math.abs(count - CODES / 20)).toBeLessThan(250);
});

it('a delivery function and a template get the code as people read it, and errors mask it in both forms', async () => {
  const codes: string[] = [];
  const verification = createEmailVerification({
    ...{ store: storeOf('MemoryStore'), from: FROM, secret: SECRET, ...LETTERS },
    delivery: async () => {},
    template: ({ code }) => {
      codes.push(code);
      if (codes.length > 2) {
        const error = new Error(`broken with ${code} and ${code.replace('-', '')}`);
        error.stack = `${error.stack}\n    at render (${code}/${email}.html:1:1)`;
        throw error;
      }
      return { subject: 'x', text: code, html: code };
    },
  });
  const causes: string[] = [];
  verification.on('delivery_failed', ({ cause }) => causes.push(inspect(cause, { depth: null })));
  await verification.send({ email });
  const code = codes.at(-1) ?? '';
  expect(code).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
  expect(causes).toHaveLength(1);
  expect(causes[0]).toContain('broken with ###### and ######');
  expect(causes[0]).toContain('at render (######/***.html:1:1)');
  for (const secret of [code.slice(0, 4), email]) expect(causes[0]).not.toContain(secret);
  await verification.close();
});

it.each<[where: string, (code: string) => object]>([
  ['its `code`', (code) => ({ code: code.replace('-', '') })],
  ['its name', (code) => ({ name: code })],
  ['its `errorCode`, in lower case', (code) => ({ errorCode: code.toLowerCase() })],
  ['its `originalCode`', (code) => ({ code: 'EREFUSED', originalCode: `OTP_${code.replace('-', '')}` })],
  ['the body of its response', (code) => ({ response: { data: { error: `invalid-${code}` } } })],
  ['a `code` beside a number', (code) => ({ code: `E${code.replace('-', '')}1` })],
])(
  'T22: the event of a delivery that fails with the code in %s does not show it (promise 13)',
  async (_where, fields) => {
    let code = '';
    const { send, verification } = await open({
      store: storeOf('MemoryStore'),
      ...LETTERS,
      delivery: async (_mail, options) => {
        code = options.code ?? '';
        throw Object.assign(new Error(`could not send ${code}`), fields(code));
      },
    });
    const events: string[] = [];
    verification.on('delivery_failed', (event) =>
      events.push(inspect(event, { depth: 9, showHidden: true })),
    );
    expect((await send({ email })).body.reason).toBe('delivery_failed');
    expect(code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    expect(events).toHaveLength(1);
    expect(lettersOf(events.join())).not.toContain(lettersOf(code));
  },
);

it('T22: the event of a template that throws with the code in any writing does not show it (promise 13)', async () => {
  let code = '';
  const { send, verification } = await open({
    store: storeOf('MemoryStore'),
    ...LETTERS,
    beforeSend: () => ({ kind: 'send', data: 'a mistake' }),
    template: (input) => {
      if (input.data === undefined) return { subject: 'x', text: input.code, html: input.code };
      code = input.code;
      const writings = [code.toLowerCase(), code.replace('-', ''), [...code].join(' '), code.slice(0, 4)];
      throw new Error(`cannot render ${writings.join(', ')}, ${code.slice(5)}`);
    },
  });
  const events: string[] = [];
  verification.on('delivery_failed', (event) => events.push(inspect(event, { depth: 9, showHidden: true })));
  await send({ email });
  expect(events.join()).toContain('cannot render ######');
  for (const half of code.split('-')) expect(lettersOf(events.join())).not.toContain(half);
});

const lettersOf = (text: string) => text.replace(/[^A-Za-z]/g, '').toUpperCase();
