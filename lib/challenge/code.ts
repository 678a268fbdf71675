/** The code: drawn at random, and read from what a person types or pastes. */
import { randomInt } from 'node:crypto';

/** What the codes of an app look like. */
export interface CodeFormat {
  readonly alphabet: 'digits' | 'letters';
  /** Digits or letters of a code. */
  readonly length: number;
  /** The number of codes, each equally likely to be drawn. */
  readonly count: number;
  /** Draws a code (NIST SP 800-63B-4 §3.1.3.2: from an approved random source). */
  draw(): string;
  /** The code as people read it. */
  write(code: string): string;
  /** The code in what a person typed or pasted, or undefined if there is none. */
  parse(typed: unknown): string | undefined;
  /** Whether a text is a code that `parse` would return as it is. */
  readonly plain: RegExp;
  /** Codes to try a template with: two that differ in every character, then one whose characters all differ. */
  readonly samples: readonly [string, string, string];
}

export function digitCodes(length: number): CodeFormat {
  return {
    alphabet: 'digits',
    length,
    count: 10 ** length,
    draw: () => String(randomInt(10 ** length)).padStart(length, '0'),
    write: (code) => code,
    parse: (typed) => parseCode(typed, length),
    plain: new RegExp(`^[0-9]{${length}}$`),
    samples: ['1'.repeat(length), '2'.repeat(length), '0123456789'.slice(0, length)],
  };
}

/** Without vowels, so that no word appears by chance, and without Y (RFC 8628 §6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';

/** 8 letters, 2.6·10¹⁰ codes, shown as `BCDF-GHJK`. */
export function letterCodes(): CodeFormat {
  const length = 8;
  const draw = () => Array.from({ length }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');
  return {
    alphabet: 'letters',
    length,
    count: LETTERS.length ** length,
    draw,
    write: (code) => `${code.slice(0, 4)}-${code.slice(4)}`,
    parse: parseLetters,
    plain: new RegExp(`^[${LETTERS}]{${length}}$`),
    samples: ['BBBBBBBB', 'CCCCCCCC', 'BCDFGHJK'],
  };
}

/** The halves of a code, with at most a dash or white space between them, and no letter or digit around them. */
const LETTER_CODE = new RegExp(
  `(?<![\\p{L}\\p{N}])([${LETTERS}]{4})[\\s\\p{Pd}\\u2212]{0,3}([${LETTERS}]{4})(?![\\p{L}\\p{N}])`,
  'giu',
);

/**
 * Case does not matter, and letters of full width count. Other white space and dashes may stand between the letters if the
 * text holds nothing else; otherwise the text must hold exactly one code in the form in which emails show it.
 */
function parseLetters(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > LONGEST_TYPED_CODE) return undefined;
  const text = typed.normalize('NFKC').replace(/\p{Cf}/gu, '');
  const bare = text.replace(SEPARATORS, '');
  // Before the change of case, which makes two letters of some characters.
  if (ONLY_LETTERS.test(bare)) return bare.toUpperCase();
  const codes = Array.from(text.matchAll(LETTER_CODE), ([, one = '', two = '']) => (one + two).toUpperCase());
  const [code, ...others] = codes;
  return others.every((other) => other === code) ? code : undefined;
}

const ONLY_LETTERS = new RegExp(`^[${LETTERS}]{8}$`, 'i');

/** In characters: room for a text in which the code was pasted. */
export const LONGEST_TYPED_CODE = 256;

/** What people write between the digits of a code: white space and dashes. */
const SEPARATORS = /[\s\p{Pd}\u2212]+/gu;

/**
 * Runs of digits in a text: first unbroken ones, then those split within a line, then those split over lines. So the
 * code in "012345\n\n3 minutes" does not grow by a digit, and the one in "012 345\n\n3 minutes" is found whole.
 */
const RUNS: readonly RegExp[] = [
  /[0-9]+/g,
  /[0-9]+(?:[\p{Zs}\t\p{Pd}\u2212]+[0-9]+)*/gu,
  /[0-9]+(?:[\s\p{Pd}\u2212]+[0-9]+)*/gu,
];

/**
 * The code in what a person typed, or undefined if there is none. White space, dashes and format characters are
 * dropped, and digits of any script count. Pasted text may surround the code if exactly one run of digits has its
 * length.
 */
function parseCode(typed: unknown, length: number): string | undefined {
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

/** What a code of the `fixedCodes` option consists of. */
export const FIXED_CODE = /^[A-Za-z0-9]{10,64}$/;

/** A fixed code as people paste it: with white space and format characters around it, but none inside. */
const PASTED_FIXED_CODE = /^[\s\p{Cf}]*([A-Za-z0-9]{10,64})[\s\p{Cf}]*$/u;

/** What may be a fixed code in what a person typed, whatever the address. Nothing in it is mapped: case and script matter. */
export function parseFixedCode(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > LONGEST_TYPED_CODE) return undefined;
  return PASTED_FIXED_CODE.exec(typed)?.[1];
}

/** Unicode lays out the decimal digits of a script in runs of ten, from zero up (UAX #44, Numeric_Type=Decimal). */
function asciiDigit(digit: string): string {
  const point = digit.codePointAt(0) ?? 0;
  let zero = point;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String((point - zero) % 10);
}
