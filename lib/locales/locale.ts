/** The texts of one language: for responses, invalid fields and the email. */
export interface Locale {
  /** The BCP 47 tag, which is `lang` in the email. */
  readonly tag: string;
  readonly dir: 'ltr' | 'rtl';
  readonly answers: {
    readonly sent: string;
    readonly verified: string;
    readonly invalid_request: string;
    readonly refused: string;
    /** The captcha was not solved, or its token has expired. @default refused */
    readonly captcha?: string | undefined;
    readonly too_many_requests: (seconds: number) => string;
    /** The email could not be sent, and the person can do nothing but wait. */
    readonly delivery_failed: string;
    /** The mail server refused the address. @default delivery_failed */
    readonly recipient_refused?: string | undefined;
    readonly delivery_unknown: string;
    readonly unavailable: string;
    readonly code_incorrect: (attemptsLeft: number) => string;
    readonly code_expired: string;
    /** An older code, while a newer one can still be entered. @default code_expired */
    readonly code_outdated?: string | undefined;
    readonly email_not_verified: string;
  };
  readonly fields: {
    readonly body: string;
    readonly email: string;
    /** For a program that sent another type, such as a JSON number. @default email */
    readonly emailNotString?: string | undefined;
    readonly code: (length: number) => string;
    /** For `codeAlphabet: 'letters'`. @default the one in English */
    readonly letterCode?: string | undefined;
    /** For a program that sent another type, such as a JSON number. @default code */
    readonly codeNotString?: string | undefined;
    readonly challengeId: string;
    readonly locale: string;
  };
  readonly mail: {
    readonly subject: (appName: string) => string;
    /** The subject when `codeInSubject` is set. */
    readonly subjectWithCode: (appName: string, code: string) => string;
    /** What an inbox shows next to the subject. */
    readonly preview: (appName: string) => string;
    readonly heading: string;
    readonly instruction: (appName: string) => string;
    /** How long the code is valid, in seconds. */
    readonly expiry: (seconds: number) => string;
    /** For `showEmail`: which address the code was requested for. @default the address alone */
    readonly requestedFor?: ((email: string) => string) | undefined;
    /** For a person who did not request a code. */
    readonly ignore: string;
  };
}

/** A locale that may lack texts: these come from a locale of the same language, or else from English. */
export interface PartialLocale {
  /** The BCP 47 tag, which is `lang` in the email. @default the name of the locale in `locales` */
  readonly tag?: string | undefined;
  /** @default the direction of the script of `tag` */
  readonly dir?: 'ltr' | 'rtl' | undefined;
  readonly answers?: Some<Locale['answers']> | undefined;
  readonly fields?: Some<Locale['fields']> | undefined;
  readonly mail?: Some<Locale['mail']> | undefined;
}

type Some<Texts> = { readonly [Name in keyof Texts]?: Texts[Name] | undefined };

const BUILT_IN = new WeakSet<Locale>();

/** Marks a locale of the package, whose texts depend on nothing but their arguments. */
export function builtIn(locale: Locale): Locale {
  BUILT_IN.add(locale);
  return locale;
}

export function isBuiltIn(locale: Locale): boolean {
  return BUILT_IN.has(locale);
}

/** The forms of a word or a sentence, by the categories of Unicode CLDR. A language has those that it needs. */
export type PluralForms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/**
 * Chooses the form that a number needs, by the plural rules of a language (Unicode CLDR, by `Intl`).
 *
 * @example
 * const plural = pluralsIn('nl');
 * plural(2, { one: 'poging', other: 'pogingen' }); // 'pogingen'
 */
export function pluralsIn(tag: string): (count: number, forms: PluralForms) => string {
  let rules: Intl.PluralRules | undefined;
  return (count, forms) => {
    rules ??= new Intl.PluralRules(tag);
    return forms[rules.select(count)] ?? forms.other;
  };
}

/** Durations as a language writes them (Unicode CLDR, by `Intl`), such as "3 minutes". */
export interface Durations {
  /** A wait as people say it: seconds up to two minutes, minutes up to two hours, else hours; rounded up. */
  wait(seconds: number): string;
  /** An exact span: minutes if they are whole, else seconds. */
  exact(seconds: number): string;
}

type Unit = 'second' | 'minute' | 'hour';

/**
 * The formatters are created lazily, because `Intl` takes milliseconds to set one up.
 *
 * @param units for a language whose sentences need other forms than those of `Intl`, such as another case
 * @example
 * const durations = durationsIn('nl');
 * durations.exact(180); // '3 minuten'
 */
export function durationsIn(
  tag: string,
  units?: Readonly<Record<Unit, (count: number) => string>>,
): Durations {
  const formatOf = (unit: Unit) => {
    let format: Intl.NumberFormat | undefined;
    return (count: number) => {
      format ??= new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' });
      return format.format(count);
    };
  };
  const { second, minute, hour } = units ?? {
    second: formatOf('second'),
    minute: formatOf('minute'),
    hour: formatOf('hour'),
  };
  return {
    wait(count) {
      if (count <= 120) return second(count);
      return count <= 7200 ? minute(Math.ceil(count / 60)) : hour(Math.ceil(count / 3600));
    },
    exact: (count) => (count % 60 === 0 ? minute(count / 60) : second(count)),
  };
}

/** Whether a value is a language tag (BCP 47). */
export function isTag(value: unknown): value is string {
  try {
    return typeof value === 'string' && Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}

/** The direction of the script of a language. */
export function directionOf(tag: string): Locale['dir'] {
  const { script } = new Intl.Locale(tag).maximize();
  return script !== undefined && RIGHT_TO_LEFT.has(script) ? 'rtl' : 'ltr';
}

/** Scripts of living languages that are written from right to left (ISO 15924). */
const RIGHT_TO_LEFT: ReadonlySet<string> = new Set('Adlm Arab Hebr Mand Nkoo Rohg Syrc Thaa'.split(' '));
