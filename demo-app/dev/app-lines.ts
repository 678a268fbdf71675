/** The lines of app.ts that do the work, found in the file itself, as the panel shows them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function readAppLines() {
  const source = readFileSync(join(__dirname, '../app.ts'), 'utf8');
  return Object.entries(PARTS).flatMap(([name, part]) => {
    const { index, 0: code } = part.exec(source) ?? { 0: '' };
    if (index === undefined) return [];
    const first = source.slice(0, index).split('\n').length;
    const last = first + code.split('\n').length - 1;
    const [indent = ''] = /^ */.exec(code) ?? [];
    const place = `app.ts:${first === last ? first : `${first}–${last}`}`;
    return { name, place, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
  });
}

const PARTS = {
  options: /^ *const verification = createEmailVerification\([\s\S]*?^ {2}\}\);$/m,
  beforeSend: /^ *\/\/ .*\n *beforeSend:[\s\S]*?,$/m,
  routes: /^ *app\.use\(.*emailVerificationRouter\(.*$/m,
  guard: /^ *app\.post\(\n[\s\S]*?requireVerifiedEmail\(.*$/m,
  signUp: /^ *app\.post\([\s\S]*?^ {2}\);$/m,
};
