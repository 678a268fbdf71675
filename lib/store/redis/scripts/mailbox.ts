/**
 * Reads the emails of a mailbox and their limits. Shared by the scripts that use a mailbox.
 *
 * A mailbox is one string with 14 digits for each email of the last day, oldest first: 13 for the time it was entered, then
 * 1, or 0 after its place was given back. A string takes half the memory of a list. With only one email, Redis stores the
 * string as a number, which saves another 32 bytes.
 */
import { DAY, DEEPEST_LIMIT, GIVE_BACKS_A_DAY } from '../../store.js';

export const mailboxLua = `
local entryLength = 14
local taken, givenBack = '1', '0'

local function timeAt(emails, i) return string.sub(emails, i, i + 12) end
local function placeAt(emails, i) return string.sub(emails, i + 13, i + 13) end

-- The entries of the last day, as one string. No limit counts more than ${DEEPEST_LIMIT} emails.
local function recent(emails)
  local first = 1
  while first < #emails and now - tonumber(timeAt(emails, first)) >= ${DAY} do
    first = first + entryLength
  end
  return string.sub(string.sub(emails, first), -entryLength * ${DEEPEST_LIMIT + GIVE_BACKS_A_DAY})
end

-- How long until no limit is full. Limits are pairs of max and window in ARGV, from the index \`limits\` on.
local function wait(emails, limits)
  local times = {}
  for i = 1, #emails, entryLength do
    if placeAt(emails, i) == taken then times[#times + 1] = tonumber(timeAt(emails, i)) end
  end
  local longest = 0
  for i = limits, #ARGV, 2 do
    local deciding = times[#times - tonumber(ARGV[i]) + 1]
    if deciding then longest = math.max(longest, deciding + tonumber(ARGV[i + 1]) - now) end
  end
  return longest
end
`;
