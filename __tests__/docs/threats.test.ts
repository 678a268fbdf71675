/** The list of threats says what the tests say. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const tests = join(__dirname, '..');
const readme = readFileSync(join(tests, 'README.md'), 'utf8');
const rows = new Map(
  [...readme.matchAll(/^\| (T\d+) \| .+ \| (.+) \|$/gm)].map(([, number = '', files = '']) => [
    number,
    [...files.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, file]) => file).sort(),
  ]),
);

const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.test.ts') && name !== join('docs', 'threats.test.ts'),
);

it('every threat is in the list, with files whose tests carry its number', () => {
  expect([...rows.keys()]).toEqual(Array.from({ length: 78 }, (_, n) => `T${n + 1}`));
  for (const [number, named] of rows) {
    expect([number, named.length]).not.toEqual([number, 0]);
    for (const file of named)
      expect(readFileSync(join(tests, file ?? ''), 'utf8')).toMatch(new RegExp(`\\b${number}\\b`));
  }
});

it('every number that a test carries is in the list', () => {
  const numbers = files.flatMap((file) => readFileSync(join(tests, file), 'utf8').match(/\bT\d+\b/g) ?? []);
  expect([...rows.keys()]).toEqual(expect.arrayContaining([...new Set(numbers)]));
});
