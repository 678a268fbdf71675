/** The list of threats says what the tests say. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const readme = readFileSync(join(__dirname, 'README.md'), 'utf8');
const rows = new Map(
  [...readme.matchAll(/^\| (T\d+) \| .+ \| (.+) \|$/gm)].map(([, number = '', files = '']) => [
    number,
    [...files.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, file]) => file).sort(),
  ]),
);

it('every threat is in the list, and every file whose tests carry its number', () => {
  const files = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.test.ts') && name !== 'threats.test.ts',
  );
  const carried = new Map([...rows.keys()].map((number) => [number, [] as string[]]));
  for (const file of files.sort()) {
    const numbers = new Set(readFileSync(join(__dirname, file), 'utf8').match(/\bT\d+\b/g));
    for (const number of numbers) carried.set(number, [...(carried.get(number) ?? []), file]);
  }
  expect(rows.size).toBe(74);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(carried));
});
