/** The development servers that the demo and the other tests rely on, tested on their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { createClient } from 'redis';
import { type MailServerOptions, startMailServer } from '../../demo-app/dev/mail-server.js';
import { findRedisServer } from '../../demo-app/dev/redis-binary.js';
import { type RedisServer, startRedisServer } from '../../demo-app/dev/redis-server.js';
import { useMailServer } from '../support/mail-server.js';
import { type Reaction, type Stage, startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const messageToMinji: SendMailOptions = {
  from: 'Acme <no-reply@acme.example>',
  to: { name: '민지', address: 'minji@example.com' },
  subject: '482913 is your code',
  text: 'Your code is 482913.',
  html: '<p>Your code is <b>482913</b>.</p>',
  headers: { 'X-Trace': 'one' },
};

describe('the Redis server', () => {
  const redis = useRedis();

  beforeEach(() => redis.flush());

  it('listens on a Unix socket of its own', async () => {
    await redis.client.set('a', '1');
    expect(await redis.client.get('a')).toBe('1');
    expect(redis.server.socketPath).toMatch(/redis\.sock$/);
    expect(redis.server.port).toBeUndefined();
    expect(await redis.client.info('server')).toContain(`process_id:${redis.server.pid}`);
  });

  it('stops responding while paused, and catches up after it resumes', async () => {
    redis.server.pause();
    const late = redis.client.incr('late');
    expect(await Promise.race([late, after(150, 'still frozen')])).toBe('still frozen');
    redis.server.resume();
    expect(await late).toBe(1);
  });

  it('comes back empty at the same address after a crash', async () => {
    await redis.client.set('a', '1');
    const { pid, url } = redis.server;
    await redis.server.kill();
    expect(isAlive(pid)).toBe(false);
    await redis.server.restart();
    expect(redis.server.url).toBe(url);
    expect(redis.server.pid).not.toBe(pid);
    expect(await redis.client.get('a')).toBeNull();
  });

  it('listens only on a free port of 127.0.0.1 by default', async () => {
    const server = await redisServer();
    const client = createClient({ url: server.url });
    await client.connect();
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(await client.configGet('bind')).toEqual({ bind: '127.0.0.1' });
    expect(await client.configGet('save')).toEqual({ save: '' });
    client.destroy();
    await server.stop();
  });

  it('accepts additional arguments, and passes on what Redis says about invalid ones', async () => {
    const server = await redisServer({ args: ['--maxmemory', '3mb'], unixsocket: true });
    const client = createClient({ url: server.url });
    await client.connect();
    expect(await client.configGet('maxmemory')).toEqual({ maxmemory: String(3 * 1024 * 1024) });
    client.destroy();
    await server.stop();
    await expect(startRedisServer({ args: ['--no-such-thing', '1'] })).rejects.toThrow(/no-such-thing/);
  });

  it('refuses a port that another server is using', async () => {
    const first = await redisServer();
    await expect(startRedisServer({ port: first.port })).rejects.toThrow(/in use/);
    await first.stop();
  });

  it('stops while paused, can be stopped twice, and leaves no directory behind', async () => {
    const server = await redisServer({ unixsocket: true });
    server.pause();
    await server.stop();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(existsSync(dirname(server.socketPath ?? ''))).toBe(false);
  });

  it('starts several servers at once', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => redisServer()));
    expect(new Set(servers.map(({ url }) => url)).size).toBe(4);
    await Promise.all(servers.map((server) => server.stop()));
  });

  it.each(['return', 'exit', 'throw', 'SIGINT', 'SIGTERM', 'SIGKILL'])(
    'does not outlive a parent that ends by %s',
    async (ending) => {
      const { pid, directory } = await startInParentThatEndsBy(ending);
      await until('the server has ended', () => !isAlive(pid) && !existsSync(directory));
    },
  );
});

describe('the Redis binary', () => {
  const { PATH, REDIS_SERVER } = process.env;
  let directory = '';

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'redis-binary-'));
  });

  afterEach(async () => {
    process.env['PATH'] = PATH;
    if (REDIS_SERVER === undefined) delete process.env['REDIS_SERVER'];
    else process.env['REDIS_SERVER'] = REDIS_SERVER;
    await rm(directory, { recursive: true });
  });

  /** A program with another name that executes the real one. */
  async function redisCalled(name: string) {
    const real = await findRedisServer();
    const path = join(directory, name);
    const library = real?.libraryPath ?? process.env['LD_LIBRARY_PATH'] ?? '';
    await writeFile(path, `#!/bin/sh\nLD_LIBRARY_PATH='${library}' exec '${real?.path}' "$@"\n`, {
      mode: 0o755,
    });
    return path;
  }

  it('is the one in REDIS_SERVER', async () => {
    const path = await redisCalled('my-redis');
    process.env['REDIS_SERVER'] = path;
    expect(await findRedisServer()).toMatchObject({ path, libraryPath: undefined });
    const server = await redisServer();
    await server.stop();
  });

  it.each(['redis-server', 'valkey-server'])(
    'is the %s on the PATH when REDIS_SERVER is not set',
    async (name) => {
      const path = await redisCalled(name);
      process.env['PATH'] = directory;
      delete process.env['REDIS_SERVER'];
      expect(await findRedisServer()).toMatchObject({ path, libraryPath: undefined });
    },
  );

  it('is not found on a system with neither Redis nor apt', async () => {
    process.env['PATH'] = directory;
    delete process.env['REDIS_SERVER'];
    expect(await findRedisServer()).toBeUndefined();
    expect(await startRedisServer()).toBeUndefined();
  });

  it.each(['/nowhere/redis-server', '/bin/true'])(
    'is rejected when REDIS_SERVER is set to %s',
    async (path) => {
      process.env['REDIS_SERVER'] = path;
      await expect(startRedisServer()).rejects.toThrow(
        `REDIS_SERVER is set to "${path}", which is not a working Redis server.`,
      );
    },
  );

  it('is not downloaded again once it is installed', async () => {
    await findRedisServer();
    const progress: string[] = [];
    const binary = await findRedisServer((message) => progress.push(message));
    expect(binary?.version).toMatch(/^\d+\.\d+/);
    expect(progress).toEqual([]);
  });
});

