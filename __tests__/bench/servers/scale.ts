/** An app as it runs on many machines: the client limit on, emails through a queue, and the sign-up behind the guard. */
import express from 'express';
import {
  createEmailVerification,
  emailVerificationRouter,
  RedisStore,
  requireVerifiedEmail,
} from 'express-email-verification';
import { queueDelivery } from 'express-email-verification/bullmq';
import { createClient } from 'redis';
import { FROM, SECRET, serve } from './serve.js';

serve(async ({ redis: url, queue }) => {
  const redis = await createClient({ url }).on('error', console.error).connect();
  const verification = createEmailVerification({
    store: new RedisStore(redis),
    from: FROM,
    secret: SECRET,
    delivery: queueDelivery({ connection: { url: queue }, secret: SECRET }),
    // Counted as always, but never full: all requests come from one client.
    rateLimit: { send: { windowMs: 600_000, limit: 1_000_000_000 }, verify: false },
  });
  const app = express();
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), (_req, res) => {
    res.status(201).json({ ok: true });
  });
  return app;
});
