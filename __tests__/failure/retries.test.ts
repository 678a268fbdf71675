/**
 * An email that a relay refuses temporarily is tried again as long as the request waits or the code lives. It is never
 * sent twice, it is built anew for each try, and the relay's reply is reported.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { createTransport } from 'nodemailer';
import { FROM, SECRET } from '../support/app.js';
import { until } from '../support/until.js';
import { type Reaction, type Rule, type Stage, startRelay } from './support/relay.js';
import {
  afterMessages,
  DELIVERIES,
  endings,
  expectAllToArrive,
  greylists,
  start,
  tooManyConnections,
  triesOf,
} from './support/relay-service.js';
import { person, sleep } from './support/service.js';
import { outcomeOf } from './support/smtp.js';

describe('an email that is refused temporarily', () => {
  const auth = { user: 'acme', pass: 'open-sesame' };
  const stages = ['greeting', 'ehlo', 'auth', 'mail', 'rcpt', 'data'] as const;
  const reactions = [
    ...([
      '421 4.7.0 Later',
      '450 4.2.1 Later',
      '451 4.7.1 Later',
      '452 4.3.1 Later',
      '454 4.7.0 Later',
    ] as const),
    ...(['close', 'reset'] as const),
  ];

  /** Reacts like this a number of times, on any session. */
  const atFirst = (times: number, at: Stage, reaction: Reaction): Rule => {
    let left = times;
    return ({ stage }) => (stage === at && left-- > 0 ? reaction : undefined);
  };

  it.each(stages.flatMap((stage) => reactions.map((reaction) => [reaction, stage] as const)))(
    'T74: an awaited send is tried again after %s at %s',
    async (reaction, stage) => {
      const started = await start([atFirst(2, stage, reaction)], { pool: { auth }, mailTimeout: 4000 });
      await expectAllToArrive(started, 1, 'in a row');
    },
  );

  it('T74: awaited sends arrive after greylisting ends', async () => {
    const started = await start([greylists(1000, '451 4.7.1 Greylisted')]);
    await expectAllToArrive(started, 10, 'at once');
  });

  it.each(DELIVERIES)('T74: a restart of the relay loses no email, %s', async (delivery) => {
    const started = await start([], { delivery });
    await expectAllToArrive(started, 5, 'at once');
    const restarted = started.relay.restart(1500);
    await expectAllToArrive(started, 10, 'at once');
    await restarted;
    await expectAllToArrive(started, 5, 'in a row');
  });

  it('T74: after DATA an email is tried again only in the background', async () => {
    const replies = reactions.filter((reaction) => reaction !== 'close' && reaction !== 'reset');
    await Promise.all(
      replies.map(async (reply) => {
        const awaited = await start([atFirst(1, 'dot', reply)]);
        expect(outcomeOf(await awaited.service.send(person()))).toBe('500 delivery_failed');
        expect(triesOf(awaited)).toBe(1);
        awaited.failures.length = 0;
        await expectAllToArrive(awaited, 1, 'in a row');

        const background = await start([atFirst(1, 'dot', reply)], { delivery: 'background' });
        await expectAllToArrive(background, 1, 'in a row');
        expect([triesOf(background), background.relay.sessions]).toEqual([2, 2]);
      }),
    );
  });

  it('T74: an OAuth2 token is used for each connection, and tried again', async () => {
    const rule = atFirst(1, 'auth', '454 4.7.0 Later');
    const oauth = { type: 'OAuth2', user: 'acme@example.com', accessToken: 'open-sesame' };
    const started = await start([rule], { pool: { auth: oauth, maxMessages: 2 } });
    started.relay.offer('AUTH XOAUTH2');
    await expectAllToArrive(started, 4, 'in a row');
    const logins = started.relay.commands.filter((line) => line.startsWith('AUTH'));
    const login = Buffer.from('user=acme@example.com\x01auth=Bearer open-sesame\x01\x01').toString('base64');
    expect(logins).toEqual(Array(3).fill(`AUTH XOAUTH2 ${login}`));
  });

  it.each<[string, Rule, string, number]>([
    ['greylisting', greylists(60_000, '450 4.2.0 Greylisted'), 'EENVELOPE', 450],
    ['a rate limit', atFirst(1000, 'mail', '451 4.7.1 Too much mail'), 'EENVELOPE', 451],
    ['a connection limit', tooManyConnections(0), 'EPROTOCOL', 421],
  ])('T74: the last reply is the cause on a timeout, with %s', async (_what, rule, code, reply) => {
    for (const delivery of DELIVERIES) {
      const started = await start([rule], { delivery, mailTimeout: 800, lifetime: 2500 });
      await started.service.send(person());
      await until('the delivery fails', () => started.failures.length > 0);
      expect(started.failures).toEqual([['delivery_failed', code, reply]]);
      expect(triesOf(started) + started.relay.sessions).toBeGreaterThan(1);
    }
  });

  it('T74: an earlier reply is the cause if later tries get none', async () => {
    const silent = atFirst(1, 'rcpt', '450 4.2.0 Greylisted');
    const { service, failures } = await start(
      [silent, ({ stage }) => (stage === 'rcpt' ? 'forget' : undefined)],
      {
        mailTimeout: 800,
      },
    );
    await service.send(person());
    expect(failures).toEqual([['delivery_failed', 'EENVELOPE', 450]]);
  });

  it('T74: the reply to another connection is the cause for a send that waited for one in vain', async () => {
    const stuck: Rule = async ({ stage, session }) => {
      if (stage === 'dot') return 'forget';
      if (stage !== 'greeting' || session === 1) return undefined;
      // Longer than the second send has left when the first gives up.
      await sleep(300);
      return { say: '421 4.7.0 Too many', thenClose: true };
    };
    const { relay, service, failures } = await start([stuck], { mailTimeout: 1500 });
    const first = service.send(person());
    await until('the first send has the connection', () => relay.commands.includes('DATA'));
    await Promise.all([first, service.send(person())]);
    expect(failures).toEqual(
      expect.arrayContaining([
        ['delivery_unknown', 'ETIMEDOUT', undefined],
        ['delivery_failed', 'EPROTOCOL', 421],
      ]),
    );
  });

  it('T74: the answer comes within mailTimeout, however short it is', async () => {
    for (const mailTimeout of [50, 300, 1500]) {
      const { service } = await start([greylists(60_000, '450 4.2.0 Greylisted')], { mailTimeout });
      const answer = await service.send(person());
      expect(outcomeOf(answer)).toBe('500 delivery_failed');
      expect(answer.ms).toBeLessThan(service.bound(mailTimeout));
    }
  });

  it.each(DELIVERIES)('T74: close() does not wait for another try, %s', async (delivery) => {
    const { relay, service, failures } = await start([greylists(60_000, '450 4.2.0 Greylisted')], {
      delivery,
      mailTimeout: 20_000,
    });
    const answer = service.send(person());
    await until('the second try', () => relay.commands.filter((line) => line.startsWith('RCPT')).length > 1);
    // Long before the deadline of the send.
    expect(await service.timed(() => service.verification.close())).toBeLessThan(service.bound(5000));
    expect(outcomeOf(await answer)).toBe(delivery === 'await' ? '500 delivery_failed' : 'sent');
    expect(failures).toEqual([['delivery_failed', 'EENVELOPE', 450]]);
    await until('no connection is left', () => relay.open === 0);
  });
});

