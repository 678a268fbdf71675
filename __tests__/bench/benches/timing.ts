/**
 * What response times reveal: no difference between a suppressed address and another one (background delivery, a mail
 * server that takes half a second); and how long requests wait while Redis is unresponsive.
 */
import type { Lab } from '../lab.js';
import { progress, table } from '../table.js';
import { expectSuccess } from './verify.js';

const PAIRS = 400;
const UNRESPONSIVE_REQUESTS = 40;

export async function timing(lab: Lab): Promise<string> {
  const server = await lab.server('ours', { delivery: 'background' });
  const body = (who: string) => JSON.stringify({ email: `${who}-{i}@example.com` });
  const sending = {
    path: '/email-verification/send',
    bodies: [body('other'), body('known')],
    expect: { status: 200, text: '"ok":true' },
    connections: 1,
    seconds: 30,
    again: false,
  };
  const warmUp = await lab.load(server, { ...sending, first: 0, count: 200 });
  expectSuccess('ours', warmUp);
  await lab.sink.delay({ reply: 0, message: 500 });
  progress(`timing: ${PAIRS} pairs`);
  const result = await lab.load(server, { ...sending, first: 1000, count: PAIRS * 2 });
  expectSuccess('ours', result);
  const [other = Number.NaN, known = Number.NaN] = result.p50s;

  progress('timing: Redis unresponsive');
  lab.redis.pause();
  const unavailable = await lab
    .load(server, {
      path: '/email-verification/verify',
      bodies: [JSON.stringify({ email: 'user-{i}@example.com', code: '123456' })],
      expect: { status: 503, text: '"reason":"unavailable"' },
      first: 0,
      count: UNRESPONSIVE_REQUESTS,
      connections: UNRESPONSIVE_REQUESTS,
      seconds: 5,
      again: false,
    })
    .finally(() => lab.redis.resume());
  if (unavailable.ok !== UNRESPONSIVE_REQUESTS)
    throw new Error(`Redis unresponsive: ${unavailable.ok} answers of 503, others as ${unavailable.strange}`);

  return table(
    ['timing', 'ms'],
    [
      [`send to another address, median of ${PAIRS}`, other.toFixed(3)],
      [`send to a suppressed address, median of ${PAIRS}`, known.toFixed(3)],
      ['the difference', Math.abs(other - known).toFixed(3)],
      [
        `Redis unresponsive, storeTimeout 1000: slowest of ${UNRESPONSIVE_REQUESTS} answers of 503`,
        unavailable.slowest.toFixed(0),
      ],
    ],
  );
}
