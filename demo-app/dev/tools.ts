/** What a developer gets on top: the Redis and mail servers that are not configured, the inbox, the panel, the attacks. */
import express, { type Express } from 'express';
import type { EmailVerification } from 'express-email-verification';
import { serveOpenApi } from '../recipes/serve-openapi.js';
import type { DemoSettings } from '../settings.js';
import { allowInlineStyles } from '../site/site.js';
import { readAppLines } from './app-lines.js';
import { leaveToInbox } from './attackers.js';
import { type AttackParts, attacksRouter, offeredAttacks } from './attacks.js';
import { createClock } from './clock.js';
import { createEventStreams } from './event-streams.js';
import { inboxRouter } from './inbox.js';
import { type MailServer, startMailServer } from './mail-server.js';
import { type PanelParts, panelRouter } from './panel.js';
import { previewPage } from './previews.js';
import { startRedisServer } from './redis-server.js';

export type DevelopmentTools = Awaited<ReturnType<typeof createDevelopmentTools>>;

export interface ToolParts extends Omit<PanelParts & AttackParts, 'verification'> {
  readonly mailServer: MailServer | undefined;
  readonly clock: ReturnType<typeof createClock>;
  readonly settings: Pick<DemoSettings, 'origin' | 'from'>;
}

export async function createDevelopmentTools(settings: DemoSettings, log: (message: string) => void) {
  const redisServer = settings.redisUrl ? undefined : await startRedisServer({ onProgress: log });
  const mailServer = settings.smtpUrl ? undefined : await startMailServer({ accept: leaveToInbox });
  const [clock, streams] = [createClock(), createEventStreams()];
  const mount = (given: Pick<ToolParts, 'redis' | 'store' | 'accounts'>) =>
    mountTools({ ...given, redisServer, mailServer, clock, streams, settings });
  return {
    redisServer,
    mailServer,
    // In production, nothing can move the clock of the store, and nothing is mounted.
    ...(!settings.isProduction && { clock: clock.now, mount }),
    endStreams: streams.end,
    async stop() {
      await redisServer?.stop();
      await mailServer?.close();
    },
  };
}

export function mountTools(given: ToolParts) {
  return (app: Express, verification: EmailVerification): void => {
    const parts = { ...given, verification };
    const { clock, mailServer, settings, streams } = parts;
    const tools = { inbox: mailServer !== undefined, clock, attacks: offeredAttacks(parts) };
    Object.assign(app.locals, { tools: { ...tools, appLines: readAppLines() } });
    if (mailServer) app.use('/inbox', inboxRouter(mailServer, streams));
    app.get('/dev/previews', previewPage(settings)).get('/dev/events', streams.connect);
    app.use('/assets/idiomorph.mjs', express.static(require.resolve('idiomorph/dist/idiomorph.esm.js')));
    app.use('/dev', express.json(), panelRouter(parts), clock.router(parts), attacksRouter(parts));
    app.use('/api', allowInlineStyles, serveOpenApi());
  };
}
