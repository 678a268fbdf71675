/** An Express app with a Redis client and a mail transport that does nothing: the baseline for startup. */
import express from 'express';
import nodemailer from 'nodemailer';
import { createClient } from 'redis';
import { serve } from './serve.js';

serve(async ({ redis: url, smtpPort, poolSize }) => {
  await createClient({ url }).on('error', console.error).connect();
  nodemailer.createTransport({ host: '127.0.0.1', port: smtpPort, pool: true, maxConnections: poolSize });
  return express();
});
