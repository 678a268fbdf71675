import { challengeLua, closeLua } from './challenge.js';
import { defineScript } from './script.js';

/**
 * Rule 10. Uses up a nonce, ends all codes, holders and shared attempts, and stores a token.
 *
 * KEYS  1 challenge, 2 the nonce, for the mailbox of the challenge
 * ARGV  3 token, 4 tokenTtl, 5 nonceTtl
 * Returns { serverTime, 'accepted' } or { serverTime, 'used' }
 */
export const prove = defineScript(`
local challenge, nonce = KEYS[1], KEYS[2]
local token, tokenTtl, nonceTtl = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
${challengeLua}
${closeLua}
local held = read(challenge)

-- Each call has a new token. If it is already stored, the Redis client sent the command again because the reply was lost.
if isLive(held['t' .. token]) then return { serverTime, 'accepted' } end

if isLive(redis.call('GET', nonce)) then return { serverTime, 'used' } end
-- Before anything is deleted: a server out of memory refuses this first write, and then nothing has changed.
redis.call('SET', nonce, packEnd(now + nonceTtl), 'PX', string.format('%.0f', nonceTtl))
close(challenge, held, token, tokenTtl)
return { serverTime, 'accepted' }
`);
