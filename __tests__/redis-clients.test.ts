/** The store asks nothing of how an app has set its client up: what replies look like is the app's own. */
import { RedisStore } from 'express-email-verification';
import { createClient, RESP_TYPES, type TypeMapping } from 'redis';
import request from 'supertest';
import { createTestApp } from './support/app.js';
import { useRedis } from './support/redis.js';

const redis = useRedis();
const email = 'ada@mail.example';

test.each([
  ['RESP 2', (url: string) => createClient({ url, RESP: 2 })],
  ['RESP 3', (url: string) => createClient({ url, RESP: 3 })],
  ['strings as buffers', (url: string) => withReplies(url, { [RESP_TYPES.BLOB_STRING]: Buffer })],
  ['numbers as strings', (url: string) => withReplies(url, { [RESP_TYPES.NUMBER]: String })],
])('a client with %s: send, a wrong code, the right one, and the sign-up', async (_name, clientOf) => {
  const client = clientOf(redis.server.url);
  await client.connect();
  try {
    await redis.flush();
    let mailed = '';
    const { app } = createTestApp({
      store: new RedisStore(client),
      transport: 'smtp://127.0.0.1',
      delivery: async ({ text }) => {
        mailed = /^\d{6}$/m.exec(text)?.[0] ?? '';
      },
    });
    const { body: sent } = await request(app).post('/ev/send').send({ email }).expect(200);
    const { challengeId } = sent;
    await request(app).post('/ev/send').send({ email, challengeId }).expect(429);

    const wrong = mailed === '000000' ? '111111' : '000000';
    const refused = await request(app)
      .post('/ev/verify')
      .send({ email, code: wrong, challengeId })
      .expect(401);
    expect(refused.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });

    const verified = await request(app)
      .post('/ev/verify')
      .send({ email, code: mailed, challengeId })
      .expect(200);
    const { verificationToken } = verified.body;
    await request(app).post('/signup').send({ email, verificationToken }).expect(201, { email });
    await request(app).post('/signup').send({ email, verificationToken }).expect(403);
  } finally {
    client.destroy();
  }
});

function withReplies(url: string, typeMapping: TypeMapping) {
  return createClient({ url, commandOptions: { typeMapping } });
}
