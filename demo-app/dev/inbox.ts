/** Shows the emails of the demo's own mail server. Everyone who can open it can read everyone's codes. */
import express, { type Router } from 'express';
import { allowInlineStyles } from '../site/site.js';
import type { EventStreams } from './event-streams.js';
import type { MailServer, ReceivedMessage } from './mail-server.js';

type Messages = Pick<MailServer, 'messages' | 'onMessage'>;

export function inboxRouter(mailServer: Messages, streams: EventStreams): Router {
  mailServer.onMessage((message) => {
    const { id, subject, envelope } = message;
    streams.send({ name: 'message', id, subject, to: envelope.to[0], code: codeIn(message) });
  });
  return express.Router().get(['/', '/:id'], allowInlineStyles, (req, res, next) => {
    const messages = mailServer.messages.toReversed();
    const { id = messages[0]?.id } = req.params;
    const open = messages.find((message) => message.id === id);
    if (id && !open) return next();
    const { view } = req.query;
    const format = view === 'text' || view === 'source' ? view : 'html';
    res.render('inbox', { messages, open, format, code: open && codeIn(open), langOf });
  });
}

/** The code in a message: it stands on a line of its own. */
export const codeIn = ({ text }: Pick<ReceivedMessage, 'text'>): string | undefined =>
  /^(?:\d{6,10}|[A-Z]{4}-[A-Z]{4})$/m.exec(text)?.[0];

/** The language of a message, which may differ from that of the page. */
const langOf = ({ html }: ReceivedMessage) => /<html[^>]* lang="([^"]+)"/.exec(html)?.[1];
