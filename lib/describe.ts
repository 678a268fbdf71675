/**
 * Says what a value is, never what it contains: a client or a store passed by mistake often holds a URL with a password.
 */
export function nameOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (isThenable(value)) return 'a promise';
  if (typeof value === 'function') return value.name ? `the function ${value.name}` : 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object';
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;
}

export function isThenable(value: unknown): boolean {
  return typeof methodOf(value, 'then') === 'function';
}

export function hasMethod(value: unknown, name: string): boolean {
  return typeof methodOf(value, name) === 'function';
}

function methodOf(value: unknown, name: string): unknown {
  const holder: Readonly<Record<string, unknown>> = Object(value);
  return holder[name];
}
