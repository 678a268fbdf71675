import { GIVE_BACKS_A_DAY } from '../../store.js';
import { mailboxLua } from './mailbox.js';
import { defineScript } from './script.js';

/**
 * Rule 3. Undoes an open whose email is known not to have been sent. Its code ends, and so does the holder it created,
 * unless the holder has a newer code. The email's place is given back, at most GIVE_BACKS_A_DAY times per mailbox and
 * day. Never creates a key, and does nothing the second time.
 *
 * KEYS  1 mailbox, 2 challenge
 * ARGV  3 code, 4 the holder that this open created or '', 5 place, 6… max and window of each limit
 * Returns { serverTime, 'discarded', resendIn }
 */
export const discard = defineScript(`
local mailbox, challenge = KEYS[1], KEYS[2]
local code, newHolder, place = ARGV[3], ARGV[4], packEnd(tonumber(ARGV[5]))
local limits = 6
${mailboxLua}
local emails = recent(redis.call('GET', mailbox) or '')
local times, at = 0, nil
for i = 1, #emails, entryLength do
  if placeAt(emails, i) == givenBack then times = times + 1
  elseif timeAt(emails, i) == place then at = i end
end
if at and times < ${GIVE_BACKS_A_DAY} then
  emails = string.sub(emails, 1, at + 12) .. givenBack .. string.sub(emails, at + entryLength)
  redis.call('SET', mailbox, emails, 'KEEPTTL')
end
-- A holder with a newer code ends with that one, so its end is later than that of this code.
local codeEnd = redis.call('HGET', challenge, 'c' .. code)
local holderEnd = redis.call('HGET', challenge, 'i' .. newHolder)
redis.call('HDEL', challenge, 'c' .. code)
if codeEnd and holderEnd and endOf(holderEnd) <= endOf(codeEnd) then
  redis.call('HDEL', challenge, 'i' .. newHolder)
end
return { serverTime, 'discarded', wait(emails, limits) }
`);
