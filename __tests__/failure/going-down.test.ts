/**
 * A process that is told to go down: requests under way are answered, mails under way come to their end, and it
 * ends by itself. It is also the guard of the whole room: a process in which a rejection that nobody handles is
 * fatal, every warning is seen, and a timer or a connection left behind would keep it from ending.
 */
import { request } from 'node:http';
import { type MailServer, startMailServer } from '../../demo-app/development/mail-server.js';
import { startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import {
  type ServiceEnvironment,
  type ServiceProcess,
  startProcess as startService,
} from './support/process.js';
import { person, report, sleep } from './support/service.js';
import type { Script } from './support/smtp.js';

const redis = useRedis();

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

describe.each(['await', 'background'] as const)('with delivery %s', (delivery) => {
  it('answers who is under way and mails whom it answered, under load', async () => {
    const mail = await startMailServer({ delay: 50 });
    ended.push(() => mail.close());
    const mailed = countMails(mail);
    const service = await startProcess(mail.url, delivery);
    const load = startLoad(service.port);
    await until('there is load', () => load.answers.size > 30);
    await service.end();
    await load.stop();

    const sent = [...load.answers].filter(([, status]) => status === 200).map(([email]) => email);
    report(`${delivery}: sent`, sent.length, 'not let in', load.notLetIn);
    // Each of those was mailed, once, and nobody else was.
    expect([...mailed.keys()].sort()).toEqual(sent.sort());
    expect([...mailed.values()].every((times) => times === 1)).toBe(true);
  });

  it.each(['greeting', 'mail', 'dot'] as const)(
    'is not held up by an SMTP server that stalls at %s',
    async (stage) => {
      const smtp = await startRawSmtpServer({ [stage]: 'stall' });
      ended.push(() => smtp.close());
      const service = await startProcess(smtp.url, delivery, { MAIL_TIMEOUT: '1000' });
      const load = startLoad(service.port);
      await until('mails are held up', () => smtp.connections > 1);
      await service.end();
      await load.stop();
      // 503 is what a queue says that is full of them.
      const expected = delivery === 'await' ? [200, 500] : [200, 503];
      for (const status of load.answers.values()) expect(expected).toContain(status);
    },
  );

  it('is not held up by a frozen Redis', async () => {
    const mail = await startMailServer({});
    ended.push(() => mail.close());
    const service = await startProcess(mail.url, delivery, { STORE_TIMEOUT: '500' });
    const load = startLoad(service.port);
    await until('there is load', () => load.answers.size > 30);
    redis.server.pause();
    ended.push(() => redis.server.resume());
    await until('sends are held up', () => load.refused > 0);
    await service.end();
    await load.stop();
    for (const status of load.answers.values()) expect([200, 503]).toContain(status);
  });

  it('leaves nothing behind after all kinds of trouble', async () => {
    const script: Script = {};
    const smtp = await startRawSmtpServer(script);
    ended.push(() => smtp.close());
    const times = { STORE_TIMEOUT: '500', MAIL_TIMEOUT: '500' };
    const service = await startProcess(smtp.url, delivery, times);
    const load = startLoad(service.port);
    const heard = (start: string) => smtp.received.filter((line) => line.startsWith(start)).length;
    for (const deed of ['stall', 'reset', 'close', '450 Busy', '550 No', { dribble: 20 }] as const) {
      const [recipients, mails] = [heard('RCPT'), heard('.')];
      script.rcpt = deed;
      await until('recipients were met with it', () => heard('RCPT') > recipients + 2);
      delete script.rcpt;
      script.dot = deed;
      await until('mails were met with it', () => heard('.') > mails + 2);
      delete script.dot;
    }
    const refused = async (why: string) => {
      const before = load.refused;
      await until(`sends are refused: ${why}`, () => load.refused > before + 20);
    };
    redis.server.pause();
    await refused('Redis is frozen');
    redis.server.resume();
    await redis.server.kill();
    await refused('Redis is dead');
    await redis.server.restart();
    await until('it is well again', () => load.last === 200);
    await service.end();
    await load.stop();
  });
});

async function startProcess(
  smtpUrl: string,
  delivery: 'await' | 'background',
  times: Pick<ServiceEnvironment, 'STORE_TIMEOUT' | 'MAIL_TIMEOUT'> = {},
): Promise<ServiceProcess> {
  const service = await startService({
    REDIS_URL: redis.server.url,
    SMTP_URL: smtpUrl,
    DELIVERY: delivery,
    ...times,
  });
  ended.push(service.kill);
  return service;
}

/** Clients that send from a connection of their own each, until nobody lets them in. */
function startLoad(port: number, clients = 10) {
  const answers = new Map<string, number | undefined>();
  let notLetIn = 0;
  let last: number | undefined;
  let stopped = false;

  async function client(): Promise<void> {
    while (!stopped) {
      const email = person();
      const status = await send(port, email);
      last = status;
      if (status === undefined) {
        notLetIn += 1;
        await sleep(20);
      } else answers.set(email, status);
    }
  }

  const all = Promise.all(Array.from({ length: clients }, client));
  ended.push(() => {
    stopped = true;
  });
  return {
    answers,
    get notLetIn() {
      return notLetIn;
    },
    get last() {
      return last;
    },
    get refused() {
      return [...answers.values()].filter((status) => status === 503).length;
    },
    async stop() {
      stopped = true;
      await all;
    },
  };
}

/** The status; `undefined` when the connection was not let in. */
function send(port: number, email: string): Promise<number | undefined> {
  const body = JSON.stringify({ email });
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  return new Promise((done) => {
    const asked = request({
      port,
      host: '127.0.0.1',
      path: '/ev/send',
      method: 'POST',
      headers,
      agent: false,
    });
    asked.on('response', (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode));
    });
    asked.on('error', () => done(undefined));
    asked.end(body);
  });
}

function countMails(mail: MailServer): ReadonlyMap<string, number> {
  const mailed = new Map<string, number>();
  mail.onMessage(({ envelope: { to } }) => {
    for (const email of to) mailed.set(email, (mailed.get(email) ?? 0) + 1);
  });
  return mailed;
}
