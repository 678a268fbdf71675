/** The demo as one app: what a user of the package writes, from the options to the pages. */
import { join } from 'node:path';
import express, { type ErrorRequestHandler, type Express } from 'express';
import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
} from 'express-email-verification';
import { createAccounts } from './accounts.js';
import { clientScript } from './client-script.js';
import { openDatabase } from './database.js';
import { createInbox, type InboxSource } from './inbox.js';
import { createLayout } from './pages/layout.js';
import { troublePage } from './pages/sign-in.js';
import { previewRouter } from './previews.js';
import { createProgressCookie } from './progress.js';
import { refuseCrossSitePosts, securityHeaders } from './security.js';
import { createSessions } from './sessions.js';
import { signInRouter } from './sign-in.js';
import { signUpRouter } from './sign-up.js';
import { suppressTaken } from './taken-mail.js';
import type { Use } from './uses.js';
import { languageSwitch, wordsOf } from './words/index.js';

export interface DemoOptions {
  /** What people type into their browser, as `http://localhost:3000`. HTTPS makes the cookies Secure. */
  readonly origin: string;
  /** The options of the package that the demo does not set itself. */
  readonly email: Omit<EmailVerificationOptions, 'origin' | 'beforeSend'>;
  /** Where the accounts are kept. @default in memory, until the process ends */
  readonly database?: string;
  /** A mail server whose mails are shown on /inbox. Never in production. @default none */
  readonly inbox?: InboxSource | undefined;
  /** What the demo runs on, for the foot of its pages. */
  readonly uses?: readonly Use[];
  /** Express' `trust proxy`. @default false */
  readonly trustProxy?: number | boolean;
}

export interface Demo {
  readonly app: Express;
  readonly verification: EmailVerification;
  /** Ends streams that pages hold open, so that a server can close. */
  endStreams(): void;
  /** Finishes the mails under way, and closes the database. */
  close(): Promise<void>;
}

export function createDemo({
  origin,
  email,
  database = ':memory:',
  inbox: mailServer,
  uses = [],
  trustProxy = false,
}: DemoOptions): Demo {
  const isDevelopment = process.env['NODE_ENV'] !== 'production';
  const inbox = isDevelopment ? mailServer : undefined;
  const secure = origin.startsWith('https:');
  const db = openDatabase(database);
  const accounts = createAccounts(db);
  const sessions = createSessions(db, { secure });
  const showPage = createLayout({
    appName: APP_NAME,
    uses,
    inbox: inbox !== undefined,
    previews: isDevelopment,
  });

  const verification = createEmailVerification({
    appName: APP_NAME,
    origin,
    ...email,
    beforeSend: suppressTaken(accounts, origin),
  });

  const app = express();
  app.disable('x-powered-by').set('trust proxy', trustProxy);
  app.use(securityHeaders({ secure }), refuseCrossSitePosts, languageSwitch({ secure }));
  app.get('/assets/client.mjs', clientScript);
  app.use('/assets', express.static(join(__dirname, 'assets')));
  app.use('/email-verification', emailVerificationRouter(verification));
  app.use(
    signUpRouter({
      verification,
      accounts,
      sessions,
      progress: createProgressCookie({ secure }),
      showPage,
      inbox: inbox !== undefined,
    }),
  );
  app.use(signInRouter({ accounts, sessions, showPage }));
  const mailbox = inbox && createInbox(inbox, showPage);
  if (mailbox) app.use('/inbox', mailbox.router);
  if (isDevelopment) app.use('/mails', previewRouter(showPage, { appName: APP_NAME, origin }));
  app.use((req, res) => {
    const { lost, problems } = wordsOf(req);
    showPage(req, res, troublePage(wordsOf(req), lost.title, problems.lost, 404));
  });
  const trouble: ErrorRequestHandler = (error, req, res, next) => {
    if (res.headersSent) return next(error);
    const status = statusOf(error);
    if (status >= 500) console.error(error);
    const { trouble } = wordsOf(req);
    showPage(req, res, troublePage(wordsOf(req), trouble.title, trouble.message, status));
  };
  app.use(trouble);

  return {
    app,
    verification,
    endStreams: () => mailbox?.endStreams(),
    async close() {
      await verification.close();
      db.close();
    },
  };
}

export const APP_NAME = 'Acme';

/** A body that cannot be read is the client's fault; all else is ours. */
function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}
