/**
 * SMTP in trouble while a send waits for it: the answer comes within `mailTimeout` and says sent, failed or unknown; no
 * email is sent twice, and nothing is kept for a failed one.
 */
import { createTransport } from 'nodemailer';
import type { Reaction, Stage } from '../support/raw-smtp-server.js';
import { startTlsSmtpServer } from '../support/tls-smtp-server.js';
import { until } from '../support/until.js';
import { person } from './support/service.js';
import {
  codeIn,
  MAIL_TIMEOUT,
  outcomeOf,
  type Script,
  type SmtpTrouble,
  startSmtpTrouble,
} from './support/smtp.js';

let trouble: SmtpTrouble | undefined;
afterEach(async () => {
  await trouble?.close();
  trouble = undefined;
});

async function start(...args: Parameters<typeof startSmtpTrouble>): Promise<SmtpTrouble> {
  trouble = await startSmtpTrouble(...args);
  return trouble;
}

const auth = { user: 'acme', pass: 'open-sesame' };

describe('T25, T30: an email that was not sent', () => {
  const refusals: [Stage, Reaction][] = [
    ['greeting', '421 Too busy'],
    ['greeting', '554 No service'],
    ['ehlo', '421 Too busy'],
    ...(['mail', 'rcpt', 'data', 'dot'] as const).flatMap((stage): [Stage, Reaction][] => [
      [stage, '421 Closing'],
      [stage, '450 Busy'],
      [stage, '452 Full'],
      [stage, '550 No such mailbox'],
      [stage, '554 Refused'],
    ]),
  ];
  const noReplies = (['greeting', 'ehlo', 'auth', 'mail', 'rcpt', 'data'] as const).flatMap(
    (stage): [Stage, Reaction][] => [
      [stage, 'stall'],
      [stage, 'reset'],
      [stage, 'close'],
      [stage, { trickle: 20 }],
    ],
  );

  it.each([...refusals, ...noReplies])('costs nothing: %s, %j', async (stage, reaction) => {
    // The next email must arrive within the same timeout, on however busy a machine.
    const mailTimeout = 2 * MAIL_TIMEOUT;
    const service = await start({ [stage]: reaction }, { transport: { auth }, mailTimeout });
    const email = person();
    const failed = await service.send(email);
    expect(outcomeOf(failed)).toBe('500 delivery_failed');
    expect(failed.body).toEqual({
      ok: false,
      message: expect.any(String),
      reason: 'delivery_failed',
      resendIn: 0,
    });
    expect(failed.ms).toBeLessThan(service.bound(mailTimeout));
    expect(service.events).toEqual(['delivery_failed']);

    const [message] = service.messagesTo(email);
    if (message) expect((await service.verify(email, codeIn(message))).reason).toBe('code_expired');

    delete service.script[stage];
    const before = service.messagesTo(email).length;
    const sent = await service.send(email);
    expect(outcomeOf(sent)).toBe('sent');
    await service.verification.close();
    const later = service.messagesTo(email).slice(before);
    expect(later).toHaveLength(1);
    expect((await service.verify(email, codeIn(later[0]), sent.body.challengeId)).status).toBe(200);
  });

  it('gives the send back three times per mailbox and day', async () => {
    const service = await start({ rcpt: '550 No such mailbox' });
    const email = person();
    const outcomes: string[] = [];
    for (let n = 0; n < 5; n += 1) outcomes.push(outcomeOf(await service.send(email)));
    expect(outcomes).toEqual([...Array(4).fill('500 delivery_failed'), '429 too_many_requests']);
  });

  it('is reported when nothing listens, and the next email is sent when something does', async () => {
    const service = await start();
    const [first, second, third] = [person(), person(), person()];
    expect(outcomeOf(await service.send(first))).toBe('sent');
    await service.smtp.close();
    const failed = await service.send(second);
    expect(outcomeOf(failed)).toBe('500 delivery_failed');
    expect(failed.ms).toBeLessThan(service.bound(MAIL_TIMEOUT));
    await service.smtp.listenAgain();
    expect(outcomeOf(await service.send(third))).toBe('sent');
    expect([first, second, third].map((email) => service.messagesTo(email).length)).toEqual([1, 0, 1]);
  });

  it('leaves no connection and no place in the pool behind, and is not sent when the server recovers', async () => {
    const service = await start({ mail: 'stall' });
    const people = [person(), person(), person()];
    const answers = await Promise.all(people.map((email) => service.send(email)));
    expect(answers.map(outcomeOf)).toEqual(Array(3).fill('500 delivery_failed'));
    for (const { ms } of answers) expect(ms).toBeLessThan(service.bound(MAIL_TIMEOUT));
    await until('no connection is left', () => service.smtp.open === 0);

    delete service.script.mail;
    expect(outcomeOf(await service.send(person()))).toBe('sent');
    await service.verification.close();
    expect(people.flatMap((email) => service.messagesTo(email))).toEqual([]);
  });
});

