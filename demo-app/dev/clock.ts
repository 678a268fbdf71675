/** The clock of the store, which buttons on the page move. The page's own clock follows the offset in the responses. */
import express, { type Router } from 'express';
import type { MountedParts } from './tools.js';

export function createClock() {
  let offset = 0;
  const router = ({ redis, verification }: Pick<MountedParts, 'redis' | 'verification'>): Router =>
    express.Router().post('/clock/:action', async ({ params: { action }, body }, res) => {
      const email: unknown = body?.email;
      if (!['minute', 'expire', 'limits'].includes(action)) return void res.sendStatus(404);
      // The emails counted for each mailbox and the requests counted for each client. Codes and tokens stay.
      if (action === 'limits' && redis) await deleteKeys(redis, /^ev:([^{]*|\{.*\})$/);
      if (action === 'limits' && !redis) await verification.forget({ email });
      const status = action === 'expire' ? await verification.status({ email }) : undefined;
      if (status?.kind === 'status') offset += 1000 * Math.max(0, ...status.codes.map((code) => code.endsIn));
      if (action === 'minute') offset += 60_000;
      res.json({ ok: true, offset });
    });
  return { router, now: () => Date.now() + offset, offset: () => offset };
}

export async function deleteKeys(redis: MountedParts['redis'], pattern: RegExp): Promise<void> {
  const keys = (await redis?.keys('*'))?.filter((key) => pattern.test(key)) ?? [];
  if (keys.length > 0) await redis?.del(keys);
}
