/** The inbox: newest first, one mail open. In English alone, as it is for developers. */
import type { ReceivedMail } from '../development/mail-server.js';
import { type Html, html } from '../html.js';
import type { Page } from './layout.js';

export type View = 'html' | 'text' | 'source';

export interface Open {
  readonly mail: ReceivedMail;
  readonly view: View;
}

export function inboxPage(mails: readonly ReceivedMail[], open: Open | undefined): Page {
  return {
    title: 'Inbox',
    wide: true,
    scripts: ['inbox.mjs'],
    ...(open && { skipTo: 'letter' }),
    main: html`<div lang="en" class="inbox">
<div class="inbox-head"><h1 tabindex="-1">Inbox</h1><p class="badge">Development only</p></div>
<p class="lead">Every mail of this demo ends here. Nothing is delivered.</p>
<div class="inbox-panes" id="inbox">
${mails.length === 0 ? html`<p class="empty">No mail yet. Ask for a code on the <a href="/sign-up">sign-up page</a>: it shows here by itself.</p>` : list(mails, open)}
${open && letter(open)}
</div>
<p id="inbox-status" class="unseen" role="status"></p>
</div>`,
  };
}

function list(mails: readonly ReceivedMail[], open: Open | undefined): Html {
  return html`<nav aria-label="Mails"><ol class="mails">
${mails.map(
  (mail) => html`<li><a href="/inbox/${mail.id}"${mail === open?.mail && html` aria-current="page"`}>
<strong>${mail.subject}</strong>
<span>${mail.envelope.to.join(', ')}</span>
<time datetime="${mail.receivedAt.toISOString()}">${mail.receivedAt.toISOString().slice(11, 19)} UTC</time>
</a></li>\n`,
)}</ol></nav>`;
}

function letter({ mail, view }: Open): Html {
  const code = codeIn(mail);
  return html`<article class="letter" aria-labelledby="subject">
<header>
<h2 id="subject" tabindex="-1">${mail.subject}</h2>
<p>${mail.from?.address} → ${mail.envelope.to.join(', ')}</p>
${code !== undefined && html`<p class="code-line"><code>${code}</code> <button type="button" data-copy="${code}" hidden>Copy the code</button></p>`}
<nav class="tabs" aria-label="Views">
${VIEWS.map(
  ([name, label]) =>
    html`<a href="/inbox/${mail.id}?view=${name}"${name === view && html` aria-current="page"`}>${label}</a>\n`,
)}</nav>
</header>
${content(mail, view)}
</article>`;
}

const VIEWS: readonly (readonly [View, string])[] = [
  ['html', 'HTML'],
  ['text', 'Text'],
  ['source', 'Source'],
];

function content(mail: ReceivedMail, view: View): Html {
  if (view === 'html') return mailFrame(mail.html, mail.subject);
  return html`<pre tabindex="0">${view === 'text' ? mail.text : mail.raw}</pre>`;
}

/** The code in a mail: a line of its own. */
function codeIn({ text }: ReceivedMail): string | undefined {
  return /^\d{6,10}$/m.exec(text)?.[0];
}

/** A mail in a frame without scripts, forms, or anything from elsewhere. */
export function mailFrame(mailHtml: string, title: string): Html {
  const rules = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`;
  return html`<iframe sandbox="" srcdoc="${rules}${mailHtml}" title="${title}"></iframe>`;
}
