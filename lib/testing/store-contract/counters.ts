/** The counter of one client IP in a fixed window, which express-rate-limit counts with. */
import { has, is, MINUTE, test, timedTest } from './steps.js';

export const counterTests = [
  test('counts the requests of a client, takes one back, and forgets the client', async ({ count }) => {
    for (const hits of [1, 2, 3]) has(await count('hit'), { hits });
    has(await count('undo'), { hits: 2 });
    has(await count('forget'), { hits: 0 });
    has(await count('undo'), { hits: 0 });
    has(await count('hit'), { hits: 1 });
  }),

  timedTest('counts a client in its own window, to the millisecond', async ({ count, pass }) => {
    is(await count('hit'), { hits: 1, resetsIn: MINUTE });
    await pass(1000);
    is(await count('hit'), { hits: 2, resetsIn: MINUTE - 1000 });
    is(await count('undo'), { hits: 1, resetsIn: MINUTE - 1000 });
    is(await count('forget'), { hits: 0, resetsIn: MINUTE });
    is(await count('undo'), { hits: 0, resetsIn: MINUTE });
    await count('hit');
    await pass(MINUTE);
    is(await count('hit'), { hits: 1, resetsIn: MINUTE });
  }),
];
