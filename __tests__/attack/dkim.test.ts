/** Emails that the transport signs with DKIM (RFC 6376) arrive with a valid signature. */
import { generateKeyPairSync } from 'node:crypto';
import { MemoryStore } from 'express-email-verification';
import { dkimVerify } from 'mailauth/lib/dkim/verify';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'der' },
});

async function verdictOn(raw: string): Promise<string[]> {
  const { results } = await dkimVerify(raw, {
    async resolver(name) {
      expect(name).toBe('codes._domainkey.acme.example');
      return [[`v=DKIM1; k=rsa; p=${publicKey.toString('base64')}`]];
    },
  });
  return results.map(({ signingDomain, status }) => `${signingDomain}: ${status.result}`);
}

it.each(['en', 'ko'])('each of several emails in %s is signed, and a changed one fails', async (locale) => {
  const { app } = createTestApp({
    store: new MemoryStore(),
    rateLimit: false,
    transport: {
      ...{ host: '127.0.0.1', port: mail.server.port },
      dkim: { domainName: 'acme.example', keySelector: 'codes', privateKey },
    },
  });
  // The last ones are filled in, not composed.
  for (let n = 0; n < 8; n += 1) {
    await request(app)
      .post('/ev/send')
      .send({ email: `person-${n}@example.com`, locale })
      .expect(200);
  }
  expect(mail.messages.length).toBe(8);
  for (const { raw } of mail.messages) {
    expect(await verdictOn(raw)).toEqual(['acme.example: pass']);
    expect(await verdictOn(raw.replace('@example.com', '@example.org'))).toEqual(['acme.example: fail']);
  }
});
