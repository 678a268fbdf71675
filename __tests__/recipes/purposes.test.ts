import { MemoryStore } from 'express-email-verification';
import { createPurposes } from '../../demo-app/recipes/purposes.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();

it('each purpose has its own words, and no code is valid for another', async () => {
  const purposes = createPurposes({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
  });
  const codes = new Map<string, string>();
  for (const [n, purpose] of (['signup', 'change-email', 'sign-in'] as const).entries()) {
    const email = `person-${n}@example.com`;
    await purposes[purpose].send({ email });
    codes.set(purpose, await mail.lastCode(email));
  }
  const [signup, changeEmail, signIn] = mail.messages;
  expect(signup?.html).toContain('Verify your email address');
  expect(changeEmail?.html).toContain('Confirm your new email address');
  expect(changeEmail?.html).toContain('10 minutes');
  expect(codes.get('change-email')).toMatch(/^\d{8}$/);
  expect(signIn?.subject).toBe('Sign in to Acme');
  expect(signIn?.text).toContain('somebody knows your password');

  const [email, code] = ['person-0@example.com', codes.get('signup')];
  expect(await purposes['sign-in'].verify({ email, code })).toMatchObject({ kind: 'code_expired' });
  expect(await purposes.signup.verify({ email, code })).toMatchObject({ kind: 'verified' });
  for (const purpose of Object.values(purposes)) await purpose.close();
});
