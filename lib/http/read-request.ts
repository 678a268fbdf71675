/** The first steps of both routes: from the bytes of a request to its parsed input. */
import type { Request, RequestHandler } from 'express';
import { chooseLocale, type Languages, type Locale } from '../locales/index.js';
import type { InvalidRequest } from '../operations/input.js';
import type { Operations } from '../operations/operations.js';
import type { SuccessField } from './answer.js';
import { isCrossSite } from './cross-site.js';
import { parseBody } from './parse-body.js';
import { type OnRefused, setState, stateOf, step } from './respond.js';

/** Parses the body, chooses the language of the response, and refuses requests sent by a page of another site. */
export function readBody(
  { settings, parsers }: Operations,
  successField: SuccessField,
  onRefused: OnRefused | undefined,
): RequestHandler {
  return step(async function readBody(req, res) {
    const parsed = await parseBody(req, res);
    const locale = localeOf(req, settings);
    setState(res, { successField, locale });
    if (isCrossSite(req, settings.origin)) {
      return { outcome: { kind: 'refused', message: locale.answers.refused } };
    }
    if (parsed.kind === 'parsed') return 'next';
    return { outcome: parsers.unreadable(locale), status: parsed.status };
  }, onRefused);
}

/** Validates the body, and keeps the parsed input for the next steps. */
export function validate<Input extends { readonly kind: 'parsed' }>(
  parse: (fields: unknown, locale: Locale) => Promise<Input | InvalidRequest>,
  onRefused: OnRefused | undefined,
): RequestHandler {
  return step(async function validate(req, res) {
    const state = stateOf<Input>(res);
    if (!state) return 'next';
    const parsed = await parse(req.body, state.locale);
    if (parsed.kind === 'invalid_request') return { outcome: parsed };
    state.input = parsed;
    return 'next';
  }, onRefused);
}

/** The language of a response: `locale` in the body, or else Accept-Language (RFC 9110 §12.5.4), or else the default. */
export function localeOf(req: Request, languages: Languages): Locale {
  const { locale }: { locale?: unknown } = Object(req.body);
  return chooseLocale(languages, locale) ?? acceptedLocale(req, languages) ?? languages.defaultLocale;
}

/** The tags of the header are tried in the order of preference; `*` is the default language. */
function acceptedLocale(req: Request, languages: Languages): Locale | undefined {
  if (req.headers['accept-language'] === undefined) return undefined;
  for (const tag of req.acceptsLanguages()) {
    const locale = tag === '*' ? languages.defaultLocale : chooseLocale(languages, tag);
    if (locale) return locale;
  }
  return undefined;
}
