/**
 * Emails on a queue, while workers are killed, SMTP refuses and Redis fails: what /send answered for is delivered at least once,
 * or its code has ended and somebody was told.
 */
import { rm } from 'node:fs/promises';
import { createEmailVerification, MemoryStore, RedisStore } from 'express-email-verification';
import Redis, { Cluster } from 'ioredis';
import { FROM, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { mailQueue } from '../support/mail-queue.js';
import { type MailServer, startMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { startRedisCluster } from '../support/redis-cluster.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { bundleOf, type ServiceProcess, startProcess } from './support/process.js';
import { report, sleep } from './support/service.js';

/** QUEUE_SENDS overrides this. */
const SENDS = Number(process.env['QUEUE_SENDS'] ?? 300);
const AT_A_TIME = 8;
/** How long the mail server takes for a message, in ms: long enough for a worker to be killed in the middle. */
const SMTP_DELAY = 100;
/** As under appendfsync always, nothing that Redis answered for is lost when it is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

const storeRedis = useRedis();

interface Answered {
  readonly email: string;
  readonly status: number;
  readonly reason: string | undefined;
  readonly challengeId: string;
}

describe('2 apps, 2 workers, and a third of the messages refused for now', () => {
  let queueRedis: RedisServer;
  let mail: MailServer;
  let apps: ServiceProcess[];
  let workers: ServiceProcess[];
  let bundle: string;
  const told: string[] = [];
  const environment = () => ({
    REDIS_URL: storeRedis.server.url,
    QUEUE_URL: queueRedis.url,
    SMTP_URL: mail.url,
  });

  beforeAll(async () => {
    queueRedis = await startRedisServer({ port: await freePort(), args: DURABLE });
    mail = await startMailServer({ delay: SMTP_DELAY });
    let messages = 0;
    mail.respondWith(({ stage }) => {
      if (stage !== 'data') return false;
      messages += 1;
      return messages % 3 === 0 && { code: 451, text: '4.3.0 try again later' };
    });
    bundle = bundleOf('mail-worker.ts');
    apps = await Promise.all([startProcess(environment()), startProcess(environment())]);
    workers = await Promise.all([startWorker(), startWorker()]);
  }, 90_000);
  afterAll(async () => {
    await Promise.all([...apps, ...workers].map((process) => process.kill()));
    await mail.close();
    await queueRedis.stop();
    await rm(bundle);
  });

  async function startWorker(): Promise<ServiceProcess> {
    const worker = await startProcess(environment(), [], bundle);
    worker.onLine((line) => told.push(line));
    return worker;
  }

  async function send(email: string, app: ServiceProcess | undefined): Promise<Answered> {
    const response = await fetch(`http://127.0.0.1:${app?.port}/ev/send`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email }),
    });
    const { reason, challengeId } = (await response.json()) as { reason?: string; challengeId: string };
    return { email, status: response.status, reason, challengeId };
  }

  /** Sends to new addresses, each in a domain of its own, by which the masked addresses of events are told apart. */
  async function sendAll(name: string, halfway?: () => Promise<void>): Promise<Answered[]> {
    const answers: Answered[] = [];
    let next = 0;
    async function client(): Promise<void> {
      while (next < SENDS) {
        const n = next;
        next += 1;
        if (n === Math.floor(SENDS / 2)) await halfway?.();
        answers.push(await send(`person@${name}${n}.example`, apps[n % apps.length]));
        // As fast as the workers: emails are under way whenever one is killed.
        await sleep((SMTP_DELAY / 10) * AT_A_TIME);
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, client));
    return answers;
  }

  /** Kills the oldest of the workers every second, and starts another in its place. */
  function killWorkers() {
    const starting = new Set<Promise<unknown>>();
    let killed = 0;
    const timer = setInterval(() => {
      const oldest = workers.shift();
      if (!oldest) return;
      killed += 1;
      const started = oldest
        .kill()
        .then(startWorker)
        .then((worker) => workers.push(worker));
      starting.add(started);
      void started.finally(() => starting.delete(started));
    }, 1000);
    return async () => {
      clearInterval(timer);
      await Promise.all(starting);
      return killed;
    };
  }

  const queue = () => new Redis(queueRedis.url);
  async function isDone(client: Redis): Promise<boolean> {
    const key = (name: string) => `{ev}:email-verification:${name}`;
    const [waiting, active, delayed] = await Promise.all([
      client.llen(key('wait')),
      client.llen(key('active')),
      client.zcard(key('delayed')),
    ]);
    return waiting + active + delayed === 0;
  }

  /** What became of each send that was answered. */
  async function expectNothingLost(answers: readonly Answered[]): Promise<void> {
    const client = queue();
    await until('the queue is empty', () => isDone(client), 120_000);
    client.disconnect();
    const store = new RedisStore(storeRedis.client);
    const support = createEmailVerification({ store, from: FROM, secret: SECRET, transport: mail.url });
    const received = new Map<string, Set<string>>();
    const counts = new Map<string, number>();
    for (const { envelope, headers } of mail.messages) {
      const to = envelope.to[0] ?? '';
      counts.set(to, (counts.get(to) ?? 0) + 1);
      received.set(to, (received.get(to) ?? new Set()).add(headers['message-id'] ?? ''));
    }
    const lost: string[] = [];
    let failed = 0;
    let unknown = 0;
    for (const { email, status, reason } of answers) {
      const isDelivered = received.has(email);
      if (status === 200 && !isDelivered) {
        const stored = await support.status({ email });
        const isUndone = stored.kind === 'status' && stored.codes.length === 0 && stored.sendsToday === 0;
        const isTold = told.some((line) => line.includes(email.slice(email.indexOf('@'))));
        if (isUndone) failed += 1;
        else if (isTold) unknown += 1;
        else lost.push(email);
      }
      if (reason === 'delivery_failed' && isDelivered) lost.push(`${email} (a code that has ended)`);
    }
    expect(lost).toEqual([]);
    // The same email, if it came twice.
    expect([...received.values()].filter((ids) => ids.size > 1)).toEqual([]);
    const duplicates = answers.filter(({ email }) => (counts.get(email) ?? 0) > 1).length;
    const refused = answers.filter(({ status }) => status !== 200).map(({ reason }) => reason);
    report(
      `of ${answers.length}: ${duplicates} twice, ${failed} failed, ${unknown} unknown, refused: ${refused}`,
    );
    await support.close();
  }

  it('every send that was answered is delivered, although a worker is killed every second', async () => {
    const begun = performance.now();
    const stop = killWorkers();
    const answers = await sendAll('killed');
    const killed = await stop();
    report(`${killed} workers killed in ${Math.round(performance.now() - begun)} ms`);
    expect(killed).toBeGreaterThan(1);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    await expectNothingLost(answers);

    // The codes work, of emails that came once and of those that came twice.
    for (const { email, challengeId } of answers.slice(0, 20)) {
      const text = mail.messages.find(({ envelope }) => envelope.to.includes(email))?.text ?? '';
      const response = await fetch(`http://127.0.0.1:${apps[0]?.port}/ev/verify`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email, challengeId, code: /\b\d{6}\b/.exec(text)?.[0] }),
      });
      expect(response.status).toBe(200);
    }
  }, 600_000);

  it('the same, although the Redis of the queue is killed in the middle, and comes back', async () => {
    const stop = killWorkers();
    const answers = await sendAll('restarted', () => queueRedis.restart());
    await stop();
    const kinds = new Set(answers.map(({ status, reason }) => (status === 200 ? 'sent' : reason)));
    expect(
      [...kinds].filter((kind) => !['sent', 'delivery_failed', 'delivery_unknown'].includes(kind ?? '')),
    ).toEqual([]);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(SENDS / 2);
    await expectNothingLost(answers);
  }, 600_000);

  it('a worker and an app that are asked to end finish what they do, and end', async () => {
    await Promise.all([...apps, ...workers].map((process) => process.end()));
  });
});

