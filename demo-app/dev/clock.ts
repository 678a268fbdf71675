/** The clock of the store, which buttons on the page move. The page's own clock follows the offset in the responses. */
import express, { type Router } from 'express';
import { textsOf } from '../site/site.js';
import type { MountedParts } from './tools.js';

const ACTIONS = ['minute', 'expire', 'limits'] as const;

export function createClock() {
  let offset = 0;
  type Parts = Pick<MountedParts, 'redis' | 'verification' | 'streams'>;
  const router = ({ redis, verification, streams }: Parts): Router =>
    express.Router().post('/clock/:action', async ({ params, body }, res) => {
      const email: unknown = body?.email;
      const action = ACTIONS.find((name) => name === params.action);
      if (!action) return void res.sendStatus(404);
      // The emails counted for each mailbox and the requests counted for each client. Codes and tokens stay.
      if (action === 'limits' && redis) await deleteKeys(redis, /^ev:([^{]*|\{.*\})$/);
      if (action === 'limits' && !redis) await verification.forget({ email });
      const status = action === 'expire' ? await verification.status({ email }) : undefined;
      const ends = status?.kind === 'status' ? status.codes.map((code) => code.endsIn) : [];
      offset += 1000 * Math.max(0, ...ends);
      if (action === 'minute') offset += 60_000;
      // The clock of the pages in other tabs.
      streams.send({ name: 'clock', offset });
      const done = action === 'expire' && ends.length === 0 ? 'noCode' : action;
      res.json({ ok: true, offset, verdict: textsOf(res).clockDone[done] });
    });
  return { router, now: () => Date.now() + offset, offset: () => offset };
}

export async function deleteKeys(redis: MountedParts['redis'], pattern: RegExp): Promise<void> {
  const keys = (await redis?.keys('*'))?.filter((key) => pattern.test(key)) ?? [];
  if (keys.length > 0) await redis?.del(keys);
}
