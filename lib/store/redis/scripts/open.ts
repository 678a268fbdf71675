import { DAY } from '../../store.js';
import { challengeLua } from './challenge.js';
import { mailboxLua } from './mailbox.js';
import { defineScript } from './script.js';

/**
 * Rule 1. Records an email and a new code, and deletes useless fields. If a limit is full, nothing changes.
 *
 * KEYS  1 mailbox, 2 challenge
 * ARGV  3 code, 4 code if the holder is a new one, 5 codeTtl, 6 holder or '', 7 new holder, 8 maxAttempts, 9 shared attempts,
 *       10… max and window of each limit
 * Returns { serverTime, 'opened', 1 if the holder was kept, place, expiresIn, resendIn }
 *      or { serverTime, 'limited', wait, how long the holder can still enter a code or -1 }
 */
export const open = defineScript(`
local mailbox, challenge = KEYS[1], KEYS[2]
local code, codeOfNewHolder, codeTtl, holder, newHolder = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local maxAttempts, sharedAttempts = tonumber(ARGV[8]), tonumber(ARGV[9])
local limits = 10
${mailboxLua}
${challengeLua}
local emails = recent(redis.call('GET', mailbox) or '')
local held = read(challenge)

local full = wait(emails, limits)
if full > 0 then return { serverTime, 'limited', full, holderWindow(held, holder) } end

-- Two emails in one millisecond get two places, so that each can be given back once.
local place = now
if #emails > 0 then place = math.max(now, tonumber(timeAt(emails, #emails - entryLength + 1)) + 1) end
emails = emails .. packEnd(place) .. taken
redis.call('SET', mailbox, emails, 'PX', ${DAY})

local codeEnd = now + codeTtl
local known = held['i' .. holder]
local kept = isLive(known) and countOf(known) > 0
local left = kept and countOf(known) or maxAttempts
if not kept then holder, code = newHolder, codeOfNewHolder end

local useless = uselessIn(held)
for _, field in ipairs(useless) do held[field] = nil end

held['c' .. code] = packEnd(codeEnd)
held['i' .. holder] = pack(left, codeEnd)
held['s'] = pack(sharedAttempts, codeEnd)
redis.call('HSET', challenge, 'c' .. code, held['c' .. code], 'i' .. holder, held['i' .. holder], 's', held['s'])
for _, field in ipairs(useless) do
  if not held[field] then redis.call('HDEL', challenge, field) end
end
expireWith(challenge, held)

return { serverTime, 'opened', kept and 1 or 0, place, codeTtl, wait(emails, limits) }
`);
