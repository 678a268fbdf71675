/**
 * The fleet: a Redis Cluster for the state, a Redis for the queue, a mail server, two processes of the app, and two workers.
 *
 * The queue has a Redis of its own, because the two differ in what they may lose. A cluster answers before its replicas have
 * a change, so a master that crashes may lose the last few. For state that is fine: whoever has no code asks for another. But
 * /send has promised an email once its job is in the queue, so the queue's Redis writes each job to disk before it answers.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { findRedisServer } from '../dev/redis-binary.js';
import { freePort } from './free-port.js';
import { RESTART_DELAY, type State, startMember } from './member.js';
import type { Report } from './members/report.js';
import type { MemberSettings } from './members/settings.js';
import { type ClusterNode, startRedisCluster } from './redis-cluster.js';
import { startRedisServer } from './redis-server.js';
import { until } from './until.js';

export const KINDS = ['worker', 'app', 'master'] as const;
export type Kind = (typeof KINDS)[number];
export type Fleet = Awaited<ReturnType<typeof startFleet>>;

export interface FleetOptions {
  log(message: string): void;
  onReport(report: Report): void;
}

/** A process, as the page shows it. */
export interface Part {
  readonly name: string;
  readonly state: State;
  readonly pid: number | undefined;
}

/** What was killed, or why nothing was. */
export type Killed =
  | { readonly kind: 'killed'; readonly name: string }
  | { readonly kind: 'refused'; readonly why: string };

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

export async function startFleet({ log, onReport }: FleetOptions) {
  // The first time, it may have to be downloaded, which is not to happen once for each server.
  await findRedisServer(log);
  log('Starting a Redis Cluster: three masters, each with a replica');
  const cluster = await startRedisCluster();
  log('Starting a Redis for the queue of emails');
  const queue = await startRedisServer({ port: await freePort(), args: DURABLE });

  log('Starting a mail server, two processes of the app, and two workers');
  const settings: MemberSettings = {
    nodes: cluster.nodes.map(({ port }) => port),
    connection: { url: queue.url },
    secret: randomBytes(32).toString('base64url'),
    from: 'Acme <hello@acme.example>',
  };
  const member = (name: string, file: string, more: Partial<MemberSettings> = {}) =>
    startMember({ name, file, settings: { ...settings, ...more }, onReport, onChange: log });
  const mail = await member('mail', 'mail-server.ts');
  const smtpUrl = `smtp://127.0.0.1:${mail.port}`;
  const both = (kind: string) =>
    Promise.all([1, 2].map((n) => member(`${kind}-${n}`, `${kind}.ts`, { smtpUrl })));
  const [app, worker] = await Promise.all([both('app'), both('worker')]);
  const members = { app, worker };
  let peers = await cluster.peers();
  let isStopping = false;

  async function killMaster(): Promise<Killed> {
    const isReady = cluster.isReady().catch(() => false);
    const isSafe = await Promise.race([isReady, wait(1000, false)]);
    const master = isSafe ? await cluster.masterOf(0).catch(() => undefined) : undefined;
    // Another kill may have come first.
    if (!master?.server.isRunning)
      return { kind: 'refused', why: 'A replica is still missing: its master must not fail now.' };
    const name = nameOf(master);
    await master.server.kill();
    log(`${name} has ended`);
    void bringBack(master).catch((error: unknown) => log(`${name} is not back: ${error}`));
    return { kind: 'killed', name };
  }

  async function bringBack(node: ClusterNode): Promise<void> {
    // It comes back empty. Before a replica has taken over, that would empty the replica as well.
    const master = () => cluster.masterOf(0, node).catch(() => node);
    await until('a replica takes over', async () => (await master()) !== node);
    await wait(RESTART_DELAY);
    if (isStopping) return;
    await node.server.restart();
    log(`${nameOf(node)} is back`);
  }

  function nameOf(node: ClusterNode): string {
    return `redis-${cluster.nodes.indexOf(node) + 1}`;
  }

  return {
    queueUrl: queue.url,
    /** The ports of the apps that are there. */
    appPorts: () => members.app.filter(({ state }) => state === 'running').map(({ port }) => port),
    async kill(kind: Kind): Promise<Killed> {
      if (kind === 'master') return killMaster();
      const running = members[kind].find(({ state }) => state === 'running');
      if (!running)
        return { kind: 'refused', why: `No ${kind === 'app' ? 'app process' : kind} is running.` };
      running.kill();
      return { kind: 'killed', name: running.name };
    },
    async parts(): Promise<readonly Part[]> {
      // A node that is being killed may not answer.
      peers = await Promise.race([cluster.peers().catch(() => peers), wait(500, peers)]);
      const isMaster = ({ port }: ClusterNode) =>
        peers.some((peer) => peer.port === port && peer.slots.length > 0);
      const part = (name: string, { isRunning, pid }: { isRunning: boolean; pid: number }): Part => ({
        name,
        state: isRunning ? 'running' : 'down',
        pid: isRunning ? pid : undefined,
      });
      return [
        ...[...members.app, ...members.worker, mail].map(({ name, state, pid }) => ({ name, state, pid })),
        ...cluster.nodes.map((node) =>
          part(`${nameOf(node)} (${isMaster(node) ? 'master' : 'replica'})`, node.server),
        ),
        part('redis-queue', queue),
      ];
    },
    async stop(): Promise<void> {
      isStopping = true;
      await Promise.all([...members.app, ...members.worker].map((one) => one.stop()));
      await Promise.all([mail.stop(), queue.stop(), cluster.stop()]);
    },
  };
}
