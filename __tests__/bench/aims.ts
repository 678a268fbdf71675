/** What each bench should show; which aims were missed on two shared cores, why, and what was tried. */
export const AIMS = {
  verify: `
Aims: 1.15 of the floor, 1.1 of naive, 9 times Better Auth, 110 µs of CPU; at 1 connection p50 within 10 % of the floor.
Missed there: 0.9 to 1.0, 0.9 and 5 to 6, with 146 µs where the floor takes 146. Four fifths of a request are Express, HTTP
and sockets, which the floor pays too. Express sets the prototypes of request and response; a property added after that
gives each its own shape, and first accesses to it miss V8's caches: a quarter of the time of both.
Kept: one client for all calls with the same deadline, one-shot hashes, random bytes in batches, a fast path for plain bodies.
Tried without effect: fewer handlers on the route, a shorter Lua script, writeHead(), a property in place of a WeakMap.`,
  send: `
This client sends again without a pause, so the queue is full and a send waits for a slot.
Aims: in the background 1.4 of the bare pool with 0.65 of its CPU; awaited 1.4 of the better tutorial and 3 times Better Auth.
Met there: 2.2 and 0.54; 1.6 to 2.1 and 4.0 to 4.7.
Kept: messages composed in advance, sent in one piece; waiting for a slot before a 503.`,
  pending: 'Aims: 400 bytes or less, and 160 for what stays; speed within 10 %.',
  startup: `
Aims: 60 ms and 10 MB or less. Missed there: 80 to 100 ms and 25 MB. express-validator with lodash and validator is most
of the time; loading it for the first body that needs it would make that request wait.`,
} as const;
