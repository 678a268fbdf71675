/** A Lua script, its SHA-1 digest for EVALSHA, and the first lines of all scripts. */
import { createHash } from 'node:crypto';

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Every script begins with the time, and a check of how late it may start.
 *
 * ARGV[1]  now: empty for the server's own time, a number when a test moves the clock
 * ARGV[2]  latest: the last millisecond of the server's own time at which the script may start
 *
 * Every reply begins with the server's time, from which the store learns its clock. A script that starts too late returns
 * `late` and changes nothing, whatever a test says the time is.
 */
const opening = `
local time = redis.call('TIME')
local serverTime = time[1] * 1000 + math.floor(time[2] / 1000)
if serverTime > tonumber(ARGV[2]) then return { serverTime, 'late' } end
local now = tonumber(ARGV[1]) or serverTime

-- Every value ends with 13 digits: its end in milliseconds. A count may stand before them.
local function pack(count, ends) return string.format('%d%013.0f', count, ends) end
local function packEnd(ends) return string.format('%013.0f', ends) end
local function endOf(value) return tonumber(string.sub(value, -13)) end
local function countOf(value) return tonumber(string.sub(value, 1, -14)) end
`;

export function defineScript(body: string): Script {
  const lua = opening + body;
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
