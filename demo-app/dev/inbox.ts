/** Shows the emails of the demo's own mail server. Everyone who opens it reads everyone's codes. */
import express, { type Response, type Router } from 'express';
import { allowInlineStyles } from '../site/site.js';
import type { MailServer } from './mail-server.js';

export interface Inbox {
  readonly router: Router;
  /** Ends the event streams of open pages, which would keep the server from closing. */
  endStreams(): void;
}

export function createInbox(mailServer: Pick<MailServer, 'messages' | 'onMessage'>): Inbox {
  const router = express.Router();
  const streams = new Set<Response>();
  mailServer.onMessage(({ id }) => {
    for (const stream of streams) stream.write(`event: message\ndata: ${id}\n\n`);
  });

  router.get('/events', (req, res) => {
    res.set('Content-Type', 'text/event-stream');
    res.write(': open\n\n');
    streams.add(res);
    req.on('close', () => streams.delete(res));
  });
  router.get(['/', '/:id'], allowInlineStyles, (req, res, next) => {
    const messages = mailServer.messages.toReversed();
    const { id } = req.params;
    const open = id === undefined ? messages[0] : messages.find((message) => message.id === id);
    if (id !== undefined && !open) return next();
    const { view } = req.query;
    const format = view === 'text' || view === 'source' ? view : 'html';
    res.render('inbox', { messages, open, format, code: open && codeIn(open), langOf });
  });
  return {
    router,
    endStreams() {
      for (const stream of streams) stream.end();
    },
  };
}

/** The code in a message: it stands on a line of its own. */
export function codeIn({ text }: { readonly text: string }): string | undefined {
  return /^(?:\d{6,10}|[A-Z]{4}-[A-Z]{4})$/m.exec(text)?.[0];
}

/** The language of a message, which may differ from that of the page. */
function langOf({ html }: { readonly html: string }): string | undefined {
  return /<html[^>]* lang="([^"]+)"/.exec(html)?.[1];
}
