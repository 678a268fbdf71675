/** The code: drawn at random, and read from what a person types or pastes. */
import { randomInt } from 'node:crypto';

/** A code of `length` digits, each code equally likely (NIST SP 800-63B-4 §3.1.3.2: an approved random source). */
export function drawCode(length: number): string {
  return String(randomInt(10 ** length)).padStart(length, '0');
}

const LONGEST_TYPED_CODE = 256;

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
export function parseCode(typed: unknown, length: number): string | undefined {
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
