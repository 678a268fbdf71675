/** html`…`: markup as template literals. What is put in is escaped, unless it is markup itself. */

export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | false | undefined | readonly Value[];

/** @example html`<p>Hello ${name}</p>` */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return markup(strings.reduce((before, after, index) => before + written(values[index - 1]) + after));
}

const made = new WeakSet<object>();

function markup(text: string): Html {
  const one = { markup: text };
  made.add(one);
  return one;
}

function written(value: Value): string {
  if (value === undefined || value === false) return '';
  if (isList(value)) return value.map(written).join('');
  // Only what html`…` made counts: an object from a request that looks like it does not.
  if (typeof value === 'object') return made.has(value) ? value.markup : '';
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
