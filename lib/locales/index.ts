/** The languages the package speaks, and how one is chosen. */
import { en } from './en.js';
import { ko } from './ko.js';
import type { Locale } from './locale.js';

export type { Locale };
export { en, ko };

export const builtInLocales: Readonly<Record<string, Locale>> = { en, ko };

/** Chooses among languages by a tag somebody sent: the same tag, else its language (`ko-KR` finds `ko`). */
export function chooseLocale(
  locales: ReadonlyMap<string, Locale>,
  tag: string | undefined,
): Locale | undefined {
  if (tag === undefined) return undefined;
  const wanted = tag.toLowerCase();
  return locales.get(wanted) ?? locales.get(wanted.split('-', 1)[0] ?? wanted);
}
