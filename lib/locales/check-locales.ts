/** Validates the app's locales at startup, so that no text is missing in a response later. */

import { isOptions, namesIn, readOptions, refuse, refuseUnknown, shown } from '../checks.js';
import { messageOf } from '../errors.js';
import { builtInLocales, en, type Languages, type Locale } from './index.js';

/** @throws TypeError that names the first text that is missing or unknown, or does not return a string. */
export function checkLocales(option: unknown): ReadonlyMap<string, Locale> {
  if (!isOptions(option)) return refuse('locales', 'an object of locales by their language tag', option);
  const locales = new Map(Object.entries(builtInLocales));
  for (const tag of namesIn(option)) {
    const locale: unknown = Reflect.get(option, tag);
    if (locale === undefined) continue;
    if (!isTag(tag))
      throw new TypeError(
        `Unknown language tag \`locales.${tag}\`. Expected one as in BCP 47, such as 'de' or 'pt-BR'.`,
      );
    locales.set(tag.toLowerCase(), checkLocale(`locales.${tag}`, locale));
  }
  return locales;
}

/** Puts the default language first, which is where Accept-Language finds it for `*`. */
export function chooseDefault(locales: ReadonlyMap<string, Locale>, tag: unknown): Languages {
  const defaultLocale = typeof tag === 'string' ? locales.get(tag.toLowerCase()) : undefined;
  if (typeof tag !== 'string' || !defaultLocale)
    return refuse('defaultLocale', `one of ${[...locales.keys()].join(', ')}`, tag);
  return { locales: new Map([[tag.toLowerCase(), defaultLocale], ...locales]), defaultLocale };
}

function checkLocale(path: string, locale: unknown): Locale {
  if (!isLocale(locale)) return refuse(path, 'a Locale', locale);
  const { tag, dir, answers, fields, mail } = readOptions(locale, en, { path });
  if (!isTag(tag)) refuse(`${path}.tag`, "a language tag as in BCP 47, such as 'de' or 'pt-BR'", tag);
  if (dir !== 'ltr' && dir !== 'rtl') refuse(`${path}.dir`, "'ltr' or 'rtl'", dir);
  checkTexts(`${path}.answers`, answers, en.answers);
  checkTexts(`${path}.fields`, fields, en.fields);
  checkTexts(`${path}.mail`, mail, en.mail);
  return locale;
}

/** A first check that narrows the type. Each text is checked afterwards. */
function isLocale(value: unknown): value is Locale {
  return isOptions(value);
}

/** Each text must have the same type as in English. */
function checkTexts<T extends object>(path: string, texts: T | undefined, english: T): void {
  if (!isOptions(texts)) refuse(path, 'an object of texts', texts);
  refuseUnknown(texts, english, { path });
  for (const [name, reference] of Object.entries(english)) {
    const text: unknown = Reflect.get(texts, name);
    const option = `${path}.${name}`;
    if (text === undefined && OPTIONAL.has(name)) continue;
    if (typeof reference === 'string') {
      if (typeof text !== 'string') refuse(option, 'a string', text);
      continue;
    }
    if (typeof text !== 'function') refuse(option, 'a function that returns a string', text);
    for (const sample of english === en.mail && name !== 'expiry' ? MAIL_SAMPLES : COUNT_SAMPLES) {
      const args = sample.map(shown).join(', ');
      const result = callText(option, () => Reflect.apply(text, texts, sample), args);
      if (typeof result !== 'string')
        refuse(option, `a function that returns a string, also for (${args})`, result);
    }
  }
}

/** Texts that have a fallback. */
const OPTIONAL: ReadonlySet<string> = new Set<keyof Locale['answers'] | keyof Locale['fields']>([
  'captcha',
  'recipient_refused',
  'code_outdated',
  'emailNotString',
  'codeNotString',
  'letterCode',
]);

/** The texts of an email get the app's name, and some the code. */
const MAIL_SAMPLES = [['Acme', '012345']];

/** All others, and `expiry`, get a number. */
const COUNT_SAMPLES = [[0], [1], [2], [60], [180], [86_400]];

function callText(option: string, text: () => unknown, args: string): unknown {
  try {
    return text();
  } catch (cause) {
    throw new TypeError(`The \`${option}\` option threw for (${args}): ${messageOf(cause)}`, { cause });
  }
}

function isTag(value: unknown): value is string {
  try {
    return typeof value === 'string' && Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}
