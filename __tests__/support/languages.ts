/** Every language of the package, by its tag. */
import { en, ko, type Locale } from 'express-email-verification';
import { ar } from 'express-email-verification/locales/ar';
import { de } from 'express-email-verification/locales/de';
import { es } from 'express-email-verification/locales/es';
import { fr } from 'express-email-verification/locales/fr';
import { id } from 'express-email-verification/locales/id';
import { it as italian } from 'express-email-verification/locales/it';
import { ja } from 'express-email-verification/locales/ja';
import { ptBR } from 'express-email-verification/locales/pt-BR';
import { ru } from 'express-email-verification/locales/ru';
import { tr } from 'express-email-verification/locales/tr';
import { vi } from 'express-email-verification/locales/vi';
import { zhHans } from 'express-email-verification/locales/zh-Hans';
import { zhHant } from 'express-email-verification/locales/zh-Hant';

const locales = [en, ko, ja, zhHans, zhHant, es, ptBR, fr, de, italian, ru, ar, vi, id, tr];

export const LANGUAGES: [tag: string, locale: Locale][] = locales.map((locale) => [locale.tag, locale]);

/** The languages for the `locales` option. */
export const LOCALES: Readonly<Record<string, Locale>> = Object.fromEntries(LANGUAGES);
