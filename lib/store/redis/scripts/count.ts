import { defineScript } from './script.js';

/**
 * Counts the requests of one IP in a fixed window that begins with the first one.
 *
 * KEYS  1 the counter of the IP
 * ARGV  3 window, 4 'hit', 'undo' or 'forget'
 * Returns { serverTime, 'counted', hits, resetsIn }
 */
export const count = defineScript(`
local counter, window, step = KEYS[1], tonumber(ARGV[3]), ARGV[4]
if step == 'forget' then
  redis.call('DEL', counter)
  return { serverTime, 'counted', 0, window }
end

local value = redis.call('GET', counter)
local hits, ends = 0, now + window
if value and endOf(value) > now then hits, ends = countOf(value), endOf(value) end

if step == 'hit' then
  hits = hits + 1
elseif hits > 0 then
  hits = hits - 1
else
  return { serverTime, 'counted', 0, window }
end
redis.call('SET', counter, pack(hits, ends), 'PX', string.format('%.0f', ends - now))
return { serverTime, 'counted', hits, ends - now }
`);
