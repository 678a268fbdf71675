import { createEmailVerification, MemoryStore } from 'express-email-verification';
import { template } from '../../demo-app/recipes/branded-email.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();

it('sends the default email with the brand, in the language of the person', async () => {
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
    template,
  });
  await verification.send({ email: 'minji@example.com', locale: 'ko' });
  const { html, text } = await mail.server.waitForMessage();
  const code = await mail.lastCode('minji@example.com');
  expect(html).toContain('<img src="https://acme.example/logo.png" alt="Acme" width="120" height="32"');
  expect(html).toContain('border-top:4px solid #0a5fd1');
  expect(html).toContain('문의: help@acme.example');
  expect(html).toContain('Acme Inc.<br>1 Main Street, Springfield');
  expect(text).toContain('Acme Inc.\n1 Main Street, Springfield');
  // The code stays out of the preview of an inbox.
  expect(text.indexOf(code)).toBeGreaterThan(200);
  await verification.close();
});
