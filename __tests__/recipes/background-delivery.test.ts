import { MemoryStore } from 'express-email-verification';
import { createVerification } from '../../demo-app/recipes/background-delivery.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';

const mail = useMailServer();

it('logs the outcome of an email, with the address masked and without the code', async () => {
  const lines: { level: string; fields: object; message: string }[] = [];
  const log = {
    info: (fields: object, message: string) => void lines.push({ level: 'info', fields, message }),
    error: (fields: object, message: string) => void lines.push({ level: 'error', fields, message }),
  };
  const verification = createVerification(
    { store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, storeTimeout: 10_000 },
    log,
  );
  await verification.send({ email: 'minji@example.com' });
  const code = await mail.lastCode('minji@example.com');
  await until('the email is logged', () => lines.length > 0);
  expect(lines).toEqual([
    { level: 'info', fields: { email: 'm***@example.com', purpose: 'signup' }, message: 'email delivered' },
  ]);

  mail.server.respondWith({ stage: 'rcpt', code: 550, text: '5.1.1 unknown' });
  await verification.send({ email: 'nobody@example.com' });
  await until('the failure is logged', () => lines.length > 1);
  expect(lines[1]).toMatchObject({ level: 'error', fields: { email: 'n***@example.com', temporary: false } });
  expect(JSON.stringify(lines)).not.toContain(code);
  await verification.close();
});
