/** Emails on a queue of BullMQ: an app that queues them, workers that send them, and a Redis that learns nothing. */

import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { type BeforeSend, defaultTemplate, MemoryStore } from 'express-email-verification';
import { createMailWorker, queueDelivery } from 'express-email-verification/bullmq';
import { instrument } from 'express-email-verification/metrics';
import Redis, { Cluster } from 'ioredis';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { FROM, SECRET } from '../support/app.js';
import { dump, type MailQueueSetup, mailQueue } from '../support/mail-queue.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const redis = useRedis();
const mail = useMailServer();
const OTHER_SECRET = 'another secret of the tests, long enough as well';

let store: MemoryStore;
let setup: ReturnType<typeof mailQueue>;
const options = (): MailQueueSetup => ({
  connection: { path: new URL(redis.server.url).pathname },
  store,
  transport: mail.url,
});

beforeEach(async () => {
  await redis.flush();
  store = new MemoryStore();
  setup = mailQueue(options());
});
afterEach(() => setup.close());

let people = 0;
const person = () => `person${++people}@example.com`;
const jobs = async () =>
  (await redis.client.keys('{ev}:email-verification:*-*-*')).filter((key) => !key.endsWith(':lock'));

it('an email goes through the queue: the app reports that it was sent, the worker that it was delivered', async () => {
  const app = setup.app({ purpose: 'login' });
  const worker = setup.worker();
  const email = person();
  const outcome = await app.verification.send({ email, locale: 'ko' });
  expect(outcome.kind).toBe('sent');
  const delivered = await worker.next('delivered');
  const { reference } = app.events[0]?.event ?? {};
  expect(delivered).toEqual({
    email: 'p***@example.com',
    purpose: 'login',
    reference,
    messageId: `<${reference}@acme.example>`,
    duration: expect.any(Number),
  });
  expect([app.names(), worker.names()]).toEqual([['sent'], ['delivered']]);
  const [message] = mail.messages;
  expect(message?.headers).toMatchObject({ 'x-entity-ref-id': reference, 'content-language': 'ko' });
  const code = await mail.lastCode(email);
  await expect(app.verification.verify({ email, code })).resolves.toMatchObject({ kind: 'verified' });
});

it('nothing in Redis can be read: not the address, the code or the names, before, during and after the email', async () => {
  const beforeSend: BeforeSend = () => ({ kind: 'send', appName: 'Quidditch', data: { note: 'Nimbus' } });
  // Six digits might be part of a time.
  const app = setup.app({ beforeSend, codeAlphabet: 'letters' });
  const email = 'hermione.readable@example.com';
  await app.verification.send({ email });
  const before = await dump(redis.client);
  expect(before).toContain(SEALED);

  mail.server.respondWith(({ stage }) => stage === 'data' && { code: 451, text: `try later, ${email}` });
  const worker = setup.worker();
  await until(
    'the job waits for its next try',
    async () => (await redis.client.zCard('{ev}:email-verification:delayed')) > 0,
  );
  const during = await dump(redis.client);
  mail.server.respondWith();
  await worker.next('delivered');
  const code = /[A-Z]{4}-[A-Z]{4}/.exec(mail.messages[0]?.text ?? '')?.[0] ?? '';
  expect(code).not.toBe('');
  await until('the job is gone', async () => (await jobs()).length === 0);
  const after = await dump(redis.client);

  for (const text of [before, during, after]) {
    for (const secret of [email, 'hermione', 'example.com', code, 'Quidditch', 'Nimbus', 'try later', 'h***'])
      for (const written of [secret, Buffer.from(secret).toString('base64').replace(/=*$/, '').slice(0, -1)])
        expect(text.includes(written) && written).toBe(false);
  }
  expect(during).toContain(SEALED);
  expect(after).not.toContain(SEALED);
});

/** How the body of a job begins in a dump. */
const SEALED = '{\\"v\\":1';

it('a job without an email is as long as one with', async () => {
  const lengths = [];
  for (const beforeSend of [undefined, () => ({ kind: 'suppress' as const })]) {
    await redis.flush();
    await setup.app({ beforeSend }).verification.send({ email: person() });
    const [key = ''] = await jobs();
    lengths.push((await redis.client.hGet(key, 'data'))?.length);
  }
  expect(lengths[0]).toBeGreaterThan(1000);
  expect(lengths[0]).toBe(lengths[1]);
});

