/**
 * SMTP in trouble after the answer was sent: emails are tried again while the code lives, each ends with one event, none
 * is sent twice, and no more of them than stated are in memory.
 */
import { MemoryStore } from 'express-email-verification';
import nodemailer from 'nodemailer';
import { startMailServer } from '../support/mail-server.js';
import { until } from '../support/until.js';
import { person, report, sleep, startService } from './support/service.js';
import { codeIn, outcomeOf, type SmtpTrouble, startSmtpTrouble } from './support/smtp.js';

/** How many emails may wait in memory. The package documents the number and does not export it. */
const CAPACITY = 1000;

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function start(
  script: Parameters<typeof startSmtpTrouble>[0],
  options: Parameters<typeof startSmtpTrouble>[1] = {},
): Promise<SmtpTrouble> {
  const service = await startSmtpTrouble(script, { delivery: 'background', ...options });
  ended.push(service.close);
  return service;
}

/** Codes that live shorter than the option allows, so that tests need not wait. */
class ShortLived extends MemoryStore {
  readonly #lifetime: number;

  constructor(lifetime: number) {
    super();
    this.#lifetime = lifetime;
  }

  override open(request: Parameters<MemoryStore['open']>[0], timeout: number) {
    return super.open({ ...request, codeTtl: this.#lifetime }, timeout);
  }
}

const tries = ({ smtp }: SmtpTrouble, email = '') =>
  smtp.received.filter((line) => line.startsWith('RCPT') && line.includes(email)).length;

/** Waits for the second try of another email: an earlier one would have been tried again by then. */
async function secondTry(service: SmtpTrouble): Promise<void> {
  service.script.rcpt = '450 Greylisted';
  delete service.script.dot;
  const email = person();
  await service.send(email);
  await until('the second try', () => tries(service, email) > 1);
}

it.each(['450 Greylisted', 'reset', 'stall'] as const)(
  'tries again after a temporary failure: %s',
  async (reaction) => {
    const service = await start({ rcpt: reaction });
    const email = person();
    const { challengeId } = (await service.send(email)).body;
    await until('the first try', () => tries(service) === 1);
    delete service.script.rcpt;
    await until('the email is sent', () => service.events.length > 0);
    expect(service.events).toEqual(['delivered']);
    await service.verification.close();
    expect(service.messagesTo(email)).toHaveLength(1);
    expect((await service.verify(email, codeIn(service.messagesTo(email)[0]), challengeId)).status).toBe(200);
  },
);

it.each(['550 No such mailbox', '554 Refused'] as const)(
  'does not try again after %s, and undoes the send',
  async (reaction) => {
    const service = await start({ rcpt: reaction });
    const email = person();
    expect(outcomeOf(await service.send(email))).toBe('sent');
    await until('the delivery fails', () => service.events.length > 0);
    expect(service.events).toEqual(['delivery_failed']);
    await secondTry(service);
    expect(tries(service, email)).toBe(1);
    expect(outcomeOf(await service.send(email))).toBe('sent');
  },
);

it('tries again only while the code lives, and then undoes the send', async () => {
  const service = await start({ dot: '451 Later' }, { store: new ShortLived(6000) });
  const email = person();
  expect(outcomeOf(await service.send(email))).toBe('sent');
  expect(outcomeOf(await service.send(email))).toBe('429 too_many_requests');
  await until('the delivery fails', () => service.events.length > 0);
  expect(service.events).toEqual(['delivery_failed']);
  const messages = service.messagesTo(email);
  expect(messages.length).toBeGreaterThanOrEqual(2);
  expect(messages.length).toBeLessThanOrEqual(3);
  expect((await service.verify(email, codeIn(messages[0]))).reason).toBe('code_expired');
  expect(outcomeOf(await service.send(email))).toBe('sent');
});

it('does not try again if it is unknown whether the email was sent, and its code works', async () => {
  const service = await start({ dot: 'stall' });
  const email = person();
  const { challengeId } = (await service.send(email)).body;
  await until('the delivery is given up', () => service.events.length > 0);
  expect(service.events).toEqual(['delivery_unknown']);
  await secondTry(service);
  const messages = service.messagesTo(email);
  expect(messages).toHaveLength(1);
  expect((await service.verify(email, codeIn(messages[0]), challengeId)).status).toBe(200);
});

it('does not send an email whose code ended while it waited', async () => {
  const service = await start({ mail: 'stall' }, { store: new ShortLived(600) });
  const people = Array.from({ length: 5 }, person);
  await Promise.all(people.map((email) => service.send(email)));
  await sleep(700);
  delete service.script.mail;
  await until('each delivery has ended', () => service.events.length === 5);
  expect(service.events).toEqual(Array(5).fill('delivery_failed'));
  await service.verification.close();
  expect(people.flatMap((email) => service.messagesTo(email))).toEqual([]);
});

it(`holds ${CAPACITY} emails and answers 503 to further sends, also to simultaneous ones`, async () => {
  const service = await start({ greeting: 'stall' });
  const outcomes = await Promise.all(
    Array.from({ length: CAPACITY + 100 }, () => service.verification.send({ email: person() })),
  );
  const kinds = outcomes.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'sent')).toHaveLength(CAPACITY);
  expect(kinds.filter((kind) => kind === 'unavailable')).toHaveLength(100);
  const refused = await service.send(person());
  expect(outcomeOf(refused)).toBe('503 unavailable');
  expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
  // Refused sends take no slot.
  expect(service.events.filter((name) => name === 'unavailable')).toHaveLength(101);
});

it('lets a send wait for a slot in a full queue, and gives it the slot of an email that ends', async () => {
  const held: (() => void)[] = [];
  const transport = nodemailer.createTransport({
    name: 'held',
    version: '1',
    send: (outgoing, done) =>
      held.push(() => done(null, { envelope: outgoing.message.getEnvelope(), messageId: '' })),
  });
  const service = await startService({ store: new MemoryStore(), transport, delivery: 'background' });
  ended.push(service.close);
  const send = () => service.verification.send({ email: person() });
  await Promise.all(Array.from({ length: CAPACITY }, send));
  await until('the first emails are under way', () => held.length > 0);

  const late = [send(), send()];
  await sleep(20);
  held.shift()?.();
  const kinds = (await Promise.all(late)).map(({ kind }) => kind);
  expect(kinds).toEqual(['sent', 'unavailable']);
  const end = setInterval(() => held.splice(0).map((done) => done()), 1);
  await service.verification.close();
  clearInterval(end);
});

it('delivers a thousand emails, each once, to a server that takes 50 ms for each', async () => {
  const mail = await startMailServer({ delay: 50 });
  ended.push(() => mail.close());
  const received = new Map<string, number>();
  mail.onMessage(({ envelope: { to } }) => {
    for (const email of to) received.set(email, (received.get(email) ?? 0) + 1);
  });
  const service = await startService({
    store: new MemoryStore(),
    transport: { host: '127.0.0.1', port: mail.port, maxConnections: 20 },
    delivery: 'background',
    mailTimeout: 60_000,
  });
  ended.push(service.close);
  const begin = performance.now();
  const people = Array.from({ length: CAPACITY }, person);
  const outcomes = await Promise.all(people.map((email) => service.verification.send({ email })));
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['sent']));
  await until('all emails have arrived', () => received.size === CAPACITY);
  report('1000 emails at 50 ms on 20 connections:', Math.round(performance.now() - begin), 'ms');
  expect(outcomeOf(await service.send(person()))).toBe('sent');
  await service.verification.close();
  expect([...received.values()].every((times) => times === 1)).toBe(true);
});
