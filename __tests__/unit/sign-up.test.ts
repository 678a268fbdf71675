/** The main job: a code sent by email verifies an address, and its token allows one sign-up. */
import { RedisStore } from 'express-email-verification';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { secondsLeft } from '../support/seconds-left.js';

const redis = useRedis();
const mail = useMailServer();
beforeEach(() => redis.flush());

const appWith = (options = {}) =>
  createTestApp({ store: new RedisStore(redis.client), transport: mail.url, ...options }).app;

it('sends a code, accepts it once, and lets its token through to the sign-up once', async () => {
  const app = appWith();
  const sent = await request(app).post('/ev/send').send({ email: 'Person@Example.com' }).expect(200);
  expect(sent.body).toEqual({
    ok: true,
    message: 'We sent you a code. Please check your email.',
    challengeId: expect.stringMatching(/^[\w-]{26}$/),
    expiresIn: secondsLeft(180),
    resendIn: secondsLeft(60),
  });
  const code = await mail.lastCode('person@example.com');

  const { challengeId } = sent.body;
  const verified = await request(app)
    .post('/ev/verify')
    .send({ email: 'person@example.com', code, challengeId })
    .expect(200);
  expect(verified.body).toEqual({
    verify: true,
    message: 'Your email address is verified.',
    verificationToken: expect.stringMatching(/^[\w-]{26}$/),
    expiresIn: 900,
  });
  await request(app).post('/ev/verify').send({ email: 'person@example.com', code, challengeId }).expect(401);

  const { verificationToken } = verified.body;
  const signUp = await request(app)
    .post('/signup')
    .send({ email: 'PERSON@example.com', verificationToken })
    .expect(201);
  expect(signUp.body).toEqual({ email: 'person@example.com' });
  await request(app).post('/signup').send({ email: 'person@example.com', verificationToken }).expect(403, {
    ok: false,
    message: 'Please verify your email address first.',
    reason: 'email_not_verified',
  });
});
