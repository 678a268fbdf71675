/** What the page of the fleet says is right: what became of each email, rates and latencies, and what the proxy sends again. */
import { once } from 'node:events';
import { createServer, type RequestListener, request } from 'node:http';
import express from 'express';
import { createLedger } from '../../demo-app/scale/ledger.js';
import { createProxy } from '../../demo-app/scale/proxy.js';
import { createRates } from '../../demo-app/scale/rates.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/until.js';

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

describe('the ledger', () => {
  let now = 0;
  let ledger: ReturnType<typeof createLedger>;
  beforeEach(() => {
    now = 1_000_000;
    ledger = createLedger(() => now);
  });

  it('hands out the code of an email, also of one that overtakes the answer of /send', async () => {
    const code = ledger.expectCode('person@one.example');
    ledger.answered('person@one.example');
    expect(ledger.onTheirWay()).toBe(1);
    ledger.received('person@one.example', '123456', '<1>');
    expect(await code).toBe('123456');
    const other = ledger.expectCode('person@two.example');
    ledger.received('person@two.example', '654321', '<2>');
    ledger.answered('person@two.example');
    expect(await other).toBe('654321');
    expect(ledger.totals).toMatchObject({ answered: 2, late: 0, lost: 0 });
    expect(ledger.onTheirWay()).toBe(0);
  });

  it('counts an email as lost that neither arrives nor fails before its code has expired, and charges the kill', async () => {
    const lost = ledger.expectCode('person@one.example');
    ledger.answered('person@one.example');
    now += 1000;
    ledger.killed('worker-1');
    ledger.killed('app-1');
    now += 198_000;
    ledger.sweep();
    expect(ledger.totals.lost).toBe(0);
    now += 2000;
    ledger.sweep();
    expect(await lost).toBeUndefined();
    expect(ledger.totals.lost).toBe(1);
    expect(ledger.incidents.map(({ name, cost }) => [name, cost.lost])).toEqual([
      ['worker-1', 0],
      ['app-1', 1],
    ]);
    expect(ledger.onTheirWay()).toBe(0);
  });

  it('promises nothing for a /send that failed, and loses nothing that a worker reported', async () => {
    void ledger.expectCode('person@one.example');
    ledger.refused('person@one.example');
    const reported = ledger.expectCode('person@two.example');
    ledger.answered('person@two.example');
    ledger.undelivered('two.example');
    expect(await reported).toBeUndefined();
    now += 300_000;
    ledger.sweep();
    expect(ledger.totals).toMatchObject({ answered: 1, undelivered: 1, lost: 0 });
  });

  it('charges a kill for late and repeated emails, and for failed requests within a minute', () => {
    for (const name of ['before', 'during']) void ledger.expectCode(`person@${name}.example`);
    ledger.answered('person@before.example');
    ledger.answered('person@during.example');
    ledger.received('person@before.example', '1', '<before>');
    ledger.killed('worker-1');
    const [incident] = ledger.incidents;
    if (!incident) throw new Error('There is no incident.');
    expect(ledger.overdue(incident)).toBe(0);
    now += 12_000;
    expect(ledger.overdue(incident)).toBe(1);
    ledger.count('failedRequests');
    ledger.received('person@during.example', '2', '<during>');
    ledger.received('person@before.example', '1', '<before>');
    now += 60_000;
    ledger.count('failedRequests');
    expect(ledger.totals).toMatchObject({ late: 1, twice: 1, failedRequests: 2 });
    expect(ledger.incidents).toMatchObject([
      {
        at: 1_000_000,
        slowest: 12_000,
        lastFailureAt: 1_012_000,
        cost: { late: 1, twice: 1, failedRequests: 1 },
      },
    ]);
  });

  it('charges a repeated email to the kill at which it had just arrived, whatever was killed since', () => {
    void ledger.expectCode('person@one.example');
    ledger.answered('person@one.example');
    ledger.received('person@one.example', '1', '<one>');
    ledger.killed('worker-1');
    now += 10_000;
    ledger.killed('app-1');
    ledger.received('person@one.example', '1', '<one>');
    expect(ledger.incidents.map(({ cost }) => cost.twice)).toEqual([1, 0]);
  });
});

