/** Every test file runs in a project, and the list of projects is complete. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import config from '../../jest.config.js';

const tests = join(__dirname, '..');
const projects = (config.projects ?? []).map((one) => (typeof one === 'object' ? one.displayName : one));

it('every test file is in the folder of a project', () => {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' });
  const folders = files.filter((file) => file.endsWith('.test.ts')).map((file) => file.split(sep)[0]);
  expect([...new Set(folders)].sort()).toEqual([...projects].sort());
});

it('the README lists each project', () => {
  const rows = readFileSync(join(tests, 'README.md'), 'utf8').matchAll(/^\| `(\w+)` \|/gm);
  expect(Array.from(rows, ([, name]) => name).sort()).toEqual([...projects].sort());
});

it('the order of the files knows each project', () => {
  const { PROJECTS }: { PROJECTS: string[] } = require('../support/longest-first.cjs');
  expect([...PROJECTS].sort()).toEqual([...projects].sort());
});