it('a suppressed send without an email is dropped by the worker, without an event', async () => {
  const app = setup.app({ beforeSend: () => ({ kind: 'suppress' }) });
  await expect(app.verification.send({ email: person() })).resolves.toMatchObject({ kind: 'sent' });
  expect(await jobs()).toHaveLength(1);
  const worker = setup.worker();
  await until('the job is dropped', async () => (await jobs()).length === 0);
  expect([app.names(), worker.names(), mail.messages.length]).toEqual([['suppressed'], [], 0]);
});

it('a temporary failure is tried again, with the same Message-ID and the remaining time', async () => {
  const app = setup.app();
  let tries = 0;
  mail.server.respondWith(({ stage }) => stage === 'data' && ++tries === 1 && { code: 451, text: 'later' });
  const seen: number[] = [];
  const worker = setup.worker({
    template: (input) => {
      if (input.email !== 'person@example.com') seen.push(input.expiresIn);
      return defaultTemplate(input);
    },
  });
  const email = person();
  await app.verification.send({ email });
  const { reference, duration } = await worker.next('delivered');
  expect(duration).toBeGreaterThanOrEqual(900);
  expect(mail.messages.map(({ headers }) => headers['x-entity-ref-id'])).toEqual([reference]);
  const [first = 0, second = 0, ...others] = seen;
  expect(others).toEqual([]);
  expect(first).toBeLessThanOrEqual(180);
  // At least a second later.
  expect(second).toBeLessThan(first);
});

it('a permanent refusal undoes the send once, with the codes of the reply', async () => {
  const app = setup.app();
  let tried = 0;
  mail.server.respondWith(({ stage }) => {
    if (stage !== 'rcpt') return false;
    tried += 1;
    return { code: 550, text: '5.1.1 no such user' };
  });
  let undone = 0;
  const discard = store.discard.bind(store);
  store.discard = (...call) => {
    undone += 1;
    // The store is away for a moment: the undo is repeated, the email is not.
    return undone === 1 ? Promise.reject(new Error('away')) : discard(...call);
  };
  const worker = setup.worker();
  const email = person();
  await app.verification.send({ email });
  const { cause, ...event } = await worker.next('delivery_failed');
  expect(event).toMatchObject({
    email: 'p***@example.com',
    purpose: 'signup',
    messageId: expect.any(String),
  });
  expect(cause).toMatchObject({
    responseCode: 550,
    enhancedCode: '5.1.1',
    recipientRefused: true,
    temporary: false,
  });
  expect(worker.names()).toEqual(['unavailable', 'delivery_failed']);
  expect([undone, tried]).toEqual([2, 1]);
  const status = await app.verification.status({ email });
  expect(status).toMatchObject({ codes: [], sendsToday: 0, nextSendIn: 0 });
  await until('the job is gone', async () => (await jobs()).length === 0);
});

it('an unknown outcome is reported, and never tried again', async () => {
  const app = setup.app();
  let tries = 0;
  const worker = setup.worker({
    transport: {
      sendMail() {
        tries += 1;
        return Promise.reject(Object.assign(new Error('lost'), { unknown: true }));
      },
    } as never,
  });
  const email = person();
  await app.verification.send({ email });
  await worker.next('delivery_unknown');
  await until('the job is gone', async () => (await jobs()).length === 0);
  expect(tries).toBe(1);
  await expect(app.verification.status({ email })).resolves.toMatchObject({ sendsToday: 1, codes: [{}] });
});

it('a worker sends `concurrency` emails at a time', async () => {
  const app = setup.app();
  for (let n = 0; n < 4; n += 1) await app.verification.send({ email: person() });
  let atATime = 0;
  const gate = new EventEmitter();
  const transport = {
    async sendMail() {
      atATime += 1;
      await once(gate, 'open');
    },
  };
  const slow = setup.worker({ transport, concurrency: 3 });
  await until('three are being sent', () => atATime === 3);
  gate.emit('open');
  await until('the fourth is being sent', () => atATime === 4);
  gate.emit('open');
  await slow.next('delivered', 4);
});

it('several transports fail over at the worker', async () => {
  const app = setup.app();
  const worker = setup.worker({ transport: ['smtp://127.0.0.1:1', mail.url] });
  await app.verification.send({ email: person() });
  await worker.next('delivered');
});

