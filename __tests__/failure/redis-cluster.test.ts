/** A Redis Cluster that fails over and moves its slots, under load. */
import { RedisStore } from 'express-email-verification';
import { createCluster } from 'redis';
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

beforeAll(async () => {
  cluster = await startRedisCluster();
  client = createCluster({ rootNodes: cluster.rootNodes });
  client.on('error', () => {});
  await client.connect();
  service = await startService({ store: new RedisStore(client) });
  service.verification.on('unavailable', () => {});
});

afterAll(async () => {
  await service?.close();
  client?.destroy();
  await cluster?.stop();
});

const told = (load: Load) =>
  `refused ${refused(load)}, lost to a client ${countLost(load)}, of ${load.answers.length}; slowest ${slowest(load.answers)} ms`;

/** So many new addresses in a row that every master had its turn. */
const wellEverywhere = () => service.recovery(20);

/** Load, of which enough is done; and a master, once its replica has all that was written until then. */
async function startLoadOn(slot: number) {
  await wellEverywhere();
  const load = startLoad(service);
  await until('people signed up', () => load.deeds.filter(({ redeemedAt }) => redeemedAt).length > 30);
  const master = await cluster.masterOf(slot);
  const inStepAt = performance.now();
  await replicasInStep(() => master.ask('INFO', 'replication'));
  return { load, master, inStepAt, failedAt: performance.now() };
}

/** When another than the given one is the master of the slot. */
async function takenOver(slot: number, from: ClusterNode): Promise<number> {
  await until('a replica took over', async () => (await cluster.masterOf(slot, from)) !== from);
  return performance.now();
}

it('is well through a fail-over that is asked for, and loses nothing', async () => {
  const { load, master, ...at } = await startLoadOn(0);
  const replica = await replicaOf(master);
  await replica.ask('CLUSTER', 'FAILOVER');
  await until('the replica is the master', async () => (await cluster.masterOf(0, master)) === replica);
  report('cluster, fail-over asked for: well after', await wellEverywhere(), 'ms');
  await load.stop();
  expectBounded(service, load);
  const lost = await expectLostAtMost(service, load, at);
  report('cluster, fail-over asked for: lost', lost, told(load));
  expect([lost, countLost(load)]).toEqual([0, 0]);
});

it('answers 503 for one shard while its master is dead, and is well when a replica took over', async () => {
  const { load, master, ...at } = await startLoadOn(0);
  await master.server.kill();
  const endedAt = await takenOver(0, master);
  report('cluster, master killed: taken over after', Math.round(endedAt - at.failedAt), 'ms');
  report('cluster, master killed: well after', await wellEverywhere(), 'ms more');
  await load.stop();
  expectBounded(service, load);
  const during = load.answers.filter(({ at: asked }) => asked > at.failedAt && asked < endedAt);
  expect([...new Set(during.map(({ status }) => status))]).toEqual(expect.arrayContaining([200, 503]));
  const lost = await expectLostAtMost(service, load, at);
  report('cluster, master killed: lost', lost, told(load));

  await master.server.restart();
  await until('the old master follows', async () => String(await master.ask('ROLE')).startsWith('slave'));
  await wellEverywhere();
});

it('answers 503 for one shard while its master is frozen, and is well when it thaws', async () => {
  const { load, master, ...at } = await startLoadOn(8191);
  master.server.pause();
  // The client asks the frozen one on, also when another has its place.
  await takenOver(8191, master);
  const before = refused(load);
  await until('it is still refused', () => refused(load) > before + 5);
  master.server.resume();
  report('cluster, master frozen: well after the thaw in', await wellEverywhere(), 'ms');
  await load.stop();
  expectBounded(service, load);
  const lost = await expectLostAtMost(service, load, at);
  report('cluster, master frozen: lost', lost, told(load));
});

describe('while a slot moves', () => {
  it('sends and verifies on, also where the two keys of a mailbox are on two nodes for a moment', async () => {
    await wellEverywhere();
    let now = Date.now();
    const store = new RedisStore(client, { prefix: 'timed:', clock: () => now });
    const timed = await startService({ store });
    const patient = await startService({ store, storeTimeout: 30_000 });
    timed.verification.on('unavailable', () => {});
    try {
      const email = person();
      const { challengeId } = (await timed.send(email)).body;
      const code = timed.codes.get(email);
      const [mailbox] = (await keysOf('timed:{')).sort((a, b) => a.length - b.length);
      if (!mailbox) throw new Error('No mailbox.');
      const move = await startMove(await cluster.slotOf(mailbox));
      await move.take(mailbox);

      now += 60_001;
      expectUnavailable(timed, [await timed.send(email, challengeId)]);
      // One key of the two is enough to verify, wherever it is.
      expect((await patient.verify(email, wrong(code), challengeId)).status).toBe(401);

      const before = await move.triedAgain();
      const sent = patient.send(email, challengeId);
      await until('it is told to try again', async () => (await move.triedAgain()) > before);
      await move.finish();
      expect(await sent).toMatchObject({ status: 200 });
      expect((await patient.verify(email, patient.codes.get(email), challengeId)).status).toBe(200);
    } finally {
      await timed.close();
      await patient.close();
    }
  });

  it('loses nothing when many move under load', async () => {
    await wellEverywhere();
    const patient = await startService({ store: new RedisStore(client), storeTimeout: 30_000 });
    try {
      const load = startLoad(patient);
      await until('there is load', () => load.deeds.length > 60);
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
      report('cluster, slots moved:', moving.length, told(load));
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
  throw new Error('A master without a replica.');
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

/** Opens a slot for its move to the next master, as redis-cli's reshard does. */
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
    /** How often a script was told that its keys are on two nodes. */
    async triedAgain(): Promise<number> {
      const told = await Promise.all([from, to].map((node) => node.ask('INFO', 'errorstats')));
      return told
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

/** A slot that another master has. */
async function slotOfAnother(node: ClusterNode): Promise<number> {
  for (const slot of [0, 8191, 16_383]) if ((await cluster.masterOf(slot)) !== node) return slot;
  throw new Error('One master has it all.');
}
