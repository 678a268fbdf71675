/**
 * Relays with the habits of real ones: they limit messages and connections, forget sessions and slow down. Every code
 * still arrives, once and in time.
 */
import { until } from '../support/until.js';
import type { Reaction, Rule } from './support/relay.js';
import {
  afterMessages,
  DELIVERIES,
  expectAllToArrive,
  forgetsAfter,
  queuesConnections,
  type Started,
  slowsAfterErrors,
  start,
  tooManyConnections,
  triesOf,
} from './support/relay-service.js';
import { person, sleep } from './support/service.js';
import { outcomeOf } from './support/smtp.js';

describe.each(DELIVERIES)('messages per connection, %s', (delivery) => {
  it('T49: no connection carries more than ten, since Exim defers the eleventh', async () => {
    const started = await start([], { delivery });
    await expectAllToArrive(started, 60, 'in a row');
    await expectAllToArrive(started, 60, 'at once');
    expect(Math.max(...started.relay.taken.map(({ nth }) => nth))).toBe(10);
  });

  it.each([
    [1, 1],
    [3, 3],
    [25, 25],
  ])('T49: maxMessages: %d of the app takes precedence', async (maxMessages, most) => {
    const started = await start([], { delivery, pool: { maxMessages, maxConnections: 1 } });
    await expectAllToArrive(started, 30, 'in a row');
    expect(Math.max(...started.relay.taken.map(({ nth }) => nth))).toBe(most);
  });

  const replies = ['421 4.7.0', '450 4.7.1', '451 4.7.1', '452 4.5.3', '454 4.7.0'] as const;
  const stages = ['mail', 'rcpt', 'data'] as const;
  const endings = replies.flatMap((reply) => stages.map((stage) => [reply, stage] as const));

  it.each(endings)('T50: all arrive if a used connection gets %s at %s', async (reply, stage) => {
    const started = await start([afterMessages(2, stage, `${reply} Too many messages in this session`)], {
      delivery,
    });
    await expectAllToArrive(started, 4, 'in a row');
    await expectAllToArrive(started, 15, 'at once');
  });
});

