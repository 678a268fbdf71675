import express from 'express';
import { emailVerificationRouter, MemoryStore } from 'express-email-verification';
import request from 'supertest';
import { createVerification } from '../../demo-app/recipes/reviewer-sign-in.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'app-review@acme.example';
const REVIEW = {
  REVIEW_EMAIL: email,
  REVIEW_CODE: 'hT5wBq28Lz',
  REVIEW_UNTIL: new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10),
};

const options = () => ({ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET });
const appIn = (env: Record<string, string | undefined>) =>
  request(express().use(emailVerificationRouter(createVerification(options(), env))));

beforeEach(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterEach(() => jest.restoreAllMocks());

it('verifies the address of the reviewers with their code, and sends them no email', async () => {
  const app = appIn(REVIEW);
  const { challengeId } = (await app.post('/send').send({ email }).expect(200)).body;
  const { body } = await app
    .post('/verify')
    .send({ email, code: REVIEW.REVIEW_CODE, challengeId })
    .expect(200);
  expect(body.verificationToken).toHaveLength(26);
  expect(mail.messages).toEqual([]);
});

it('sends an email to everybody else, and to the reviewers when no review is going on', async () => {
  const person = 'minji@example.com';
  for (const [env, address] of [
    [REVIEW, person],
    [{}, email],
    [{ REVIEW_CODE: '' }, email],
  ] as const) {
    mail.clear();
    const app = appIn(env);
    await app.post('/send').send({ email: address }).expect(200);
    await app
      .post('/verify')
      .send({ email: address, code: await mail.lastCode(address) })
      .expect(200);
  }
});

it('is refused at start while one of the variables is missing', () => {
  for (const name of Object.keys(REVIEW))
    expect(() => appIn({ ...REVIEW, [name]: undefined })).toThrow(/`fixedCodes\[0\]\.(email|code|until)`/);
});
