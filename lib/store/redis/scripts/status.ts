import { challengeLua } from './challenge.js';
import { mailboxLua } from './mailbox.js';
import { defineScript } from './script.js';

/**
 * Reads what is stored about an address, for support staff. Changes nothing.
 *
 * KEYS  1 mailbox, 2 challenge
 * ARGV  3… max and window of each limit
 * Returns { serverTime, 'status', emails that count, resendIn, attempts left, live tokens, then how long each live code is valid }
 */
export const status = defineScript(`
local mailbox, challenge = KEYS[1], KEYS[2]
local limits = 3
${mailboxLua}
${challengeLua}
local emails = recent(redis.call('GET', mailbox) or '')
local sends = 0
for i = 1, #emails, entryLength do
  if placeAt(emails, i) == taken then sends = sends + 1 end
end

local codes, attemptsLeft, tokens = {}, 0, 0
for field, value in pairs(read(challenge)) do
  if isLive(value) then
    if isCode(field) then codes[#codes + 1] = endOf(value) - now
    elseif string.sub(field, 1, 1) == 't' then tokens = tokens + 1
    else attemptsLeft = math.max(attemptsLeft, countOf(value)) end
  end
end
table.sort(codes)
-- Attempts are worth nothing without a code.
if #codes == 0 then attemptsLeft = 0 end
return { serverTime, 'status', sends, wait(emails, limits), attemptsLeft, tokens, unpack(codes) }
`);
