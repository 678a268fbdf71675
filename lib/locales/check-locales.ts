/** Validates and completes the app's locales at startup, so that no text is missing in a response later. */

import { isOptions, namesIn, readOptions, refuse, refuseUnknown, shown } from '../checks.js';
import { messageOf, textOf } from '../errors.js';
import { warn } from '../events.js';
import { chooseLocale, defaultLocales, en, type Languages, type Locale, withOtherTags } from './index.js';
import { directionOf, isTag, type PartialLocale } from './locale.js';

/**
 * A text that is missing comes from a locale of the same language, or else from English, and then a warning names it.
 *
 * @throws TypeError that names the first text that is unknown, or that does not return a string.
 */
export function checkLocales(option: unknown): ReadonlyMap<string, Locale> {
  if (!isOptions(option)) return refuse('locales', 'an object of locales by their language tag', option);
  const locales = new Map(Object.entries(defaultLocales));
  const partial: { readonly key: string; readonly locale: PartialLocale }[] = [];
  for (const name of namesIn(option)) {
    const passed: unknown = Reflect.get(option, name);
    if (passed === undefined) continue;
    const tag = tagOf(name, passed);
    const key = tag.toLowerCase();
    const locale = checkLocale(`locales.${name}`, passed);
    if (isComplete(locale)) locales.set(key, locale);
    else partial.push({ key, locale: { tag, ...readOptions(locale, en) } });
  }

  const inEnglish: string[] = [];
  // `es` comes before `es-MX`, which may use its texts.
  for (const { key, locale } of partial.sort((one, other) => one.key.length - other.key.length)) {
    const base = chooseLocale({ byTag: withOtherTags(locales) }, key);
    if (!base) inEnglish.push(...missingIn(locale).map((text) => `${locale.tag}.${text}`));
    locales.set(key, complete(locale, base));
  }
  if (inEnglish.length > 0) warn(`English replaces texts that \`locales\` lacks: ${inEnglish.join(', ')}.`);
  return locales;
}

/** Warns of languages that have no text for codes of letters, which an app without them does not need. */
export function warnOfDigits(locales: ReadonlyMap<string, Locale>): void {
  const lacking = [...locales].filter(([, { fields }]) => fields.letterCode === undefined);
  const names = lacking.map(([, { tag }]) => `${tag}.fields.letterCode`);
  if (names.length > 0) warn(`English replaces texts that \`locales\` lacks: ${names.join(', ')}.`);
}

export function chooseDefault(locales: ReadonlyMap<string, Locale>, tag: unknown): Languages {
  const defaultLocale = typeof tag === 'string' ? locales.get(tag.toLowerCase()) : undefined;
  if (!defaultLocale) return refuse('defaultLocale', `one of ${[...locales.keys()].join(', ')}`, tag);
  return { locales, byTag: withOtherTags(locales), defaultLocale };
}

/** The tag of the locale `name`: `{ zhHans }` is the same as `{ 'zh-Hans': zhHans }`. */
function tagOf(name: string, locale: unknown): string {
  const own = textOf(locale, 'tag');
  const tag = own?.replaceAll('-', '').toLowerCase() === name.toLowerCase() ? own : name;
  if (isTag(tag)) return tag;
  throw new TypeError(
    `Unknown language tag \`locales.${name}\`. Expected one as in BCP 47, such as 'de' or 'pt-BR'.`,
  );
}

function checkLocale(path: string, locale: unknown): PartialLocale {
  if (!isLocale(locale)) return refuse(path, 'a Locale', locale);
  const { tag, dir, answers, fields, mail } = readOptions(locale, en, { path });
  if (tag !== undefined && !isTag(tag))
    refuse(`${path}.tag`, "a language tag as in BCP 47, such as 'de' or 'pt-BR'", tag);
  if (dir !== undefined && dir !== 'ltr' && dir !== 'rtl') refuse(`${path}.dir`, "'ltr' or 'rtl'", dir);
  checkTexts(`${path}.answers`, answers, en.answers);
  checkTexts(`${path}.fields`, fields, en.fields);
  checkTexts(`${path}.mail`, mail, en.mail);
  return locale;
}

/** A first check that narrows the type. Each text is checked afterwards. */
function isLocale(value: unknown): value is PartialLocale {
  return isOptions(value);
}

/** Each text must have the same type as in English. */
function checkTexts<T extends object>(path: string, texts: Partial<T> | undefined, english: T): void {
  if (texts === undefined) return;
  if (!isOptions(texts)) refuse(path, 'an object of texts', texts);
  refuseUnknown(texts, english, { path });
  for (const [name, reference] of Object.entries(english)) {
    const text: unknown = Reflect.get(texts, name);
    const option = `${path}.${name}`;
    if (text === undefined) continue;
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

function isComplete(locale: PartialLocale): locale is Locale {
  return locale.tag !== undefined && locale.dir !== undefined && missingIn(locale).length === 0;
}

/** The texts that a locale lacks, such as `mail.heading`, or `mail` if it lacks the whole group. */
function missingIn({ answers, fields, mail }: PartialLocale): string[] {
  const missing = (group: string, texts: object | undefined, english: object) => {
    if (texts === undefined) return [group];
    const names = Object.keys(english).filter((name) => !OPTIONAL.has(name));
    return names.filter((name) => Reflect.get(texts, name) === undefined).map((name) => `${group}.${name}`);
  };
  return [
    ...missing('answers', answers, en.answers),
    ...missing('fields', fields, en.fields),
    ...missing('mail', mail, en.mail),
  ];
}

/** @param base a locale of the same language, if there is one */
function complete({ tag = 'en', dir, answers, fields, mail }: PartialLocale, base = english): Locale {
  return {
    tag,
    dir: dir ?? directionOf(tag),
    answers: { ...base.answers, ...textsIn(answers, en.answers) },
    fields: { ...base.fields, ...textsIn(fields, en.fields) },
    mail: { ...base.mail, ...textsIn(mail, en.mail) },
  };
}

/** English in place of another language. Optional texts are left out, because each has a substitute in that language. */
const english: Locale = {
  ...en,
  answers: { ...en.answers, captcha: undefined, recipient_refused: undefined, code_outdated: undefined },
  fields: { ...en.fields, emailNotString: undefined, codeNotString: undefined, letterCode: undefined },
  mail: { ...en.mail, requestedFor: undefined },
};

/** The texts that a group has, also as methods of a class. Undefined ones would hide those of the base. */
function textsIn<T extends object>(texts: Partial<T> | undefined, english: T): Partial<T> {
  const found: Partial<T> = {};
  for (const name in english) if (texts?.[name] !== undefined) found[name] = texts[name];
  return found;
}

/** Texts that have a fallback. */
const OPTIONAL: ReadonlySet<string> = new Set<
  keyof Locale['answers'] | keyof Locale['fields'] | keyof Locale['mail']
>([
  'captcha',
  'recipient_refused',
  'code_outdated',
  'emailNotString',
  'codeNotString',
  'letterCode',
  'requestedFor',
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
