/** Reads options and refuses wrong ones, in the same way at every level, when the app starts. */
import { inspect } from 'node:util';
import { nameOf } from './describe.js';

/** Where an options object is, for error messages: at `path` in the options of `of`. */
interface Place {
  readonly path?: string;
  readonly of?: string;
}

/**
 * Reads an options object. Each property is read once, so that the checked value is the used one. Undefined ones are left
 * out, so that defaults apply. Properties of a class or a prototype count, those of Object.prototype do not.
 *
 * @throws TypeError for a name that is not in `names`.
 */
export function readOptions<T extends object>(given: T, names: Names<T>, place: Place = {}): Partial<T> {
  refuseUnknown(given, names, place);
  const options: Partial<T> = Object.create(null);
  for (const name in names) {
    const value = holds(given, name) ? given[name] : undefined;
    if (value !== undefined) options[name] = value;
  }
  return options;
}

/** Like `readOptions`, for all options of a function or a class. */
export function readOptionsOf<T extends object>(of: string, given: T, names: Names<T>): Partial<T> {
  if (isOptions(given)) return readOptions(given, names, { of });
  throw new TypeError(`${of} takes an object of options. Received ${kindOf(given)}.`);
}

type Names<T> = { readonly [Name in keyof T]-?: unknown };

/** @throws TypeError for a name that is not in `names`. */
export function refuseUnknown(given: object, names: object, { path = '', of }: Place): void {
  const name = namesIn(given).find((one) => !Object.hasOwn(names, one));
  if (name === undefined) return;
  const unknown = `\`${path === '' ? name : `${path}.${name}`}\`${of ? ` of ${of}` : ''}`;
  const known = Object.keys(names);
  const meant = nearMiss(name, known);
  const advice = meant
    ? `Did you mean \`${meant}\`?`
    : `Known options: ${known.map((one) => `\`${one}\``).join(', ')}.`;
  throw new TypeError(`Unknown option ${unknown}. ${advice}`);
}

/** The names of an options object, including those of its prototypes. */
export function namesIn(given: object): string[] {
  const names: string[] = [];
  for (const name in given) if (holds(given, name)) names.push(name);
  return names;
}

function holds(object: object, name: string): boolean {
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

/** Refuses a wrong option and shows its value. Of an object it shows only the kind, since there may be secrets in it. */
export function refuse(option: string, expected: string, value: unknown, of?: string): never {
  const subject = `\`${option}\` option${of ? ` of ${of}` : ''}`;
  const sentence = `The ${subject} must be ${expected}. Received ${shown(value)}.`;
  throw new (typeof value === 'number' ? RangeError : TypeError)(sentence);
}

/** Like `refuse`, for an option whose value may be a secret or a URL with a password. */
export function refuseHidden(option: string, expected: string, value: unknown): never {
  throw new TypeError(`The \`${option}\` option must be ${expected}. Received ${kindOf(value)}.`);
}

/** A value as an error shows it. */
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

/** The known name that is at most two typing mistakes away, if any. Case does not count. */
export function nearMiss(name: string, known: Iterable<string>): string | undefined {
  const allowed = Math.min(2, Math.floor(name.length / 2));
  let nearest: string | undefined;
  let least = allowed + 1;
  for (const candidate of known) {
    const mistakes = distance(name.toLowerCase(), candidate.toLowerCase());
    if (mistakes < least) [nearest, least] = [candidate, mistakes];
  }
  return nearest;
}

/** Letters to add, drop, change, or swap with their neighbour (optimal string alignment). */
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
