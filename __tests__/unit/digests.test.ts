/** A digest made for one use or with one secret is worthless for another. */
import { createHmac, hkdfSync } from 'node:crypto';
import { createHasher, drawOpaque, hasherOf } from '../../lib/challenge/digests.js';

const SECRET = 'the first secret of these tests, 32 bytes and more';
const OTHER = 'the other secret of these tests, 32 bytes and more';
const hasher = createHasher(SECRET);

it('each use of the secret has its own key: one text has a different digest for each', () => {
  const text = 'person@example.com';
  const uses = [hasher.mailbox(text), hasher.holder(text), hasher.token(text), hasher.ip(text)];
  const joined = ['person@example.com', 'signup'] as const;
  const bound = [hasher.challenge(...joined), hasher.code(...joined), hasher.mailbox(joined.join('\0'))];
  expect(new Set([...uses, ...bound]).size).toBe(uses.length + bound.length);
});

it('a digest is HMAC-SHA-256 under a key of HKDF, cut to 96 bits', () => {
  const key = hkdfSync('sha256', SECRET, '', 'express-email-verification/token', 32);
  const hmac = createHmac('sha256', Buffer.from(key)).update('a token').digest();
  expect(hasher.token('a token')).toBe(hmac.subarray(0, 12).toString('base64url'));
});

it('another secret gives other digests', () => {
  const other = createHasher(OTHER);
  expect(other.token('x')).not.toBe(hasher.token('x'));
  expect(other.code('challenge', '012345')).not.toBe(hasher.code('challenge', '012345'));
});

it('a challenge is bound to its purpose, and a code to its challenge', () => {
  expect(hasher.challenge('a@b.example', 'signup')).not.toBe(hasher.challenge('a@b.example', 'sign-in'));
  expect(hasher.code('one challenge', '012345')).not.toBe(hasher.code('another challenge', '012345'));
});

it('an id or token shows which secret made it, unless it is malformed', () => {
  const hashers = [createHasher(OTHER), hasher];
  expect(hasherOf(drawOpaque(hasher), hashers)).toBe(hasher);
  expect(hasherOf(drawOpaque(createHasher('a third secret, of 32 bytes and a few more')), hashers)).toBe(
    undefined,
  );
  expect(hasherOf(`${drawOpaque(hasher)}A`, hashers)).toBe(undefined);
  expect(hasherOf(undefined, hashers)).toBe(undefined);
});
