/** What a developer gets on top: the Redis and mail servers that are not configured, the inbox, the panel, the attacks. */
import type { RequestListener } from 'node:http';
import express, { type Express } from 'express';
import type { EmailVerification, Store } from 'express-email-verification';
import type { RedisClientType } from 'redis';
import type { Accounts } from '../accounts/accounts.js';
import { serveOpenApi } from '../recipes/serve-openapi.js';
import type { DemoSettings } from '../settings.js';
import { allowInlineStyles, textOf } from '../site/site.js';
import { readAppLines } from './app-lines.js';
import { leaveToInbox } from './attackers.js';
import { attacksRouter, isShared, offeredAttacks } from './attacks.js';
import { createClock } from './clock.js';
import { createEventStreams, type EventStreams } from './event-streams.js';
import { inboxRouter } from './inbox.js';
import { type Issuer, startIssuer } from './issuer.js';
import { type MailServer, startMailServer } from './mail-server.js';
import { onlyOwnHosts } from './own-hosts.js';
import { panelRouter } from './panel.js';
import { previewPage } from './previews.js';
import { type RedisServer, startRedisServer } from './redis-server.js';

export type DevelopmentTools = Awaited<ReturnType<typeof createDevelopmentTools>>;

/** What the tools work with. Not every server is one that the demo started. */
export interface ToolParts {
  readonly redis: RedisClientType | undefined;
  readonly redisServer: Pick<RedisServer, 'pause' | 'resume'> | undefined;
  readonly mailServer: MailServer | undefined;
  readonly store: Store;
  readonly accounts: Accounts;
  readonly clock: ReturnType<typeof createClock>;
  readonly streams: EventStreams;
  /** Vouches for any address. Without it, nobody can pretend. */
  readonly issuer?: Issuer | undefined;
  readonly settings: Pick<DemoSettings, 'origin' | 'from'>;
  /** The longest time for one attack, in milliseconds. @default 20000 */
  readonly timeout?: number;
}

export type MountedParts = ToolParts & { readonly verification: EmailVerification };

export async function createDevelopmentTools(settings: DemoSettings, log: (message: string) => void) {
  const redisServer = settings.redisUrl ? undefined : await startRedisServer({ onProgress: log });
  const mailServer = settings.smtpUrl ? undefined : await startMailServer({ accept: leaveToInbox });
  const issuer = settings.isProduction ? undefined : await startIssuer(settings.origin);
  const [clock, streams] = [createClock(), createEventStreams()];
  const mount = (given: Pick<ToolParts, 'redis' | 'store' | 'accounts'>) =>
    mountTools({ ...given, redisServer, mailServer, clock, streams, issuer, settings });
  return {
    redisServer,
    mailServer,
    issuer,
    // Where nothing can move the clock, the store has none: the time of Redis counts.
    clock: settings.isProduction || settings.redisUrl ? undefined : clock.now,
    mount: settings.isProduction ? undefined : mount,
    guard: (app: RequestListener) => (settings.isProduction ? app : onlyOwnHosts(settings, app)),
    endStreams: streams.end,
    async stop() {
      issuer?.stop();
      await redisServer?.stop();
      await mailServer?.close();
    },
  };
}

export function mountTools(given: ToolParts) {
  return (app: Express, verification: EmailVerification): void => {
    const parts = { ...given, verification };
    const { clock, issuer, mailServer, settings, streams } = parts;
    const attacks = offeredAttacks(parts);
    const tools = { inbox: mailServer !== undefined, issuer, clock, hasClock: !isShared(parts), attacks };
    app.locals['tools'] = { ...tools, appLines: readAppLines() };
    if (mailServer) app.use('/inbox', inboxRouter(mailServer, streams));
    app.get('/dev/previews', previewPage(settings)).get('/dev/events', streams.connect);
    app.use('/dev', express.json(), panelRouter(parts), attacksRouter(parts));
    if (issuer)
      app.post('/dev/proof', express.json(), ({ body }, res) => {
        res.json({ proof: issuer.prove(textOf(body, 'email').trim(), textOf(body, 'nonce')) });
      });
    if (tools.hasClock) app.use('/dev', express.json(), clock.router(parts));
    app.use('/api', allowInlineStyles, serveOpenApi());
  };
}
