/** The frame around every page. */
import type { Request, Response } from 'express';
import { type Html, html } from '../html.js';
import type { Use } from '../uses.js';
import { languages, type Words, wordsOf } from '../words/index.js';
import { bird } from './parts.js';

export interface Page {
  readonly title: string;
  readonly main: Html;
  readonly status?: number;
  /** Scripts of this page, under /assets. */
  readonly scripts?: readonly string[];
  /** What the first link leads to, past the head of the page. @default content */
  readonly skipTo?: 'form' | 'letter';
  /** A wider column, for pages that show mails. */
  readonly wide?: boolean;
}

export type ShowPage = (req: Request, res: Response, page: Page) => void;

/** What the demo runs on, for the foot of each page. */
export interface Footing {
  readonly appName: string;
  readonly uses: readonly Use[];
  /** Whether there is an inbox to look into. */
  readonly inbox: boolean;
  readonly previews: boolean;
}

export function createLayout(footing: Footing): ShowPage {
  return function showPage(req, res, page) {
    res.status(page.status ?? (res.statusCode >= 400 ? res.statusCode : 200));
    // Pages hold an address, a token, a name: no cache keeps them, the one for "back" included.
    res.set('Cache-Control', 'no-store').type('html');
    res.send(layout(page, footing, wordsOf(req)).markup);
  };
}

function layout({ title, main, scripts = [], skipTo, wide }: Page, footing: Footing, words: Words): Html {
  return html`<!doctype html>
<html lang="${words.tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${footing.appName}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
${scripts.map((script) => html`<script type="module" src="/assets/${script}"></script>\n`)}</head>
<body>
<a class="skip" href="${skipTo === 'letter' ? '#subject' : '#main'}">${words.skip[skipTo ?? 'content']}</a>
<header class="top">
<a class="brand" href="/"><svg viewBox="0 0 48 48" width="32" height="32" aria-hidden="true" focusable="false">${bird()}</svg>${footing.appName}</a>
<nav class="languages" aria-label="${words.language}">
${languages.map(
  ({ tag, name }) =>
    html`<a href="?lang=${tag}" lang="${tag}" hreflang="${tag}"${tag === words.tag && html` aria-current="true"`}>${name}</a>\n`,
)}</nav>
</header>
<main id="main" tabindex="-1"${wide === true && html` class="wide"`}>
${main}
</main>
<footer class="foot">
<ul>
${footing.uses.map((use) => html`<li>${words.use(use)}</li>\n`)}${
  footing.inbox && html`<li><a href="/inbox">${words.inbox.title}</a> (${words.development.note})</li>\n`
}${footing.previews && html`<li><a href="/mails">${words.previews.title}</a></li>\n`}</ul>
</footer>
</body>
</html>
`;
}
