/** Popular relays with their default limits: every code arrives, once and in time, however many are sent. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { until } from '../support/until.js';
import { type DebianRelayName, REFUSED, startDebianRelay } from './support/debian-relay.js';
import { startRelay } from './support/relay.js';
import { DELIVERIES, endings, expectAllToArrive, start } from './support/relay-service.js';
import type { Unpacked } from './support/unpack-debian-relays.js';

jest.setTimeout(120_000);

/** Unpacked before the tests are named, so that those that cannot run here are skipped. */
const unpacked: Unpacked = JSON.parse(
  execFileSync(process.execPath, ['--import', 'tsx', join(__dirname, 'support/unpack-debian-relays.ts')], {
    encoding: 'utf8',
  }),
);
const RELAYS = Object.entries(unpacked) as [DebianRelayName, Unpacked[DebianRelayName]][];

describe.each(RELAYS)('%s', (name, found) => {
  if ('reason' in found) {
    it.skip(`skipped: ${found.reason}`, () => {});
    return;
  }
  const { tree } = found;

  async function startBehind(options: Parameters<typeof start>[1]) {
    const sink = await startRelay();
    const relay = await startDebianRelay(name, tree, sink.port);
    endings.push(relay.stop);
    return start([], { ...options, relay: sink, pool: { port: relay.port, ...options?.pool } });
  }

  it('T49: 120 in a row and 40 at once arrive', async () => {
    const started = await startBehind({ delivery: 'await' });
    await expectAllToArrive(started, 120, 'in a row');
    await expectAllToArrive(started, 40, 'at once');
  });

  // Exim accepts 20 connections (`smtp_accept_max`).
  it.each(DELIVERIES)('T71: 40 at once and 15 in a row arrive from a pool of 30, %s', async (delivery) => {
    const started = await startBehind({ delivery, pool: { maxConnections: 30 } });
    await expectAllToArrive(started, 40, 'at once');
    await expectAllToArrive(started, 15, 'in a row');
  });

  it('T72: 60 refused recipients delay no one else', async () => {
    const started = await startBehind({ delivery: 'await', mailTimeout: 30_000 });
    const refused = Array.from({ length: 60 }, (_, n) => `nobody${n}@${REFUSED}`);
    const answers = await Promise.all(refused.map((email) => started.service.send(email)));
    // After ten errors Postfix delays each reply by one second.
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(started.service.bound(10_000));
    await until('each refusal is reported', () => started.failures.length === 60);
    expect(started.failures).toEqual(Array(60).fill(['delivery_failed', 'EENVELOPE', expect.any(Number)]));
    started.failures.length = 0;
    await expectAllToArrive(started, 10, 'at once');
  });

  // Exim defers messages after the tenth, which is why ten is the default.
  if (name === 'Exim') return;
  it('T70: 120 in a row arrive on a connection that may carry a thousand', async () => {
    const started = await startBehind({ pool: { maxConnections: 1, maxMessages: 1000 } });
    await expectAllToArrive(started, 120, 'in a row');
  });
});
