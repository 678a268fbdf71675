import {
  createEmailVerification,
  type EmailVerificationOptions,
  MemoryStore,
} from 'express-email-verification';
import { writeAuditLog } from '../../demo-app/recipes/audit-log.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';

const mail = useMailServer();
const email = 'minji.kim@example.com';

function start(options: Partial<EmailVerificationOptions> = {}) {
  const lines: string[] = [];
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: mail.url, from: FROM, secret: SECRET, codeLength: 10 },
    storeTimeout: 10_000,
    ...options,
  });
  const stop = writeAuditLog(verification, (line) => void lines.push(line));
  const logged = () => lines.map((line) => JSON.parse(line));
  return { verification, lines, stop, logged };
}

it('logs each event with its time, purpose, address and outcome, and joins an email to its send', async () => {
  const { verification, lines, stop, logged } = start();
  await verification.send({ email });
  await verification.send({ email });
  const code = await mail.lastCode(email);
  await verification.verify({ email, code: code.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) });
  const verified = await verification.verify({ email, code });
  if (verified.kind !== 'verified') throw new Error(verified.kind);
  const { verificationToken } = verified;
  await verification.verify({ email, code });
  const redeemed = await verification.redeem({ email, verificationToken });
  if (redeemed.kind !== 'redeemed') throw new Error(redeemed.kind);
  await verification.release(redeemed);

  expect(logged().map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
    'sent success',
    'delivered success',
    'limited failure',
    'code_incorrect failure',
    'verified success',
    'code_expired failure',
    'redeemed success',
    'released success',
  ]);
  for (const line of logged()) {
    expect(line).toMatchObject({ email: 'm***@example.com', purpose: 'signup' });
    expect(Math.abs(Date.parse(line.time) - Date.now())).toBeLessThan(120_000);
  }
  const [sent, delivered, , incorrect] = logged();
  expect(sent.reference).toBe(delivered.reference);
  expect(incorrect.attemptsLeft).toBe(4);
  for (const line of lines) expect(line).toMatch(/^\{.+\}\n$/);
  for (const secret of [email, 'minji', code, verificationToken]) expect(lines.join()).not.toContain(secret);

  stop();
  await verification.forget({ email });
  await verification.send({ email });
  expect(lines).toHaveLength(8);
});

it('logs why an email failed or an operation was unavailable', async () => {
  mail.server.respondWith({ stage: 'rcpt', code: 550, text: `5.1.1 no mailbox ${email}` });
  const { verification, lines, logged } = start();
  await verification.send({ email });
  const store = new MemoryStore();
  jest.spyOn(store, 'open').mockRejectedValue(new Error('no connection'));
  const broken = start({ store });
  await broken.verification.send({ email });

  expect(logged().at(-1)).toMatchObject({
    event: 'delivery_failed',
    outcome: 'failure',
    cause: expect.stringContaining('refused the recipient'),
  });
  expect(broken.logged()).toMatchObject([
    { event: 'unavailable', outcome: 'failure', operation: 'send', cause: 'no connection' },
  ]);
  expect(lines.join()).not.toContain(email);
});

it('logs what beforeSend refused or suppressed', async () => {
  const { verification, logged } = start({
    beforeSend: ({ email: to }) => ({ kind: to === email ? 'refuse' : 'suppress' }),
  });
  await verification.send({ email });
  await verification.send({ email: 'known@example.com' });
  expect(logged()).toMatchObject([
    { event: 'refused', outcome: 'failure' },
    { event: 'suppressed', outcome: 'success', reference: expect.any(String) },
  ]);
});
