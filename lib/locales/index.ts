/** The languages that need no import, and how a language is chosen. */
import { en } from './en.js';
import { ko } from './ko.js';
import type { Locale } from './locale.js';

export type { Locale };
export { en, ko };

export const defaultLocales: Readonly<Record<string, Locale>> = { en, ko };

/** The languages of an app. */
export interface Languages {
  /** By tag in lower case. */
  readonly locales: ReadonlyMap<string, Locale>;
  /** Those, and the locales for other tags of the same language. */
  readonly byTag: ReadonlyMap<string, Locale>;
  readonly defaultLocale: Locale;
}

/**
 * The locale for a tag: that of the same tag, or else of its language and script or region, or else of its language (RFC
 * 4647 §3.4). `ko-KR` finds `ko`, `zh-TW` finds `zh-Hant`, `pt-PT` finds `pt-BR`. Undefined if there is none.
 */
export function chooseLocale({ byTag }: Pick<Languages, 'byTag'>, tag: unknown): Locale | undefined {
  if (typeof tag !== 'string') return undefined;
  const key = tag.toLowerCase();
  const exact = byTag.get(key);
  if (exact) return exact;
  const [language = '', next] = key.split('-', 2);
  return byTag.get(`${language}-${next}`) ?? byTag.get(language);
}

/** Where Chinese is written in traditional characters (Unicode CLDR, likely subtags). */
const TRADITIONAL = 'au bn gb gf hk id mo pa pf ph sr th tw us vn'.split(' ');

/** Adds the tags that find a locale of another tag. Done at the start, so that a request only looks them up. */
export function withOtherTags(locales: ReadonlyMap<string, Locale>): ReadonlyMap<string, Locale> {
  const byTag = new Map(locales);
  const add = (tag: string, locale: Locale | undefined) => {
    if (locale && !byTag.has(tag)) byTag.set(tag, locale);
  };
  for (const region of TRADITIONAL) add(`zh-${region}`, locales.get('zh-hant'));
  for (const tag of locales.keys()) {
    const [language = ''] = tag.split('-', 1);
    if (byTag.has(language)) continue;
    // Of several locales, the one that most people who write this language use: `zh-Hans` for `zh`, `pt-BR` for `pt`.
    const { script, region } = new Intl.Locale(language).maximize();
    const likely = [`${language}-${script}`, `${language}-${region}`].map((it) => it.toLowerCase());
    for (const candidate of [...likely, tag]) add(language, locales.get(candidate));
  }
  return byTag;
}