it('a worker writes codes of every form that an app of the queue uses', async () => {
  const worker = setup.worker();
  const forms = [{}, { codeLength: 8 }, { codeAlphabet: 'letters' }, { purpose: 'login' }] as const;
  for (const form of forms) {
    // Prepared messages begin with the third of a kind.
    for (let n = 0; n < 4; n += 1) {
      const app = setup.app(form);
      const email = person();
      await app.verification.send({ email });
      await until('it arrived', () => mail.messages.some(({ envelope }) => envelope.to.includes(email)));
      const { text = '' } = mail.messages.find(({ envelope }) => envelope.to.includes(email)) ?? {};
      const code = /\b(\d{6,10}|[A-Z]{4}-[A-Z]{4})\b/.exec(text)?.[0];
      await expect(app.verification.verify({ email, code })).resolves.toMatchObject({ kind: 'verified' });
    }
  }
  await worker.next('delivered', forms.length * 4);
  expect(worker.names()).toEqual(Array(forms.length * 4).fill('delivered'));
});

it('an email that waited until its code is about to expire is not sent, and its send is undone', async () => {
  const app = setup.app({ codeTtl: 60 });
  const email = person();
  await app.verification.send({ email });
  const now = halfAMinuteLater();
  try {
    const worker = setup.worker();
    const { cause } = await worker.next('delivery_failed');
    expect(cause.message).toBe(
      'The email was not sent: the queue held it until its code was about to expire: run more workers, raise `concurrency`, or set the clocks right (EEXPIRED)',
    );
    expect(mail.messages).toHaveLength(0);
  } finally {
    now.mockRestore();
  }
});

it('an email that is dropped counts for the rate like one that is sent', async () => {
  const app = setup.app({ codeTtl: 60 });
  for (let n = 0; n < 2; n += 1) await app.verification.send({ email: person() });
  const now = halfAMinuteLater();
  try {
    const worker = setup.worker({ rate: { max: 1, duration: 86_400_000 } });
    await worker.next('delivery_failed');
    const queue = setup.queue();
    await until('the first is gone', async () => (await queue.getActiveCount()) === 0);
    expect(await queue.getRateLimitTtl(1)).toBeGreaterThan(0);
    expect(await queue.getWaitingCount()).toBe(1);
  } finally {
    now.mockRestore();
  }
});

/** Moves the clock so that a code of a minute is about to expire. */
function halfAMinuteLater() {
  return jest
    .spyOn(Date, 'now')
    .mockImplementation(() => performance.timeOrigin + performance.now() + 31_000);
}

describe('secrets', () => {
  it('rotate: a job is sealed with the first, and opened with any', async () => {
    const app = setup.app({}, { secret: [OTHER_SECRET, SECRET] });
    const old = setup.app({ purpose: 'login' }, { secret: SECRET });
    const worker = setup.worker({ secret: [SECRET, OTHER_SECRET] });
    await app.verification.send({ email: person() });
    await old.verification.send({ email: person() });
    await worker.next('delivered', 2);
  });

  it('a job that no secret of a worker opens waits for one that does, and is not lost silently', async () => {
    const app = setup.app({}, { secret: OTHER_SECRET });
    await app.verification.send({ email: person() });
    const without = setup.worker();
    const { cause, operation } = await without.next('unavailable');
    expect(operation).toBe('deliver');
    expect(cause.message).toMatch(
      /^An email waits for another worker: none of the secrets of this worker opens its job \(job [-\w]+\)\.$/,
    );
    await until('it waits', async () => (await redis.client.zCard('{ev}:email-verification:delayed')) === 1);
    await without.worker.close();
    const withIt = setup.worker({ secret: [SECRET, OTHER_SECRET] });
    await setup.queue().promoteJobs();
    await withIt.next('delivered');
    expect(without.names()).toEqual(['unavailable']);
  });

  it('it is dropped, with an event, once its code has expired anyway', async () => {
    const app = setup.app({}, { secret: OTHER_SECRET });
    await app.verification.send({ email: person() });
    const [key = ''] = await jobs();
    await redis.client.hSet(key, 'ats', 99);
    const worker = setup.worker();
    const { cause } = await worker.next('unavailable');
    expect(cause.message).toMatch(/^An email was lost: none of the secrets .* Its code has expired\.$/);
    await until('the job is gone', async () => (await jobs()).length === 0);
  });
});

it('the rate holds for all workers together', async () => {
  const app = setup.app();
  for (let n = 0; n < 6; n += 1) await app.verification.send({ email: person() });
  const begun = performance.now();
  const rate = { max: 2, duration: 1000 };
  const workers = [setup.worker({ rate }), setup.worker({ rate })];
  const delivered = () => workers.flatMap((worker) => worker.names()).length;
  await until('all are delivered', () => delivered() === 6);
  expect(performance.now() - begun).toBeGreaterThan(1900);
});

