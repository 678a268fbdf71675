/** The first demo, for the pages that the second one does not have yet. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type EmailVerificationOptions, RedisStore } from 'express-email-verification';
import { createDemo, type Demo } from '../../demo-app/demo.js';
import { FROM, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';

export function useDemo() {
  const redis = useRedis();
  const mail = useMailServer();
  const open: { demo: Demo; server: Server }[] = [];
  beforeEach(() => redis.flush());

  afterEach(async () => {
    for (const { demo, server } of open.splice(0)) {
      demo.closeStreams();
      server.close();
      server.closeAllConnections();
      await demo.close();
    }
  });

  return {
    redis,
    mail,
    /** @returns the origin of the demo */
    async start(options: Partial<EmailVerificationOptions> = {}): Promise<string> {
      const port = await freePort();
      const origin = `http://localhost:${port}`;
      const store = new RedisStore(redis.client);
      // A busy machine must not look like an unresponsive Redis.
      const needed = { store, storeTimeout: 30_000, transport: mail.url, from: FROM, secret: SECRET };
      const demo = createDemo({
        origin,
        inbox: mail.server,
        backends: [{ kind: 'local_redis', version: '7.0.15' }, { kind: 'inbox' }],
        emailVerification: { ...needed, ...options },
      });
      const server = createServer(demo.app);
      await once(server.listen(port, 'localhost'), 'listening');
      open.push({ demo, server });
      return origin;
    },
  };
}
