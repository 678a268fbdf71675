/** The demo on its own port, for a test file. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type EmailVerificationOptions, RedisStore } from 'express-email-verification';
import type { EvpOptions } from 'express-email-verification/evp';
import { type Accounts, openAccounts } from '../../demo-app/accounts/accounts.js';
import { createSessions } from '../../demo-app/accounts/sign-in.js';
import { createApp } from '../../demo-app/app.js';
import { createClock } from '../../demo-app/dev/clock.js';
import { createEventStreams, type EventStreams } from '../../demo-app/dev/event-streams.js';
import { startIssuer } from '../../demo-app/dev/issuer.js';
import { mountTools } from '../../demo-app/dev/tools.js';
import { FROM, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';

interface Running {
  readonly server: Server;
  readonly accounts: Accounts;
  readonly streams: EventStreams;
  close(): Promise<void>;
}

interface More {
  readonly tools?: boolean;
  readonly issuer?: Omit<EvpOptions, 'origins'>;
}

export function useDemo() {
  const redis = useRedis();
  const mail = useMailServer();
  const open: Running[] = [];
  beforeEach(() => redis.flush());

  afterEach(async () => {
    for (const { server, accounts, streams, close } of open.splice(0)) {
      streams.end();
      server.close();
      server.closeAllConnections();
      await close();
      accounts.close();
    }
  });

  return {
    redis,
    mail,
    /** Ends the event streams of all pages, as a server does that shuts down. */
    endStreams() {
      for (const { streams } of open) streams.end();
    },
    /**
     * @param more.tools Whether the demo has the tools of a developer, as everywhere but in production.
     * @param more.issuer Where browser proofs are checked, in place of the demo's own issuer.
     * @returns the origin of the demo
     */
    async start(
      options: Partial<EmailVerificationOptions> = {},
      { tools = true, issuer: otherIssuer }: More = {},
    ): Promise<string> {
      const port = await freePort();
      const origin = `http://localhost:${port}`;
      const streams = createEventStreams();
      const store = new RedisStore(redis.client);
      // A busy machine must not look like an unresponsive Redis.
      const needed = { store, storeTimeout: 30_000, transport: mail.url, from: FROM, secret: SECRET };
      const accounts = openAccounts();
      const servers = { redis: redis.client, redisServer: redis.server, mailServer: mail.server };
      const issuer = tools ? await startIssuer(origin) : undefined;
      const parts = { ...servers, store, accounts, clock: createClock(), streams, issuer };
      const { app, verification } = createApp({
        origin,
        accounts,
        sessions: createSessions({ secret: SECRET, secure: false }),
        emailVerification: { ...needed, ...options },
        issuer: otherIssuer ?? (issuer && { timeout: 30_000, ...issuer.options }),
        mountDevelopmentTools: tools ? mountTools({ ...parts, settings: { origin, from: FROM } }) : undefined,
      });
      const server = createServer(app);
      await once(server.listen(port, 'localhost'), 'listening');
      const close = async () => {
        issuer?.stop();
        await verification.close();
      };
      open.push({ server, accounts, streams, close });
      return origin;
    },
  };
}
