/** What a developer gets on top: a Redis and a mail server that are not configured, the inbox, and a clock to move. */
import type { Express } from 'express';
import type { EmailVerification } from 'express-email-verification';
import type { RedisClientType } from 'redis';
import type { Accounts } from '../accounts/accounts.js';
import { serveOpenApi } from '../recipes/serve-openapi.js';
import type { DemoSettings } from '../settings.js';
import { allowInlineStyles } from '../site/site.js';
import { leaveToInbox } from './attackers.js';
import { attacksRouter, offeredAttacks } from './attacks.js';
import { createClock } from './clock.js';
import { createInbox } from './inbox.js';
import { startMailServer } from './mail-server.js';
import { previewPage } from './previews.js';
import { startRedisServer } from './redis-server.js';

export type DevelopmentTools = Awaited<ReturnType<typeof createDevelopmentTools>>;

interface ToolParts {
  readonly redis: RedisClientType | undefined;
  readonly accounts: Accounts;
}

export async function createDevelopmentTools(settings: DemoSettings, log: (message: string) => void) {
  const redisServer = settings.redisUrl ? undefined : await startRedisServer({ onProgress: log });
  const mailServer = settings.smtpUrl ? undefined : await startMailServer({ accept: leaveToInbox });
  const inbox = mailServer && createInbox(mailServer);
  const clock = createClock();
  const mount = (given: ToolParts) => (app: Express, verification: EmailVerification) => {
    const parts = { ...given, redisServer, mailServer, verification };
    const tools = { inbox: inbox !== undefined, clock, attacks: offeredAttacks(parts) };
    Object.assign(app.locals, { tools });
    if (inbox) app.use('/inbox', inbox.router);
    app.get('/dev/previews', previewPage(settings));
    app.use('/dev', clock.router(parts), attacksRouter(parts));
    app.use('/api', allowInlineStyles, serveOpenApi());
  };
  return {
    redisServer,
    mailServer,
    // In production, no store takes a clock, and nothing is mounted.
    ...(!settings.isProduction && { clock: clock.now, mount }),
    /** Ends the event streams of open pages, which would keep the server from closing. */
    endStreams: () => inbox?.endStreams(),
    async stop() {
      await redisServer?.stop();
      await mailServer?.close();
    },
  };
}