describe('`connection`', () => {
  it.each(['ioredis', 'redis'])('may be a client of %s, which stays open', async (library) => {
    const { connection, ping, end } = await connect(library);
    const own = mailQueue({ ...options(), connection });
    const app = own.app();
    const worker = own.worker();
    await expect(app.verification.check()).resolves.toEqual({ ok: true, problems: [] });
    await app.verification.send({ email: person() });
    await worker.next('delivered');
    await own.close();
    await expect(ping()).resolves.toBe('PONG');
    end();
  });

  async function connect(library: string) {
    const { pathname: path } = new URL(redis.server.url);
    if (library === 'ioredis') {
      const client = new Redis({ path, maxRetriesPerRequest: null });
      return { connection: client, ping: () => client.ping(), end: () => client.disconnect() };
    }
    const client = createClient({ url: redis.server.url });
    client.on('error', () => {});
    await client.connect();
    return { connection: client, ping: () => client.ping(), end: () => client.destroy() };
  }

  it.each([
    ['client', () => new Redis({ lazyConnect: true })],
    ['cluster', () => new Cluster([], { lazyConnect: true, redisOptions: { maxRetriesPerRequest: 3 } })],
  ])('is refused for a worker if it is a %s that gives up on commands', (_what, create) => {
    const client = create();
    const worker = () => createMailWorker({ ...options(), connection: client, from: FROM, secret: SECRET });
    expect(worker).toThrow('create it with maxRetriesPerRequest: null');
    client.disconnect();
  });

  it.each([
    [
      'ioredis with a prefix',
      () => new Redis({ lazyConnect: true, maxRetriesPerRequest: null, keyPrefix: 'app:' }),
      'has a `keyPrefix`, which BullMQ cannot use',
    ],
    [
      'redis: a cluster',
      () => createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] }),
      'is a cluster of redis, which BullMQ cannot use: pass one of ioredis.',
    ],
    ['redis: a pool', () => createClientPool(), 'must be options for ioredis, such as { url }, or a client'],
    [
      'redis: a sentinel',
      () => createSentinel({ name: 'x', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }),
      'must be options for ioredis, such as { url }, or a client',
    ],
    ['redis: a promise', () => Promise.resolve(), 'Received a promise.'],
  ])('is refused if BullMQ cannot use it: %s', (_what, create, message) => {
    const connection = create() as never;
    expect(() => queueDelivery({ connection, secret: SECRET })).toThrow(message);
    const worker = () => createMailWorker({ ...options(), connection, from: FROM, secret: SECRET });
    expect(worker).toThrow(message);
  });
});

it('check() finds a Redis that evicts keys, and a transport that cannot log in', async () => {
  const app = setup.app();
  const worker = setup.worker({ transport: 'smtp://127.0.0.1:1' });
  await redis.client.configSet('maxmemory-policy', 'allkeys-lru');
  const evicts =
    'The Redis of the email queue evicts keys (maxmemory-policy allkeys-lru): emails can be lost. Set it to noeviction.';
  await expect(app.verification.check()).resolves.toEqual({ ok: false, problems: [evicts] });
  const login = expect.stringContaining('The transport could not log in: 127.0.0.1:1 refused the connection');
  await expect(worker.worker.check()).resolves.toEqual({ ok: false, problems: [evicts, login] });
  await redis.client.configSet('maxmemory-policy', 'noeviction');
  await expect(app.verification.check()).resolves.toEqual({ ok: true, problems: [] });
});

it('`data` of `beforeSend` that is not JSON fails the send', async () => {
  const app = setup.app({ beforeSend: () => ({ kind: 'send', data: { big: 1n } }) });
  await expect(app.verification.send({ email: person() })).resolves.toMatchObject({
    kind: 'delivery_failed',
  });
  const { cause } = await app.next('delivery_failed');
  expect(cause.message).toBe(
    'The email was not sent: the queue did not take it: the `data` of `beforeSend` is not JSON (EQUEUE, EDATA)',
  );
});

