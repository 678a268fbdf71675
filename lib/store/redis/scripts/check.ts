import { defineScript } from './script.js';

/**
 * Tries every command that the other scripts call, and identifies the server.
 *
 * KEYS  1 a hash to write to, 2 a string to write to
 * Returns { serverTime, 'checked', INFO on the server, INFO on its memory, then each refused command and the reply to it }
 */
export const check = defineScript(`
local refused = {}
local function try(command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) ~= 'table' or not reply['err'] then return reply end
  refused[#refused + 1] = command
  refused[#refused + 1] = reply['err']
  return ''
end

try('HSET', KEYS[1], 'field', '')
try('HGET', KEYS[1], 'field')
try('HGETALL', KEYS[1])
try('HDEL', KEYS[1], 'field')
try('SET', KEYS[2], '')
try('GET', KEYS[2])
try('PTTL', KEYS[2])
try('PEXPIRE', KEYS[2], '1')
try('DEL', KEYS[1], KEYS[2])
return { serverTime, 'checked', try('INFO', 'server'), try('INFO', 'memory'), unpack(refused) }
`);
