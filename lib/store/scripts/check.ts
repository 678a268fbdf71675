import { defineScript } from './script.js';

/**
 * Tells what server this is, once it has shown that it can be written to.
 *
 * KEYS  1 a key to write to
 * Returns { now, 'checked', the server's INFO on itself and its memory }
 */
export const check = defineScript(`
redis.call('SET', KEYS[1], '', 'PX', 1)
return { now, 'checked', redis.call('INFO', 'server') .. redis.call('INFO', 'memory') }
`);
