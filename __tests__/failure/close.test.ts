/** Closing: emails under way are finished or undone within a bound, and every answer and event stays true. */
import { MemoryStore } from 'express-email-verification';
import { until } from '../support/until.js';
import { person, sleep } from './support/service.js';
import { codeIn, MAIL_TIMEOUT, outcomeOf, type SmtpTrouble, startSmtpTrouble } from './support/smtp.js';

let trouble: SmtpTrouble | undefined;
afterEach(() => trouble?.close());

async function start(...args: Parameters<typeof startSmtpTrouble>): Promise<SmtpTrouble> {
  trouble = await startSmtpTrouble(...args);
  return trouble;
}

/** A store that holds each open() until a test lets it continue. */
class HeldStore extends MemoryStore {
  readonly called: Promise<void>;
  continue = () => {};
  #onCall = () => {};
  readonly #held: Promise<void>;

  constructor() {
    super();
    this.called = new Promise((resolve) => {
      this.#onCall = resolve;
    });
    this.#held = new Promise((resolve) => {
      this.continue = resolve;
    });
  }

  override async open(...call: Parameters<MemoryStore['open']>) {
    this.#onCall();
    await this.#held;
    return super.open(...call);
  }
}

class BrokenStore extends MemoryStore {
  override async open(): Promise<never> {
    throw new Error('no store today');
  }
}

it('sends the emails that wait in the background before it closes', async () => {
  const service = await start({}, { delivery: 'background', mailTimeout: 60_000 });
  const people = Array.from({ length: 50 }, person);
  await Promise.all(people.map((email) => service.send(email)));
  await service.verification.close();
  expect(service.events).toEqual(Array(50).fill('delivered'));
  expect(people.map((email) => service.messagesTo(email).length)).toEqual(Array(50).fill(1));
});

it.each(['greeting', 'mail', 'dot'] as const)(
  'gives up within mailTimeout on a server that stalls at %s, however many emails wait, and undoes their sends',
  async (stage) => {
    const service = await start({ [stage]: 'stall' }, { delivery: 'background' });
    await Promise.all(Array.from({ length: 200 }, () => service.send(person())));
    const tried = service.smtp.connections;
    expect(await service.timed(() => service.verification.close())).toBeLessThan(service.bound(MAIL_TIMEOUT));
    expect(service.events).toHaveLength(200);
    const unknown = service.events.filter((name) => name === 'delivery_unknown').length;
    expect(unknown).toBeLessThanOrEqual(stage === 'dot' ? tried + 1 : 0);
    expect(service.events.filter((name) => name === 'delivery_failed')).toHaveLength(200 - unknown);
  },
);

it('does not wait for retries', async () => {
  const service = await start({ rcpt: '450 Later' }, { delivery: 'background' });
  const [first, second] = [person(), person()];
  await service.send(first);
  await service.send(second);
  // There is one connection, so the second email is tried after the first try of the other.
  await until('the second is tried', () =>
    service.smtp.received.some((line) => line.includes(`<${second}>`)),
  );
  expect(await service.timed(() => service.verification.close())).toBeLessThan(service.bound(MAIL_TIMEOUT));
  expect(service.events).toEqual(['delivery_failed', 'delivery_failed']);
});

type Options = NonNullable<Parameters<typeof startSmtpTrouble>[1]>;

/** Sends that reserve a slot but have no email to send. */
const WITHOUT_EMAIL: [what: string, answer: string, options: Options][] = [
  ['is limited', '429 too_many_requests', { sendLimits: [{ max: 1, window: 60 }] }],
  [
    'is suppressed',
    'sent',
    { beforeSend: () => ({ kind: 'suppress' }), sendLimits: [{ max: 9, window: 60 }] },
  ],
  ['cannot be stored', '503 unavailable', { store: new BrokenStore() }],
];

describe.each(['await', 'background'] as const)('with delivery %s', (delivery) => {
  it.each(WITHOUT_EMAIL)('does not wait for a send that %s', async (_what, answer, options) => {
    const service = await start({}, { delivery, ...options });
    const email = person();
    await service.send(email);
    expect(outcomeOf(await service.send(email))).toBe(answer);
    const closed = service.verification.close().then(() => 'closed');
    expect(await Promise.race([closed, sleep(5000).then(() => 'still waiting')])).toBe('closed');
  });
});

it('answers 503 to later sends, and counts nothing', async () => {
  const service = await start();
  await service.verification.close();
  expect(outcomeOf(await service.send(person()))).toBe('503 unavailable');
  expect(service.smtp.received).toEqual([]);
});

it.each(['await', 'background'] as const)('finishes a send that is in progress (%s)', async (delivery) => {
  const store = new HeldStore();
  const service = await start({}, { delivery, store, storeTimeout: 60_000, mailTimeout: 60_000 });
  const email = person();
  const sending = service.send(email);
  await store.called;
  const closed = service.verification.close();
  store.continue();
  await closed;
  expect(service.events).toEqual(['delivered']);
  const sent = await sending;
  expect(outcomeOf(sent)).toBe('sent');
  const [message] = service.messagesTo(email);
  expect((await service.verify(email, codeIn(message), sent.body.challengeId)).status).toBe(200);
});
