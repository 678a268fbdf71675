import { challengeLua } from './challenge.js';
import { defineScript } from './script.js';

/**
 * Rule 5. Uses up a token.
 *
 * KEYS  1 challenge
 * ARGV  3 token
 * Returns { serverTime, 'redeemed', its end } or { serverTime, 'unknown' }
 */
export const redeem = defineScript(`
local challenge, field = KEYS[1], 't' .. ARGV[3]
${challengeLua}
local held = read(challenge)
local value = held[field]
if not isLive(value) then return { serverTime, 'unknown' } end
redis.call('HDEL', challenge, field)
-- The token may have been the last to end.
held[field] = nil
expireWith(challenge, held)
return { serverTime, 'redeemed', endOf(value) }
`);
