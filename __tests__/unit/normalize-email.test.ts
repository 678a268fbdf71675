/** normalizeEmail(): what an app looks accounts up by is what the package verifies. */
import { createEmailVerification, MemoryStore, normalizeEmail } from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';

const taken: [typed: string, address: string][] = [
  ['minji@example.com', 'minji@example.com'],
  [' Minji@Example.COM ', 'minji@example.com'],
  ['\u200bminji@example.com\u00a0', 'minji@example.com'],
  ['minji+tag@example.com', 'minji+tag@example.com'],
  ['minji@bücher.example', 'minji@xn--bcher-kva.example'],
  ['minji@인증.한국', 'minji@xn--lu5b82b.xn--3e0b707e'],
];
const refused: unknown[] = [
  ...[
    '',
    'minji',
    'minji@',
    '@example.com',
    'a@b.co, c@d.co',
    'Minji <minji@example.com>',
    '"minji"@example.com',
  ],
  ...['minji@example.com으로', 'min ji@example.com', `${'a'.repeat(250)}@b.co`, '\ud800@example.com'],
  ...[undefined, null, 7, ['minji@example.com'], { email: 'minji@example.com' }],
];

it.each(taken)('%j is %s, and that is who gets the email', async (typed, address) => {
  expect(normalizeEmail(typed)).toBe(address);
  expect(normalizeEmail(address)).toBe(address);
  const recipients: unknown[] = [];
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), from: FROM, secret: SECRET },
    delivery: async (message) => void recipients.push(message.to),
  });
  expect(await verification.send({ email: typed })).toMatchObject({ kind: 'sent' });
  expect(recipients).toEqual([{ name: '', address }]);
  await verification.close();
});

it.each(refused)('%j is not one address', async (typed) => {
  expect(normalizeEmail(typed)).toBeUndefined();
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), from: FROM, secret: SECRET },
    delivery: async () => {},
  });
  expect(await verification.send({ email: typed })).toMatchObject({ kind: 'invalid_request' });
  await verification.close();
});
