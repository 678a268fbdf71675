/** One of the two processes of the app: the two routes, and the guard in front of the sign-up. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import {
  createEmailVerification,
  emailVerificationRouter,
  requireVerifiedEmail,
} from 'express-email-verification';
import { queueDelivery } from 'express-email-verification/bullmq';
import { reportMetrics } from './metrics.js';
import { report, untilTold } from './report.js';
import { connectToStore, settings } from './settings.js';

async function main(): Promise<void> {
  const { connection, from, secret } = settings;
  const { store, disconnect } = await connectToStore();
  const delivery = queueDelivery({ connection, secret });
  const verification = createEmailVerification({ store, from, secret, delivery });
  reportMetrics(verification);
  for (const name of ['unavailable', 'delivery_failed', 'delivery_unknown'] as const)
    verification.on(name, () => {});

  // The proxy and the simulated people are on this machine, so the address in front of them counts.
  const app = express().set('trust proxy', 'loopback');
  app.use('/email-verification', emailVerificationRouter(verification));
  app.post('/sign-up', express.json(), requireVerifiedEmail(verification), (_req, res) => {
    res.status(201).json({ ok: true });
  });
  const server = createServer(app);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  report({ kind: 'ready', port: typeof address === 'object' && address ? address.port : 0 });

  await untilTold(async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
    await verification.close();
    disconnect();
  });
}

void main();