describe('T52: an email in the background', () => {
  afterEach(() => void jest.restoreAllMocks());

  async function startRecording(passes: number) {
    const expiries: number[] = [];
    const started = await start([greylists(passes, '451 4.7.1 Greylisted')], {
      delivery: 'background',
      codeTtl: 60,
      template: ({ expiresIn, code }) => {
        expiries.push(expiresIn);
        return { subject: 'Your code', text: `${code} is valid for ${expiresIn} seconds`, html: '' };
      },
    });
    // The template was tried when the service started.
    expiries.length = 0;
    return { ...started, expiries };
  }
  /** Moves the clock that codes go by. */
  function shiftClock(ms: number) {
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now.call(Date) + ms);
  }

  it('T52: is built anew for each try, with the time that its code has left', async () => {
    const { relay, service, expiries } = await startRecording(2000);
    await service.send(person());
    await until('the first try', () => expiries.length === 1);
    shiftClock(20_000);
    await until('the email arrives', () => relay.taken.length === 1);
    expect(expiries[0]).toBe(60);
    expect(expiries[1]).toBeLessThanOrEqual(39);
    expect(expiries.at(-1)).toBeGreaterThanOrEqual(30);
    expect(relay.taken[0]?.text).toContain(`valid for ${expiries.at(-1)} seconds`);
  });

  it("T52: is not sent with less than half a minute left, and its event has the relay's reply", async () => {
    const { relay, service, failures, expiries } = await startRecording(500);
    await service.send(person());
    await until('the first try was refused', () => relay.mostRefused === 1);
    await sleep(100);
    shiftClock(31_000);
    await until('the delivery fails', () => failures.length > 0);
    expect(failures).toEqual([['delivery_failed', 'EENVELOPE', 451]]);
    expect([expiries, relay.taken]).toEqual([[60], []]);
  });
});

