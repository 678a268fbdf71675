/**
 * The mails of the development mail server, as a page: for the person who tries the demo, and never beside a
 * real SMTP server, where it would show everybody's codes to everybody.
 */
import express, { type Response, type Router } from 'express';
import type { MailServer } from './development/mail-server.js';
import { inboxPage, type View } from './pages/inbox.js';
import type { ShowPage } from './pages/layout.js';
import { allowMailFrames } from './security.js';
import { wordsOf } from './words/index.js';

export type InboxSource = Pick<MailServer, 'messages' | 'onMessage'>;

export interface Inbox {
  readonly router: Router;
  endStreams(): void;
}

export function createInbox(source: InboxSource, showPage: ShowPage): Inbox {
  const router = express.Router();
  const streams = new Set<Response>();
  source.onMessage(({ id }) => {
    for (const stream of streams) stream.write(`event: mail\ndata: ${id}\n\n`);
  });

  router.get('/events', (req, res) => {
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write(': open\n\n');
    streams.add(res);
    req.on('close', () => streams.delete(res));
  });
  router.get(['/', '/:id'], allowMailFrames, (req, res, next) => {
    const newestFirst = [...source.messages].reverse();
    const { id } = req.params;
    const mail = id === undefined ? newestFirst[0] : newestFirst.find((one) => one.id === id);
    if (id !== undefined && !mail) return next();
    const open = mail && { mail, view: viewOf(req.query['view']) };
    showPage(req, res, inboxPage(wordsOf(req), newestFirst, open));
  });
  return {
    router,
    endStreams() {
      for (const stream of streams) stream.end();
    },
  };
}

function viewOf(asked: unknown): View {
  return asked === 'text' || asked === 'source' ? asked : 'html';
}
