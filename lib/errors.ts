/**
 * What an error says, read by shape: one that comes from another realm, as under Jest or in a worker's vm, is no
 * instance of our Error, and what an app throws need not be an error at all.
 */

import { inspect } from 'node:util';

/**
 * What was thrown, as something that Express takes for an error: it goes on after `undefined` and other falsy
 * values as if nothing were wrong, and skips handlers for the string 'route'. An object is passed on as it is.
 */
export function errorOf(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return new Error(`${inspect(thrown)} was thrown in place of an error`, { cause: thrown });
}

export function messageOf(error: unknown): string {
  return textOf(error, 'message') || textOf(error, 'name') || 'no reason was given';
}

/** The code of Node, nodemailer or the app, as `ECONNREFUSED`: capitals, digits and underscores. */
export function codeOf(error: unknown): string | undefined {
  const code = textOf(error, 'code');
  return code !== undefined && /^[A-Z][A-Z0-9_]*$/.test(code) && isName(code) ? code : undefined;
}

/** Whether a text is a name, as of an error, and cannot be a code or an address that somebody put there. */
export function isName(text: string): boolean {
  const digits = text.replace(/[^0-9]/g, '').length;
  return /^[A-Za-z][A-Za-z0-9_.-]{1,63}$/.test(text) && digits < 6;
}

/** A property of anything, undefined when it cannot be read. */
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