describe.each(DELIVERIES)('sessions that end, %s', (delivery) => {
  const words = 'Too many messages in this session';

  it.each<[string, Rule]>([
    [
      '421 and a hang-up at the next MAIL',
      afterMessages(3, 'mail', { say: `421 4.7.0 ${words}`, thenClose: true }),
    ],
    ['a hang-up at the next MAIL', afterMessages(3, 'mail', 'close')],
    ['a reset at the next MAIL', afterMessages(3, 'mail', 'reset')],
    ['a hang-up at the next RCPT', afterMessages(3, 'rcpt', 'close')],
    ['a reset at the next DATA', afterMessages(3, 'data', 'reset')],
    ['554 at the next MAIL', afterMessages(3, 'mail', `554 5.7.0 ${words}`)],
    ['503 at the next MAIL', afterMessages(3, 'mail', `503 5.5.1 ${words}`)],
    ['550 at the next DATA', afterMessages(3, 'data', `550 5.7.0 ${words}`)],
    ['a hang-up after the third message', (at) => hangUpAfter(3, at)],
  ])('T50: all arrive if a used connection gets %s', async (_what, rule) => {
    for (const extensions of [['PIPELINING'], []]) {
      const started = await start([rule], { delivery });
      started.relay.offer('SIZE 1000000', ...extensions);
      await expectAllToArrive(started, 5, 'in a row');
      await expectAllToArrive(started, 20, 'at once');
    }
  });

  it('T50: all arrive if idle sessions end with an unsolicited 421', async () => {
    const started = await start([], { delivery });
    await expectAllToArrive(started, 5, 'at once');
    started.relay.sayToAll('421 4.4.2 Idle for too long');
    await expectAllToArrive(started, 5, 'at once');
    started.relay.sayToAll('421 4.4.2 Idle for too long', 'then close');
    await expectAllToArrive(started, 5, 'at once');
  });

  it('T51: connections that the relay silently forgot cost at most one try', async () => {
    const started = await start([forgetsAfter(500)], { delivery, mailTimeout: 4500 });
    await expectAllToArrive(started, 5, 'at once');
    await sleep(600);
    await expectAllToArrive(started, 5, 'at once');
    await sleep(600);
    await expectAllToArrive(started, 3, 'in a row');
    expect(triesOf(started)).toBeLessThanOrEqual(5 + 10 + (delivery === 'await' ? 4 : 6));
  });

  it('T51: a slow relay is not a forgotten session: each slow session gets its time', async () => {
    const slow: Rule = async ({ stage }) => {
      if (stage === 'rcpt') await sleep(1200);
      return undefined;
    };
    const started = await start([slow], { delivery, pool: { maxConnections: 1 }, mailTimeout: 8000 });
    await expectAllToArrive(started, 3, 'in a row');
    expect(started.relay.sessions).toBe(1);
  });

  it('T70: all arrive if sessions over their quota refuse each MAIL and never end', async () => {
    const rule = afterMessages(4, 'mail', '452 4.5.3 Too many messages sent');
    const started = await start([rule], { delivery, pool: { maxMessages: 100 } });
    await expectAllToArrive(started, 60, 'at once');
    await expectAllToArrive(started, 10, 'in a row');
    await until('the sessions that refused are closed', () => started.relay.open <= 5);
  });

  it.each<[number, Reaction]>([
    [1, { say: '421 4.7.0 Too many concurrent connections', thenClose: true }],
    [2, { say: '421 4.7.0 Too many concurrent connections', thenClose: true }],
    [2, '421 4.7.0 Too many concurrent connections'],
    [2, { say: '554 5.7.1 Too many concurrent connections', thenClose: true }],
    [2, 'close'],
    [2, 'reset'],
  ])(
    'T71: all arrive at a relay that accepts at most %d connections and answers others with %j',
    async (most, reaction) => {
      const started = await start([tooManyConnections(most, reaction)], { delivery });
      await expectAllToArrive(started, 40, 'at once');
      await expectAllToArrive(started, 12, 'in a row');
      // Refused ones included: the pool learns how many are allowed and stops trying more.
      expect(started.relay.sessions).toBeLessThan(40);
    },
  );

  it('T71: all arrive at a relay that refuses the third login', async () => {
    const loggedIn = new Set<number>();
    const rule: Rule = ({ stage, session }) => {
      if (stage === 'quit') loggedIn.delete(session);
      if (stage !== 'auth') return undefined;
      if (loggedIn.size >= 2) return '432 4.3.2 Concurrent connections limit exceeded';
      loggedIn.add(session);
      return undefined;
    };
    const auth = { user: 'acme', pass: 'open-sesame' };
    await expectAllToArrive(await start([rule], { delivery, pool: { auth } }), 30, 'at once');
  });

  it('T71: all arrive at a relay that keeps the third connection waiting', async () => {
    const started = await start([queuesConnections(2)], { delivery });
    await expectAllToArrive(started, 40, 'at once');
    await expectAllToArrive(started, 12, 'in a row');
  });

  it('T71: a relay that is slow to greet delays no email unnecessarily', async () => {
    const slowGreeting: Rule = async ({ stage }) => {
      if (stage === 'greeting') await sleep(1000);
      return undefined;
    };
    const started = await start([slowGreeting], { delivery });
    await expectAllToArrive(started, 30, 'at once');
    await expectAllToArrive(started, 15, 'in a row');
  });

  it('T71: no more connections are open than the app allows, including those that are closing', async () => {
    const slowGoodbye: Rule = async ({ stage }) => {
      if (stage === 'quit') await sleep(20);
      return undefined;
    };
    const started = await start([slowGoodbye], { delivery, pool: { maxConnections: 3, maxMessages: 2 } });
    await expectAllToArrive(started, 30, 'at once');
    expect(started.relay.mostOpen).toBe(3);
  });

  it('T51: all arrive if sessions fall silent after a few messages', async () => {
    const started = await start([afterMessages(3, 'mail', 'forget')], { delivery, mailTimeout: 4500 });
    await expectAllToArrive(started, 20, 'at once');
  });

  it('keeps the rateLimit of the app', async () => {
    const taken: number[] = [];
    const note: Rule = ({ stage }) => {
      if (stage === 'dot') taken.push(performance.now());
      return undefined;
    };
    const started = await start([note], { delivery, pool: { rateLimit: 4, rateDelta: 600 } });
    // One more than two intervals allow.
    await expectAllToArrive(started, 9, 'at once');
    // 600 ms pass twice between the first and the last email; a late first one still leaves one of them.
    expect((taken.at(-1) ?? 0) - (taken[0] ?? 0)).toBeGreaterThan(600);
  });
});

