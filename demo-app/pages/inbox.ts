/** The inbox: newest first, one mail open. */
import type { ReceivedMessage } from '../development/mail-server.js';
import { type Html, html } from '../html.js';
import type { Words } from '../words/index.js';
import type { Page } from './layout.js';

export type View = 'html' | 'text' | 'source';

export interface Open {
  readonly mail: ReceivedMessage;
  readonly view: View;
}

export function inboxPage(words: Words, mails: readonly ReceivedMessage[], open: Open | undefined): Page {
  const { inbox, development } = words;
  return {
    title: inbox.title,
    wide: true,
    scripts: ['inbox.mjs'],
    ...(open && { skipTo: 'letter' }),
    main: html`<div class="inbox">
<div class="inbox-head"><h1 tabindex="-1">${inbox.title}</h1><p class="badge">${development.badge}</p></div>
<p class="lead">${inbox.lead}</p>
<div class="inbox-panes" id="inbox">
${mails.length === 0 ? empty(words) : list(words, mails, open)}
${open && letter(words, open)}
</div>
<p id="inbox-status" class="unseen" role="status" data-words="${JSON.stringify(inbox.script)}"></p>
</div>`,
  };
}

function empty({ inbox }: Words): Html {
  const [before, link, after] = inbox.empty;
  return html`<p class="empty">${before}<a href="/sign-up">${link}</a>${after}</p>`;
}

function list({ inbox }: Words, mails: readonly ReceivedMessage[], open: Open | undefined): Html {
  return html`<nav aria-label="${inbox.mails}"><ol class="mails">
${mails.map(
  (mail) => html`<li><a href="/inbox/${mail.id}"${mail === open?.mail && html` aria-current="page"`}>
<strong${langOf(mail)}>${mail.subject}</strong>
<span>${mail.envelope.to.join(', ')}</span>
<time datetime="${mail.receivedAt.toISOString()}">${mail.receivedAt.toISOString().slice(11, 19)} UTC</time>
</a></li>\n`,
)}</ol></nav>`;
}

function letter({ inbox }: Words, { mail, view }: Open): Html {
  const code = codeIn(mail);
  return html`<article class="letter" aria-labelledby="subject">
<header>
<h2 id="subject" tabindex="-1"${langOf(mail)}>${mail.subject}</h2>
<p>${mail.from?.address} → ${mail.envelope.to.join(', ')}</p>
${code !== undefined && html`<p class="code-line"><code>${code}</code> <button type="button" data-copy="${code}" hidden>${inbox.copy}</button></p>`}
<nav class="tabs" aria-label="${inbox.views}">
${VIEWS.map(
  (name) =>
    html`<a href="/inbox/${mail.id}?view=${name}"${name === view && html` aria-current="page"`}>${inbox.view[name]}</a>\n`,
)}</nav>
</header>
${content(mail, view)}
</article>`;
}

const VIEWS: readonly View[] = ['html', 'text', 'source'];

function content(mail: ReceivedMessage, view: View): Html {
  if (view === 'html') return mailFrame(mail.html, mail.subject);
  if (view === 'text') return html`<pre tabindex="0"${langOf(mail)}>${mail.text}</pre>`;
  return html`<pre tabindex="0">${mail.raw}</pre>`;
}

/** A mail may be in another language than the page: it says so itself. */
function langOf(mail: ReceivedMessage): Html | false {
  const [, lang] = /<html[^>]* lang="([^"]+)"/.exec(mail.html) ?? [];
  return lang !== undefined && html` lang="${lang}"`;
}

/** The code in a mail: a line of its own. */
function codeIn({ text }: ReceivedMessage): string | undefined {
  return /^\d{6,10}$/m.exec(text)?.[0];
}

/** A mail in a frame without scripts, forms, or anything from elsewhere. */
export function mailFrame(mailHtml: string, title: string): Html {
  const rules = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`;
  return html`<iframe sandbox="" srcdoc="${rules}${mailHtml}" title="${title}"></iframe>`;
}
