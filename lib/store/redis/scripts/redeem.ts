import { challengeLua } from './challenge.js';
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
${challengeLua}
local held = read(challenge)
local value = held[field]
if not isLive(value) then return { now, 'unknown' } end
redis.call('HDEL', challenge, field)
-- The token may have been the last to end.
held[field] = nil
expireWith(challenge, held)
return { now, 'redeemed', endOf(value) }
`);
