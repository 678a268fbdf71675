/** `npm run demo:scale`: people sign up while its processes are killed, nothing is lost, and nothing is left behind. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FleetProcess, startFleetProcess } from '../support/fleet.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/until.js';

const open: FleetProcess[] = [];
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fleet-'));
});
afterAll(async () => {
  for (const one of open) await one.end();
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

async function start(env?: Record<string, string>): Promise<FleetProcess> {
  const started = await startFleetProcess(directory, env);
  open.push(started);
  return started;
}

const isRunning = ({ state }: { readonly state: string }) => state === 'running';

describe('the fleet', () => {
  let fleet: FleetProcess;
  beforeAll(async () => {
    fleet = await start();
    await fleet.shows('the fleet is running', ({ parts }) => parts.every(isRunning));
  });

  it('says what it starts, and where it is', () => {
    expect(fleet.output()).toBe(
      [
        `Starting on http://localhost:${fleet.port}`,
        'Starting a Redis Cluster: three masters, each with a replica',
        'Starting a Redis for the queue of emails',
        'Starting a mail server, two processes of the app, and two workers',
        `Ready: http://localhost:${fleet.port}`,
        '20 sign-ups a second. Press Ctrl+C to stop.\n',
      ].join('\n'),
    );
  });

  it('lets people sign up, and counts and times what the package does in each process', async () => {
    const data = await fleet.shows('people have signed up', ({ totals }) => Number(totals['signedUp']) > 40);
    expect(data.parts.map(({ name }) => name)).toEqual([
      ...['app-1', 'app-2', 'worker-1', 'worker-2', 'mail'],
      ...['redis-1 (master)', 'redis-2 (master)', 'redis-3 (master)'],
      ...['redis-4 (replica)', 'redis-5 (replica)', 'redis-6 (replica)', 'redis-queue'],
    ]);
    const { outcomes, latency } = await fleet.shows(
      'all of it is counted',
      ({ outcomes, latency }) =>
        ['sent', 'delivered', 'verified', 'redeemed', 'refused'].every(
          (name) => Number(outcomes[name]) > 0,
        ) &&
        Number(outcomes['redeemed']) > 40 &&
        ['send', 'verify', 'email'].every((name) => latency[name]?.p99),
    );
    expect(outcomes['failed']).toBe(0);
    for (const { p50 = 0, p99 = 0 } of Object.values(latency)) expect(p99).toBeGreaterThanOrEqual(p50);
    // The mail server takes 50 ms at least.
    expect(latency['email']?.p50).toBeGreaterThan(0.05);
  });

  it('changes the rate, and refuses one that is too high', async () => {
    for (const rate of ['101', '-1', '1.5', 'many', '']) await fleet.post('/rate', { rate });
    expect(await fleet.data()).toMatchObject({
      rate: 20,
      notice: 'The rate must be an integer from 0 to 100.',
    });
    const long = await fleet.post('/rate', { rate: '3'.repeat(200_000) });
    expect([long.status, await long.text()]).toEqual([413, 'Payload Too Large']);
    expect(await fleet.post('/rate', { rate: '30' })).toMatchObject({ status: 303 });
    expect(await fleet.data()).toMatchObject({ rate: 30, notice: '30 sign-ups a second.' });
  });

  it('answers only to its own pages, and by its own name', async () => {
    const page = await fetch(fleet.url);
    expect(page.headers.get('Content-Security-Policy')).toContain("script-src 'self'");
    expect(await page.text()).not.toMatch(/<script(?![^>]* src=)|<style|style=/);
    expect((await fetch(`${fleet.url}/queue`)).status).toBe(200);
    const before = await fleet.data();
    for (const [name, value] of [
      ['Origin', 'https://evil.example'],
      ['Sec-Fetch-Site', 'cross-site'],
    ] as const)
      expect((await fleet.post('/kill/app', {}, { [name]: value })).status).toBe(403);
    expect(await statusFor(fleet.port, `evil.example:${fleet.port}`)).toBe(403);
    expect(await statusFor(fleet.port, `localhost:${fleet.port}`)).toBe(200);
    expect((await fleet.data()).incidents).toEqual(before.incidents);
  });

  it('loses no email while a worker, a process of the app, and a master are killed, and all come back', async () => {
    const before = await fleet.data();
    // The last button is pressed twice: the master is killed once.
    for (const kinds of [['worker'], ['app'], ['master', 'master']])
      for (const response of await Promise.all(kinds.map((kind) => fleet.post(`/kill/${kind}`))))
        expect(response.status).toBe(303);
    const killed = await fleet.shows('the master is gone', ({ parts }) => !parts.every(isRunning));
    expect(killed.incidents.map(({ name }) => name)).toEqual(['redis-1', 'app-1', 'worker-1']);
    // Its replica has nobody who could take over from it.
    await fleet.post('/kill/master');
    expect((await fleet.data()).notice).toBe('A replica is still missing: its master must not fail now.');

    const pidsOf = (parts: typeof before.parts) => parts.map(({ pid }) => pid);
    await fleet.shows('all are back', ({ parts }) => parts.every(isRunning));
    const { parts } = await fleet.shows('the replica is the master', ({ parts }) =>
      parts.some(({ name }) => name === 'redis-1 (replica)'),
    );
    const replaced = parts.filter(({ pid }) => !pidsOf(before.parts).includes(pid));
    expect(replaced.map(({ name }) => name)).toEqual(['app-1', 'worker-1', 'redis-1 (replica)']);
    const said = fleet.output().match(/^.* (?:has ended|is back|is not back).*$/gm) ?? [];
    expect(said.toSorted()).toEqual(
      ['app-1', 'redis-1', 'worker-1'].flatMap((name) => [`${name} has ended`, `${name} is back`]),
    );

    const signedUp = Number((await fleet.data()).totals['signedUp']);
    await fleet.shows('people sign up again', ({ totals }) => Number(totals['signedUp']) > signedUp + 40);
    await fleet.post('/rate', { rate: '0' });
    const { totals, incidents } = await fleet.shows('nobody is waiting', ({ people }) => people === 0);
    expect(totals).toMatchObject({ lost: 0, onTheirWay: 0, undelivered: 0, gaveUp: 0 });
    expect(totals['signedUp']).toBe(totals['begun']);
    expect(incidents[0]?.cost['failedRequests']).toBeGreaterThan(0);
    for (const { cost, overdue } of incidents) expect([cost['lost'], overdue]).toEqual([0, 0]);
  });

  it('stops on Ctrl+C, even one that npm passes on as well, and leaves nothing behind', async () => {
    fleet.signal('SIGINT');
    fleet.signal('SIGTERM');
    expect(await fleet.exited).toBe(0);
    expect(fleet.output()).toMatch(/\d+ people signed up\. \d+ emails were promised, 0 were lost\.\n$/);
    await until('nothing is left', async () => (await fleet.leftovers()).length === 0);
  });
});

it('leaves nothing behind when it is killed itself', async () => {
  const fleet = await start({ RATE: '5' });
  await fleet.shows('the fleet is running', ({ parts }) => parts.every(isRunning));
  // One that was killed before is being started again.
  await fleet.post('/kill/worker');
  expect(await fleet.leftovers()).not.toEqual([]);
  fleet.signal('SIGKILL');
  await fleet.exited;
  await until('nothing is left', async () => (await fleet.leftovers()).length === 0);
});

describe('a fleet that cannot start', () => {
  it.each([
    [
      'a port in use',
      { PORT: 'taken' },
      /^Port \d+ is already in use\. Set PORT to another one: PORT=\d+ npm run demo:scale\n$/,
    ],
    ['a port that is none', { PORT: '80808' }, "PORT must be an integer from 1 to 65535, not '80808'.\n"],
    ['a rate that is too high', { RATE: '1000' }, "RATE must be an integer from 0 to 100, not '1000'.\n"],
    [
      'a machine without Redis and apt',
      { PATH: '/nowhere', REDIS_SERVER: '' },
      /\nThe fleet did not start\. No Redis found: install redis-server or set REDIS_SERVER\.\n$/,
    ],
    [
      'a Redis that is none',
      { REDIS_SERVER: '/bin/true' },
      /\nThe fleet did not start\. REDIS_SERVER is set to "\/bin\/true", which is not a working Redis server\.\n$/,
    ],
  ])('says so in one sentence: %s', async (_name, env: Record<string, string>, message) => {
    const other = await listenSomewhere();
    const fleet = await start({ ...env, ...(env['PORT'] === 'taken' && { PORT: String(other.port) }) });
    expect(await fleet.exited).toBe(1);
    other.close();
    if (typeof message === 'string') expect(fleet.output()).toBe(message);
    else expect(fleet.output()).toMatch(message);
    await until('nothing is left', async () => (await fleet.leftovers()).length === 0);
  });
});

/** The status of the page under another name. `fetch` sets the header itself. */
async function statusFor(port: number, Host: string): Promise<number | undefined> {
  const asked = request({ host: '127.0.0.1', port, headers: { Host } }).end();
  const [response] = await once(asked, 'response');
  response.resume();
  return response.statusCode;
}

async function listenSomewhere() {
  const port = await freePort();
  const server = createServer();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return { port, close: () => server.close() };
}
