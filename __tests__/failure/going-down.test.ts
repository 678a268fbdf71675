/**
 * A process that gets SIGTERM: requests and emails under way are finished, and the process ends by itself. In it an
 * unhandled rejection is fatal, every warning is seen, and a timer or connection left behind would keep it running, so
 * this also tests the whole package for leaks.
 */
import { request } from 'node:http';
import { type MailServer, startMailServer } from '../support/mail-server.js';
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
  it('answers requests under way and sends exactly the emails it answered for, under load', async () => {
    const mail = await startMailServer({ delay: 50 });
    ended.push(() => mail.close());
    const emailed = countEmails(mail);
    const service = await startProcess(mail.url, delivery);
    const load = startLoad(service.port);
    await until('there is load', () => load.answers.size > 30);
    await service.end();
    await load.stop();

    const sent = [...load.answers].filter(([, status]) => status === 200).map(([email]) => email);
    report(`${delivery}: sent`, sent.length, 'not accepted', load.notAccepted);
    // Each of those got one email, and no one else did.
    expect([...emailed.keys()].sort()).toEqual(sent.sort());
    expect([...emailed.values()].every((times) => times === 1)).toBe(true);
  });

  it.each(['greeting', 'mail', 'dot'] as const)(
    'is not held up by an SMTP server that stalls at %s',
    async (stage) => {
      const smtp = await startRawSmtpServer({ [stage]: 'stall' });
      ended.push(() => smtp.close());
      const service = await startProcess(smtp.url, delivery, { MAIL_TIMEOUT: '1000' });
      const load = startLoad(service.port);
      await until('emails are held up', () => smtp.connections > 1);
      await service.end();
      await load.stop();
      // A full queue answers 503.
      const expected = delivery === 'await' ? [200, 500] : [200, 503];
      for (const status of load.answers.values()) expect(expected).toContain(status);
    },
  );

  it('is not held up by an unresponsive Redis', async () => {
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

  it('leaves nothing behind after every kind of trouble', async () => {
    const script: Script = {};
    const smtp = await startRawSmtpServer(script);
    ended.push(() => smtp.close());
    const times = { STORE_TIMEOUT: '500', MAIL_TIMEOUT: '500' };
    const service = await startProcess(smtp.url, delivery, times);
    const load = startLoad(service.port);
    const countOf = (start: string) => smtp.received.filter((line) => line.startsWith(start)).length;
    for (const reaction of ['stall', 'reset', 'close', '450 Busy', '550 No', { trickle: 20 }] as const) {
      const [recipients, messages] = [countOf('RCPT'), countOf('.')];
      script.rcpt = reaction;
      await until('some recipients got it', () => countOf('RCPT') > recipients + 2);
      delete script.rcpt;
      script.dot = reaction;
      await until('some messages got it', () => countOf('.') > messages + 2);
      delete script.dot;
    }
    const refused = async (why: string) => {
      const before = load.refused;
      await until(`sends are refused: ${why}`, () => load.refused > before + 20);
    };
    redis.server.pause();
    await refused('Redis is unresponsive');
    redis.server.resume();
    await redis.server.kill();
    await refused('Redis is down');
    await redis.server.restart();
    await until('the service recovers', () => load.last === 200);
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

/** Clients that each send on their own connection until none is accepted. */
function startLoad(port: number, clients = 10) {
  const answers = new Map<string, number | undefined>();
  let notAccepted = 0;
  let last: number | undefined;
  let stopped = false;

  async function client(): Promise<void> {
    while (!stopped) {
      const email = person();
      const status = await send(port, email);
      last = status;
      if (status === undefined) {
        notAccepted += 1;
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
    get notAccepted() {
      return notAccepted;
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

/** The status; `undefined` if the connection was not accepted. */
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

function countEmails(mail: MailServer): ReadonlyMap<string, number> {
  const emailed = new Map<string, number>();
  mail.onMessage(({ envelope: { to } }) => {
    for (const email of to) emailed.set(email, (emailed.get(email) ?? 0) + 1);
  });
  return emailed;
}
