/**
 * How a challenge is read, shared by the scripts that touch it.
 *
 * One hash for an address and a purpose. Fields, and what stands before the end in their values:
 *   c<digest>  a code that was mailed
 *   i<digest>  a client that holds a challengeId: attempts left
 *   s          the attempts shared by all who hold none: attempts left
 *   t<digest>  a verification token
 */
export const challengeLua = `
local function read(challenge)
  local held, flat = {}, redis.call('HGETALL', challenge)
  for i = 1, #flat, 2 do held[flat[i]] = flat[i + 1] end
  return held
end

local function isLive(value) return value and endOf(value) > now end

-- The end of the code that lives longest; 0 without one.
local function lastCodeEnd(held)
  local last = 0
  for field, value in pairs(held) do
    if string.sub(field, 1, 1) == 'c' and isLive(value) then last = math.max(last, endOf(value)) end
  end
  return last
end

-- How long a client can still enter a code: as long as it, an attempt of it and a code live; -1 if not.
local function clientWindow(held, client)
  local value, codeEnd = held['i' .. client], lastCodeEnd(held)
  if not isLive(value) or countOf(value) < 1 or codeEnd == 0 then return -1 end
  return math.min(endOf(value), codeEnd) - now
end

-- The hash goes when the last thing in it has ended. This only clears away: what has ended is not there.
local function expireWith(challenge, held)
  local last = now
  for _, value in pairs(held) do last = math.max(last, endOf(value)) end
  redis.call('PEXPIRE', challenge, string.format('%.0f', last - now))
end
`;
