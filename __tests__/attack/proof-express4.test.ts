/** Browser proofs in an app of Express 4: the nonce, one acceptance, and the email after that. */
import {
  createEmailVerification,
  emailVerificationRouter,
  MemoryStore,
  type ProofVerdict,
} from 'express-email-verification';
import express4 from 'express4';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';

it('T76: on Express 4, too, a proof is accepted once, and then the email is sent', async () => {
  const emails: string[] = [];
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), from: FROM, secret: SECRET },
    delivery: async ({ to }) => void emails.push(to.address),
    browserProof: { check: async ({ email }): Promise<ProofVerdict> => ({ kind: 'accepted', email }) },
  });
  const app = express4().use('/ev', emailVerificationRouter(verification));
  const { nonce } = (await request(app).get('/ev/nonce').expect(200)).body;
  const fields = { email: 'person@example.com', proof: 'proof', nonce };
  const first = await request(app).post('/ev/send').send(fields).expect(200);
  expect(first.body).toMatchObject({ ok: true, verified: true });
  expect(emails).toEqual([]);
  const second = await request(app).post('/ev/send').send(fields).expect(200);
  expect(second.body.verified).toBeUndefined();
  expect(emails).toEqual([fields.email]);
  await verification.close();
});
