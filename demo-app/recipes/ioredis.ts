/** A store on the app's own ioredis client, which keeps its options and can be used for other things, too. */

import { createEmailVerification, type EmailVerification, RedisStore } from 'express-email-verification';
import { Redis } from 'ioredis';

export function createVerification(env: NodeJS.ProcessEnv): {
  verification: EmailVerification;
  redis: Redis;
} {
  // For a cluster, `new Cluster([…])`; for Sentinel, `new Redis({ sentinels, name })`.
  const redis = new Redis(env['REDIS_URL'] ?? 'redis://localhost:6379', { keyPrefix: 'acme:' });
  redis.on('error', console.error);
  const verification = createEmailVerification({
    store: new RedisStore(redis),
    transport: env['SMTP_URL'],
    from: env['MAIL_FROM'],
    secret: env['EMAIL_VERIFICATION_SECRET'],
  });
  return { verification, redis };
}

/** Call it when the app shuts down, after `server.close()` has finished. */
export async function close({ verification, redis }: ReturnType<typeof createVerification>): Promise<void> {
  await verification.close();
  await redis.quit();
}
