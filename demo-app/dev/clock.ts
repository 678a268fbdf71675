/** The clock of the store, which buttons on the page move. The page's own clock follows the offset in the responses. */
import express, { type Router } from 'express';
import type { EmailVerification } from 'express-email-verification';
import type { RedisClientType } from 'redis';

export interface ClockParts {
  readonly redis: Pick<RedisClientType, 'keys' | 'del'> | undefined;
  readonly verification: Pick<EmailVerification, 'status' | 'forget'>;
}

export function createClock() {
  let offset = 0;
  const router = ({ redis, verification }: ClockParts): Router =>
    express.Router().post('/clock/:action', async (req, res) => {
      const { action } = req.params;
      const email: unknown = req.body?.email;
      if (!['minute', 'expire', 'limits'].includes(action)) return void res.sendStatus(404);
      if (action === 'limits') await (redis ? resetLimits(redis) : verification.forget({ email }));
      const status = action === 'expire' ? await verification.status({ email }) : undefined;
      if (status?.kind === 'status') offset += 1000 * Math.max(0, ...status.codes.map((code) => code.endsIn));
      if (action === 'minute') offset += 60_000;
      res.json({ ok: true, offset });
    });
  return { router, now: () => Date.now() + offset, offset: () => offset };
}

/** Forgets the emails counted for each mailbox and the requests counted for each client. Codes and tokens stay. */
async function resetLimits(redis: Pick<RedisClientType, 'keys' | 'del'>): Promise<void> {
  const keys = (await redis.keys('ev:*')).filter((key) => key.endsWith('}') || !key.includes('{'));
  if (keys.length > 0) await redis.del(keys);
}