describe('while the Redis of the queue fails', () => {
  let queueRedis: RedisServer;
  let mail: MailServer;
  let setup: ReturnType<typeof mailQueue>;
  let people = 0;
  const person = () => `person${++people}@example.com`;
  const MAIL_TIMEOUT = 1500;

  beforeEach(async () => {
    queueRedis = await startRedisServer({ port: await freePort(), args: DURABLE });
    mail = await startMailServer();
    setup = mailQueue({ connection: { url: queueRedis.url }, store: new MemoryStore(), transport: mail.url });
  }, 90_000);
  afterEach(async () => {
    await setup.close();
    await mail.close();
    await queueRedis.stop();
  });

  it('a full one refuses: the send fails, and its code has ended; it recovers, and no worker spins meanwhile', async () => {
    const app = setup.app({ mailTimeout: MAIL_TIMEOUT });
    const worker = setup.worker();
    await app.verification.send({ email: person() });
    await worker.next('delivered');
    const admin = new Redis(queueRedis.url);
    await admin.config('SET', 'maxmemory', '1');
    const email = person();
    await expect(app.verification.send({ email })).resolves.toMatchObject({ kind: 'delivery_failed' });
    const { cause } = await app.next('delivery_failed');
    expect(cause.message).toBe('The email was not sent: the queue is out of memory (EQUEUE, OOM)');
    await expect(app.verification.status({ email })).resolves.toMatchObject({ codes: [], sendsToday: 0 });
    const begun = process.cpuUsage();
    await sleep(3000);
    const { user, system } = process.cpuUsage(begun);
    report(
      `CPU of 3 s with a full queue: ${Math.round((user + system) / 1000)} ms, events: ${worker.events.length}`,
    );
    expect(worker.events.length).toBeLessThan(50);
    await admin.config('SET', 'maxmemory', '0');
    await app.verification.send({ email });
    await worker.next('delivered', 2);
    admin.disconnect();
  });

  it('one that is unresponsive leaves it unknown: the code works, and the email comes when Redis recovers', async () => {
    const app = setup.app({ mailTimeout: MAIL_TIMEOUT });
    const worker = setup.worker();
    await app.verification.send({ email: person() });
    await worker.next('delivered');
    queueRedis.pause();
    const email = person();
    await expect(app.verification.send({ email })).resolves.toMatchObject({ kind: 'delivery_unknown' });
    const { cause } = await app.next('delivery_unknown');
    expect(cause.message).toBe(
      'It is not known whether the email was sent: the queue did not answer in time (EQUEUE, ETIMEDOUT)',
    );
    await expect(app.verification.check()).resolves.toEqual({
      ok: false,
      problems: ['The email queue is unavailable: Redis did not answer in time.'],
    });
    queueRedis.resume();
    await until('it arrives', () => mail.messages.some(({ envelope }) => envelope.to.includes(email)));
    const { text = '' } = mail.messages.at(-1) ?? {};
    const code = /\b\d{6}\b/.exec(text)?.[0];
    await expect(app.verification.verify({ email, code })).resolves.toMatchObject({ kind: 'verified' });
  });

  it('one that is unreachable fails the send, which never arrives later; then all goes on by itself', async () => {
    const app = setup.app({ mailTimeout: MAIL_TIMEOUT });
    const worker = setup.worker();
    await app.verification.send({ email: person() });
    await worker.next('delivered');
    await queueRedis.kill();
    const email = person();
    await expect(app.verification.send({ email })).resolves.toMatchObject({ kind: 'delivery_failed' });
    const { cause } = await app.next('delivery_failed');
    expect(cause.message).toBe(
      'The email was not sent: the queue refused the connection (EQUEUE, ECONNREFUSED)',
    );
    const [problem] = (await app.verification.check()).problems;
    expect(problem).toMatch(/^The email queue is unavailable: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
    await queueRedis.restart();
    const next = person();
    await until('sends succeed', async () => (await app.verification.send({ email: next })).kind === 'sent');
    await until('it arrives', () => mail.messages.some(({ envelope }) => envelope.to.includes(next)));
    expect(mail.messages.some(({ envelope }) => envelope.to.includes(email))).toBe(false);
  });

  it('an app and a worker may start before it, and end without it', async () => {
    await queueRedis.kill();
    const app = setup.app({ mailTimeout: MAIL_TIMEOUT });
    const worker = setup.worker();
    await expect(app.verification.send({ email: person() })).resolves.toMatchObject({
      kind: 'delivery_failed',
    });
    await queueRedis.restart();
    await until(
      'sends succeed',
      async () => (await app.verification.send({ email: person() })).kind === 'sent',
    );
    await worker.next('delivered');
    await queueRedis.kill();
    // Twice at once, and again.
    await Promise.all([setup.close(), worker.worker.close(), app.verification.close()]);
    const { problems } = await app.verification.check();
    expect(problems).toEqual([expect.stringContaining('The email queue is unavailable: ')]);
  });

  it('a worker that is closed finishes the email it is sending', async () => {
    const app = setup.app();
    const slow = await startMailServer({ delay: 1000 });
    const worker = setup.worker({ transport: slow.url });
    let isBegun = false;
    slow.respondWith(({ stage }) => {
      if (stage === 'rcpt') isBegun = true;
      return false;
    });
    await app.verification.send({ email: person() });
    await until('it is being sent', () => isBegun);
    await worker.worker.close();
    expect(worker.names()).toEqual(['delivered']);
    expect(slow.messages).toHaveLength(1);
    await slow.close();
  });
});

it('a queue on a Redis Cluster keeps its keys in one slot', async () => {
  const cluster = await startRedisCluster();
  const mail = await startMailServer();
  const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  const connection = new Cluster(nodes, { redisOptions: { maxRetriesPerRequest: null } });
  const setup = mailQueue({ connection, store: new MemoryStore(), transport: mail.url });
  const app = setup.app();
  const worker = setup.worker({ rate: { max: 100, duration: 1000 } });
  for (let n = 0; n < 20; n += 1)
    await expect(app.verification.send({ email: `person${n}@example.com` })).resolves.toMatchObject({
      kind: 'sent',
    });
  await worker.next('delivered', 20);
  await expect(app.verification.check()).resolves.toEqual({ ok: true, problems: [] });
  await setup.close();
  connection.disconnect();
  await mail.close();
  await cluster.stop();
}, 180_000);
