/** Reads options and refuses invalid ones, in the same way at every level, when the app starts. */
import { inspect } from 'node:util';
import { nameOf } from './describe.js';

/** Where an options object was passed, for error messages: at `path` in the options of `of`. */
interface Place {
  readonly path?: string;
  readonly of?: string;
}

/**
 * Reads an options object. Each property is read once, so that the value that is checked is the value that is used.
 * Undefined ones are left out, so that defaults apply. Inherited properties count, except those of Object.prototype.
 *
 * @throws TypeError for a name that is not in `names`.
 */
export function readOptions<T extends object>(passed: T, names: Names<T>, place: Place = {}): Partial<T> {
  refuseUnknown(passed, names, place);
  const options: Partial<T> = Object.create(null);
  for (const name in names) {
    const value = hasOption(passed, name) ? passed[name] : undefined;
    if (value !== undefined) options[name] = value;
  }
  return options;
}

/** Like `readOptions`, for all options of a function or a class. */
export function readOptionsOf<T extends object>(of: string, passed: T, names: Names<T>): Partial<T> {
  if (isOptions(passed)) return readOptions(passed, names, { of });
  throw new TypeError(`${of} takes an object of options. Received ${kindOf(passed)}.`);
}

type Names<T> = { readonly [Name in keyof T]-?: unknown };

/** @throws TypeError for a name that is not in `names`. */
export function refuseUnknown(options: object, names: object, { path = '', of }: Place): void {
  const name = namesIn(options).find((candidate) => !Object.hasOwn(names, candidate));
  if (name === undefined) return;
  const unknown = `\`${path === '' ? name : `${path}.${name}`}\`${of ? ` of ${of}` : ''}`;
  const known = Object.keys(names);
  const suggestion = nearMiss(name, known);
  const advice = suggestion
    ? `Did you mean \`${suggestion}\`?`
    : `Known options: ${known.map((option) => `\`${option}\``).join(', ')}.`;
  throw new TypeError(`Unknown option ${unknown}. ${advice}`);
}

/** The names in an options object, including inherited ones. */
export function namesIn(options: object): string[] {
  const names: string[] = [];
  for (const name in options) if (hasOption(options, name)) names.push(name);
  return names;
}

function hasOption(object: object, name: string): boolean {
  for (let level: object | null = object; level !== null && level !== Object.prototype; ) {
    if (Object.hasOwn(level, name)) return true;
    level = Object.getPrototypeOf(level);
  }
  return false;
}

/** Whether a value can hold options. An array, a Map or a promise cannot. */
export function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const tag = Object.prototype.toString.call(value);
  return tag === '[object Object]' || tag === '[object Module]';
}

/** Refuses an invalid option and shows its value. Of an object, only the kind is shown, because it may hold secrets. */
export function refuse(option: string, expected: string, value: unknown, of?: string): never {
  const sentence = `The ${subjectOf(option, of)} must be ${expected}. Received ${shown(value)}.`;
  throw new (typeof value === 'number' ? RangeError : TypeError)(sentence);
}

/** Like `refuse`, for an option whose value may be a secret or a URL with a password. */
export function refuseHidden(option: string, expected: string, value: unknown, of?: string): never {
  throw new TypeError(`The ${subjectOf(option, of)} must be ${expected}. Received ${kindOf(value)}.`);
}

function subjectOf(option: string, of: string | undefined): string {
  return `\`${option}\` option${of ? ` of ${of}` : ''}`;
}

/** A value in the form in which errors show it. */
export function shown(value: unknown): string {
  return inspect(value, {
    depth: Array.isArray(value) ? 0 : -1,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 100,
    maxArrayLength: 10,
  });
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return `a string of ${Buffer.byteLength(value)} bytes`;
  return Array.isArray(value) && value.length === 0 ? 'an empty array' : nameOf(value);
}

/** Whether a value is what a template string or `Number()` makes of an unset environment variable. */
export function isUnset(value: unknown): boolean {
  return value === 'undefined' || value === 'null' || value === 'NaN' || Number.isNaN(value);
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  return isWhole(value, min, max) ? value : refuse(option, `a whole number from ${min} to ${max}`, value);
}

export function checkFunction<T>(option: string, value: T | undefined, of?: string): T | undefined {
  return value === undefined || typeof value === 'function' ? value : refuse(option, 'a function', value, of);
}

export function checkBoolean(option: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(option, 'true or false', value);
}

/** The known name that is at most two typos away, if any. Case is ignored. */
export function nearMiss(name: string, known: Iterable<string>): string | undefined {
  const allowed = Math.min(2, Math.floor(name.length / 2));
  let nearest: string | undefined;
  let fewest = allowed + 1;
  for (const candidate of known) {
    const mistakes = distance(name.toLowerCase(), candidate.toLowerCase());
    if (mistakes < fewest) [nearest, fewest] = [candidate, mistakes];
  }
  return nearest;
}

/** The number of letters to add, remove, change, or swap with their neighbor (optimal string alignment). */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, n) => n);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swap = isSwapped ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change, swap));
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
