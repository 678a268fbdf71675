import { DAY } from '../../store.js';
import { defineScript } from './script.js';

/**
 * Rule 5. Puts a redeemed token back with its original end, unless that has passed. No token lives longer than a day.
 *
 * KEYS  1 challenge
 * ARGV  3 token, 4 its end
 * Returns { serverTime, 'released' }
 */
export const release = defineScript(`
local challenge, token, ends = KEYS[1], ARGV[3], tonumber(ARGV[4]) or 0
if ends > now and ends <= now + ${DAY} then
  redis.call('HSET', challenge, 't' .. token, packEnd(ends))
  if redis.call('PTTL', challenge) < ends - now then
    redis.call('PEXPIRE', challenge, string.format('%.0f', ends - now))
  end
end
return { serverTime, 'released' }
`);
