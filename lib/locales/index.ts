/** The built-in languages, and how a language is chosen. */
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

/** The locale for a tag: that of the same tag, or else of its language (`ko-KR` finds `ko`). Undefined if there is none. */
export function chooseLocale({ locales }: Languages, tag: unknown): Locale | undefined {
  if (typeof tag !== 'string') return undefined;
  const key = tag.toLowerCase();
  return locales.get(key) ?? locales.get(key.split('-', 1)[0] ?? key);
}