describe('replies of providers', () => {
  const auth = { user: 'acme', pass: 'open-sesame' };

  it.each<[string, Stage, `${number}${string}`, string, boolean]>([
    ['Gmail', 'auth', '534 5.7.9 Application-specific password required', 'EAUTH', false],
    ['Gmail', 'auth', '535 5.7.8 Username and Password not accepted', 'EAUTH', false],
    ['Gmail', 'auth', '454 4.7.0 Too many login attempts', 'EAUTH', true],
    ['Gmail', 'mail', '550 5.4.5 Daily user sending limit exceeded', 'EENVELOPE', false],
    ['Gmail', 'dot', '550 5.4.5 Daily user sending limit exceeded', 'EMESSAGE', false],
    ['Outlook', 'auth', '535 5.7.139 Authentication unsuccessful', 'EAUTH', false],
    ['Outlook', 'dot', '554 5.2.252 SendAsDenied', 'EMESSAGE', false],
    ['Outlook', 'auth', '432 4.3.2 Concurrent connections limit exceeded', 'EAUTH', true],
    ['Outlook', 'data', '432 4.3.2 Concurrent connections limit exceeded', 'EENVELOPE', true],
    ['Naver', 'auth', '535 5.7.1 Username and Password not accepted', 'EAUTH', false],
    ['Naver', 'mail', '550 5.7.1 The sender address is not the account', 'EENVELOPE', false],
    ['Naver', 'rcpt', '550 5.7.1 The sender address is not the account', 'EENVELOPE', false],
    ['SES', 'dot', '554 Message rejected: Email address is not verified', 'EMESSAGE', false],
    ['SES', 'mail', '454 Throttling failure: Maximum sending rate exceeded', 'EENVELOPE', true],
    ['SES', 'dot', '454 Throttling failure: Maximum sending rate exceeded', 'EMESSAGE', true],
  ])('%s at %s: %s', async (_provider, stage, reply, code, temporary) => {
    const rule: Rule = (at) => (at.stage === stage ? reply : undefined);
    const { relay, service } = await start([rule], { pool: { auth }, mailTimeout: 800 });
    const causes: object[] = [];
    service.verification.on('delivery_failed', ({ cause }) => causes.push(cause));
    expect(outcomeOf(await service.send(person()))).toBe('500 delivery_failed');
    const responseCode = Number(reply.slice(0, 3));
    const enhancedCode = /^\d+ (\d\.\S+)/.exec(reply)?.[1];
    expect(causes).toMatchObject([{ code, responseCode, temporary, ...(enhancedCode && { enhancedCode }) }]);
    const asked = relay.commands.filter((line) =>
      line.toLowerCase().startsWith(stage === 'dot' ? 'data' : stage),
    );
    if (temporary && stage !== 'dot') expect(asked.length).toBeGreaterThan(1);
    else expect(asked).toHaveLength(1);
  });
});

describe("an app's own transporter", () => {
  it.each([
    ['with a pool', { pool: true }],
    ['without one', {}],
  ])('%s an email that was not begun is tried again too', async (_what, options) => {
    for (const [rule, count] of [
      [greylists(300, '450 4.2.0 Greylisted'), 3],
      [afterMessages(2, 'mail', { say: '421 4.7.0 Too many messages', thenClose: true }), 10],
      [afterMessages(2, 'data', 'reset'), 10],
    ] as const) {
      const relay = await startRelay(rule);
      const transport = createTransport({ host: '127.0.0.1', port: relay.port, ...options });
      const started = await start([], { relay, transport });
      endings.push(async () => transport.close());
      await expectAllToArrive(started, count, 'at once');
      const restarted = relay.restart(300);
      await expectAllToArrive(started, count, 'at once');
      await restarted;
    }
  });
});

it.each(DELIVERIES)(
  'T50: an email that failed before it was begun is not sent later, %s',
  async (delivery) => {
    const started = await start([({ stage }) => (stage === 'data' ? '354 Go on\r\n354 Go on' : undefined)], {
      ...{ delivery, mailTimeout: 1000, lifetime: 3000 },
    });
    const { relay, service, failures } = started;
    await service.send(person());
    await until('the delivery fails', () => failures.length === 1);
    expect(failures).toEqual([['delivery_failed', 'EMESSAGE', 354]]);
    await until('no session is open', () => relay.open === 0);
    expect(triesOf(started)).toBeGreaterThan(1);
    expect(relay.taken).toEqual([]);
  },
);

it('T74: many sends that wait for their next try cause no listener warning', async () => {
  const relay = await startRelay(greylists(60_000, '450 4.2.0 Greylisted'));
  endings.push(relay.stop);
  // In its own process, since Jest hides Node's warnings.
  const script = `
    const { createEmailVerification, MemoryStore } = require('./lib/index.ts');
    const verification = createEmailVerification({
      store: new MemoryStore(), from: '${FROM}', secret: '${SECRET}', mailTimeout: 3000,
      transport: { host: '127.0.0.1', port: ${relay.port} },
    });
    verification.on('delivery_failed', () => {});
    const send = (_, n) => verification.send({ email: n + '@example.com' });
    Promise.all(Array.from({ length: 60 }, send))
      .then(({ length }) => console.log(length))
      .then(() => verification.close());`;
  const flags = ['--import', 'tsx', '-e', script];
  const output = await promisify(execFile)(process.execPath, flags, { cwd: resolve(__dirname, '../..') });
  expect(output).toEqual({ stdout: '60\n', stderr: '' });
});
