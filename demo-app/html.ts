/** HTML in tagged template literals: interpolated values are escaped unless they are HTML themselves. */

export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | false | undefined | readonly Value[];

/** @example html`<p>Hello ${name}</p>` */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return markup(strings.reduce((before, after, index) => before + render(values[index - 1]) + after));
}

const trusted = new WeakSet<object>();

function markup(text: string): Html {
  const result = { markup: text };
  trusted.add(result);
  return result;
}

function render(value: Value): string {
  if (value === undefined || value === false) return '';
  if (isList(value)) return value.map(render).join('');
  // Only results of html`…` are trusted, not an object from a request that has the same shape.
  if (typeof value === 'object') return trusted.has(value) ? value.markup : '';
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
