import { defineScript } from './script.js';

/**
 * Rule 5. Uses up a token.
 *
 * KEYS  1 challenge
 * ARGV  3 token
 * Returns { now, 'redeemed', its end } or { now, 'unknown' }
 */
export const redeem = defineScript(`
local challenge, field = KEYS[1], 't' .. ARGV[3]
local value = redis.call('HGET', challenge, field)
if not value or endOf(value) <= now then return { now, 'unknown' } end
redis.call('HDEL', challenge, field)
return { now, 'redeemed', endOf(value) }
`);
