/**
 * `npm run build`: writes dist/ and openapi.json. The code is CommonJS. What `import` loads are thin modules around it, so that an app that
 * mixes both kinds has one copy of everything, and installs one. Only what browsers load are modules of their own.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const tsc = require.resolve('typescript/bin/tsc');

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, '-p', 'lib/tsconfig.json', '--outDir', 'dist/cjs'], {
  cwd: root,
  stdio: 'inherit',
});

for (const entry of entries()) {
  const cjs = join(root, 'dist/cjs', `${entry}.js`);
  const esm = join(root, 'dist/esm', `${entry}.js`);
  mkdirSync(dirname(esm), { recursive: true });
  if (entry.startsWith('client/')) {
    writeFileSync(esm, browserModule(entry));
    copyFileSync(cjs.replace(/js$/, 'd.ts'), esm.replace(/js$/, 'd.ts'));
    continue;
  }
  const source = posix.relative(posix.dirname(`esm/${entry}`), `cjs/${entry}.js`);
  const names = Object.keys(require(cjs)).filter((name) => name !== '__esModule');
  writeFileSync(esm, `export { ${names.join(', ')} } from '${source}';\n`);
  writeFileSync(esm.replace(/js$/, 'd.ts'), `export * from '${source}';\n`);
}
writeFileSync(join(root, 'dist/esm/package.json'), '{"type":"module"}\n');

const { openapi } = require(join(root, 'dist/cjs/index.js'));
writeFileSync(join(root, 'openapi.json'), JSON.stringify(openapi));

/** The files of all entries in "exports", as paths in dist/cjs and dist/esm. */
function entries() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(exports).flatMap(([name, target]) => {
    const [, path] = /^\.\/dist\/esm\/(.+)\.js$/.exec(target?.import?.default ?? '') ?? [];
    if (path === undefined) return [];
    if (!path.endsWith('/*')) return [path];
    const folder = path.slice(0, -2);
    const files = readdirSync(join(root, 'dist/cjs', folder)).filter((file) => file.endsWith('.js'));
    const hidden = (file) => exports[name.replace('*', file)] === null;
    return files
      .map((file) => file.slice(0, -'.js'.length))
      .filter((file) => !hidden(file))
      .map((file) => `${folder}/${file}`);
  });
}

function browserModule(entry) {
  const source = readFileSync(join(root, 'lib', `${entry}.ts`), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return outputText;
}
