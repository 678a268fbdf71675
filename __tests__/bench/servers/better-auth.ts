/**
 * Better Auth's emailOTP plugin on Express, with its codes in the same Redis and its rate limiter off. Its primary
 * database is its memory adapter, which stays empty and costs next to nothing.
 */
import express from 'express';
import nodemailer from 'nodemailer';
import { createClient } from 'redis';
import { messageFor } from './message.js';
import { SECRET, serve } from './serve.js';

serve(async ({ redis: url, smtpPort, poolSize, maxMessages }) => {
  const { betterAuth } = await import('better-auth');
  const { memoryAdapter } = await import('better-auth/adapters/memory');
  const { toNodeHandler } = await import('better-auth/node');
  const { emailOTP } = await import('better-auth/plugins');

  const redis = await createClient({ url }).on('error', console.error).connect();
  const transporter = nodemailer.createTransport({
    host: '127.0.0.1',
    port: smtpPort,
    pool: true,
    maxConnections: poolSize,
    maxMessages,
  });
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1',
    secret: SECRET,
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    secondaryStorage: {
      get: (key) => redis.get(key),
      getAndDelete: (key) => redis.getDel(key),
      set: (key, value, ttl) => redis.set(key, value, ttl ? { EX: ttl } : {}),
      delete: async (key) => void (await redis.del(key)),
      increment: (key) => redis.incr(key),
    },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    telemetry: { enabled: false },
    plugins: [
      emailOTP({
        expiresIn: 3600,
        allowedAttempts: 999_999,
        sendVerificationOTP: async ({ email, otp }) =>
          void (await transporter.sendMail(messageFor(email, otp))),
      }),
    ],
  });
  const app = express();
  app.all('/api/auth/*path', toNodeHandler(auth));
  return app;
});
