/** What `/testing` promises in Vitest, which has no globals by default: the store contract, and fake timers in any order. */
import { createEmailVerification, MemoryStore } from 'express-email-verification';
import { createTestInbox, describeStoreContract } from 'express-email-verification/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FROM, SECRET } from './app.js';

describeStoreContract('MemoryStore', (clock) => new MemoryStore({ clock }), { describe, it });

it('says what to pass, because there are no globals', () => {
  expect(() => describeStoreContract('it', () => new MemoryStore())).toThrow(
    'pass them as its third argument',
  );
});

describe('fake timers', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([true, false])(
    'installed before the store is created (%s) move codes and cooldowns',
    async (before) => {
      if (before) vi.useFakeTimers();
      const inbox = createTestInbox();
      const options = { store: new MemoryStore(), delivery: inbox.delivery, from: FROM, secret: SECRET };
      const verification = createEmailVerification(options);
      if (!before) vi.useFakeTimers();

      const email = 'person@example.com';
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
      const code = await inbox.codeFor(email);
      expect(await verification.send({ email })).toMatchObject({ kind: 'too_many_requests' });
      vi.advanceTimersByTime(180_000);
      expect(await verification.verify({ email, code })).toMatchObject({ kind: 'code_expired' });
      expect(await verification.send({ email })).toMatchObject({ kind: 'sent' });
    },
  );

  it('do not keep codeFor() from timing out', async () => {
    vi.useFakeTimers();
    await expect(createTestInbox({ timeout: 20 }).codeFor('person@example.com')).rejects.toThrow('No code');
  });
});
