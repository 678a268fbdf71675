import { GIVE_BACKS_A_DAY } from '../../store.js';
import { mailboxLua } from './mailbox.js';
import { defineScript } from './script.js';

/**
 * Rule 3. Undoes an open whose email is known not to have left: its code ends, the holder it made ends unless it
 * went on to another code meanwhile, and the mail's place is given back, ${GIVE_BACKS_A_DAY} times a mailbox and day. Never
 * creates a key; twice changes nothing.
 *
 * KEYS  1 mailbox, 2 challenge
 * ARGV  3 code, 4 the holder this open made or '', 5 place, 6… max and window of each limit
 * Returns { now, 'discarded', resendIn }
 */
export const discard = defineScript(`
local mailbox, challenge = KEYS[1], KEYS[2]
local code, newHolder, place = ARGV[3], ARGV[4], packEnd(tonumber(ARGV[5]))
local limits = 6
${mailboxLua}
local mails = recent(redis.call('GET', mailbox) or '')
local times, at = 0, nil
for i = 1, #mails, entryLength do
  if placeAt(mails, i) == givenBack then times = times + 1
  elseif timeAt(mails, i) == place then at = i end
end
if at and times < ${GIVE_BACKS_A_DAY} then
  mails = string.sub(mails, 1, at + 12) .. givenBack .. string.sub(mails, at + entryLength)
  redis.call('SET', mailbox, mails, 'KEEPTTL')
end
-- A holder that went on ends with its newest code: by the end it has, it is told from one that did not.
local codeEnd = redis.call('HGET', challenge, 'c' .. code)
local holderEnd = redis.call('HGET', challenge, 'i' .. newHolder)
redis.call('HDEL', challenge, 'c' .. code)
if codeEnd and holderEnd and endOf(holderEnd) <= endOf(codeEnd) then
  redis.call('HDEL', challenge, 'i' .. newHolder)
end
return { now, 'discarded', wait(mails, limits) }
`);
