/**
 * Several transports: the next one is tried when an email is known not to have been sent by the ones before, within
 * `mailTimeout`. No email is sent twice.
 */
import { MemoryStore, type TransportsOption } from 'express-email-verification';
import { createTransport, type Transport as TransportPlugin } from 'nodemailer';
import { freePort } from '../support/free-port.js';
import { startMailServer } from '../support/mail-server.js';
import { type RawSmtpServer, startRawSmtpServer } from '../support/raw-smtp-server.js';
import { until } from '../support/until.js';
import { person, startService } from './support/service.js';
import { codeIn, outcomeOf, type Script } from './support/smtp.js';

let warnings: jest.SpyInstance;
beforeEach(() => {
  warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

const ended: (() => unknown)[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const end of ended.splice(0).reverse()) await end();
});

async function startRelay(script: Script = {}): Promise<RawSmtpServer> {
  const relay = await startRawSmtpServer(script);
  ended.push(() => relay.close());
  return relay;
}

const auth = { user: 'acme', pass: 'open-sesame' };
const to = ({ port }: { port: number }) => ({ host: '127.0.0.1', port, auth });

/** A service with these transports, and the events about its emails. */
async function startWith(transport: TransportsOption, options: object = {}) {
  const service = await startService({ store: new MemoryStore(), transport, delivery: 'await', ...options });
  const events: string[] = [];
  const causes: Error[] = [];
  service.verification.on('delivered', () => events.push('delivered'));
  for (const name of ['delivery_failed', 'delivery_unknown'] as const)
    service.verification.on(name, ({ cause }) => {
      events.push(name);
      causes.push(cause);
    });
  ended.push(() => service.close());
  return { ...service, events, causes };
}

/** How many whole messages for an address a relay received. */
const messagesTo = ({ received }: RawSmtpServer, email: string) =>
  received
    .join('\n')
    .split('\n.\n')
    .filter((text) => text.includes(`\nTo: ${email}\n`)).length;

/** For sends whose timeout does not matter. */
const AWAIT = { mailTimeout: 20_000 };

describe('the next transport sends an email', () => {
  it.each<[fault: string, script: Script]>([
    ['hangs before its greeting', { greeting: 'stall' }],
    ['replies 421 instead of a greeting', { greeting: '421 Too busy' }],
    ['temporarily refuses the login', { auth: '454 4.7.0 Later' }],
    ['refuses the login', { auth: '535 5.7.8 Wrong password' }],
    ['refuses the sender', { mail: '550 5.7.1 Not your address' }],
    ['refuses the recipient because of a policy', { rcpt: '550 5.7.1 Relaying denied' }],
    ['temporarily refuses the recipient', { rcpt: '450 4.2.0 Greylisted' }],
    ['does not reply to the recipient', { rcpt: 'stall' }],
    ['closes the connection before the message', { data: 'close' }],
    ['temporarily refuses the message', { dot: '451 4.3.0 Try later' }],
    ['refuses the message', { dot: '554 5.7.1 Looks like spam' }],
  ])('if the first %s', async (_fault, script) => {
    const [first, second] = [await startRelay(script), await startRelay()];
    const { events, ...service } = await startWith([to(first), to(second)], { mailTimeout: 2000 });
    const email = person();
    expect(outcomeOf(await service.send(email))).toBe('sent');
    expect(events).toEqual(['delivered']);
    expect(messagesTo(second, email)).toBe(1);
    expect((await service.verify(email, codeIn(second.received.join('\n')))).status).toBe(200);
  });

  it('if nothing listens at the first, and the first again once something does', async () => {
    const [first, second] = [await startRelay(), await startRelay()];
    await first.close();
    const { send } = await startWith([to(first), to(second)], AWAIT);
    const [before, after] = [person(), person()];
    expect(outcomeOf(await send(before))).toBe('sent');
    await first.listenAgain();
    expect(outcomeOf(await send(after))).toBe('sent');
    expect([messagesTo(first, after), messagesTo(second, before), messagesTo(second, after)]).toEqual([
      1, 1, 0,
    ]);
  });

  it("with each combination of the package's pools and the app's transporters, also when its message is prepared", async () => {
    const [first, second] = [await startRelay({ mail: '550 5.7.1 Not you' }), await startRelay()];
    const pools = [to(second), createTransport({ ...to(second), pool: true }), createTransport(to(second))];
    const refusing = [to(first), createTransport({ ...to(first), pool: true }), createTransport(to(first))];
    for (const one of refusing) {
      for (const other of pools) {
        const { send } = await startWith([one, other], AWAIT);
        // The third and later ones of a language and validity are prepared.
        const people = [person(), person(), person(), person()];
        for (const email of people) expect(outcomeOf(await send(email))).toBe('sent');
        expect(people.map((email) => messagesTo(second, email))).toEqual([1, 1, 1, 1]);
      }
    }
    expect(first.received).not.toContain('DATA');
  });

  it('in the background, and warns once that the first has failed', async () => {
    const [first, second] = [await startRelay({ greeting: '554 No service' }), await startRelay()];
    const { send, events } = await startWith([to(first), to(second)], { ...AWAIT, delivery: 'background' });
    const people = [person(), person(), person()];
    for (const email of people) expect(outcomeOf(await send(email))).toBe('sent');
    await until('all are delivered', () => events.length === people.length);
    expect(people.map((email) => messagesTo(second, email))).toEqual([1, 1, 1]);
    expect(warnings.mock.calls.map(([warning]) => warning)).toEqual([
      `\`transport[0]\` failed, and \`transport[1]\` sent the email instead. The email was not sent: 127.0.0.1:${first.port} refused it (EPROTOCOL, CONN, 554).`,
    ]);
  });

  it('within mailTimeout, if all but the last of three hang', async () => {
    const relays = [
      await startRelay({ greeting: 'stall' }),
      await startRelay({ ehlo: 'stall' }),
      await startRelay(),
    ];
    const { send } = await startWith(relays.map(to), { mailTimeout: 3000 });
    expect(outcomeOf(await send(person()))).toBe('sent');
  });
});

