/** The languages of the demo, and which one a request is answered in. */
import type { Request, RequestHandler } from 'express';
import { cookieOptions, readCookie } from '../cookies.js';
import { en } from './en.js';
import { ko } from './ko.js';
import type { Words } from './words.js';

export type { Words };

export const languages: readonly Words[] = [en, ko];

/** By the switch, else by the browser's languages, else English. */
export function wordsOf(req: Request): Words {
  const chosen = readCookie(req, 'language') ?? req.acceptsLanguages(languages.map(({ tag }) => tag));
  return wordsFor(chosen || undefined);
}

export function wordsFor(tag: string | undefined): Words {
  return languages.find((words) => words.tag === tag) ?? en;
}

/** `?lang=ko` on any page keeps the choice, and shows the page again. */
export function languageSwitch({ secure }: { secure: boolean }): RequestHandler {
  return function languageSwitch(req, res, next) {
    const { lang } = req.query;
    const chosen = languages.find(({ tag }) => tag === lang);
    if (req.method !== 'GET' || !chosen) return next();
    res.cookie('language', chosen.tag, cookieOptions(secure, 365 * 24 * 3600));
    // A path that begins with two slashes would lead elsewhere.
    res.redirect(303, req.path.replace(/^[/\\]+/, '/'));
  };
}