function hangUpAfter(count: number, { stage, taken }: Parameters<Rule>[0]): ReturnType<Rule> {
  return stage === 'dot' && taken === count - 1 ? { say: '250 2.0.0 OK', thenClose: true } : undefined;
}

describe('T72: a relay that slows down after errors', () => {
  const unknown: Rule = ({ stage, line }) =>
    stage === 'rcpt' && line.includes('nobody') ? '550 5.1.1 No such user' : undefined;

  it.each(DELIVERIES)('T72: does not slow down the next person, %s', async (delivery) => {
    const started = await start([unknown, slowsAfterErrors(1000)], { delivery, mailTimeout: 20_000 });
    const unknownPeople = Array.from({ length: 60 }, (_, n) => `nobody${n}@example.com`);
    await Promise.all(unknownPeople.map((email) => started.service.send(email)));
    await until('each refusal is reported', () => started.failures.length === 60);
    expect(started.failures).toEqual(Array(60).fill(['delivery_failed', 'EENVELOPE', 550]));
    started.failures.length = 0;
    await expectAllToArrive(started, 10, 'at once');
    expect(started.relay.mostRefused).toBe(1);
  });

  it('T72: a refused recipient is reported at once, tried once, and delays no one else', async () => {
    const started = await start([unknown], { pool: { maxConnections: 1 } });
    const [good, refused] = await Promise.all(
      [person(), 'nobody@example.com'].map((email) => started.service.send(email)),
    );
    expect([good, refused].map((answer) => answer && outcomeOf(answer))).toEqual([
      'sent',
      '500 delivery_failed',
    ]);
    expect(started.relay.commands.filter((line) => line.includes('nobody'))).toHaveLength(1);
  });
});

describe('idle connections', () => {
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });
  /** Lets the event loop turn, as timers are faked. */
  async function turns(isDone: () => boolean = () => false) {
    for (let n = 0; n < 10_000 && !isDone(); n += 1) await new Promise(setImmediate);
  }
  async function sendOne({ service }: Started) {
    expect((await service.verification.send({ email: person() })).kind).toBe('sent');
    await turns();
  }

  it('T51: are closed within a minute', async () => {
    const started = await start([]);
    const { relay } = started;
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date', 'performance'] });
    await sendOne(started);
    jest.advanceTimersByTime(20_000);
    await sendOne(started);
    expect([relay.sessions, relay.open]).toEqual([1, 1]);
    jest.advanceTimersByTime(60_000);
    await turns(() => relay.open === 0);
    expect([relay.open, relay.commands.at(-1)]).toEqual([0, 'QUIT']);
  });

  it('T51: are not used after a minute without timers, as when a platform suspends the process', async () => {
    const started = await start([({ session, taken }) => (session === 1 && taken ? 'forget' : undefined)]);
    await sendOne(started);
    const now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now + 60_000);
    await sendOne(started);
    expect(triesOf(started)).toBe(2);
  });

  it('T51: idleTimeout of the app takes precedence', async () => {
    const { relay, service } = await start([], { pool: { idleTimeout: 50 } });
    await service.send(person());
    await until('the connection is closed', () => relay.open === 0);
    await service.send(person());
    expect(relay.sessions).toBe(2);
  });
});
