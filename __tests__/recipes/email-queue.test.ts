import { MemoryStore } from 'express-email-verification';
import { createVerification } from '../../demo-app/recipes/email-queue.js';
import { startWorker } from '../../demo-app/recipes/email-queue-worker.js';
import { FROM, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { useMailServer } from '../support/mail-server.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedisServer({ port: await freePort() });
}, 90_000);
afterAll(() => redis.stop());

it('an email goes from the app through the queue to a worker, and a failure is on the console', async () => {
  const logged: unknown[][] = [];
  const log = jest.spyOn(console, 'error').mockImplementation((...line) => void logged.push(line));
  const options = { store: new MemoryStore(), from: FROM, secret: SECRET, storeTimeout: 10_000 };
  const verification = createVerification(options, redis.url);
  const worker = await startWorker({ ...options, transport: mail.url }, redis.url);
  expect(logged).toEqual([]);

  const email = 'minji@example.com';
  await expect(verification.send({ email })).resolves.toMatchObject({ kind: 'sent' });
  const code = await mail.lastCode(email);
  await expect(verification.verify({ email, code })).resolves.toMatchObject({ kind: 'verified' });

  mail.server.respondWith({ stage: 'rcpt', code: 550, text: '5.1.1 unknown' });
  await verification.send({ email: 'nobody@example.com' });
  await until('the failure is on the console', () => logged.length > 0);
  expect(logged).toEqual([['n***@example.com', expect.stringContaining('refused the recipient')]]);

  await worker.close();
  await verification.close();
  log.mockRestore();
});
