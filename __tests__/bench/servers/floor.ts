/**
 * The least that an Express app can do: for /verify one script that counts and compares, for /send one write and a pooled
 * email that nothing waits for. No validation, no digests, no limits.
 */
import { createHash } from 'node:crypto';
import express from 'express';
import nodemailer from 'nodemailer';
import { createClient } from 'redis';
import { messageFor } from './message.js';
import { serve } from './serve.js';

const lua = `
local tried = redis.call('HINCRBY', KEYS[1], 'n', 1)
local code = redis.call('HGET', KEYS[1], 'c')
if not code or tried > tonumber(ARGV[2]) then return -1 end
if code ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
`;
const sha = createHash('sha1').update(lua).digest('hex');

serve(async ({ redis: url, smtpPort, poolSize, maxMessages }) => {
  const redis = await createClient({ url }).on('error', console.error).connect();
  await redis.scriptLoad(lua);
  const transporter = nodemailer.createTransport({
    host: '127.0.0.1',
    port: smtpPort,
    pool: true,
    maxConnections: poolSize,
    maxMessages,
  });
  const app = express();
  app.use(express.json());
  app.post('/verify', async (req, res) => {
    const { email, code } = req.body;
    const result = await redis.evalSha(sha, { keys: [`floor:${email}`], arguments: [code, '999999'] });
    res.status(result === 1 ? 200 : 401).json({ verify: result === 1 });
  });
  app.post('/send', async (req, res) => {
    const { email } = req.body;
    await redis.set(`otp:${email}`, '123456', { EX: 180 });
    void transporter.sendMail(messageFor(email, '123456'));
    res.json({ ok: true });
  });
  return app;
});
