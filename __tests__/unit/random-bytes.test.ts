/** lib/fast/random-bytes.ts gives bytes as randomBytes() of node:crypto does: as many as asked for, and none twice. */
import { randomBytes } from '../../lib/fast/random-bytes.js';

it('gives as many bytes as asked for, also where a block ends', () => {
  for (let n = 0; n < 2000; n += 1) expect(randomBytes(1 + (n % 40)).length).toBe(1 + (n % 40));
});

it('gives no bytes twice', () => {
  const drawn = Array.from({ length: 20_000 }, (_, n) =>
    randomBytes(12 + (n % 3))
      .toString('hex')
      .slice(0, 24),
  );
  expect(new Set(drawn).size).toBe(drawn.length);
});

it('gives each value of a byte equally often', () => {
  const counts = new Array<number>(256).fill(0);
  for (let n = 0; n < 40_000; n += 1)
    for (const byte of randomBytes(16)) counts[byte] = (counts[byte] ?? 0) + 1;
  // 2,500 times on average, with a standard deviation of 50: eight of them are never seen by chance.
  expect(Math.min(...counts)).toBeGreaterThan(2100);
  expect(Math.max(...counts)).toBeLessThan(2900);
});
