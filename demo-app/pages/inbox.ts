/** The inbox: a list of messages, newest first, and one open message. */
import type { ReceivedMessage } from '../dev/mail-server.js';
import { type Html, html } from '../html.js';
import type { Translation } from '../locales/index.js';
import type { Page } from './layout.js';

export type Format = 'html' | 'text' | 'source';

export interface OpenMessage {
  readonly message: ReceivedMessage;
  readonly format: Format;
}

export function inboxPage(
  t: Translation,
  messages: readonly ReceivedMessage[],
  open: OpenMessage | undefined,
): Page {
  const { inbox, development } = t;
  return {
    title: inbox.title,
    wide: true,
    scripts: ['inbox.mjs'],
    ...(open && { skipTo: 'message' }),
    main: html`<div>
<div class="inbox-header"><h1 tabindex="-1">${inbox.title}</h1><p class="badge">${development.badge}</p></div>
<p class="lead">${inbox.lead}</p>
<div class="inbox-panes" id="inbox">
${messages.length === 0 ? emptyInbox(t) : messageList(t, messages, open)}
${open && messageView(t, open)}
</div>
<p id="inbox-status" class="visually-hidden" role="status" data-strings="${JSON.stringify(inbox.script)}"></p>
</div>`,
  };
}

function emptyInbox({ inbox }: Translation): Html {
  const [before, link, after] = inbox.empty;
  return html`<p class="empty">${before}<a href="/sign-up">${link}</a>${after}</p>`;
}

function messageList(
  { inbox }: Translation,
  messages: readonly ReceivedMessage[],
  open: OpenMessage | undefined,
): Html {
  return html`<nav aria-label="${inbox.messages}"><ol class="messages">
${messages.map(
  (
    message,
  ) => html`<li><a href="/inbox/${message.id}"${message === open?.message && html` aria-current="page"`}>
<strong${langOf(message)}>${message.subject}</strong>
<span>${message.envelope.to.join(', ')}</span>
<time datetime="${message.receivedAt.toISOString()}">${message.receivedAt.toISOString().slice(11, 19)} UTC</time>
</a></li>\n`,
)}</ol></nav>`;
}

function messageView({ inbox }: Translation, { message, format }: OpenMessage): Html {
  const code = codeIn(message);
  return html`<article class="message" aria-labelledby="subject">
<header>
<h2 id="subject" tabindex="-1"${langOf(message)}>${message.subject}</h2>
<p>${message.from?.address} → ${message.envelope.to.join(', ')}</p>
${code !== undefined && html`<p class="message-code"><code>${code}</code> <button type="button" data-copy="${code}" hidden>${inbox.copy}</button></p>`}
<nav class="tabs" aria-label="${inbox.formats}">
${FORMATS.map(
  (name) =>
    html`<a href="/inbox/${message.id}?view=${name}"${name === format && html` aria-current="page"`}>${inbox.format[name]}</a>\n`,
)}</nav>
</header>
${content(message, format)}
</article>`;
}

const FORMATS: readonly Format[] = ['html', 'text', 'source'];

function content(message: ReceivedMessage, format: Format): Html {
  if (format === 'html') return messageFrame(message.html, message.subject);
  if (format === 'text') return html`<pre tabindex="0"${langOf(message)}>${message.text}</pre>`;
  return html`<pre tabindex="0">${message.raw}</pre>`;
}

/** The `lang` attribute of a message, whose language may differ from that of the page. */
function langOf(message: ReceivedMessage): Html | false {
  const [, lang] = /<html[^>]* lang="([^"]+)"/.exec(message.html) ?? [];
  return lang !== undefined && html` lang="${lang}"`;
}

/** The code in a message: it stands on a line of its own. */
function codeIn({ text }: ReceivedMessage): string | undefined {
  return /^(?:\d{6,10}|[A-Z]{4}-[A-Z]{4})$/m.exec(text)?.[0];
}

/** The HTML of a message in a sandboxed frame: no scripts, no forms, and nothing loaded from other hosts. */
export function messageFrame(messageHtml: string, title: string): Html {
  const policy = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`;
  return html`<iframe sandbox="" srcdoc="${policy}${messageHtml}" title="${title}"></iframe>`;
}
