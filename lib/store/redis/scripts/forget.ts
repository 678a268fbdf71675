import { defineScript } from './script.js';

/**
 * Deletes a challenge, and what the limits of its mailbox count. A discard that comes later finds neither, and creates none.
 *
 * KEYS  1 mailbox, 2 challenge
 * Returns { serverTime, 'forgotten' }
 */
export const forget = defineScript(`
redis.call('DEL', KEYS[1], KEYS[2])
return { serverTime, 'forgotten' }
`);
