/** The package as in its quick start, without the client limit, since all requests come from one client. */
import express from 'express';
import { createEmailVerification, emailVerificationRouter, RedisStore } from 'express-email-verification';
import { createClient } from 'redis';
import { FROM, SECRET, serve } from './serve.js';

serve(async ({ redis: url, smtpPort, delivery, poolSize, maxMessages }) => {
  const redis = await createClient({ url }).on('error', console.error).connect();
  const verification = createEmailVerification({
    store: new RedisStore(redis),
    transport: { host: '127.0.0.1', port: smtpPort, maxConnections: poolSize, maxMessages },
    from: FROM,
    secret: SECRET,
    delivery: delivery === 'none' ? async () => {} : delivery,
    rateLimit: { send: false, verify: false },
    beforeSend: ({ email }) => (email.startsWith('known-') ? { kind: 'suppress' } : undefined),
  });
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  return app;
});
