/** The layers below HTTP load no Express: operations, challenge, stores and email serve apps without it too. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

/** Loads every file of a folder in a process of its own and tells which packages of HTTP came along. */
function loadedBy(folder: string): string[] {
  const files = readdirSync(join(root, 'lib', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, 'lib', folder, name));
  expect(files.length).toBeGreaterThan(1);
  const script = `
    for (const file of ${JSON.stringify(files)}) require(file);
    const names = Object.keys(require.cache).map((file) => /node_modules.(express|body-parser|express-rate-limit)[\\\\/]/.exec(file)?.[1]);
    console.log(JSON.stringify([...new Set(names.filter(Boolean))]));`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

it.each(['operations', 'challenge', 'store', 'mail', 'fast', 'locales'])(
  'lib/%s loads no Express',
  (folder) => {
    expect(loadedBy(folder)).toEqual([]);
  },
);

it('lib/http does, so that the test above can tell', () => {
  expect(loadedBy('http')).toContain('express');
});