describe('options', () => {
  const queue = { connection: { host: '127.0.0.1', port: 1 }, secret: SECRET };
  const worker = () => ({ ...queue, transport: 'smtp://127.0.0.1:1', from: FROM, store });

  it.each([
    [
      { connection: undefined },
      'The `connection` option of queueDelivery() must be options for ioredis, such as { url }, or a client of ioredis or redis. Received undefined.',
    ],
    [{ connection: 'redis://user:hunter2@host' }, 'Received a string of 25 bytes.'],
    [
      { secret: 'short' },
      'The `secret` option must be a string of at least 32 bytes, or an array of such strings. Received a string of 5 bytes.',
    ],
    [
      { queueName: 'a:b' },
      "The `queueName` option of queueDelivery() must be 1 to 64 of A-Z, a-z, 0-9, _ and -. Received 'a:b'.",
    ],
    [{ conection: {} }, 'Unknown option `conection` of queueDelivery(). Did you mean `connection`?'],
    // ioredis would connect to localhost.
    [{ connection: { url: undefined } }, 'option of queueDelivery() has no value for its `url`.'],
    [{ connection: { url: '' } }, 'has no value for its `url`.'],
    [{ connection: { url: `${undefined}` } }, 'has no value for its `url`.'],
    [{ connection: { host: undefined, port: 6379 } }, 'has no value for its `host`.'],
    [{ connection: { url: new URL('redis://x') } }, 'has a `url` that is not a string, but a URL.'],
    [{ connection: { uri: 'redis://x' } }, 'names no server: pass `url`, or `host` and `port`.'],
    // BullMQ would never mark a job as done.
    [
      { connection: { url: 'redis://x', keyPrefix: 'app:' } },
      'The `connection` option of queueDelivery() has a `keyPrefix`, which BullMQ cannot use: leave it out. All keys of the queue begin with {ev}.',
    ],
  ])('of queueDelivery() are checked: %j', (change, message) => {
    expect(() => queueDelivery({ ...queue, ...change } as never)).toThrow(message);
  });

  it.each([
    [
      { store: undefined },
      'The `store` option of createMailWorker() must be the store of the app. Received undefined.',
    ],
    [{ from: undefined }, 'The `from` option must be one address'],
    [{ transport: undefined }, 'The `transport` option must be'],
    [
      { concurrency: 0 },
      'The `concurrency` option of createMailWorker() must be a whole number from 1 to 1000. Received 0.',
    ],
    [{ rate: 14 }, 'The `rate` option of createMailWorker() must be { max, duration }. Received 14.'],
    [
      { rate: { max: 14 } },
      'The `rate.duration` option of createMailWorker() must be a whole number of milliseconds from 1 to 86400000. Received undefined.',
    ],
    [{ rate: { max: 14, duration: 1000, burst: 2 } }, 'Unknown option `rate.burst` of createMailWorker().'],
    [{ purpose: 'login' }, 'Unknown option `purpose` of createMailWorker().'],
    [{ appName: '' }, 'The `appName` option must be'],
    [{ template: () => ({}) }, 'The `template` option cannot write an email'],
  ])('of createMailWorker() are checked as those of the app: %j', (change, message) => {
    expect(() => createMailWorker({ ...worker(), ...change } as never)).toThrow(message);
  });
});

it('the metrics of a worker count its emails, and the jobs in the queue', async () => {
  const reader = new TestReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
  const app = setup.app({ purpose: 'login' });
  const worker = setup.worker();
  const stop = instrument(worker.worker, { meter });
  const valuesOf = async (name: string) => {
    const { resourceMetrics } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return metrics.find(({ descriptor }) => descriptor.name === `email_verification.${name}`)?.dataPoints;
  };
  await app.verification.send({ email: person() });
  await worker.next('delivered');
  expect(await valuesOf('emails')).toMatchObject([
    {
      value: 1,
      attributes: { 'email_verification.purpose': 'login', 'email_verification.outcome': 'delivered' },
    },
  ]);
  await until('the job is gone', async () => (await jobs()).length === 0);
  await worker.worker.close();
  stop();

  const idle = setup.worker({ transport: 'smtp://127.0.0.1:1', rate: { max: 1, duration: 86_400_000 } });
  instrument(idle.worker, { meter });
  for (let n = 0; n < 3; n += 1) await app.verification.send({ email: person() });
  await until('all are waiting', async () => (await valuesOf('queue.size'))?.[0]?.value === 3);
});

/** Collects when asked to. */
class TestReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

it('the main entry loads neither BullMQ nor a Redis client', () => {
  const loadedBy = (file: string) =>
    execFileSync(
      process.execPath,
      [
        '--import',
        'tsx',
        '-e',
        `require('./lib/${file}'); console.log(Object.keys(require.cache).join('\\n'))`,
      ],
      { cwd: join(__dirname, '../..'), encoding: 'utf8' },
    );
  const CLIENTS = /node_modules.(?:bullmq|ioredis|redis|@redis)[\\/]/;
  expect(loadedBy('index.ts')).not.toMatch(CLIENTS);
  // BullMQ is loaded when it is used, so that a missing one is a sentence.
  expect(loadedBy('bullmq/bullmq.ts')).not.toMatch(CLIENTS);
});
