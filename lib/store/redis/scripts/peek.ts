import { challengeLua } from './challenge.js';
import { defineScript } from './script.js';

/**
 * Reads how long a holder can still enter a code. Changes nothing.
 *
 * KEYS  1 challenge
 * ARGV  3 holder
 * Returns { serverTime, 'seen', how long or -1 }
 */
export const peek = defineScript(`
${challengeLua}
return { serverTime, 'seen', holderWindow(read(KEYS[1]), ARGV[3]) }
`);
