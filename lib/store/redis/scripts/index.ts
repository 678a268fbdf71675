/** Every script that runs in Redis: one for each act of the store. */
export { attempt } from './attempt.js';
export { check } from './check.js';
export { count } from './count.js';
export { discard } from './discard.js';
export { open } from './open.js';
export { look } from './peek.js';
export { redeem } from './redeem.js';
export { release } from './release.js';
export type { Script } from './script.js';