describe('the mail server', () => {
  const mail = useMailServer();

  it('keeps a message with its envelope, its parts, and its headers', async () => {
    await send(mail.url, messageToMinji);
    const [received] = mail.messages;
    expect(received).toMatchObject({
      envelope: { from: 'no-reply@acme.example', to: ['minji@example.com'] },
      subject: '482913 is your code',
      from: { name: 'Acme', address: 'no-reply@acme.example' },
      to: [{ name: '민지', address: 'minji@example.com' }],
      headers: { 'x-trace': 'one' },
      tls: false,
      user: undefined,
    });
    expect(received?.text).toContain('Your code is 482913.');
    expect(received?.html).toContain('<b>482913</b>');
    expect(received?.raw).toContain('X-Trace: one');
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
    const received: string[] = [];
    const unsubscribe = mail.server.onMessage(({ id }) => received.push(id));
    await send(mail.url, messageToMinji);
    unsubscribe();
    await send(mail.url, messageToMinji);
    expect(received).toEqual([mail.messages[0]?.id]);
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

  it('greets without the 100 ms delay of smtp-server', async () => {
    // It is never sooner with that delay; without, a busy machine needs a few tries at the most.
    await until('a greeting comes within 90 ms', async () => {
      const start = performance.now();
      const socket = connect(mail.server.port, '127.0.0.1');
      await once(socket, 'data');
      socket.destroy();
      return performance.now() - start < 90;
    });
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

  it('keeps only the newest messages', async () => {
    const mail = await startMailServer({ maxMessages: 2 });
    for (const subject of ['one', 'two', 'three']) await send(mail.url, { ...messageToMinji, subject });
    expect(mail.messages.map(({ subject }) => subject)).toEqual(['two', 'three']);
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
    const slow: MailServerOptions = { delay: 100 };
    const mail = await startMailServer(slow);
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

async function redisServer(options: Parameters<typeof startRedisServer>[0] = {}): Promise<RedisServer> {
  const server = await startRedisServer(options);
  if (!server) throw new Error('No Redis is available.');
  return server;
}

async function send(url: string, message: SendMailOptions, options: object = {}) {
  const transport = createTransport({ url, ...options });
  try {
    return await transport.sendMail(message);
  } finally {
    transport.close();
  }
}

/** Starts a process that starts a Redis server, pauses it so that it cannot stop itself, and ends. */
async function startInParentThatEndsBy(ending: string) {
  const program = `
    const { startRedisServer } = require('./demo-app/dev/redis-server.ts');
    void startRedisServer({ unixsocket: true }).then((server) => {
      if (!server) return;
      server.pause();
      console.log(server.pid + ' ' + server.socketPath);
      const how = ${JSON.stringify(ending)};
      if (how === 'exit') process.exit(0);
      if (how === 'throw') throw new Error('on purpose');
      if (how.startsWith('SIG')) setInterval(() => {}, 1000);
    });`;
  const parent = spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', program], {
    cwd: resolve(__dirname, '../..'),
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const ended = once(parent, 'exit');
  const [line] = await Promise.race([once(createInterface(parent.stdout), 'line'), ended]);
  if (ending === 'SIGINT' || ending === 'SIGTERM' || ending === 'SIGKILL') parent.kill(ending);
  await ended;
  const [pid, socketPath] = String(line).split(' ');
  return { pid: Number(pid), directory: dirname(socketPath ?? '') };
}

/** A zombie process still has a PID, but no command line. */
function isAlive(pid: number): boolean {
  try {
    return (
      process.kill(pid, 0) && (!existsSync('/proc/self') || readFileSync(`/proc/${pid}/cmdline`).length > 0)
    );
  } catch {
    return false;
  }
}

function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((done) => setTimeout(done, ms, value));
}
