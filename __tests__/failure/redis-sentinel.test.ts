/** A Redis that Sentinels watch, failing over under load. */
import { RedisStore } from 'express-email-verification';
import { createSentinel } from 'redis';
import { SENTINEL_NAME, startWatchedRedis, type WatchedRedis } from '../support/redis-sentinel.js';
import { countLost, expectBounded, expectLostAtMost, type Load, slowest, startLoad } from './support/load.js';
import { report, type Service, sleep, startService } from './support/service.js';

// Servers and load share few cores: what a busy machine decided is tried once more, and said.
jest.retryTimes(1, { logErrorsBeforeRetry: true });

jest.setTimeout(60_000);

let redis: WatchedRedis;
let client: ReturnType<typeof createSentinel>;
let service: Service;

beforeAll(async () => {
  redis = await startWatchedRedis();
  client = createSentinel({ name: SENTINEL_NAME, sentinelRootNodes: redis.rootNodes });
  client.on('error', () => {});
  await client.connect();
  service = await startService({ store: new RedisStore(client) });
  service.verification.on('unavailable', () => {});
});

afterAll(async () => {
  await service?.close();
  await client?.destroy();
  await redis?.stop();
});

it('answers 503 while the master is dead, and is well when a replica took over', async () => {
  await service.recovery();
  const load = startLoad(service);
  await sleep(1500);
  const master = await redis.master();
  const failedAt = performance.now();
  await master.kill();
  await sleep(1000);
  report('sentinel, master killed: well after', 1000 + (await service.recovery(5)), 'ms');
  await load.stop();
  expectBounded(service, load);
  report('sentinel, master killed: lost', await expectLostAtMost(service, load, failedAt), told(load));
  await master.restart();
  await redis.whole();
});

it('answers 503 while the master is frozen, and is well when a replica took over', async () => {
  await service.recovery();
  const load = startLoad(service);
  await sleep(1500);
  const master = await redis.master();
  const failedAt = performance.now();
  master.freeze();
  await sleep(1000);
  report('sentinel, master frozen: well after', 1000 + (await service.recovery(5)), 'ms');
  master.thaw();
  await sleep(500);
  await load.stop();
  expectBounded(service, load);
  report('sentinel, master frozen: lost', await expectLostAtMost(service, load, failedAt), told(load));
  await redis.whole();
});

it('is soon well when a replica is put in the place of the master', async () => {
  await service.recovery();
  const load = startLoad(service);
  await sleep(1500);
  const failedAt = performance.now();
  const master = await redis.master();
  await redis.failOver();
  while ((await redis.master()) === master) await sleep(50);
  report(
    'sentinel, fail-over asked for: well after',
    Math.round(performance.now() - failedAt),
    'ms +',
    await service.recovery(5),
  );
  await load.stop();
  expectBounded(service, load);
  report('sentinel, fail-over asked for: lost', await expectLostAtMost(service, load, failedAt), told(load));
});

function told(load: Load): string {
  const refused = load.answers.filter(({ status }) => status === 503).length;
  return `refused ${refused}, lost to a client ${countLost(load)}, of ${load.answers.length}; slowest ${slowest(load.answers)} ms`;
}
