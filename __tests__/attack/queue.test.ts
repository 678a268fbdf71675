/** What somebody can do who can write to the Redis of the email queue: lose an email or repeat it, and nothing else. */
import { Queue } from 'bullmq';
import { MemoryStore } from 'express-email-verification';
import { type MailQueueSetup, mailQueue } from '../support/mail-queue.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const redis = useRedis();
const mail = useMailServer();

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

const KEY = '{ev}:email-verification:';
let people = 0;
const person = () => `person${++people}@example.com`;
const jobs = async () => (await redis.client.keys(`${KEY}*-*-*`)).filter((key) => !key.endsWith(':lock'));
const idOf = (key: string) => key.slice(key.lastIndexOf(':') + 1);

/** Sends an email without a worker, and returns its job. */
async function queued() {
  const app = setup.app();
  await app.verification.send({ email: person() });
  const [key = ''] = await jobs();
  return { key, data: JSON.parse((await redis.client.hGet(key, 'data')) ?? '') };
}
const put = (key: string, data: object) => redis.client.hSet(key, 'data', JSON.stringify(data));
const expectLost = async () => {
  const worker = setup.worker();
  const { cause } = await worker.next('unavailable');
  expect(cause.message).toMatch(/^An email was lost: its job .* was altered\.$/);
  await until('the job is gone', async () => (await jobs()).length === 0);
  expect(mail.messages).toHaveLength(0);
};

it.each([0, 20, 400, -1])('T78: a job is not sent if byte %i of it is another', async (at) => {
  const { key, data } = await queued();
  const bytes = Buffer.from(data.s, 'base64');
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  await put(key, { ...data, s: bytes.toString('base64') });
  await expectLost();
});

it.each([{ k: undefined }, { s: '' }, { s: 'AAAA' }, { s: 7 }, { v: undefined, k: 1 }])(
  'T78: a job is not sent, and ends no worker, with %j',
  async (change) => {
    const { key, data } = await queued();
    await put(key, { ...data, ...change });
    await expectLost();
  },
);

it('T78: a job is not sent under another id, with the body of another job', async () => {
  const first = await queued();
  const app = setup.app({ purpose: 'login' });
  await app.verification.send({ email: person() });
  const second = (await jobs()).find((key) => key !== first.key) ?? '';
  await put(second, first.data);
  const worker = setup.worker();
  await worker.next('unavailable');
  await worker.next('delivered');
  expect(mail.messages).toHaveLength(1);
});

it('T78: a job is not sent in another queue', async () => {
  const { key, data } = await queued();
  const id = idOf(key);
  const other = setup.worker({ queueName: 'other' });
  const queue = new Queue('other', { connection: options().connection, prefix: '{ev}' });
  await queue.add('email', data, { jobId: id });
  const { cause } = await other.next('unavailable');
  expect(cause.message).toContain('altered');
  expect(mail.messages).toHaveLength(0);
  await queue.close();
});

it('T78: a job that is replayed, sends the same email to the same address again, and only while its code is valid', async () => {
  const { key, data } = await queued();
  const id = idOf(key);
  const worker = setup.worker();
  await worker.next('delivered');
  await until('the job is gone', async () => (await jobs()).length === 0);
  await setup.queue().add('email', data, { jobId: id });
  await worker.next('delivered', 2);
  const [one, two] = mail.messages;
  expect([two?.headers['message-id'], two?.envelope]).toEqual([one?.headers['message-id'], one?.envelope]);
});

it('T78: a job of a newer version waits for a worker that knows it', async () => {
  const { key, data } = await queued();
  await put(key, { ...data, v: 2 });
  const worker = setup.worker();
  const { cause } = await worker.next('unavailable');
  expect(cause.message).toMatch(
    /^An email waits for another worker: a newer version of the package wrote its job/,
  );
  await until('it waits', async () => (await redis.client.zCard('{ev}:email-verification:delayed')) === 1);
  expect(JSON.parse((await redis.client.hGet(key, 'data')) ?? '')).toMatchObject({ v: 2 });
});

