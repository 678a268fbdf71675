/** Shows the emails of the demo's own mail server. Everyone who can open it can read everyone's codes. */
import express, { type Router } from 'express';
import { allowInlineStyles } from '../site/site.js';
import type { EventStreams } from './event-streams.js';
import type { MailServer } from './mail-server.js';

type Messages = Pick<MailServer, 'messages' | 'onMessage'>;

export function inboxRouter(mailServer: Messages, streams: EventStreams): Router {
  mailServer.onMessage((message) => {
    const { id, subject, envelope } = message;
    const [to] = envelope.to;
    streams.send({ name: 'message', id, subject, to, code: codeIn(message) });
  });
  return express.Router().get(['/', '/:id'], allowInlineStyles, (req, res, next) => {
    const messages = mailServer.messages.toReversed();
    const { id } = req.params;
    const open = id === undefined ? messages[0] : messages.find((message) => message.id === id);
    if (id !== undefined && !open) return next();
    const { view } = req.query;
    const format = view === 'text' || view === 'source' ? view : 'html';
    res.render('inbox', { messages, open, format, code: open && codeIn(open), langOf });
  });
}

/** The code in a message: it stands on a line of its own. */
export function codeIn({ text }: { readonly text: string }): string | undefined {
  return /^(?:\d{6,10}|[A-Z]{4}-[A-Z]{4})$/m.exec(text)?.[0];
}

/** The language of a message, which may differ from that of the page. */
function langOf({ html }: { readonly html: string }): string | undefined {
  return /<html[^>]* lang="([^"]+)"/.exec(html)?.[1];
}
