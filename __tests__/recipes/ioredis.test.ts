import { close, createVerification } from '../../demo-app/recipes/ioredis.js';
import { SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const mail = useMailServer();
const redis = useRedis();

it('verifies an address on the ioredis client of the app', async () => {
  const app = createVerification({
    REDIS_URL: redis.server.url.replace(/^unix:\/\//, ''),
    SMTP_URL: mail.url,
    MAIL_FROM: 'Acme <hello@acme.example>',
    EMAIL_VERIFICATION_SECRET: SECRET,
  });
  const email = 'minji@example.com';
  await app.verification.send({ email });
  const verified = await app.verification.verify({ email, code: await mail.lastCode(email) });
  expect(verified).toMatchObject({ kind: 'verified' });
  const keys = await redis.client.keys('*');
  expect(keys).toHaveLength(2);
  for (const key of keys) expect(key).toMatch(/^acme:ev:\{/);
  expect(await app.verification.check()).toEqual({ ok: true, problems: [] });
  await close(app);
  await until('the client is closed', () => app.redis.status === 'end');
});
