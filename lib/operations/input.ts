/** What the fields of a request may be, judged by express-validator: for the routes and for the acts without HTTP. */
import { body } from 'express-validator';
import { canonicalAddress, isPlainAddress } from '../challenge/address.js';
import { chooseLocale, type Locale } from '../locales/index.js';

/** The fields as they came: anything at all. */
export type Fields = Readonly<Record<string, unknown>>;

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The input cannot be right, whatever is stored. No value is echoed. */
export interface InvalidRequest {
  readonly kind: 'invalid_request';
  readonly message: string;
  readonly errors: readonly FieldError[];
}

export interface JudgedSend {
  readonly kind: 'judged';
  readonly email: string;
  readonly challengeId: string | undefined;
  readonly locale: Locale;
}

export interface JudgedVerify extends JudgedSend {
  readonly code: string;
}

export interface Judge {
  readonly send: (fields: unknown, fallback?: Locale) => Promise<JudgedSend | InvalidRequest>;
  readonly verify: (fields: unknown, fallback?: Locale) => Promise<JudgedVerify | InvalidRequest>;
  /** The language of somebody's answers: their `locale`, else the fallback, else the default. */
  readonly localeOf: (fields: unknown, fallback?: Locale) => Locale;
  /** A body that could not be read at all. */
  readonly unreadable: (locale: Locale) => InvalidRequest;
}

type FieldName = 'email' | 'code' | 'challengeId' | 'locale';

export function createJudge(settings: {
  readonly codeLength: number;
  readonly locales: ReadonlyMap<string, Locale>;
  readonly defaultLocale: Locale;
}): Judge {
  /** Each gives what the field means, or undefined when it cannot mean anything. */
  const meanings: Record<FieldName, (value: unknown) => unknown> = {
    email: canonicalAddress,
    code: (value) => normalCode(value, settings.codeLength),
    challengeId: optionalString,
    locale: optionalString,
  };
  /** To express-validator the body is one field: it takes as long again for each field that it is told of. */
  const chainOf = (names: readonly FieldName[]) =>
    body()
      .customSanitizer(async (fields: unknown) => {
        const given = isFields(fields) ? fields : {};
        const meant: Record<string, unknown> = {};
        for (const name of names) meant[name] = await meanings[name](given[name]);
        return meant;
      })
      .custom((meant: Fields) => names.every((name) => meant[name] !== undefined));
  const plainCode = new RegExp(`^[0-9]{${settings.codeLength}}$`);
  const isPlainCode = (code: unknown): code is string => typeof code === 'string' && plainCode.test(code);
  const sendChain = chainOf(['email', 'challengeId', 'locale']);
  const verifyChain = chainOf(['email', 'code', 'challengeId', 'locale']);

  function localeOf(fields: unknown, fallback = settings.defaultLocale): Locale {
    const tag = isFields(fields) ? fields['locale'] : undefined;
    return (typeof tag === 'string' ? chooseLocale(settings.locales, tag) : undefined) ?? fallback;
  }

  async function judge(chain: typeof sendChain, fields: unknown, locale: Locale) {
    const request = { body: fields };
    const outcome = await chain.run(request);
    const meant = isFields(request.body) ? request.body : {};
    const wrong = outcome.isEmpty() ? [] : Object.keys(meant).filter((name) => meant[name] === undefined);
    const given = isFields(fields) ? fields : {};
    return { errors: wrong.map((name) => fieldError(name, locale, given[name])), meant };
  }

  function fieldError(field: string, locale: Locale, given?: unknown): FieldError {
    const { fields } = locale;
    if (field === 'email' || field === 'code') {
      const asTyped = field === 'email' ? fields.email : fields.code(settings.codeLength);
      const isTyped = given === undefined || given === null || typeof given === 'string';
      return { field, message: isTyped ? asTyped : (mustBeString(field, locale) ?? asTyped) };
    }
    if (field === 'challengeId' || field === 'locale') return { field, message: fields[field] };
    return { field: 'body', message: fields.body };
  }

  const invalid = (errors: readonly FieldError[], locale: Locale): InvalidRequest => ({
    kind: 'invalid_request',
    message: locale.answers.invalid_request,
    errors,
  });

  return {
    localeOf,
    unreadable: (locale) => invalid([fieldError('body', locale)], locale),
    async send(fields, fallback) {
      const locale = localeOf(fields, fallback);
      if (isPlain(fields)) {
        const { email, challengeId } = fields;
        return { kind: 'judged', email, challengeId, locale };
      }
      const { errors, meant } = await judge(sendChain, fields, locale);
      if (errors.length > 0 || typeof meant.email !== 'string') return invalid(errors, locale);
      return { kind: 'judged', email: meant.email, challengeId: stringOrNone(meant.challengeId), locale };
    },
    async verify(fields, fallback) {
      const locale = localeOf(fields, fallback);
      if (isPlain(fields) && isPlainCode(fields.code)) {
        const { email, code, challengeId } = fields;
        return { kind: 'judged', email, code, challengeId, locale };
      }
      const { errors, meant } = await judge(verifyChain, fields, locale);
      const { email, code } = meant;
      if (errors.length > 0 || typeof email !== 'string' || typeof code !== 'string')
        return invalid(errors, locale);
      return { kind: 'judged', email, code, challengeId: stringOrNone(meant.challengeId), locale };
    },
  };
}