describe('no other transport is tried', () => {
  it.each(['stall', 'close', 'reset'] as const)(
    'if the message may have been sent: %s after its end',
    async (reaction) => {
      const [first, second] = [await startRelay({ dot: reaction }), await startRelay()];
      const { send, events, causes } = await startWith([to(first), to(second)], { mailTimeout: 1000 });
      expect(outcomeOf(await send(person()))).toBe('500 delivery_unknown');
      expect(events).toEqual(['delivery_unknown']);
      expect(causes[0]?.message).toContain(`127.0.0.1:${first.port} `);
      expect(second.connections).toBe(0);
    },
  );

  it.each(['SMTP2GO', 'SMTP API', 'HTTP'])(
    'if a plugin for an HTTP API, whatever its name (%s), sends the email after its share of the time',
    async (name) => {
      const sent: unknown[] = [];
      const plugin: TransportPlugin = {
        name,
        version: '1',
        send: ({ data }, done) => {
          setTimeout(() => {
            sent.push(data.to);
            done(null, { envelope: { from: '', to: [] }, messageId: '' });
          }, 1200);
        },
      };
      const second = await startRelay();
      const { send } = await startWith([plugin, to(second)], { mailTimeout: 2000 });
      expect(outcomeOf(await send(person()))).toBe('sent');
      expect([sent.length, second.connections]).toEqual([1, 0]);
    },
  );

  it("if an object of the app's own around a transporter sends the email after its share of the time", async () => {
    const first = await startMailServer({ delay: 1500 });
    ended.push(() => first.close());
    const second = await startRelay();
    const inner = createTransport(first.url);
    // Without the prototype, it has the name of the transporter, but not its plugins.
    const wrapper = {
      ...inner,
      sendMail: (message: object) => inner.sendMail({ ...message, signal: undefined }),
    };
    const { send } = await startWith([wrapper, to(second)], { mailTimeout: 2500 });
    const email = person();
    expect(outcomeOf(await send(email))).toBe('sent');
    expect(second.connections).toBe(0);
    expect(first.messages).toHaveLength(1);
  });

  it('if a plugin for an HTTP API was given up on: that is unknown', async () => {
    const plugin: TransportPlugin = { name: 'SMTP2GO', version: '1', send: () => {} };
    const second = await startRelay();
    const { send, events } = await startWith([plugin, to(second)], { mailTimeout: 500 });
    expect(outcomeOf(await send(person()))).toBe('500 delivery_unknown');
    expect([events, second.connections]).toEqual([['delivery_unknown'], 0]);
  });

  it('if the first accepts the message after its share of the time, but within mailTimeout', async () => {
    const first = await startMailServer({ delay: 2500 });
    ended.push(() => first.close());
    const second = await startRelay();
    const { send } = await startWith([first.url, to(second)], { mailTimeout: 4000 });
    expect(outcomeOf(await send(person()))).toBe('sent');
    expect(second.connections).toBe(0);
  });

  it.each(['550 5.1.1 Unknown user', '550 No such user', '553 5.1.2 Bad domain'] as const)(
    'if the recipient was refused: %s',
    async (reply) => {
      const [first, second] = [await startRelay({ rcpt: reply }), await startRelay()];
      const { send, causes } = await startWith([to(first), to(second)], AWAIT);
      const answer = await send(person());
      expect(outcomeOf(answer)).toBe('500 delivery_failed');
      expect(answer.body.message).toMatch(/check the address/i);
      expect(causes).toMatchObject([{ recipientRefused: true, port: first.port }]);
      expect(second.connections).toBe(0);
    },
  );
});

