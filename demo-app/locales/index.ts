/** The languages of the demo, and the choice of one for each request. */
import type { Request, RequestHandler } from 'express';
import { cookieOptions, readCookie } from '../cookies.js';
import { en } from './en.js';
import { ko } from './ko.js';
import type { Translation } from './translation.js';

export type { Translation };

export const languages: readonly Translation[] = [en, ko];

/** The language chosen on a page, else the browser's preference, else English. */
export function translationOf(req: Request): Translation {
  const chosen = readCookie(req, 'language') ?? req.acceptsLanguages(languages.map(({ tag }) => tag));
  return translationFor(chosen || undefined);
}

export function translationFor(tag: string | undefined): Translation {
  return languages.find((language) => language.tag === tag) ?? en;
}

/** `?lang=ko` on any page saves the choice and reloads the page. */
export function languageSwitch({ secure }: { secure: boolean }): RequestHandler {
  return function languageSwitch(req, res, next) {
    const { lang } = req.query;
    const chosen = languages.find(({ tag }) => tag === lang);
    if (req.method !== 'GET' || !chosen) return next();
    res.cookie('language', chosen.tag, cookieOptions(secure, 365 * 24 * 3600));
    // A path that starts with two slashes would redirect to another host.
    res.redirect(303, req.path.replace(/^[/\\]+/, '/'));
  };
}
