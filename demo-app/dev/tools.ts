/** What a developer gets on top: a Redis and a mail server that are not configured, the inbox, and a clock to move. */
import type { Express } from 'express';
import type { EmailVerification } from 'express-email-verification';
import type { Accounts } from '../accounts/accounts.js';
import { serveOpenApi } from '../recipes/serve-openapi.js';
import type { DemoSettings } from '../settings.js';
import { allowInlineStyles } from '../site/site.js';
import { createInbox } from './inbox.js';
import { type MailServer, startMailServer } from './mail-server.js';
import { type RedisServer, startRedisServer } from './redis-server.js';

/** What the command and the tools share. */
export interface DevelopmentTools {
  readonly redisServer: RedisServer | undefined;
  readonly mailServer: MailServer | undefined;
  /** For the store; undefined in production, where no store takes one. */
  readonly clock: (() => number) | undefined;
  readonly summary: readonly string[];
  mount(parts: ToolParts): (app: Express, verification: EmailVerification) => void;
  /** Ends the event streams of open pages, which would keep the server from closing. */
  endStreams(): void;
  stop(): Promise<void>;
}

export interface ToolParts {
  readonly redis: object | undefined;
  readonly accounts: Accounts;
}

export async function createDevelopmentTools(options: {
  readonly settings: DemoSettings;
  readonly isDevelopment: boolean;
  readonly log: (message: string) => void;
}): Promise<DevelopmentTools> {
  const { settings, isDevelopment, log } = options;
  const redisServer = settings.redisUrl ? undefined : await startRedisServer({ onProgress: log });
  const mailServer = settings.transport ? undefined : await startMailServer();
  const inbox = isDevelopment && mailServer ? createInbox(mailServer) : undefined;
  const offset = 0;
  return {
    redisServer,
    mailServer,
    clock: isDevelopment ? () => Date.now() + offset : undefined,
    summary: [],
    mount: () => (app) => {
      Object.assign(app.locals, { tools: { inbox: inbox !== undefined } });
      if (inbox) app.use('/inbox', inbox.router);
      app.use('/api', allowInlineStyles, serveOpenApi());
    },
    endStreams: () => inbox?.endStreams(),
    async stop() {
      await redisServer?.stop();
      await mailServer?.close();
    },
  };
}
