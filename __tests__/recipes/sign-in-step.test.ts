import express from 'express';
import { createEmailVerification, ko, MemoryStore } from 'express-email-verification';
import session from 'express-session';
import request from 'supertest';
import { signInStep } from '../../demo-app/recipes/sign-in-step.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji@example.com';

it('signs a person in after the password and a code, which goes to the address of the account alone', async () => {
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
    purpose: 'sign-in',
  });
  const app = express()
    .use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
    .post('/password', (req, res) => {
      req.session.pending = { id: '7', email };
      res.end();
    })
    .get('/me', (req, res) => void res.json({ id: req.session.userId ?? null }))
    .use('/sign-in', signInStep(verification));
  const agent = request.agent(app).set('Accept-Language', 'fr-FR,fr;q=0.9,ko;q=0.8');

  await agent.post('/sign-in/send').send({ email: 'evil@example.com' }).expect(401);
  await agent.post('/sign-in/verify').send({ code: '123456' }).expect(401);
  await agent.post('/password').expect(200);
  const sent = await agent.post('/sign-in/send').send({ email: 'evil@example.com' });
  expect([sent.status, sent.body]).toEqual([200, { message: ko.answers.sent }]);
  const code = await mail.lastCode(email);
  expect(mail.messages.map(({ envelope, subject }) => [envelope.to, subject])).toEqual([
    [[email], ko.mail.subject('Acme')],
  ]);
  await agent.post('/sign-in/send').expect(429);

  const wrong = code.startsWith('1') ? '222222' : '111111';
  await agent
    .post('/sign-in/verify')
    .send({ code: wrong })
    .expect(401, { message: ko.answers.code_incorrect(4) });
  await agent.get('/me').expect(200, { id: null });
  const before = (await agent.get('/me')).headers['set-cookie'];
  const signedIn = await agent.post('/sign-in/verify').send({ code }).expect(200);
  expect(signedIn.headers['set-cookie']).not.toEqual(before);
  await agent.get('/me').expect(200, { id: '7' });
  await agent.post('/sign-in/verify').send({ code }).expect(401);
  await verification.close();
});
