/** A Redis Cluster that fails over and moves its slots, under load, with the cluster clients of node-redis and ioredis. */
import { RedisStore } from 'express-email-verification';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { messageOf } from '../../lib/errors.js';
import { type ClusterNode, type RedisCluster, startRedisCluster } from '../support/redis-cluster.js';
import { replicasInStep } from '../support/replication.js';
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
import { expectUnavailable, person, report, type Service, startService, wrong } from './support/service.js';

let cluster: RedisCluster;
let client: ReturnType<typeof createCluster>;
let service: Service;
let ioredis: Cluster;
let onIoredis: Service;
/** Why requests were refused. */
const causes = new Set<string>();

beforeAll(async () => {
  cluster = await startRedisCluster();
  client = createCluster({ rootNodes: cluster.rootNodes });
  client.on('error', () => {});
  await client.connect();
  service = await startService({ store: new RedisStore(client) });
  service.verification.on('unavailable', ({ cause }) => causes.add(messageOf(cause)));
  // As in the README: otherwise, ioredis can stay with a master that has stopped responding, too.
  ioredis = new Cluster(
    cluster.rootNodes.map(({ socket }) => socket),
    { slotsRefreshInterval: 2000, redisOptions: { socketTimeout: 2000 } },
  );
  onIoredis = await startService({ store: new RedisStore(ioredis, { prefix: 'ioredis:' }) });
  onIoredis.verification.on('unavailable', () => {});
});

afterAll(async () => {
  await Promise.all([service?.close(), onIoredis?.close()]);
  client?.destroy();
  ioredis?.disconnect();
  await cluster?.stop();
});

const summary = (load: Load) =>
  `refused ${refused(load)}, lost to a client ${countLost(load)}, of ${load.answers.length}; slowest ${slowest(load.answers)} ms`;

/** Sends to so many new addresses that every master is used. */
const recoveredEverywhere = () => service.recovery(20);

/** Starts a load; returns the master of a slot once its replica has everything written so far. */
async function startLoadOn(slot: number) {
  await recoveredEverywhere();
  const load = startLoad(service);
  await until('people signed up', () => load.visits.filter(({ redeemedAt }) => redeemedAt).length > 30);
  const master = await cluster.masterOf(slot);
  const inStepAt = performance.now();
  await replicasInStep(() => master.ask('INFO', 'replication'));
  return { load, master, inStepAt, failedAt: performance.now() };
}

/** Waits until the slot has another master. */
async function takenOver(slot: number, from: ClusterNode): Promise<number> {
  await until('a replica took over', async () => (await cluster.masterOf(slot, from)) !== from);
  return performance.now();
}

it('recovers from a manual failover and loses nothing', async () => {
  const { load, master, ...at } = await startLoadOn(0);
  const replica = await replicaOf(master);
  await replica.ask('CLUSTER', 'FAILOVER');
  await until('the replica is the master', async () => (await cluster.masterOf(0, master)) === replica);
  report('cluster, manual failover: recovered after', await recoveredEverywhere(), 'ms');
  await load.stop();
  expectBounded(service, load);
  const lost = await expectLostAtMost(service, load, at);
  report('cluster, manual failover: lost', lost, summary(load));
  expect([lost, countLost(load)]).toEqual([0, 0]);
});

it('answers 503 for one shard while its master is down, and recovers when a replica takes over', async () => {
  await onIoredis.recovery(20);
  const loadOnIoredis = startLoad(onIoredis);
  const { load, master, ...at } = await startLoadOn(0);
  await master.server.kill();
  const endedAt = await takenOver(0, master);
  report('cluster, master killed: taken over after', Math.round(endedAt - at.failedAt), 'ms');
  report('cluster, master killed: recovered after', await recoveredEverywhere(), 'ms more');
  report('cluster, master killed: ioredis recovered after', await onIoredis.recovery(20), 'ms more');
  await Promise.all([load.stop(), loadOnIoredis.stop()]);
  expectBounded(service, load);
  expectBounded(onIoredis, loadOnIoredis);
  for (const { answers } of [load, loadOnIoredis]) {
    const during = answers.filter(({ at: asked }) => asked > at.failedAt && asked < endedAt);
    expect([...new Set(during.map(({ status }) => status))]).toEqual(expect.arrayContaining([200, 503]));
  }
  const lost = await expectLostAtMost(service, load, at);
  report('cluster, master killed: lost', lost, summary(load));
  // What node-redis says of the commands for a node that has left the cluster is no reply of Redis.
  expect([...causes].join()).not.toContain('Disconnects client');

  await master.server.restart();
  await until('the old master follows', async () => String(await master.ask('ROLE')).startsWith('slave'));
  await recoveredEverywhere();
});

it('answers 503 for one shard while its master is unresponsive, on node-redis until it recovers', async () => {
  const { load, master, ...at } = await startLoadOn(8191);
  master.server.pause();
  // The client of node-redis keeps calling the unresponsive node, even after another has taken over. That of ioredis does not.
  await takenOver(8191, master);
  const before = refused(load);
  await until('requests are still refused', () => refused(load) > before + 5);
  report('cluster, master unresponsive: ioredis left it after', await onIoredis.recovery(20), 'ms more');
  master.server.resume();
  report('cluster, master unresponsive: recovered in', await recoveredEverywhere(), 'ms');
  await load.stop();
  expectBounded(service, load);
  const lost = await expectLostAtMost(service, load, at);
  report('cluster, master unresponsive: lost', lost, summary(load));
});

