/**
 * Lets Redis clear keys away as it would had the time really passed that a test gave its store's clock: what is kept
 * too short goes then, as it would in production.
 */
import type { createClient } from 'redis';

/**
 * Keys live by so much longer, in ms: the time a test itself takes must not end any, as what the store answers at the
 * very end of a key's life is by the clock of the test.
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

/** Takes the time off the lives of these keys, which need not be there; of all without any named. */
export async function passTimeOf(
  client: Pick<ReturnType<typeof createClient>, 'eval' | 'keys'>,
  milliseconds: number,
  keys?: string[],
): Promise<void> {
  await client.eval(script, { keys: keys ?? (await client.keys('*')), arguments: [String(milliseconds)] });
}
