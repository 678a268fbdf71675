/** The language of a request: what its header asks for, of the languages there are. */
import type { Request } from 'express';
import type { Acts } from '../core.js';
import { chooseLocale, type Locale } from '../locales/index.js';

/** By Accept-Language (RFC 9110 §12.5.4), else the default. */
export function acceptedLocale(req: Request, { settings }: Acts): Locale {
  if (req.headers['accept-language'] === undefined) return settings.defaultLocale;
  const tag = req.acceptsLanguages([...settings.locales.keys()]);
  return (tag && chooseLocale(settings.locales, tag)) || settings.defaultLocale;
}

/** By `locale` in the body, else as above. */
export function localeOf(req: Request, core: Acts): Locale {
  return core.judge.localeOf(req.body, acceptedLocale(req, core));
}
