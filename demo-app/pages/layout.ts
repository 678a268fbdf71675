/** The layout of every page. */
import type { Request, Response } from 'express';
import type { Backend } from '../backends.js';
import { type Html, html } from '../html.js';
import { languages, type Translation, translationOf } from '../locales/index.js';
import { logo } from './parts.js';

export interface Page {
  readonly title: string;
  readonly main: Html;
  readonly status?: number;
  /** The page's scripts, in /assets. */
  readonly scripts?: readonly string[];
  /** The target of the skip link. @default 'content' */
  readonly skipTo?: 'form' | 'message';
  /** A wider column, for pages that show emails. @default false */
  readonly wide?: boolean;
}

export type ShowPage = (req: Request, res: Response, page: Page) => void;

export interface LayoutOptions {
  readonly appName: string;
  /** Listed in the footer. */
  readonly backends: readonly Backend[];
  /** Whether the footer links to the inbox. */
  readonly inbox: boolean;
  /** Whether the footer links to the email previews and the description of the API. */
  readonly previews: boolean;
}

export function createLayout(options: LayoutOptions): ShowPage {
  return function showPage(req, res, page) {
    res.status(page.status ?? (res.statusCode >= 400 ? res.statusCode : 200));
    // Pages contain email addresses, tokens, and names, which no cache may store.
    res.set('Cache-Control', 'no-store').type('html');
    res.send(layout(page, options, translationOf(req)).markup);
  };
}

function layout(
  { title, main, scripts = [], skipTo, wide }: Page,
  { appName, backends, inbox, previews }: LayoutOptions,
  t: Translation,
): Html {
  return html`<!doctype html>
<html lang="${t.tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${appName}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
${scripts.map((script) => html`<script type="module" src="/assets/${script}"></script>\n`)}</head>
<body>
<a class="skip-link" href="${skipTo === 'message' ? '#subject' : '#main'}">${t.skip[skipTo ?? 'content']}</a>
<header class="header">
<a class="brand" href="/"><svg viewBox="0 0 48 48" width="32" height="32" aria-hidden="true" focusable="false">${logo()}</svg>${appName}</a>
<nav class="languages" aria-label="${t.language}">
${languages.map(
  ({ tag, name }) =>
    html`<a href="?lang=${tag}" lang="${tag}" hreflang="${tag}"${tag === t.tag && html` aria-current="true"`}>${name}</a>\n`,
)}</nav>
</header>
<main id="main" tabindex="-1"${wide === true && html` class="wide"`}>
${main}
</main>
<footer class="footer">
<ul>
${backends.map((backend) => html`<li>${t.backend(backend)}</li>\n`)}${
  inbox && html`<li><a href="/inbox">${t.inbox.title}</a> (${t.development.note})</li>\n`
}${previews && html`<li><a href="/mails">${t.previews.title}</a></li>\n<li><a href="/api" lang="en" hreflang="en">OpenAPI</a></li>\n`}</ul>
</footer>
</body>
</html>
`;
}
