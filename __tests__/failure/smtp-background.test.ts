/**
 * SMTP in trouble behind answers that were given before: bounded second tries while the code lives, each mail to
 * its end and told by an event, nothing mailed twice, and no more mails in memory than stated.
 */
import { MemoryStore } from 'express-email-verification';
import nodemailer from 'nodemailer';
import { startMailServer } from '../../demo-app/development/mail-server.js';
import { until } from '../support/until.js';
import { person, report, sleep, startService } from './support/service.js';
import { codeIn, outcomeOf, type SmtpTrouble, startSmtpTrouble } from './support/smtp.js';

/** As many mails as wait in memory at the most; the package states it and does not export it. */
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

/** Codes that live shorter than the option allows, so that a test need not wait. */
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

/** Another email is refused for now, and tried again: who failed before would have been tried again before. */
async function secondTry(service: SmtpTrouble): Promise<void> {
  service.script.rcpt = '450 Greylisted';
  delete service.script.dot;
  const email = person();
  await service.send(email);
  await until('its second try', () => tries(service, email) > 1);
}

it.each(['450 Greylisted', 'reset', 'stall'] as const)(
  'tries again after a temporary fault: %s',
  async (deed) => {
    const service = await start({ rcpt: deed });
    const email = person();
    const { challengeId } = (await service.send(email)).body;
    await until('the first try', () => tries(service) === 1);
    delete service.script.rcpt;
    await until('it left', () => service.events.length > 0);
    expect(service.events).toEqual(['delivered']);
    await service.verification.close();
    expect(service.messagesTo(email)).toHaveLength(1);
    expect((await service.verify(email, codeIn(service.messagesTo(email)[0]), challengeId)).status).toBe(200);
  },
);

it.each(['550 No such mailbox', '554 Refused'] as const)(
  'does not try again after %s, and takes it back',
  async (deed) => {
    const service = await start({ rcpt: deed });
    const email = person();
    expect(outcomeOf(await service.send(email))).toBe('sent');
    await until('it failed', () => service.events.length > 0);
    expect(service.events).toEqual(['delivery_failed']);
    await secondTry(service);
    expect(tries(service, email)).toBe(1);
    expect(outcomeOf(await service.send(email))).toBe('sent');
  },
);

it('tries again only while the code lives, and then takes it back', async () => {
  const service = await start({ dot: '451 Later' }, { store: new ShortLived(6000) });
  const email = person();
  expect(outcomeOf(await service.send(email))).toBe('sent');
  expect(outcomeOf(await service.send(email))).toBe('429 too_many_requests');
  await until('it failed', () => service.events.length > 0);
  expect(service.events).toEqual(['delivery_failed']);
  const mailed = service.messagesTo(email);
  expect(mailed.length).toBeGreaterThanOrEqual(2);
  expect(mailed.length).toBeLessThanOrEqual(3);
  expect((await service.verify(email, codeIn(mailed[0]))).reason).toBe('code_expired');
  expect(outcomeOf(await service.send(email))).toBe('sent');
});

it('does not try again when it is not known whether the mail left, and its code works', async () => {
  const service = await start({ dot: 'stall' });
  const email = person();
  const { challengeId } = (await service.send(email)).body;
  await until('it was given up on', () => service.events.length > 0);
  expect(service.events).toEqual(['delivery_unknown']);
  await secondTry(service);
  const mailed = service.messagesTo(email);
  expect(mailed).toHaveLength(1);
  expect((await service.verify(email, codeIn(mailed[0]), challengeId)).status).toBe(200);
});

it('sends no mail whose code has ended while it waited', async () => {
  const service = await start({ mail: 'stall' }, { store: new ShortLived(600) });
  const people = Array.from({ length: 5 }, person);
  await Promise.all(people.map((email) => service.send(email)));
  await sleep(700);
  delete service.script.mail;
  await until('each came to its end', () => service.events.length === 5);
  expect(service.events).toEqual(Array(5).fill('delivery_failed'));
  await service.verification.close();
  expect(people.flatMap((email) => service.messagesTo(email))).toEqual([]);
});

it(`holds ${CAPACITY} mails and answers 503 past them, also to those who ask at the same moment`, async () => {
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
  // Who was refused is not counted: the limit is for mails.
  expect(service.events.filter((name) => name === 'unavailable')).toHaveLength(101);
});

it('lets a send wait a while for a slot in a full queue, and gives it the slot of an email that ends', async () => {
  const held: (() => void)[] = [];
  const transport = nodemailer.createTransport({
    name: 'held',
    version: '1',
    send: (mail, done) =>
      held.push(() => done(null, { envelope: mail.message.getEnvelope(), messageId: '' })),
  });
  const service = await startService({ store: new MemoryStore(), transport, delivery: 'background' });
  ended.push(service.close);
  const send = () => service.verification.send({ email: person() });
  await Promise.all(Array.from({ length: CAPACITY }, send));
  await until('the first mails are under way', () => held.length > 0);

  const late = [send(), send()];
  await sleep(20);
  held.shift()?.();
  const kinds = (await Promise.all(late)).map(({ kind }) => kind);
  expect(kinds).toEqual(['sent', 'unavailable']);
  const end = setInterval(() => held.splice(0).map((done) => done()), 1);
  await service.verification.close();
  clearInterval(end);
});

it('delivers a thousand mails, each once, to a server that takes 50 ms for one', async () => {
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
  await until('all mails came', () => received.size === CAPACITY);
  report('1000 mails at 50 ms on 20 connections:', Math.round(performance.now() - begin), 'ms');
  expect(outcomeOf(await service.send(person()))).toBe('sent');
  await service.verification.close();
  expect([...received.values()].every((times) => times === 1)).toBe(true);
});