interface PlainFields extends Fields {
  readonly email: string;
  readonly challengeId: string | undefined;
}

/**
 * Whether a body is as programs send it: what each field means is what it says, and the chain would find nothing
 * else in it. So it need not be run, which takes longer than all the rest of the judging.
 */
function isPlain(value: unknown): value is PlainFields {
  return (
    isFields(value) &&
    typeof value.email === 'string' &&
    isPlainAddress(value.email) &&
    isStringOrAbsent(value.challengeId) &&
    isStringOrAbsent(value.locale)
  );
}

function isStringOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string as it is; null for an absent one, which is not an error. */
function optionalString(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : undefined;
}

function stringOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * What a program is told that sends another type, as a JSON number: nothing that a person typed is wrong. In the words
 * for another field that must be a string, so that every language has them; in Korean "email" takes the particle of
 * "locale", and "code" that of "challengeId".
 */
function mustBeString(field: 'email' | 'code', { fields }: Locale): string | undefined {
  const other = field === 'email' ? 'locale' : 'challengeId';
  return fields[other].includes(other) ? fields[other].replace(other, field) : undefined;
}

const LONGEST_TYPED_CODE = 256;

/** What people write between the digits of a code: white space and dashes. */
const SEPARATORS = /[\s\p{Pd}\u2212]+/gu;

/**
 * Runs of digits in a text. First as they stand there; then those that are split within a line; then over lines. So
 * the code in "012345\n\n3 minutes" does not grow by a digit, and the one in "012 345\n\n3 minutes" is whole.
 */
const RUNS: readonly RegExp[] = [
  /[0-9]+/g,
  /[0-9]+(?:[\p{Zs}\t\p{Pd}\u2212]+[0-9]+)*/gu,
  /[0-9]+(?:[\s\p{Pd}\u2212]+[0-9]+)*/gu,
];

/**
 * The digits a person meant. White space, dashes and format characters go, and digits of any script are digits. What
 * came along by pasting may stand around the code, as long as one run of digits alone has its length.
 */
export function normalCode(typed: unknown, length: number): string | undefined {
  if (typeof typed !== 'string' || typed.length > LONGEST_TYPED_CODE) return undefined;
  const text = typed.replace(/\p{Cf}/gu, '').replace(/[^\P{Nd}0-9]/gu, asciiDigit);
  const bare = text.replace(SEPARATORS, '');
  if (/^[0-9]*$/.test(bare)) return bare.length === length ? bare : undefined;
  for (const run of RUNS) {
    const runs = (text.match(run) ?? []).map((digits) => digits.replace(SEPARATORS, ''));
    const [code, another] = runs.filter((digits) => digits.length === length);
    if (code !== undefined) return another === undefined ? code : undefined;
  }
  return undefined;
}

/** Unicode lays the decimal digits of a script out in runs of ten, from zero up (UAX #44, Numeric_Type=Decimal). */
function asciiDigit(digit: string): string {
  const point = digit.codePointAt(0) ?? 0;
  let zero = point;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String((point - zero) % 10);
}
