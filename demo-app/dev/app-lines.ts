/** The lines of app.ts that do the work, found in the file itself, as the panel shows them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths and events, each with how the first and the last of the lines behind it begin. */
const PARTS = {
  'delivered limited': ['  const verification =', '  });'],
  suppressed: ['    beforeSend:', '      accounts.exists'],
  proof_refused: ['    browserProof:'],
  '/email-verification/send /email-verification/verify code_expired': ["  app.use('/email-verification'"],
  'redeemed released': ["  app.post('/sign-up'"],
  '/sign-up': ["  app.post('/sign-up'", '  });'],
};

export function readAppLines() {
  const source = readFileSync(join(__dirname, '../app.ts'), 'utf8').split('\n');
  return Object.entries(PARTS).map(([behind, [start = '', end = start]]) => {
    const first = source.findIndex((line) => line.startsWith(start));
    const last = source.findIndex((line, index) => index >= first && line.startsWith(end));
    const [indent = ''] = /^ */.exec(start) ?? [];
    const code = source.slice(first, last + 1).map((line) => line.slice(indent.length));
    const place = `app.ts:${first === last ? first + 1 : `${first + 1}–${last + 1}`}`;
    return { behind, place, code: code.join('\n') };
  });
}
