import { challengeLua, closeLua } from './challenge.js';
import { defineScript } from './script.js';

/**
 * Rule 2. Takes one attempt of the holder, or of the shared ones, then looks the code up among all live ones.
 * A success ends all codes, holders and shared attempts, and stores a token. A code that has ended is not accepted, but the
 * reply differs from that for a wrong one.
 *
 * KEYS  1 challenge
 * ARGV  3 code, 4 holder or '', 5 token, 6 tokenTtl
 * Returns { serverTime, 'accepted' }, { serverTime, 'incorrect' or 'outdated', attempts left }
 *      or { serverTime, 'expired', 1 if a code is live }
 */
export const attempt = defineScript(`
local challenge = KEYS[1]
local code, holder, token, tokenTtl = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
${challengeLua}
${closeLua}
local held = read(challenge)

-- Every attempt has a new token. If it is already stored, this is the same command sent again by the Redis client because
-- the reply was lost: its code was right, and is accepted again.
if isLive(held['t' .. token]) then return { serverTime, 'accepted' } end

if lastCodeEnd(held) == 0 then return { serverTime, 'expired', 0 } end

-- A known holder never falls back to the shared attempts, even when it has none left.
local budget = 's'
if holder ~= '' and isLive(held['i' .. holder]) then budget = 'i' .. holder end
if not isLive(held[budget]) or countOf(held[budget]) < 1 then return { serverTime, 'expired', 1 } end

-- Counted before compared, and before anything is deleted: a server out of memory refuses this first write, and then
-- nothing has changed.
local left = countOf(held[budget]) - 1
redis.call('HSET', challenge, budget, pack(left, endOf(held[budget])))

if not held['c' .. code] then return { serverTime, 'incorrect', left } end
if not isLive(held['c' .. code]) then return { serverTime, 'outdated', left } end

close(challenge, held, token, tokenTtl)
return { serverTime, 'accepted' }
`);
