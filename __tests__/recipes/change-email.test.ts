import express from 'express';
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { changeOfEmail } from '../../demo-app/recipes/change-email.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const OLD = 'old@example.com';
const NEW = 'new@example.com';

it('changes the address once the new one is verified, and notifies the old one', async () => {
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
    purpose: 'change-email',
  });
  const changes: string[] = [];
  const told: string[] = [];
  const accounts = {
    of: (req: express.Request) => (req.get('cookie') === 'owner' ? { id: '7', email: OLD } : undefined),
    changeEmail: async (id: string, email: string) => void changes.push(`${id}: ${email}`),
  };
  const app = express().use(
    '/email',
    changeOfEmail(verification, accounts, async (oldEmail) => void told.push(oldEmail)),
  );
  const post = (path: string, body: object, cookie = 'owner') =>
    request(app).post(path).set('cookie', cookie).send(body);

  await post('/email/verification/send', { email: NEW }, 'nobody').expect(401);
  await post('/email', { email: NEW }).expect(403);
  const { challengeId } = (await post('/email/verification/send', { email: NEW }).expect(200)).body;
  const code = await mail.lastCode(NEW);
  const { verificationToken } = (
    await post('/email/verification/verify', { email: NEW, code, challengeId }).expect(200)
  ).body;
  await post('/email', { email: NEW, verificationToken }, 'nobody').expect(401);
  await post('/email', { email: NEW, verificationToken }).expect(200);
  await post('/email', { email: NEW, verificationToken }).expect(403);
  expect([changes, told]).toEqual([['7: new@example.com'], [OLD]]);
  await verification.close();
});
