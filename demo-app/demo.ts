/** The demo app. Read this file first: it shows how an app uses the package, from the options to the pages. */
import { join } from 'node:path';
import express, { type ErrorRequestHandler, type Express } from 'express';
import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
} from 'express-email-verification';
import { createAccounts } from './accounts.js';
import type { Backend } from './backends.js';
import { clientScript } from './client-script.js';
import { openDatabase } from './database.js';
import { suppressExistingAccounts } from './existing-account.js';
import { createInbox, type InboxSource } from './inbox.js';
import { languageSwitch, translationOf } from './locales/index.js';
import { createLayout } from './pages/layout.js';
import { errorPage } from './pages/sign-in.js';
import { previewRouter } from './previews.js';
import { createProgressCookie } from './progress.js';
import { serveOpenApi } from './recipes/serve-openapi.js';
import { allowInlineStyles, refuseCrossSitePosts, securityHeaders } from './security.js';
import { createSessions } from './sessions.js';
import { signInRouter } from './sign-in.js';
import { signUpRouter } from './sign-up.js';

export interface DemoOptions {
  /** The origin of the demo in the browser, such as `http://localhost:3000`. With HTTPS, cookies are `Secure`. */
  readonly origin: string;
  /** The package's options that the demo does not set itself. */
  readonly emailVerification: Omit<EmailVerificationOptions, 'origin' | 'beforeSend'>;
  /** The database file for accounts and sessions. @default ':memory:' */
  readonly database?: string;
  /** The mail server whose messages /inbox shows, never in production. @default none */
  readonly inbox?: InboxSource | undefined;
  /** What the demo runs on, for the footer of its pages. @default [] */
  readonly backends?: readonly Backend[];
  /** The `trust proxy` setting of Express. @default false */
  readonly trustProxy?: number | boolean;
}

export interface Demo {
  readonly app: Express;
  readonly verification: EmailVerification;
  /** Closes the event streams of open pages, which would keep the server from closing. */
  closeStreams(): void;
  /** Waits for emails that are being sent, then closes the database. */
  close(): Promise<void>;
}

export function createDemo({
  origin,
  emailVerification,
  database = ':memory:',
  inbox: mailServer,
  backends = [],
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
    backends,
    inbox: inbox !== undefined,
    previews: isDevelopment,
  });

  const verification = createEmailVerification({
    appName: APP_NAME,
    origin,
    ...emailVerification,
    beforeSend: suppressExistingAccounts(accounts, origin),
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
      codeAlphabet: emailVerification.codeAlphabet,
    }),
  );
  app.use(signInRouter({ accounts, sessions, showPage }));
  const inboxPages = inbox && createInbox(inbox, showPage);
  if (inboxPages) app.use('/inbox', inboxPages.router);
  if (isDevelopment) {
    app.use('/mails', previewRouter(showPage, { appName: APP_NAME, origin }));
    app.use('/api', allowInlineStyles, serveOpenApi());
  }
  app.use((req, res) => {
    const t = translationOf(req);
    showPage(req, res, errorPage(t, t.notFound.title, t.notFound.message, 404));
  });
  const handleError: ErrorRequestHandler = (error, req, res, next) => {
    if (res.headersSent) return next(error);
    const status = statusOf(error);
    if (status >= 500) console.error(error);
    const t = translationOf(req);
    showPage(req, res, errorPage(t, t.unexpectedError.title, t.unexpectedError.message, status));
  };
  app.use(handleError);

  return {
    app,
    verification,
    closeStreams: () => inboxPages?.closeStreams(),
    async close() {
      await verification.close();
      db.close();
    },
  };
}

export const APP_NAME = 'Acme';

/** Body parsers set a status of 4xx for a request that they cannot read. Every other error is unexpected. */
function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}
