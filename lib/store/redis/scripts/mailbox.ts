/**
 * How a mailbox reads its mails and its limits, shared by the scripts that touch it.
 *
 * A mailbox is one string, 14 digits for each mail of the last day, oldest first: 13 of the time it was entered at,
 * then 1, or 0 once its place was given back. One string for a list takes half the memory, and all of one mail in
 * digits is a number to Redis, which takes 32 bytes less again.
 */
import { DAY, DEEPEST_LIMIT, GIVE_BACKS_A_DAY } from '../../store.js';

export const mailboxLua = `
local entryLength = 14
local taken, givenBack = '1', '0'

local function timeAt(mails, i) return string.sub(mails, i, i + 12) end
local function placeAt(mails, i) return string.sub(mails, i + 13, i + 13) end

-- The entries of the last day, as one string. No limit looks deeper than ${DEEPEST_LIMIT} mails.
local function recent(mails)
  local first = 1
  while first < #mails and now - tonumber(timeAt(mails, first)) >= ${DAY} do
    first = first + entryLength
  end
  return string.sub(string.sub(mails, first), -entryLength * ${DEEPEST_LIMIT + GIVE_BACKS_A_DAY})
end

-- How long until no limit is full; limits are pairs of max and window in ARGV, from the given place on.
local function wait(mails, limits)
  local times = {}
  for i = 1, #mails, entryLength do
    if placeAt(mails, i) == taken then times[#times + 1] = tonumber(timeAt(mails, i)) end
  end
  local longest = 0
  for i = limits, #ARGV, 2 do
    local deciding = times[#times - tonumber(ARGV[i]) + 1]
    if deciding then longest = math.max(longest, deciding + tonumber(ARGV[i + 1]) - now) end
  end
  return longest
end
`;
