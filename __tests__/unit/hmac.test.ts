/** lib/fast/hmac.ts computes HMAC-SHA-256, whatever the key and the text. */
import * as crypto from 'node:crypto';
import fc from 'fast-check';
import { createHmac } from '../../lib/fast/hmac.js';
import { randomRuns } from '../support/random-runs.js';

test('a digest equals the HMAC of node:crypto', () => {
  const key = fc.uint8Array({ maxLength: 64 });
  const short = fc.string({ unit: 'binary', maxLength: 300 });
  const long = fc.string({
    unit: fc.constantFrom('a', 'é', '한', '😀', '\ud800'),
    minLength: 300,
    maxLength: 3000,
  });
  const text = fc.oneof(short, long);
  fc.assert(
    fc.property(key, fc.array(text, { minLength: 1, maxLength: 4 }), (key, texts) => {
      const hmac = createHmac(key);
      for (const text of texts) {
        expect(hmac(text)).toBe(crypto.createHmac('sha256', key).update(text).digest('base64url'));
      }
    }),
    { numRuns: randomRuns(500) },
  );
});

test('a key longer than a block is refused', () => {
  expect(() => createHmac(new Uint8Array(65))).toThrow(RangeError);
});
