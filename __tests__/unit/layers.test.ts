/** The layers below HTTP load no Express, so that apps without it can use them. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const LAYERS = [
  'operations',
  'challenge',
  'store',
  'mail',
  'fast',
  'locales',
  'testing',
  'captcha',
  'bullmq',
  'evp',
];

function filesOf(folder: string): string[] {
  const files = readdirSync(join(root, 'lib', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, 'lib', folder, name));
  expect(files.length).toBeGreaterThan(1);
  return files;
}

/** Which HTTP packages are loaded by the files of each folder; all folders share one process. */
function loadedBy(folders: readonly string[]): ReadonlyMap<string, string[]> {
  const script = `
    const loaded = ${JSON.stringify(folders.map((folder) => [folder, filesOf(folder)]))}.map(([folder, files]) => {
      for (const name of Object.keys(require.cache)) delete require.cache[name];
      for (const file of files) require(file);
      const names = Object.keys(require.cache).map((file) => /node_modules.(express|body-parser|express-rate-limit)[\\\\/]/.exec(file)?.[1]);
      return [folder, [...new Set(names.filter(Boolean))]];
    });
    console.log(JSON.stringify(loaded));`;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  return new Map(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
}

let loaded: ReadonlyMap<string, string[]>;
beforeAll(() => {
  // First the folder that loads Express: anything it leaves behind would show in the ones after it.
  loaded = loadedBy(['http', ...LAYERS]);
});

it.each(LAYERS)('lib/%s loads no Express', (folder) => {
  expect(loaded.get(folder)).toEqual([]);
});

it('lib/http does, so the test above can fail', () => {
  expect(loaded.get('http')).toContain('express');
});
