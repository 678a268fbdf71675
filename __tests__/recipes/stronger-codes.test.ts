import { MemoryStore } from 'express-email-verification';
import { chance, createVerification } from '../../demo-app/recipes/stronger-codes.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji@example.com';

it('verifies with letters, for the client that requested them alone', async () => {
  const verification = createVerification({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
  });
  const sent = await verification.send({ email });
  if (sent.kind !== 'sent') throw new Error(sent.kind);
  const { text } = await mail.server.waitForMessage();
  const [code] = /\b[A-Z]{4}-[A-Z]{4}\b/.exec(text) ?? [];
  expect(text).toContain('15 minutes');
  expect(await verification.verify({ email, code })).toMatchObject({ kind: 'code_expired' });
  const { challengeId } = sent;
  expect(await verification.verify({ email, code: code?.toLowerCase(), challengeId })).toMatchObject({
    kind: 'verified',
  });
  expect(chance.toExponential(1)).toBe('1.8e-8');
  await verification.close();
});
