/** The languages the package speaks, and how one is chosen. */
import { en } from './en.js';
import { ko } from './ko.js';
import type { Locale } from './locale.js';

export type { Locale };
export { en, ko };

export const builtInLocales: Readonly<Record<string, Locale>> = { en, ko };

/** The languages of an app, by tag in lower case. */
export interface Languages {
  readonly locales: ReadonlyMap<string, Locale>;
  readonly defaultLocale: Locale;
}

/** The language that a tag asks for: the same tag, else its language (`ko-KR` finds `ko`); undefined when there is none. */
export function chooseLocale({ locales }: Languages, tag: unknown): Locale | undefined {
  if (typeof tag !== 'string') return undefined;
  const wanted = tag.toLowerCase();
  return locales.get(wanted) ?? locales.get(wanted.split('-', 1)[0] ?? wanted);
}
