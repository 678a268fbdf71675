import { challengeLua } from './challenge.js';
import { defineScript } from './script.js';

/**
 * Tells how long a client can still enter a code. Changes nothing.
 *
 * KEYS  1 challenge
 * ARGV  3 client
 * Returns { now, 'seen', how long or -1 }
 */
export const look = defineScript(`
${challengeLua}
return { now, 'seen', clientWindow(read(KEYS[1]), ARGV[3]) }
`);