it('T78: a job that is replayed when its code is about to expire gives its own place in the limits back, once', async () => {
  const app = setup.app({ codeTtl: 60, sendLimits: [{ max: 3, window: 86_400 }] });
  const email = person();
  await app.verification.send({ email });
  const [key = ''] = await jobs();
  const data = JSON.parse((await redis.client.hGet(key, 'data')) ?? '');
  await app.verification.send({ email });
  const worker = setup.worker();
  await worker.next('delivered', 2);
  const now = jest
    .spyOn(Date, 'now')
    .mockImplementation(() => performance.timeOrigin + performance.now() + 31_000);
  try {
    for (const replay of [1, 2]) {
      await setup.queue().add('email', data, { jobId: idOf(key), removeOnComplete: true });
      await worker.next('delivery_failed', replay);
      await expect(app.verification.status({ email })).resolves.toMatchObject({ sendsToday: 1 });
      await until('the job is gone', async () => (await jobs()).length === 0);
    }
  } finally {
    now.mockRestore();
  }
  expect(mail.messages).toHaveLength(2);
});

/** What BullMQ reads of a job, changed so that it does something else, or fails. */
const CHANGES: Readonly<Record<string, Record<string, string>>> = {
  'data that is no JSON': { data: `${person()} ${'x'.repeat(1000)}` },
  'data of a million levels': { data: `${'['.repeat(1e6)}${']'.repeat(1e6)}` },
  'data of 20 MB': { data: JSON.stringify({ v: 1, k: 'x', s: 'A'.repeat(20e6) }) },
  'options that are null': { opts: 'null' },
  'options that keep it': { opts: '{"removeOnComplete":false,"removeOnFail":false}' },
  'a parent': { opts: '{"parent":{"id":"x","queue":"{ev}:other"}}', parentKey: '{ev}:other:x' },
  'a progress that is no JSON': { progress: '{{' },
  'tries that are no number': { ats: 'many' },
  'more tries than there are numbers': { ats: '9007199254740993' },
  'failures that are no number': { atm: 'many' },
  'a schedule': { rjk: 'a:b:c:d:1000' },
  'another name': { name: 'other' },
};

it.each(Object.keys(CHANGES))('T78: a job with %s ends no worker: the next email is sent', async (change) => {
  const { key } = await queued();
  await redis.client.hSet(key, CHANGES[change] ?? {});
  const worker = setup.worker();
  const app = setup.app();
  const email = person();
  await app.verification.send({ email });
  await until('the next one arrives', () =>
    mail.messages.some(({ envelope }) => envelope.to.includes(email)),
  );
  expect(JSON.stringify(worker.events.map(({ event }) => event.cause?.message))).not.toMatch(/x{20}|person/);
});

it.each(['{"removeOnComplete":false,"removeOnFail":false}', '{}', '7'])(
  'T78: a job with the options %s is gone once its email is sent',
  async (opts) => {
    const { key } = await queued();
    await redis.client.hSet(key, { opts });
    const worker = setup.worker();
    await worker.next('delivered');
    await until('the job is gone', async () => (await jobs()).length === 0);
    expect(await redis.client.exists([`${KEY}completed`, `${KEY}failed`])).toBe(0);
  },
);

it('T78: a job that was marked as failed is not lost silently', async () => {
  const { key } = await queued();
  await redis.client.hSet(key, 'defa', 'because of person@example.com\nand more');
  const worker = setup.worker();
  const { operation, cause } = await worker.next('unavailable');
  expect([operation, cause.message]).toEqual([
    'deliver',
    `An email was lost: its job ${idOf(key)} in the queue was marked as failed.`,
  ]);
});

it('T78: the id of a job cannot forge a line of a log', async () => {
  const { key } = await queued();
  const id = 'x\nerror: the code of person@example.com is 123456';
  await redis.client.rename(key, `${KEY}${id}`);
  await redis.client.lRem(`${KEY}wait`, 1, idOf(key));
  await redis.client.lPush(`${KEY}wait`, id);
  const worker = setup.worker();
  const { cause } = await worker.next('unavailable');
  expect(cause.message).toBe('A job of another program was in the queue of the emails. It was dropped.');
  await until('it is gone', async () => (await redis.client.exists(`${KEY}${id}`)) === 0);
});
