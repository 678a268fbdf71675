/**
 * Expires keys in Redis as if the time that a test gave its store's clock had really passed, so that keys kept too
 * briefly disappear as they would in production.
 */
import type { createClient } from 'redis';

/**
 * Keys live this much longer, in ms, so that the time a test itself takes expires none: at the very end of a key's life
 * the store goes by the clock of the test.
 */
const SLACK = 30_000;

const script = `
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left >= 0 then
    left = left - tonumber(ARGV[1])
    if left < -${SLACK} then redis.call('DEL', key) else redis.call('PEXPIRE', key, math.max(left, ${SLACK})) end
  end
end
`;

/** Takes the time off the lives of these keys, which need not exist; of all keys if none are given. */
export async function passTimeOf(
  client: Pick<ReturnType<typeof createClient>, 'eval' | 'keys'>,
  milliseconds: number,
  keys?: string[],
): Promise<void> {
  await client.eval(script, { keys: keys ?? (await client.keys('*')), arguments: [String(milliseconds)] });
}