describe('the rates', () => {
  const measurement = (name: string, more: object) => ({
    name: `email_verification.${name}`,
    ...{ purpose: 'signup', operation: '', outcome: '', value: 1 },
    ...more,
  });

  it('adds up what the processes report, for each step of two seconds', () => {
    let now = 10_000_000;
    const rates = createRates(() => now);
    for (const value of [3, 5]) rates.add([measurement('sends', { outcome: 'sent', value })]);
    rates.add([
      measurement('attempts', { outcome: 'code_incorrect' }),
      measurement('emails', { outcome: 'failed' }),
    ]);
    rates.add([
      measurement('queue.size', { purpose: '', value: 7 }),
      measurement('queue.size', { value: 2 }),
    ]);
    // A step is shown once it is over.
    expect(rates.perSecond('sent').every((value) => value === 0)).toBe(true);
    now += 2000;
    expect(rates.perSecond('sent').slice(-2)).toEqual([0, 4]);
    expect(rates.queueSizes().at(-1)).toBe(7);
    expect(rates.totals).toMatchObject({ sent: 8, refused: 1, failed: 1, delivered: 0 });
    now += 4000;
    expect(rates.perSecond('sent').slice(-3)).toEqual([4, 0, 0]);
    expect(rates.times()).toHaveLength(60);
    now += 3_600_000;
    expect(rates.perSecond('sent')).toEqual(Array.from({ length: 60 }, () => 0));
  });

  it('finds the median and the 99th percentile over all processes', () => {
    let now = 10_000_000;
    const rates = createRates(() => now);
    const boundaries = [0.1, 0.2, 0.4];
    const report = (counts: number[]) =>
      rates.add([measurement('email.duration', { value: { boundaries, counts } })]);
    report([40, 0, 0, 0]);
    report([40, 18, 2, 0]);
    now += 2000;
    const { p50 = 0, p99 = 0 } = rates.latency('email');
    expect(p50).toBeCloseTo(0.0625);
    expect(p99).toBeCloseTo(0.3);
    expect(rates.p99('email').at(-1)).toBeCloseTo(0.3);
    expect(rates.latency('send')).toEqual({});
    now += 20_000;
    expect(rates.latency('email')).toEqual({});
  });
});

describe('the proxy', () => {
  const start = async (...ports: number[]) => {
    const app = express().use(
      '/app',
      createProxy(() => ports),
    );
    const port = await listen(app);
    return (body: string) =>
      fetch(`http://127.0.0.1:${port}/app/echo?a=b`, {
        method: 'POST',
        body,
        headers: { 'Content-Type': 'text/plain', 'X-Forwarded-For': '10.1.2.3' },
      });
  };
  const echo: RequestListener = (req, res) => {
    res.writeHead(201, { 'X-Path': req.url, 'X-Client': req.headers['x-forwarded-for'] });
    req.pipe(res);
  };

  it('sends a request that one process does not take to the other, with its body', async () => {
    const post = await start(await freePort(), await listen(echo));
    for (const body of ['one', 'two', 'three', 'four']) {
      const response = await post(body);
      expect([response.status, await response.text()]).toEqual([201, body]);
      expect(response.headers.get('X-Path')).toBe('/app/echo?a=b');
      expect(response.headers.get('X-Client')).toBe('10.1.2.3, 127.0.0.1');
    }
  });

  it('takes turns', async () => {
    const served = [0, 0];
    const ports = [0, 1].map((n) =>
      listen((_req, res) => {
        served[n] = (served[n] ?? 0) + 1;
        res.end();
      }),
    );
    const post = await start(...(await Promise.all(ports)));
    for (let n = 0; n < 10; n += 1) await post('');
    expect(served).toEqual([5, 5]);
  });

  it('never repeats a request that may have been carried out', async () => {
    let served = 0;
    const dies: RequestListener = (req) => {
      served += 1;
      req.socket.destroy();
    };
    const post = await start(await listen(dies), await listen(dies));
    expect((await post('once')).status).toBe(502);
    expect(served).toBe(1);
  });

  it('refuses a body that is too large to keep, and reports no error for an upload that ends early', async () => {
    const proxy = createProxy(() => []);
    let handled: unknown;
    const port = await listen(
      express().use((req, res, next) => {
        handled = proxy(req, res, next);
      }),
    );
    const upload = (body: string, length: number) => {
      const sent = request({
        host: '127.0.0.1',
        port,
        method: 'POST',
        headers: { 'Content-Length': length },
      });
      sent.on('error', () => {}).write(body);
      return sent;
    };
    const [response] = await once(upload('a'.repeat(1_000_001), 1_000_001), 'response');
    expect(response.resume().statusCode).toBe(413);
    handled = undefined;
    const aborted = upload('half', 8);
    await until('the proxy reads it', () => handled !== undefined);
    aborted.destroy();
    await expect(handled).resolves.toBeUndefined();
  });

  it('answers with 502 if there is no process', async () => {
    expect((await (await start())('')).status).toBe(502);
    expect((await (await start(await freePort(), await freePort()))('')).status).toBe(502);
  });
});
