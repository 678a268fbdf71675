/** Tests a sign-up with Vitest: the inbox has the code, and the clock makes waiting unnecessary. */

import { createEmailVerification, type EmailVerification, MemoryStore } from 'express-email-verification';
import { createTestClock, createTestInbox } from 'express-email-verification/testing';
import { beforeEach, expect, it } from 'vitest';

const clock = createTestClock();
const inbox = createTestInbox();
const email = 'person@example.com';
const from = 'hello@acme.example';
const secret = 'for tests only, at least 32 bytes';
let verification: EmailVerification;

beforeEach(() => {
  const store = new MemoryStore({ clock: clock.now });
  verification = createEmailVerification({ store, delivery: inbox.delivery, from, secret });
});

it('verifies an address once', async () => {
  await verification.send({ email });
  const code = await inbox.codeFor(email);
  const verified = await verification.verify({ email, code });
  expect(verified.kind).toBe('verified');
  expect(await verification.verify({ email, code })).toMatchObject({ kind: 'code_expired' });
});

it('sends another code once the cooldown is over', async () => {
  await verification.send({ email });
  expect(await verification.send({ email })).toMatchObject({ kind: 'too_many_requests', retryAfter: 60 });
  clock.advance(60_000);
  inbox.clear();
  expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
  expect(await inbox.codeFor(email)).toMatch(/^\d{6}$/);
});
