/** The servers of the tests in `support/`, tested on their own: they fail as they are told, and come back. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createTransport } from 'nodemailer';
import { createClient } from 'redis';
import { freePort } from '../support/free-port.js';
import { startMailServer, useMailServer } from '../support/mail-server.js';
import { type Reaction, type Stage, startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';
import { startRedisServer } from '../support/redis-server.js';
import { messageToMinji, send } from '../support/send-message.js';
import { until } from '../support/until.js';

describe('the Redis server', () => {
  const redis = useRedis();

  it('comes back empty at the same address after a crash', async () => {
    await redis.client.set('a', '1');
    const { pid, url } = redis.server;
    await redis.server.kill();
    await expect(createClient({ url, socket: { reconnectStrategy: false } }).connect()).rejects.toMatchObject(
      {
        code: 'ECONNREFUSED',
      },
    );
    await redis.server.restart();
    await redis.server.restart();
    expect(redis.server.url).toBe(url);
    expect(redis.server.pid).not.toBe(pid);
    expect(await redis.client.get('a')).toBeNull();
    expect(await redis.client.info('server')).toContain(`process_id:${redis.server.pid}\r\n`);
  });

  it('listens on a port of 127.0.0.1 on request, and comes back there', async () => {
    const port = await freePort();
    const server = await startRedisServer({ port });
    expect(server.url).toBe(`redis://127.0.0.1:${port}`);
    const client = createClient({ url: server.url, socket: { reconnectStrategy: 10 } });
    client.on('error', () => {});
    await client.connect();
    expect(await client.configGet('bind')).toEqual({ bind: '127.0.0.1' });
    await server.restart();
    expect(await client.info('server')).toContain(`process_id:${server.pid}\r\n`);
    client.destroy();
    await server.stop();
  });

  it('refuses a port that another server is using', async () => {
    const port = await freePort();
    const first = await startRedisServer({ port });
    await expect(startRedisServer({ port })).rejects.toThrow(/in use/);
    await first.stop();
  });
});

describe('the mail server', () => {
  const mail = useMailServer();

  it('keeps the addresses and the headers of a message, and how it came', async () => {
    await send(mail.url, messageToMinji);
    expect(mail.messages).toMatchObject([
      {
        to: [{ name: '민지', address: 'minji@example.com' }],
        headers: { 'x-trace': 'one' },
        tls: false,
        user: undefined,
      },
    ]);
  });

  it('reads the newest code sent to an address, including one that has not arrived yet', async () => {
    const coming = mail.lastCode('minji@example.com');
    await send(mail.url, messageToMinji);
    expect(await coming).toBe('482913');
    await send(mail.url, { ...messageToMinji, text: 'Your code is 77001234.' });
    await send(mail.url, { ...messageToMinji, to: 'joon@example.com', text: 'Your code is 111111.' });
    expect(await mail.lastCode('minji@example.com')).toBe('77001234');
  });

  it('is empty at the start of each test', () => {
    expect(mail.messages).toEqual([]);
  });

  it('lists what it received when the expected message does not arrive', async () => {
    await send(mail.url, messageToMinji);
    await expect(mail.server.waitForMessage(({ subject }) => subject === 'Other', 50)).rejects.toThrow(
      'No matching message within 50 ms. Received: "482913 is your code" to minji@example.com.',
    );
  });

  it('notifies listeners until they unsubscribe', async () => {
    const received: unknown[] = [];
    const unsubscribe = mail.server.onMessage((message) => received.push(message));
    await send(mail.url, messageToMinji);
    unsubscribe();
    await send(mail.url, messageToMinji);
    expect(received).toEqual([mail.messages[0]]);
  });

  it.each([
    { stage: 'mail', code: 451, text: 'later' },
    { stage: 'rcpt', code: 550, text: 'no such mailbox' },
    { stage: 'data', code: 554, text: 'spam' },
  ] as const)('rejects with $code at $stage until the rule is removed', async (answer) => {
    mail.server.respondWith(answer);
    const refused = send(mail.url, messageToMinji);
    await expect(refused).rejects.toMatchObject({ responseCode: answer.code });
    await expect(refused).rejects.toThrow(answer.text);
    expect(mail.messages).toHaveLength(0);
    mail.server.respondWith();
    await send(mail.url, messageToMinji);
    expect(mail.messages).toHaveLength(1);
  });

  it('rejects a single recipient with a function', async () => {
    mail.server.respondWith(({ stage, to }) => {
      return stage === 'rcpt' && to.includes('full@example.com') && { code: 452, text: 'full' };
    });
    await expect(send(mail.url, { ...messageToMinji, to: 'full@example.com' })).rejects.toMatchObject({
      responseCode: 452,
    });
    await send(mail.url, messageToMinji);
  });

  it('counts open connections', async () => {
    const transport = createTransport({ url: mail.url, pool: true, maxConnections: 1 });
    await transport.sendMail(messageToMinji);
    expect(mail.server.connections).toBe(1);
    transport.close();
    await until('the connection is closed', () => mail.server.connections === 0);
  });
});

describe('a mail server with options', () => {
  const auth = { user: 'acme', pass: 'open sesame' };

  it('accepts a message over TLS with the correct login, and records both', async () => {
    const mail = await startMailServer({ requireTls: true, auth });
    const tls = { ca: mail.ca, servername: mail.servername };
    await send(mail.url, messageToMinji, { requireTLS: true, auth, tls });
    expect(mail.messages).toMatchObject([{ tls: true, user: 'acme' }]);
    await mail.close();
  });

  it.each([
    [
      'a wrong password',
      { requireTLS: true, auth: { ...auth, pass: 'guess' } },
      { code: 'EAUTH', responseCode: 535 },
    ],
    ['no login', { requireTLS: true }, { responseCode: 530 }],
    ['no TLS', { ignoreTLS: true }, { responseCode: 530 }],
    [
      'an unknown certificate',
      { requireTLS: true, auth, tls: { servername: 'localhost' } },
      { code: 'ESOCKET' },
    ],
  ])('rejects %s', async (_case, transport, error) => {
    const mail = await startMailServer({ requireTls: true, auth });
    const tls = { ca: mail.ca, servername: mail.servername };
    await expect(send(mail.url, messageToMinji, { tls, ...transport })).rejects.toMatchObject(error);
    expect(mail.messages).toHaveLength(0);
    await mail.close();
  });

  it('can require a login without TLS', async () => {
    const mail = await startMailServer({ auth });
    await send(mail.url, messageToMinji, { auth });
    await expect(send(mail.url, messageToMinji)).rejects.toMatchObject({ responseCode: 530 });
    expect(mail.messages).toMatchObject([{ tls: false, user: 'acme' }]);
    await mail.close();
  });

  it('can respond slowly, and closes connections that are still open', async () => {
    const mail = await startMailServer({ delay: 100 });
    const start = performance.now();
    await send(mail.url, messageToMinji);
    expect(performance.now() - start).toBeGreaterThanOrEqual(99);
    const waiting = mail.waitForMessage(({ id }) => id === 'never');
    const idle = connect(mail.port, '127.0.0.1');
    await once(idle, 'data');
    await Promise.all([
      mail.close(),
      once(idle, 'close'),
      expect(waiting).rejects.toThrow('No matching message'),
    ]);
  });
});

describe('the raw SMTP server', () => {
  it('accepts a message when the script is empty', async () => {
    const server = await startRawSmtpServer();
    await send(server.url, messageToMinji, { auth: { user: 'a', pass: 'b' } });
    expect(server.received).toEqual(expect.arrayContaining(['MAIL FROM:<no-reply@acme.example>', '.']));
    await until('the connection is closed', () => server.open === 0);
    expect(server.connections).toBe(1);
    await server.close();
  });

  const stages: Stage[] = ['greeting', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'dot'];
  const reactions: [string, Reaction, object][] = [
    ['421', '421 go away', { responseCode: 421 }],
    ['reset', 'reset', { code: expect.stringMatching(/ECONN|ESOCKET/) }],
    ['stall', 'stall', { code: 'EABORT' }],
    ['trickle', { trickle: 2 }, { code: 'EABORT' }],
  ];
  const troubles = stages.flatMap((stage) =>
    reactions.map(([name, reaction, error]) => ({ stage, name, reaction, error })),
  );

  it.each(troubles)('does $name at $stage', async ({ stage, reaction, error }) => {
    const server = await startRawSmtpServer({ [stage]: reaction });
    // Only a client that gets no reply has to give up; the others have all the time they need.
    const signal = AbortSignal.timeout(reaction === 'stall' || typeof reaction === 'object' ? 60 : 60_000);
    const sent = send(server.url, { ...messageToMinji, signal }, { auth: { user: 'a', pass: 'b' } });
    await expect(sent).rejects.toMatchObject(error);
    await server.close();
    expect(server.open).toBe(0);
  });

  it('stalls in the TLS handshake after a 220', async () => {
    const server = await startRawSmtpServer({ starttls: '220 go on' });
    const sent = send(server.url, { ...messageToMinji, signal: AbortSignal.timeout(60) });
    await expect(sent).rejects.toMatchObject({ code: 'EABORT' });
    await server.close();
  });
});
