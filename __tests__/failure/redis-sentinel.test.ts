/** A Redis with Sentinels that fails over under load, with the sentinel clients of node-redis and ioredis. */
import { RedisStore } from 'express-email-verification';
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { SENTINEL_NAME, startWatchedRedis, type WatchedRedis } from '../support/redis-sentinel.js';
import { until } from '../support/until.js';
import {
  countLost,
  expectBounded,
  expectLostAtMost,
  type Load,
  refused,
  slowest,
  startLoad,
} from './support/load.js';
import { report, type Service, startService } from './support/service.js';

let redis: WatchedRedis;
let client: ReturnType<typeof createSentinel>;
let service: Service;
let ioredis: Redis;
let onIoredis: Service;

beforeAll(async () => {
  redis = await startWatchedRedis();
  client = createSentinel({ name: SENTINEL_NAME, sentinelRootNodes: redis.rootNodes });
  client.on('error', () => {});
  await client.connect();
  service = await startService({ store: new RedisStore(client) });
  service.verification.on('unavailable', () => {});
  // Without a `socketTimeout`, ioredis stays with a master that has stopped responding.
  ioredis = new Redis({ name: SENTINEL_NAME, sentinels: redis.rootNodes, socketTimeout: 2000 });
  onIoredis = await startService({ store: new RedisStore(ioredis, { prefix: 'ioredis:' }) });
  onIoredis.verification.on('unavailable', () => {});
});

afterAll(async () => {
  await Promise.all([service?.close(), onIoredis?.close()]);
  await client?.destroy();
  ioredis?.disconnect();
  await redis?.stop();
});

/** Starts a load; returns the master once a replica has everything written so far. */
async function startLoadOnMaster() {
  await service.recovery();
  const load = startLoad(service);
  await until('people signed up', () => load.visits.filter(({ redeemedAt }) => redeemedAt).length > 30);
  const master = await redis.master();
  const inStepAt = performance.now();
  await redis.inStep();
  return { load, master, inStepAt, failedAt: performance.now() };
}

it('answers 503 while the master is down, and recovers when a replica takes over', async () => {
  await onIoredis.recovery(5);
  const loadOnIoredis = startLoad(onIoredis);
  const { load, master, ...at } = await startLoadOnMaster();
  await master.kill();
  await until('all of the load is refused', () => refused(load) > 20 && refused(loadOnIoredis) > 20);
  report('sentinel, master killed: recovered after', await service.recovery(5), 'ms more');
  report('sentinel, master killed: ioredis recovered after', await onIoredis.recovery(5), 'ms more');
  await Promise.all([load.stop(), loadOnIoredis.stop()]);
  expectBounded(service, load);
  expectBounded(onIoredis, loadOnIoredis);
  report('sentinel, master killed: lost', await expectLostAtMost(service, load, at), summary(load));
  await master.restart();
  await redis.whole();
});

it('answers 503 while the master is unresponsive, and recovers when a replica takes over', async () => {
  await onIoredis.recovery(5);
  const { load, master, ...at } = await startLoadOnMaster();
  master.pause();
  await until('all of the load is refused', () => refused(load) > 20);
  report('sentinel, master unresponsive: recovered after', await service.recovery(5), 'ms more');
  report('sentinel, master unresponsive: ioredis recovered after', await onIoredis.recovery(5), 'ms more');
  master.resume();
  await redis.whole();
  await load.stop();
  expectBounded(service, load);
  report('sentinel, master unresponsive: lost', await expectLostAtMost(service, load, at), summary(load));
});

it('recovers soon after a manual failover', async () => {
  const { load, master, ...at } = await startLoadOnMaster();
  await redis.failover();
  await until('a replica took over', async () => (await redis.master()) !== master);
  report('sentinel, manual failover: recovered after', await service.recovery(5), 'ms more');
  await load.stop();
  expectBounded(service, load);
  report('sentinel, manual failover: lost', await expectLostAtMost(service, load, at), summary(load));
});

function summary(load: Load): string {
  return `refused ${refused(load)}, lost to a client ${countLost(load)}, of ${load.answers.length}; slowest ${slowest(load.answers)} ms`;
}
