/** The emails in one language at a time: in a list as an inbox shows it, light and dark, on a phone and wide, as text. */
import type { RequestHandler } from 'express';
import { en, type Locale, type MailContent } from 'express-email-verification';
import { codeEmail, existingAccountEmail } from '../accounts/emails.js';
import { allowInlineStyles, languages, textsOf } from '../site/site.js';

const TAGS = 'en ko ar de es fr id it ja pt-BR ru tr vi zh-Hans zh-Hant'.split(' ');
const CODE = '012345';

export function previewPage({ from, origin }: { from: string; origin: string }): RequestHandler[] {
  const show: RequestHandler = (req, res) => {
    const tag = TAGS.find((known) => known === req.query['locale']) ?? textsOf(res).tag;
    const emails = [{ name: 'code', ...codeMessage(tag, origin) }];
    // The demo itself has two languages, and so has its email to an address with an account.
    if (languages.some((texts) => texts.tag === tag))
      emails.push({ name: 'existingAccount', ...existingAccountEmail(tag, origin) });
    res.render('previews', { emails, from, code: CODE, tag, tags: TAGS, nameOf, preheaderOf, inScheme });
  };
  return [allowInlineStyles, show];
}

/** A language is loaded only when it is shown. */
function codeMessage(tag: string, origin: string): MailContent {
  const found: Record<string, Locale> = require(`express-email-verification/locales/${tag}`);
  const locale = found[tag.replace('-', '')] ?? en;
  const { hostname } = new URL(origin);
  const originHost = origin === `https://${hostname}` ? hostname : undefined;
  const sample = { code: CODE, expiresIn: 180, purpose: 'signup', data: undefined, appName: 'Acme' };
  const more = { email: 'minji@example.com', locale, originHost, codeInSubject: false };
  return codeEmail({ ...sample, ...more });
}

const nameOf = (tag: string) => new Intl.DisplayNames(tag, { type: 'language' }).of(tag);

/** The hidden text that an inbox shows after the subject. It is HTML, like the email that it comes from. */
const preheaderOf = (html: string) => /<div aria-hidden="true"[^>]*>(.*?)&#847;/.exec(html)?.[1];

/** The email as in light or dark mode, whatever the mode of the browser that shows the preview. */
const inScheme = (html: string, scheme: string) =>
  html.replace('(prefers-color-scheme: dark)', scheme === 'dark' ? 'all' : 'not all');
