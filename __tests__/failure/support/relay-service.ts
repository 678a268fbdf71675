/** A service that sends through a scripted relay, what arrived there, and rules for common relay behavior. */
import { type EmailVerificationOptions, MemoryStore } from 'express-email-verification';
import type { Transporter } from 'nodemailer';
import { ownTime } from '../../support/own-time.js';
import { until } from '../../support/until.js';
import { type Reaction, type Relay, type Rule, type Stage, startRelay } from './relay.js';
import { type Answer, person, sleep, startService } from './service.js';
import { outcomeOf } from './smtp.js';

/** Cleanup after each test. */
export const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** In ms of the process's own time. */
const IN_TIME = 5000;

export const DELIVERIES = ['await', 'background'] as const;
export type Delivery = (typeof DELIVERIES)[number];

interface Options extends Partial<Pick<EmailVerificationOptions, 'mailTimeout' | 'codeTtl' | 'template'>> {
  readonly delivery?: Delivery;
  /** Options of the pool, or a transporter in its place. */
  readonly pool?: object;
  readonly transport?: Transporter;
  readonly relay?: Relay;
  /** Lets codes live shorter than the options allow, in ms. */
  readonly lifetime?: number;
}

/** A relay of these rules, and a service that sends through it. */
export async function start(
  rules: Rule[],
  {
    delivery = 'await',
    mailTimeout = 10_000,
    pool,
    transport,
    relay: given,
    lifetime,
    ...options
  }: Options = {},
) {
  const relay = given ?? (await startRelay(...rules));
  endings.push(relay.stop);
  const service = await startService({
    store: lifetime === undefined ? new MemoryStore() : new ShortLivedStore(lifetime),
    transport: transport ?? { host: '127.0.0.1', port: relay.port, ...pool },
    ...{ delivery, mailTimeout, ...options },
  });
  endings.push(service.close);
  const failures: (string | number | undefined)[][] = [];
  for (const event of ['delivery_failed', 'delivery_unknown'] as const)
    service.verification.on(event, ({ cause: { code, responseCode } }) =>
      failures.push([event, code, responseCode]),
    );
  return { relay, service, failures };
}

class ShortLivedStore extends MemoryStore {
  readonly #lifetime: number;

  constructor(lifetime: number) {
    super();
    this.#lifetime = lifetime;
  }

  override open(request: Parameters<MemoryStore['open']>[0], timeout: number) {
    return super.open({ ...request, codeTtl: this.#lifetime }, timeout);
  }
}

export type Started = Awaited<ReturnType<typeof start>>;

/** Sends to `count` people; returns what arrived and how long the slowest email took, in ms of the process's own time. */
export async function sendTo(
  { relay, service, failures }: Started,
  count: number,
  how: 'in a row' | 'at once',
) {
  const people = Array.from({ length: count }, person);
  const asked = new Map<string, number>();
  const answers: Answer[] = [];
  const send = async (email: string) => {
    asked.set(email, ownTime());
    answers.push(await service.send(email));
  };
  if (how === 'at once') await Promise.all(people.map(send));
  else for (const email of people) await send(email);

  const arrived = () => people.filter((email) => relay.taken.some(({ to }) => to === email));
  const isOver = () => arrived().length + failures.length >= count;
  await until('each email arrived or failed', isOver).catch(() => {});
  await sleep(50);
  const arrivals = people.map((email) => relay.taken.filter(({ to }) => to === email));
  const waits = people.map((email, n) => (arrivals[n]?.[0]?.at ?? Infinity) - (asked.get(email) ?? 0));
  return { answers, arrivals, slowest: Math.max(...waits) };
}

export async function expectAllToArrive(started: Started, count: number, how: 'in a row' | 'at once') {
  const { answers, arrivals, slowest } = await sendTo(started, count, how);
  expect({
    outcomes: [...new Set(answers.map(outcomeOf))],
    copies: [...new Set(arrivals.map((copies) => copies.length))],
    failures: started.failures,
  }).toEqual({ outcomes: ['sent'], copies: [1], failures: [] });
  expect(slowest).toBeLessThan(started.service.bound(IN_TIME));
}

/** After `count` messages a session reacts like this at a stage, every time. */
export const afterMessages =
  (count: number, stage: Stage, reaction: Reaction): Rule =>
  (at) =>
    at.stage === stage && at.taken >= count ? reaction : undefined;

/** A connection beyond `most` gets this as its greeting. */
export const tooManyConnections =
  (
    most: number,
    reaction: Reaction = { say: '421 4.7.0 Too many concurrent connections', thenClose: true },
  ): Rule =>
  ({ stage, open }) =>
    stage === 'greeting' && open > most ? reaction : undefined;

/** A connection beyond `most` is greeted only after another has ended, as in the backlog of a listener. */
export const queuesConnections =
  (most: number): Rule =>
  async (at) => {
    while (at.stage === 'greeting' && at.greeted >= most) await sleep(5);
    return undefined;
  };

/** A session that has been idle for so long is forgotten: no reply, no end. */
export const forgetsAfter =
  (ms: number): Rule =>
  ({ stage, idle }) =>
    stage === 'mail' && idle > ms ? 'forget' : undefined;

/** Like `smtpd_soft_error_limit` of Postfix: after ten errors, each reply is delayed. */
export const slowsAfterErrors =
  (delay: number): Rule =>
  async ({ refused }) => {
    if (refused > 10) await sleep(delay);
    return undefined;
  };

export function greylists(ms: number, reply: `${number}${string}`): Rule {
  const seen = new Map<string, number>();
  return ({ stage, line }) => {
    if (stage !== 'rcpt') return undefined;
    const first = seen.get(line) ?? performance.now();
    seen.set(line, first);
    return performance.now() - first < ms ? reply : undefined;
  };
}

/** How often sending an email was begun. */
export const triesOf = ({ relay }: Started) =>
  relay.commands.filter((line) => line.startsWith('MAIL')).length;