describe('while a slot moves', () => {
  it.each([
    ['node-redis', () => client],
    ['ioredis', () => ioredis],
  ])(
    'goes on sending and verifying, even while the two keys of a mailbox are on two nodes: %s',
    async (library, clientOf) => {
      await recoveredEverywhere();
      let now = Date.now();
      const prefix = `timed-${library}:`;
      const store = new RedisStore(clientOf(), { prefix, clock: () => now });
      const timed = await startService({ store });
      const patient = await startService({ store, storeTimeout: 30_000 });
      timed.verification.on('unavailable', () => {});
      try {
        const email = person();
        const { challengeId } = (await timed.send(email)).body;
        const code = timed.codes.get(email);
        const [mailbox] = (await keysOf(`${prefix}{`)).sort((a, b) => a.length - b.length);
        if (!mailbox) throw new Error('No mailbox.');
        const move = await startMove(await cluster.slotOf(mailbox));
        await move.take(mailbox);

        now += 60_001;
        // ioredis repeats the call by itself, also after the timeout: it is then late, but not by the test's clock.
        if (library === 'node-redis') expectUnavailable(timed, [await timed.send(email, challengeId)]);
        // Verifying needs only one of the two keys, wherever it is.
        expect((await patient.verify(email, wrong(code), challengeId)).status).toBe(401);

        const before = await move.triedAgain();
        const sent = patient.send(email, challengeId);
        await until('the command is redirected', async () => (await move.triedAgain()) > before);
        await move.finish();
        expect(await sent).toMatchObject({ status: 200 });
        expect((await patient.verify(email, patient.codes.get(email), challengeId)).status).toBe(200);
      } finally {
        await timed.close();
        await patient.close();
      }
    },
  );

  it('loses nothing when many slots move under load', async () => {
    await recoveredEverywhere();
    const patient = await startService({ store: new RedisStore(client), storeTimeout: 30_000 });
    try {
      const load = startLoad(patient);
      await until('there is load', () => load.visits.length > 60);
      const slots = new Set(await Promise.all((await keysOf('ev:{')).map((key) => cluster.slotOf(key))));
      const moving = [...slots].slice(-60);
      expect(moving).toHaveLength(60);
      for (let n = 0; n < moving.length; n += 10) {
        const moves = await Promise.all(moving.slice(n, n + 10).map(startMove));
        const before = load.answers.length;
        await until('there is load while they move', () => load.answers.length > before + 20);
        await Promise.all(moves.map((move) => move.finish()));
      }
      const failedAt = performance.now();
      await load.stop();
      report('cluster, slots moved:', moving.length, summary(load));
      expectBounded(patient, load, 30_000);
      expect(refused(load)).toBe(0);
      expect(await expectLostAtMost(patient, load, { inStepAt: failedAt, failedAt })).toBe(0);
    } finally {
      await patient.close();
    }
  });
});

async function replicaOf(master: ClusterNode): Promise<ClusterNode> {
  const id = await master.id();
  for (const node of cluster.nodes) {
    const nodes = String(await node.ask('CLUSTER', 'NODES'));
    if (nodes.split('\n').some((line) => line.includes('myself,slave') && line.includes(id))) return node;
  }
  throw new Error('The master has no replica.');
}

async function keysOf(prefix: string): Promise<string[]> {
  const found = await Promise.all(
    cluster.nodes.map(async (node) => {
      const isMaster = String(await node.ask('ROLE')).startsWith('master');
      return isMaster ? ((await node.ask('KEYS', `${prefix}*`)) as string[]) : [];
    }),
  );
  return found.flat();
}

/** Starts moving a slot to the next master, as `redis-cli --cluster reshard` does. */
async function startMove(slot: number) {
  const from = await cluster.masterOf(slot);
  const to = await cluster.masterOf(await slotOfAnother(from));
  const [fromId, toId] = [await from.id(), await to.id()];
  await to.ask('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId);
  await from.ask('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId);

  const take = (...keys: string[]) =>
    from.ask('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
  return {
    take,
    /** How often a script got TRYAGAIN because its keys are on two nodes. */
    async triedAgain(): Promise<number> {
      const stats = await Promise.all([from, to].map((node) => node.ask('INFO', 'errorstats')));
      return stats
        .map((info) => Number(/TRYAGAIN:count=(\d+)/.exec(String(info))?.[1] ?? 0))
        .reduce((sum, count) => sum + count);
    },
    async finish() {
      for (;;) {
        const keys = (await from.ask('CLUSTER', 'GETKEYSINSLOT', String(slot), '100')) as string[];
        if (keys.length === 0) break;
        await take(...keys);
      }
      for (const node of [to, from]) await node.ask('CLUSTER', 'SETSLOT', String(slot), 'NODE', toId);
    },
  };
}

/** A slot of another master. */
async function slotOfAnother(node: ClusterNode): Promise<number> {
  for (const slot of [0, 8191, 16_383]) if ((await cluster.masterOf(slot)) !== node) return slot;
  throw new Error('One master has all slots.');
}
