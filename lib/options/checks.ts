/** How options are read and refused, the same at every level: once, when the app starts. */
import { inspect } from 'node:util';
import { nameOf } from '../store/name-of.js';
import { nearMiss } from './near-miss.js';

/** Where an options object stands: at `path` in the options of `of`; both are for the sentence of an error. */
interface Place {
  readonly path?: string;
  readonly of?: string;
}

/**
 * Reads an options object. Each property is read once, so that what is checked is what is used; one that is undefined
 * is left out, so that its default applies. What a class or a prototype gives counts, what stands in Object.prototype
 * does not.
 *
 * @throws TypeError for a name that is none of `names`.
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

/** As `readOptions`, for the whole options of a function or a class. */
export function readOptionsOf<T extends object>(of: string, given: T, names: Names<T>): Partial<T> {
  if (isOptions(given)) return readOptions(given, names, { of });
  throw new TypeError(`${of} takes an object of options. Received ${kindOf(given)}.`);
}

type Names<T> = { readonly [Name in keyof T]-?: unknown };

/** @throws TypeError for a name that is none of `names`. */
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

/** The names that an options object has values under, also by its prototypes. */
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

/** Whether options can be read from a value: not from an array, a Map or a promise, which have none of the names. */
export function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const tag = Object.prototype.toString.call(value);
  return tag === '[object Object]' || tag === '[object Module]';
}

/** Refuses an option that is not as it must be, and shows what it is; of an object only its kind, for it may hold secrets. */
export function refuse(option: string, expected: string, value: unknown, of?: string): never {
  const subject = `\`${option}\` option${of ? ` of ${of}` : ''}`;
  const sentence = `The ${subject} must be ${expected}. Received ${shown(value)}.`;
  throw new (typeof value === 'number' ? RangeError : TypeError)(sentence);
}

/** As `refuse`, for an option whose value may be a secret, or a URL with a password. */
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

/** What a template string or `Number()` makes of an environment variable that is not set. */
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
