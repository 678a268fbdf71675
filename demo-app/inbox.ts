/**
 * Shows the messages of the development mail server to the person who tries the demo. Never available with a real
 * SMTP server, where it would show everyone's codes to everyone.
 */
import express, { type Response, type Router } from 'express';
import type { MailServer } from './dev/mail-server.js';
import { translationOf } from './locales/index.js';
import { type Format, inboxPage } from './pages/inbox.js';
import type { ShowPage } from './pages/layout.js';
import { allowInlineStyles } from './security.js';

export type InboxSource = Pick<MailServer, 'messages' | 'onMessage'>;

export interface Inbox {
  readonly router: Router;
  closeStreams(): void;
}

export function createInbox(source: InboxSource, showPage: ShowPage): Inbox {
  const router = express.Router();
  const streams = new Set<Response>();
  source.onMessage(({ id }) => {
    for (const stream of streams) stream.write(`event: message\ndata: ${id}\n\n`);
  });

  router.get('/events', (req, res) => {
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write(': open\n\n');
    streams.add(res);
    req.on('close', () => streams.delete(res));
  });
  router.get(['/', '/:id'], allowInlineStyles, (req, res, next) => {
    const newestFirst = [...source.messages].reverse();
    const { id } = req.params;
    const message = id === undefined ? newestFirst[0] : newestFirst.find((one) => one.id === id);
    if (id !== undefined && !message) return next();
    const open = message && { message, format: formatOf(req.query['view']) };
    showPage(req, res, inboxPage(translationOf(req), newestFirst, open));
  });
  return {
    router,
    closeStreams() {
      for (const stream of streams) stream.end();
    },
  };
}

function formatOf(view: unknown): Format {
  return view === 'text' || view === 'source' ? view : 'html';
}
