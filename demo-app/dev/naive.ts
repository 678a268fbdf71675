/** What others do: compare without counting, as tutorials; or take the record, compare, write it back, as Better Auth 1.7. */
import { randomInt } from 'node:crypto';
import express, { type Router } from 'express';
import type { RedisClientType } from 'redis';

type Deliver = (email: string, code: string) => unknown;

export function naiveRouter(redis: RedisClientType, deliver: Deliver): Router {
  const router = express.Router();
  const save = (email: string, record: { code: string; attempts: number }) =>
    redis.set(`naive:${email}`, JSON.stringify(record), { EX: 180 });
  router.post('/send', async ({ body: { email } }, res) => {
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    await save(email, { code, attempts: 0 });
    await deliver(email, code);
    res.json({ ok: true });
  });
  router.post('/compare', async ({ body: { email, code } }, res) => {
    const record = JSON.parse((await redis.get(`naive:${email}`)) ?? 'null');
    if (code === record?.code) return void res.json({ verify: true });
    res.status(401).json({ verify: false, reason: 'code_incorrect' });
  });
  // Better Auth's `atomicVerifyOTP`.
  return router.post('/verify', async ({ body: { email, code } }, res) => {
    const record = JSON.parse((await redis.getDel(`naive:${email}`)) ?? 'null');
    if (record && code === record.code) return void res.json({ verify: true });
    if (record?.attempts < 4) await save(email, { ...record, attempts: record.attempts + 1 });
    res.status(401).json({ verify: false, reason: record ? 'code_incorrect' : 'code_expired' });
  });
}
