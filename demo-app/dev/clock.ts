/** A clock for the store that the buttons of the page move. The page's own clock follows by the offset in the answers. */
import express, { type Router } from 'express';
import type { EmailVerification } from 'express-email-verification';
import type { RedisClientType } from 'redis';

export interface ClockParts {
  readonly redis: Pick<RedisClientType, 'keys' | 'del'> | undefined;
  readonly verification: EmailVerification;
}

export function createClock() {
  let offset = 0;
  /** Moves the clock to the end of the latest code for an address. */
  const expire = async ({ verification }: ClockParts, email: unknown) => {
    const found = await verification.status({ email });
    if (found.kind === 'status') offset += 1000 * Math.max(0, ...found.codes.map(({ endsIn }) => endsIn));
  };
  const actions: Record<string, (parts: ClockParts, email: unknown) => Promise<unknown>> = {
    minute: async () => {
      offset += 60_000;
    },
    expire,
    limits: ({ redis, verification }, email) => (redis ? resetLimits(redis) : verification.forget({ email })),
  };
  return {
    now: () => Date.now() + offset,
    get offset() {
      return offset;
    },
    router: (parts: ClockParts): Router =>
      express.Router().post('/clock/:action', express.json(), async (req, res) => {
        const action = Object.hasOwn(actions, req.params.action) && actions[req.params.action];
        if (!action) return void res.sendStatus(404);
        const { email }: Record<string, unknown> = Object(req.body);
        await action(parts, email);
        res.json({ ok: true, offset });
      }),
  };
}

/** The emails that count for each mailbox, and the requests of each client. Codes and tokens stay. */
async function resetLimits(redis: Pick<RedisClientType, 'keys' | 'del'>): Promise<void> {
  const keys = (await redis.keys('ev:*')).filter((key) => key.endsWith('}') || !key.includes('{'));
  if (keys.length > 0) await redis.del(keys);
}
