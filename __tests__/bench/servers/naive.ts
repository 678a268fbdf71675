/**
 * The handlers of tutorials: GET and compare, no limit of attempts, and an HTML email that the response waits for. Some
 * have a pool of one connection, others a new connection for each email.
 */
import { randomInt } from 'node:crypto';
import express from 'express';
import nodemailer from 'nodemailer';
import { createClient } from 'redis';
import { messageFor } from './message.js';
import { serve } from './serve.js';

serve(async ({ redis: url, smtpPort, poolSize, maxMessages }) => {
  const redis = await createClient({ url }).on('error', console.error).connect();
  const host = { host: '127.0.0.1', port: smtpPort };
  const transporter =
    poolSize > 0
      ? nodemailer.createTransport({ ...host, pool: true, maxConnections: poolSize, maxMessages })
      : nodemailer.createTransport(host);
  const app = express();
  app.use(express.json());
  app.post('/send', async (req, res) => {
    const { email } = req.body;
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    await redis.set(`otp:${email}`, code, { EX: 180 });
    const { text: _, ...message } = messageFor(email, code);
    await transporter.sendMail(message);
    res.json({ ok: true });
  });
  app.post('/verify', async (req, res) => {
    const { email, code } = req.body;
    const stored = await redis.get(`otp:${email}`);
    if (stored !== code) return void res.status(401).json({ verify: false });
    await redis.del(`otp:${email}`);
    res.json({ verify: true });
  });
  return app;
});