describe('an email that may have been sent', () => {
  it.each<[Reaction]>([['stall'], ['reset'], ['close'], [{ trickle: 20 }]])(
    'counts, its code works and it is sent once, with %j after the dot',
    async (reaction) => {
      const service = await start({ dot: reaction });
      const email = person();
      const unknown = await service.send(email);
      expect(outcomeOf(unknown)).toBe('500 delivery_unknown');
      expect(unknown.ms).toBeLessThan(service.bound(MAIL_TIMEOUT));
      expect(service.events).toEqual(['delivery_unknown']);
      expect(outcomeOf(await service.send(email))).toBe('429 too_many_requests');
      delete service.script.dot;
      await service.verification.close();
      const messages = service.messagesTo(email);
      expect(messages).toHaveLength(1);
      const { challengeId } = unknown.body;
      expect((await service.verify(email, codeIn(messages[0]), challengeId)).status).toBe(200);
    },
  );
});

describe('T29: a password', () => {
  // 0.0.0.0 reaches the same server without being a loopback name, so TLS is required by default.
  const remote = { host: '0.0.0.0', auth };

  it.each<[string, Script, object]>([
    ['STARTTLS is not offered', {}, remote],
    ['STARTTLS is refused', { starttls: '454 Not now' }, remote],
    ['STARTTLS is refused permanently', { starttls: '554 Never' }, remote],
    ['STARTTLS is accepted and nothing follows', { starttls: '220 Go on' }, remote],
    ['TLS is optional by the options', { starttls: '454 Not now' }, { ...remote, opportunisticTLS: true }],
    ['TLS is ignored by the options', {}, { ...remote, ignoreTLS: true }],
    ['TLS is left undefined by the options', {}, { ...remote, requireTLS: undefined }],
  ])('is not sent in the clear, and neither is the email, if %s', async (_when, script, transport) => {
    const service = await start(script, { transport });
    const email = person();
    const failed = await service.send(email);
    expect(outcomeOf(failed)).toBe('500 delivery_failed');
    expect(failed.ms).toBeLessThan(service.bound(MAIL_TIMEOUT));
    expect(service.smtp.received.filter((line) => /AUTH|MAIL FROM|sesame/i.test(line))).toEqual([]);
    expect(outcomeOf(await service.send(email))).not.toBe('429 too_many_requests');
  });

  it.each([
    ['is not sent to a server whose certificate has expired', -10, '500 delivery_failed', []],
    ['is sent to the same server with a valid certificate', 10, 'sent', [auth.user]],
  ])('%s', async (_what, endsInDays, outcome, logins) => {
    // The certificate is trusted, so only its end can be wrong.
    const server = await startTlsSmtpServer({ endsInDays });
    const tls = { ca: server.cert, servername: 'localhost' };
    try {
      const transport = { ...remote, port: server.port, tls };
      const service = await start({}, { transport, mailTimeout: 60_000 });
      expect(outcomeOf(await service.send(person()))).toBe(outcome);
      expect(server.logins).toEqual(logins);
    } finally {
      await server.close();
    }
  });

  it('that is wrong fails at once, and no email is sent without a login', async () => {
    const service = await start({ auth: '535 Wrong' }, { transport: { auth } });
    expect(outcomeOf(await service.send(person()))).toBe('500 delivery_failed');
    expect(service.smtp.received.filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });

  it('is not skipped if the server offers no login: no email is sent without one', async () => {
    const script: Script = { ehlo: '250-localhost\r\n250 SIZE 1000000', auth: '503 Not here' };
    const service = await start(script, { transport: { auth } });
    expect(outcomeOf(await service.send(person()))).toBe('500 delivery_failed');
    expect(service.smtp.received.filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });
});

describe('a custom transporter that ignores the timeout', () => {
  type Done = (error: Error | null, info?: object) => void;
  type Outgoing = { message: { createReadStream(): NodeJS.ReadableStream } };

  const startWith = (name: string, send: (outgoing: Outgoing, done: Done) => void) =>
    start({}, { transport: createTransport({ name, version: '1', send } as never) });

  it('is given up on after mailTimeout as unknown, since nothing shows whether it began', async () => {
    const service = await startWith('Carrier', () => {});
    const unknown = await service.send(person());
    expect(outcomeOf(unknown)).toBe('500 delivery_unknown');
    expect(unknown.ms).toBeLessThan(service.bound(MAIL_TIMEOUT));
  });

  it('cannot read the message later than that, once the send has been undone', async () => {
    const late: (() => Promise<string>)[] = [];
    const service = await startWith('SMTP', (outgoing, done) => {
      late.push(() => read(outgoing.message.createReadStream()).finally(() => done(null, {})));
    });
    const email = person();
    const failed = await service.send(email);
    expect(outcomeOf(failed)).toBe('500 delivery_failed');
    expect(failed.ms).toBeLessThan(service.bound(MAIL_TIMEOUT));
    await expect(late[0]?.()).rejects.toThrow('given up on');
    expect(service.events).toEqual(['delivery_failed']);
  });

  async function read(stream: NodeJS.ReadableStream): Promise<string> {
    let text = '';
    for await (const chunk of stream) text += chunk;
    return text;
  }
});
