/** Every script that runs in Redis: one for each operation of the store. */
export { attempt } from './attempt.js';
export { check } from './check.js';
export { count } from './count.js';
export { discard } from './discard.js';
export { forget } from './forget.js';
export { open } from './open.js';
export { peek } from './peek.js';
export { prove } from './prove.js';
export { redeem } from './redeem.js';
export { release } from './release.js';
export type { Script } from './script.js';
export { status } from './status.js';
