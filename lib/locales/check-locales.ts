/** The languages of an app are checked word by word when it starts: a missing one would show in an answer. */
import { messageOf } from '../errors.js';
import { isOptions, namesIn, readOptions, refuse, refuseUnknown, shown } from '../options/checks.js';
import { builtInLocales, en, type Locale } from './index.js';

export interface Locales {
  /** By tag in lower case; the default one first. */
  readonly all: ReadonlyMap<string, Locale>;
  readonly first: Locale;
}

/** @throws TypeError that names the first word which is missing, unknown, or gives no string. */
export function checkLocales(given: unknown, defaultTag: unknown): Locales {
  if (!isOptions(given)) return refuse('locales', 'an object of locales by their language tag', given);
  const all = new Map(Object.entries(builtInLocales));
  for (const tag of namesIn(given)) {
    const locale: unknown = Reflect.get(given, tag);
    if (locale === undefined) continue;
    if (!isTag(tag))
      throw new TypeError(
        `Unknown language tag \`locales.${tag}\`. Expected one as in BCP 47, such as 'de' or 'pt-BR'.`,
      );
    all.set(tag.toLowerCase(), checkLocale(`locales.${tag}`, locale));
  }
  const first = typeof defaultTag === 'string' ? all.get(defaultTag.toLowerCase()) : undefined;
  if (typeof defaultTag !== 'string' || !first)
    return refuse('defaultLocale', `one of ${[...all.keys()].join(', ')}`, defaultTag);
  return { all: new Map([[defaultTag.toLowerCase(), first], ...all]), first };
}

function checkLocale(path: string, given: unknown): Locale {
  if (!isLocale(given)) return refuse(path, 'a Locale', given);
  const { tag, dir, answers, fields, mail } = readOptions(given, en, { path });
  if (!isTag(tag)) refuse(`${path}.tag`, "a language tag as in BCP 47, such as 'de' or 'pt-BR'", tag);
  if (dir !== 'ltr' && dir !== 'rtl') refuse(`${path}.dir`, "'ltr' or 'rtl'", dir);
  checkWords(`${path}.answers`, answers, en.answers);
  checkWords(`${path}.fields`, fields, en.fields);
  checkWords(`${path}.mail`, mail, en.mail);
  return given;
}

/** Only that there is something to check: each word of it is, right after. */
function isLocale(value: unknown): value is Locale {
  return isOptions(value);
}

/** Each word must be of the kind that it is of in English. */
function checkWords<T extends object>(path: string, given: T | undefined, english: T): void {
  if (!isOptions(given)) refuse(path, 'an object of words', given);
  refuseUnknown(given, english, { path });
  for (const [name, model] of Object.entries(english)) {
    const word: unknown = Reflect.get(given, name);
    const option = `${path}.${name}`;
    if (word === undefined && OPTIONAL.has(name)) continue;
    if (typeof model === 'string') {
      if (typeof word !== 'string') refuse(option, 'a string', word);
      continue;
    }
    if (typeof word !== 'function') refuse(option, 'a function that returns a string', word);
    for (const sample of english === en.mail && name !== 'expiry' ? MAIL_SAMPLES : COUNT_SAMPLES) {
      const text = said(option, () => Reflect.apply(word, given, sample), sample);
      if (typeof text !== 'string')
        refuse(option, `a function that returns a string, also for (${sample.map(shown).join(', ')})`, text);
    }
  }
}

/** Words that another one stands in for. */
const OPTIONAL: ReadonlySet<string> = new Set<keyof Locale['answers']>([
  'recipient_refused',
  'code_outdated',
]);

/** The words of a mail are told the app's name, and some of them the code. */
const MAIL_SAMPLES = [['Acme', '012345']];

/** All others, and how long a code is valid, are told a number. */
const COUNT_SAMPLES = [[0], [1], [2], [60], [180], [86_400]];

function said(option: string, word: () => unknown, sample: readonly unknown[]): unknown {
  try {
    return word();
  } catch (cause) {
    const args = sample.map(shown).join(', ');
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
