/** A Lua script with the digest Redis knows it by, and the opening lines that all of them share. */
import { createHash } from 'node:crypto';

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Every script is told first what time it is and how late it may start.
 *
 * ARGV[1]  now: empty for the server's own time, a number where a test moves the clock
 * ARGV[2]  latest: the last millisecond at which the script may still do something
 *
 * Every reply opens with the time, from which the store learns the server's clock. A script that starts
 * too late answers `late` and has changed nothing.
 */
const opening = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
if now > tonumber(ARGV[2]) then return { now, 'late' } end

-- Every value ends in its own end: 13 digits of milliseconds. What stands before them is a count.
local function pack(count, ends) return string.format('%d%013.0f', count, ends) end
local function packEnd(ends) return string.format('%013.0f', ends) end
local function endOf(value) return tonumber(string.sub(value, -13)) end
local function countOf(value) return tonumber(string.sub(value, 1, -14)) end
`;

export function defineScript(body: string): Script {
  const lua = opening + body;
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
