/** The layers below HTTP load no Express: operations, challenge, stores and email serve apps without it too. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const LAYERS = ['operations', 'challenge', 'store', 'mail', 'fast', 'locales'];

function filesOf(folder: string): string[] {
  const files = readdirSync(join(root, 'lib', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, 'lib', folder, name));
  expect(files.length).toBeGreaterThan(1);
  return files;
}

/** Which packages of HTTP come along with the files of each folder, loaded for itself in a process of its own. */
function loadedBy(folders: readonly string[]): ReadonlyMap<string, string[]> {
  const script = `
    const told = ${JSON.stringify(folders.map((folder) => [folder, filesOf(folder)]))}.map(([folder, files]) => {
      for (const name of Object.keys(require.cache)) delete require.cache[name];
      for (const file of files) require(file);
      const names = Object.keys(require.cache).map((file) => /node_modules.(express|body-parser|express-rate-limit)[\\\\/]/.exec(file)?.[1]);
      return [folder, [...new Set(names.filter(Boolean))]];
    });
    console.log(JSON.stringify(told));`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  return new Map(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
}

let loaded: ReadonlyMap<string, string[]>;
beforeAll(() => {
  // First the one that loads Express: what it left behind would show in those after it.
  loaded = loadedBy(['http', ...LAYERS]);
});

it.each(LAYERS)('lib/%s loads no Express', (folder) => {
  expect(loaded.get(folder)).toEqual([]);
});

it('lib/http does, so that the test above can tell', () => {
  expect(loaded.get('http')).toContain('express');
});
