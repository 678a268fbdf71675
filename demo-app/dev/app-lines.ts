/** The lines of app.ts that do the work, found in the file itself, as the panel shows them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function readAppLines() {
  const source = readFileSync(join(__dirname, '../app.ts'), 'utf8');
  return Object.entries(PARTS).flatMap(([behind, part]) => {
    const { index, 0: code } = part.exec(source) ?? { 0: '' };
    if (index === undefined) return [];
    const first = source.slice(0, index).split('\n').length;
    const last = first + code.split('\n').length - 1;
    const [indent = ''] = /^ */.exec(code) ?? [];
    const place = `app.ts:${first === last ? first : `${first}–${last}`}`;
    return { behind, place, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
  });
}

/** Each with the paths and events that it is behind. */
const PARTS = {
  'delivered limited': /^ *const verification = createEmailVerification\([\s\S]*?^ {2}\}\);$/m,
  suppressed: /^ *\/\/ .*\n *beforeSend:[\s\S]*?,$/m,
  '/email-verification/send /email-verification/verify code_expired':
    /^ *app\.use\(.*emailVerificationRouter\(.*$/m,
  'redeemed released': /^ *app\.post\(\n[\s\S]*?requireVerifiedEmail\(.*$/m,
  '/sign-up': /^ *app\.post\([\s\S]*?^ {2}\);$/m,
};
