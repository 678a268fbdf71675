/**
 * Reads errors by shape. An error from another realm, as under Jest or in a vm context, is not an instance of this realm's
 * Error, and an app may throw anything.
 */
import { inspect } from 'node:util';

/**
 * Turns whatever was thrown into a value that Express treats as an error. Express ignores `undefined` and other falsy
 * values, and skips handlers for the string 'route'. Objects are returned unchanged.
 */
export function errorOf(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return new Error(`${inspect(thrown)} was thrown in place of an error`, { cause: thrown });
}

export function messageOf(error: unknown): string {
  return textOf(error, 'message') || textOf(error, 'name') || 'no reason was given';
}

/** The code that Node, nodemailer or the app set, such as `ECONNREFUSED`: capitals, digits and underscores. */
export function codeOf(error: unknown): string | undefined {
  const code = textOf(error, 'code');
  return code !== undefined && /^[A-Z][A-Z0-9_]*$/.test(code) && isName(code) ? code : undefined;
}

/** Whether a text is a name, such as that of an error, and cannot be a one-time code or an address. */
export function isName(text: string): boolean {
  const digits = text.replace(/[^0-9]/g, '').length;
  return /^[A-Za-z][A-Za-z0-9_.-]{1,63}$/.test(text) && digits < 6 && !LETTER_CODE.test(text);
}

/** Hardly any name has so many consonants in a row. */
const LETTER_CODE = /[b-df-hj-np-tv-xz]{4}-?[b-df-hj-np-tv-xz]{4}/i;

/** A property of any value. Undefined when it cannot be read. */
export function propertyOf(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}

export function textOf(value: unknown, name: string): string | undefined {
  const text = propertyOf(value, name);
  return typeof text === 'string' ? text : undefined;
}
