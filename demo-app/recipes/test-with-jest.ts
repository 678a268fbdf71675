/** Tests a sign-up with Jest and supertest: the inbox has the code, and the clock makes waiting unnecessary. */

import express from 'express';
import {
  createEmailVerification,
  emailVerificationRouter,
  MemoryStore,
  requireVerifiedEmail,
} from 'express-email-verification';
import { createTestClock, createTestInbox } from 'express-email-verification/testing';
import request from 'supertest';

const clock = createTestClock();
const inbox = createTestInbox();
const email = 'person@example.com';
const from = 'hello@acme.example';
const secret = 'for tests only, at least 32 bytes';
let app: express.Express;
const post = (path: string, body: object) => request(app).post(path).send(body);

beforeEach(() => {
  const store = new MemoryStore({ clock: clock.now });
  const verification = createEmailVerification({ store, delivery: inbox.delivery, from, secret });
  // In your app, create it in a function of `verification` that the server and the tests both call.
  app = express().use('/email-verification', emailVerificationRouter(verification));
  app.post('/signup', express.json(), requireVerifiedEmail(verification), (_req, res) => res.sendStatus(201));
});

it('signs up with a code', async () => {
  await post('/email-verification/send', { email }).expect(200);
  const code = await inbox.codeFor(email);
  const { body } = await post('/email-verification/verify', { email, code }).expect(200);
  await post('/signup', { email, verificationToken: body.verificationToken }).expect(201);
});

it('refuses a code that has expired', async () => {
  await post('/email-verification/send', { email }).expect(200);
  clock.advance(180_000);
  await post('/email-verification/verify', { email, code: await inbox.codeFor(email) }).expect(401);
});
