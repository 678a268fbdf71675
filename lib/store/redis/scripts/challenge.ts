import { ENDED_CODE_KNOWN_FOR, ENDED_CODES_KNOWN } from '../../store.js';

/**
 * Reads a challenge. Shared by the scripts that use one.
 *
 * A challenge is a hash for one address and purpose. Its fields, and what their values hold before their end:
 *   c<digest>  a code that was emailed; after its end it is remembered for a while, but not accepted
 *   i<digest>  the holder of a challengeId: attempts left
 *   s          the attempts shared by all who send no challengeId: attempts left
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

-- The end of the live code that ends last, or 0.
local function lastCodeEnd(held)
  local last = 0
  for field, value in pairs(held) do
    if isCode(field) and isLive(value) then last = math.max(last, endOf(value)) end
  end
  return last
end

-- How long a holder can still enter a code: until it or the last code ends. -1 if it cannot.
local function holderWindow(held, holder)
  local value, codeEnd = held['i' .. holder], lastCodeEnd(held)
  if not isLive(value) or countOf(value) < 1 or codeEnd == 0 then return -1 end
  return math.min(endOf(value), codeEnd) - now
end

-- When a field becomes useless. A code is remembered after its end.
local function knownUntil(field, value)
  if isCode(field) then return endOf(value) + ${ENDED_CODE_KNOWN_FOR} end
  return endOf(value)
end

-- The useless fields. Of the codes that have ended, the latest ${ENDED_CODES_KNOWN} are still remembered.
local function uselessIn(held)
  local ends = {}
  for field, value in pairs(held) do
    if isCode(field) and not isLive(value) then ends[#ends + 1] = endOf(value) end
  end
  table.sort(ends, function(a, b) return a > b end)
  local tooOld = ends[${ENDED_CODES_KNOWN + 1}] or 0

  local useless = {}
  for field, value in pairs(held) do
    local isOld = not isLive(value) and endOf(value) <= tooOld
    if knownUntil(field, value) <= now or isOld then useless[#useless + 1] = field end
  end
  return useless
end

-- Expires the hash once all its fields are useless. This only cleans up: what has ended does not count anyway.
local function expireWith(challenge, held)
  local last = now
  for field, value in pairs(held) do last = math.max(last, knownUntil(field, value)) end
  redis.call('PEXPIRE', challenge, string.format('%.0f', last - now))
end
`;

/** Ends all codes, holders and shared attempts, and stores a token. For the scripts that verify an address. */
export const closeLua = `
local function close(challenge, held, token, tokenTtl)
  local kept = { ['t' .. token] = packEnd(now + tokenTtl) }
  redis.call('HSET', challenge, 't' .. token, kept['t' .. token])
  for field, value in pairs(held) do
    local kind = string.sub(field, 1, 1)
    if kind == 'c' then
      kept[field] = packEnd(math.min(endOf(value), now))
      redis.call('HSET', challenge, field, kept[field])
    elseif kind == 't' and isLive(value) then
      kept[field] = value
    elseif field ~= 't' .. token then
      redis.call('HDEL', challenge, field)
    end
  end
  expireWith(challenge, kept)
end
`;
