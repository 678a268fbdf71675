import { ENDED_CODE_KNOWN_FOR, ENDED_CODES_KNOWN } from '../../store.js';

/**
 * How a challenge is read, shared by the scripts that touch it.
 *
 * One hash for an address and a purpose. Fields, and what stands before the end in their values:
 *   c<digest>  a code that was emailed; one that has ended is known for a while, and worth nothing
 *   i<digest>  a holder of a challengeId: attempts left
 *   s          the attempts shared by all who hold none: attempts left
 *   t<digest>  a verification token
 */
export const challengeLua = `
local function read(challenge)
  local held, flat = {}, redis.call('HGETALL', challenge)
  for i = 1, #flat, 2 do held[flat[i]] = flat[i + 1] end
  return held
end

local function isCode(field) return string.sub(field, 1, 1) == 'c' end

local function isLive(value) return value and endOf(value) > now end

-- The end of the code that lives longest; 0 without one.
local function lastCodeEnd(held)
  local last = 0
  for field, value in pairs(held) do
    if isCode(field) and isLive(value) then last = math.max(last, endOf(value)) end
  end
  return last
end

-- How long a holder can still enter a code: as long as it, an attempt of it and a code live; -1 if not.
local function holderWindow(held, holder)
  local value, codeEnd = held['i' .. holder], lastCodeEnd(held)
  if not isLive(value) or countOf(value) < 1 or codeEnd == 0 then return -1 end
  return math.min(endOf(value), codeEnd) - now
end

-- Until when a field is of use: a code that has ended is still known as one.
local function knownUntil(field, value)
  if isCode(field) then return endOf(value) + ${ENDED_CODE_KNOWN_FOR} end
  return endOf(value)
end

-- The fields of no use any more. Of the codes that have ended, the ${ENDED_CODES_KNOWN} that did so last are.
local function uselessIn(held)
  local ends = {}
  for field, value in pairs(held) do
    if isCode(field) and not isLive(value) then ends[#ends + 1] = endOf(value) end
  end
  table.sort(ends, function(one, other) return one > other end)
  local tooOld = ends[${ENDED_CODES_KNOWN + 1}] or 0

  local useless = {}
  for field, value in pairs(held) do
    local isOld = not isLive(value) and endOf(value) <= tooOld
    if knownUntil(field, value) <= now or isOld then useless[#useless + 1] = field end
  end
  return useless
end

-- The hash goes when nothing in it is of use. This only clears away: what has ended is not there.
local function expireWith(challenge, held)
  local last = now
  for field, value in pairs(held) do last = math.max(last, knownUntil(field, value)) end
  redis.call('PEXPIRE', challenge, string.format('%.0f', last - now))
end
`;