describe('if all fail', () => {
  it.each(['await', 'background'])('the event names each server and its reason: %s', async (delivery) => {
    const [first, second] = [
      await startRelay({ auth: '535 5.7.8 No' }),
      await startRelay({ mail: '550 5.7.1 No' }),
    ];
    const { send, events, causes } = await startWith([to(first), to(second)], { ...AWAIT, delivery });
    await send(person());
    await until('it has failed', () => events.length > 0);
    expect(events).toEqual(['delivery_failed']);
    expect(causes[0]).toMatchObject({
      message: `The email was not sent: 127.0.0.1:${second.port} refused the sender (EENVELOPE, MAIL FROM, 550, 5.7.1); before that, 127.0.0.1:${first.port} refused the login (EAUTH, AUTH PLAIN, 535, 5.7.8)`,
      port: second.port,
      temporary: false,
      earlier: [{ port: first.port, responseCode: 535, temporary: false }],
    });
    expect({ ...causes[0] }).not.toHaveProperty('details');
  });

  it.each(['await', 'background'])('all are tried again until one recovers: %s', async (delivery) => {
    const script: Script = { greeting: '421 Busy' };
    const [first, second] = [await startRelay(script), await startRelay({ auth: '535 5.7.8 No' })];
    const { send, events } = await startWith([to(first), to(second)], { mailTimeout: 20_000, delivery });
    const email = person();
    const sent = send(email);
    await until('both were tried', () => first.connections > 0 && second.connections > 0);
    delete script.greeting;
    expect(outcomeOf(await sent)).toBe('sent');
    await until('it is sent', () => events.length > 0);
    expect(events).toEqual(['delivered']);
    expect(messagesTo(first, email)).toBe(1);
  });

  it('an awaited email is tried again if one failure may pass in time, although another asked for more time', async () => {
    const script: Script = { greeting: '421 Busy' };
    const [first, second] = [await startRelay(script), await startRelay({ dot: '451 4.3.0 Try later' })];
    const { send, events } = await startWith([to(first), to(second)], AWAIT);
    const email = person();
    const sent = send(email);
    await until('both were tried', () => second.received.includes('.'));
    delete script.greeting;
    expect(outcomeOf(await sent)).toBe('sent');
    expect(events).toEqual(['delivered']);
    expect(messagesTo(first, email)).toBe(1);
  });

  it('and the last refuses the recipient, nothing is tried again, whatever the first said', async () => {
    const [first, second] = [
      await startRelay({ greeting: '421 Busy' }),
      await startRelay({ rcpt: '550 5.1.1 Unknown user' }),
    ];
    const { send, events } = await startWith([to(first), to(second)], AWAIT);
    expect(outcomeOf(await send(person()))).toBe('500 delivery_failed');
    expect(events).toEqual(['delivery_failed']);
    expect(second.received.filter((line) => line.startsWith('RCPT TO'))).toHaveLength(1);
  });

  it('check() reports the problems of each', async () => {
    const silent = await freePort();
    const [first, second] = [await startRelay({ auth: '535 5.7.8 No' }), await startRelay()];
    const { verification } = await startWith([to(first), to({ port: silent }), to(second)]);
    expect((await verification.check()).problems).toEqual([
      expect.stringContaining(`\`transport[0]\` could not log in: 127.0.0.1:${first.port} refused the login`),
      expect.stringContaining(
        `\`transport[1]\` could not log in: 127.0.0.1:${silent} refused the connection`,
      ),
    ]);
  });

  it('close() ends every pool', async () => {
    const [first, second] = [await startRelay({ mail: '550 5.7.1 Not you' }), await startRelay()];
    const { send, verification } = await startWith([to(first), to(second)], AWAIT);
    await send(person());
    await until('connected', () => second.open > 0);
    await verification.close();
    await until('no connection is left', () => first.open === 0 && second.open === 0);
  });
});
