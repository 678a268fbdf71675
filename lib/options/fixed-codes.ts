/** The `fixedCodes` option: codes that the app chooses, for a few addresses that get no email. */
import { isDate } from 'node:util/types';
import { maskAddress, normalizeEmail } from '../challenge/address.js';
import { type CodeFormat, FIXED_CODE } from '../challenge/code.js';
import { isOptions, readOptions, refuseHidden } from '../checks.js';
import { DAY } from '../store/store.js';

/** A code that stays the same until its end, for one address. `undefined` is what an unset variable gives, and is refused. */
export interface FixedCode {
  /** The canonical address: lower case, the domain in ASCII. No other spelling of the mailbox has the code. */
  readonly email: string | undefined;
  /** 10 to 64 ASCII letters and digits that are hard to guess. Case matters. */
  readonly code: string | undefined;
  /** At most 90 days ahead: a Date, or an ISO 8601 date (its first moment in UTC) or date and time with an offset. */
  readonly until: Date | string | undefined;
}

/** The codes stay in closures, so that nothing that prints the settings shows one. */
export interface FixedCodes {
  /** The code that works for an address now, if it has one. */
  codeOf(email: string): string | undefined;
  /** Whether a code is the fixed one of an address, and its end has passed. */
  hasEnded(email: string, code: string): boolean;
  /** What an operator should know, as sentences. Addresses are masked. */
  notes(): readonly string[];
}

const DAYS_AHEAD = 90;

/**
 * Without entries, there are no fixed codes. An end that has passed is not an error, because an app must be able to restart
 * after it: the address is then an ordinary one.
 *
 * @throws TypeError or RangeError that shows neither code nor address.
 */
export function checkFixedCodes(option: readonly FixedCode[], codes: CodeFormat): FixedCodes | undefined {
  if (!Array.isArray(option)) return refuseHidden('fixedCodes', 'an array of { email, code, until }', option);
  const entries = new Map<string, Entry>();
  for (const [index, passed] of option.entries()) {
    const path = `fixedCodes[${index}]`;
    const [email, entry] = checkEntry(path, passed, codes);
    if (entries.has(email)) throw new TypeError(`The \`${path}.email\` option is in an earlier entry, too.`);
    entries.set(email, entry);
  }
  return entries.size > 0 ? fixedCodesOf(entries) : undefined;
}

interface Entry {
  readonly code: string;
  /** In ms. */
  readonly end: number;
}

function fixedCodesOf(entries: ReadonlyMap<string, Entry>): FixedCodes {
  const isOver = ({ end }: Entry) => Date.now() >= end;
  return {
    codeOf(email) {
      const entry = entries.get(email);
      return entry && !isOver(entry) ? entry.code : undefined;
    },
    hasEnded(email, code) {
      const entry = entries.get(email);
      // In this order: how long a comparison takes must not tell anything about a code that still works.
      return entry !== undefined && isOver(entry) && entry.code === code;
    },
    notes() {
      const all = [...entries].map(([email, entry]) => ({
        isPast: isOver(entry),
        what: `${maskAddress(email)} (until ${new Date(entry.end).toISOString()})`,
      }));
      const list = (past: boolean) =>
        all.flatMap(({ isPast, what }) => (isPast === past ? what : [])).join(', ');
      const [live, ended] = [list(false), list(true)];
      return [
        ...(live
          ? [
              `With \`fixedCodes\`, whoever knows the code verifies these addresses without an email: ${live}.`,
            ]
          : []),
        ...(ended ? [`\`fixedCodes\` contains codes that have ended. Remove them: ${ended}.`] : []),
      ];
    },
  };
}

function checkEntry(
  path: string,
  passed: FixedCode | undefined,
  codes: CodeFormat,
): [email: string, entry: Entry] {
  if (!isOptions(passed)) return refuseHidden(path, '{ email, code, until }', passed);
  const { email, code, until } = readOptions(passed, { email: true, code: true, until: true }, { path });
  if (typeof email !== 'string' || normalizeEmail(email) !== email)
    return refuseHidden(`${path}.email`, 'one address in lower case, with its domain in ASCII', email);
  return [
    email,
    { code: checkCode(`${path}.code`, code, email, codes), end: checkEnd(`${path}.until`, until) },
  ];
}

function checkCode(path: string, code: unknown, email: string, codes: CodeFormat): string {
  if (typeof code !== 'string' || !FIXED_CODE.test(code))
    return refuseHidden(path, '10 to 64 ASCII letters and digits', code);
  if (isEasyToGuess(code.toLowerCase(), email))
    return refuseHidden(path, 'hard to guess: no repetition, no sequence, and no part of the address', code);
  const read = codes.parse(code);
  if (read !== undefined && read !== code)
    return refuseHidden(
      path,
      `without a run of ${codes.length} ${codes.alphabet}, which would be read as an ordinary code`,
      code,
    );
  return code;
}

/** Refuses one in fifty random codes of ten digits, and hardly any with letters. */
const FEWEST_CHARACTERS = 5;
const FEWEST_JUMPS = 3;

/** A part of an address that is shorter than this is in a random code by chance. */
const SHORTEST_PART = 4;

function isEasyToGuess(code: string, email: string): boolean {
  let jumps = 0;
  for (let i = 1; i < code.length; i += 1)
    if (Math.abs(code.charCodeAt(i) - code.charCodeAt(i - 1)) > 1) jumps += 1;
  const parts = email.split(/[^a-z0-9]+/).filter((part) => part.length >= SHORTEST_PART);
  return (
    new Set(code).size < FEWEST_CHARACTERS ||
    jumps < FEWEST_JUMPS ||
    parts.some((part) => code.includes(part))
  );
}

/** ISO 8601: a date, or a date and time with its offset from UTC. Without an offset, it would depend on the server's zone. */
const INSTANT = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

function checkEnd(path: string, until: unknown): number {
  const end = isDate(until) ? until.getTime() : typeof until === 'string' ? instantOf(until) : Number.NaN;
  if (Number.isNaN(end))
    return refuseHidden(
      path,
      "a Date, or a string such as '2026-12-31' or '2026-12-31T18:00:00+09:00'",
      until,
    );
  if (end - Date.now() > DAYS_AHEAD * DAY)
    throw new RangeError(
      `The \`${path}\` option must be at most ${DAYS_AHEAD} days ahead. Received ${new Date(end).toISOString()}.`,
    );
  return end;
}

function instantOf(text: string): number {
  const [, day = ''] = INSTANT.exec(text) ?? [];
  // Date.parse() takes 30 February for 2 March.
  const isDay = !Number.isNaN(Date.parse(day)) && new Date(day).toISOString().startsWith(day);
  return isDay ? Date.parse(text) : Number.NaN;
}
