/** The servers that the demo and the other tests stand on, tried on their own. */
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
import { type MailServerOptions, startMailServer } from '../demo-app/development/mail-server.js';
import { findRedisServer } from '../demo-app/development/redis-binary.js';
import { type RedisServer, startRedisServer } from '../demo-app/development/redis-server.js';
import { useMailServer } from './support/mail.js';
import { type Deed, type Stage, startRawSmtpServer } from './support/raw-smtp-server.js';
import { useRedis } from './support/redis.js';

const mailToMinji: SendMailOptions = {
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

  it('answers on a unix socket of its own', async () => {
    await redis.client.set('a', '1');
    expect(await redis.client.get('a')).toBe('1');
    expect(redis.server.socketPath).toMatch(/redis\.sock$/);
    expect(redis.server.port).toBeUndefined();
    expect(await redis.client.info('server')).toContain(`process_id:${redis.server.pid}`);
  });

  it('answers nothing while it is frozen, and catches up when it thaws', async () => {
    redis.server.freeze();
    const late = redis.client.incr('late');
    expect(await Promise.race([late, after(150, 'still frozen')])).toBe('still frozen');
    redis.server.thaw();
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

  it('listens on a free port of 127.0.0.1 alone when no socket is asked for', async () => {
    const server = await redisServer();
    const client = createClient({ url: server.url });
    await client.connect();
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(await client.configGet('bind')).toEqual({ bind: '127.0.0.1' });
    expect(await client.configGet('save')).toEqual({ save: '' });
    client.destroy();
    await server.stop();
  });

  it('takes more arguments, and says what Redis says of wrong ones', async () => {
    const server = await redisServer({ args: ['--maxmemory', '3mb'], unixsocket: true });
    const client = createClient({ url: server.url });
    await client.connect();
    expect(await client.configGet('maxmemory')).toEqual({ maxmemory: String(3 * 1024 * 1024) });
    client.destroy();
    await server.stop();
    await expect(startRedisServer({ args: ['--no-such-thing', '1'] })).rejects.toThrow(/no-such-thing/);
  });

  it('refuses a port that another server has', async () => {
    const first = await redisServer();
    await expect(startRedisServer({ port: first.port })).rejects.toThrow(/in use/);
    await first.stop();
  });

  it('stops when it is frozen, twice if need be, and leaves no folder', async () => {
    const server = await redisServer({ unixsocket: true });
    server.freeze();
    await server.stop();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(existsSync(dirname(server.socketPath ?? ''))).toBe(false);
  });

  it('starts many at once', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => redisServer()));
    expect(new Set(servers.map(({ url }) => url)).size).toBe(4);
    await Promise.all(servers.map((server) => server.stop()));
  });

  it.each(['return', 'exit', 'throw', 'SIGINT', 'SIGTERM', 'SIGKILL'])(
    'does not outlive a parent that ends by %s',
    async (ending) => {
      const { pid, folder } = await startInParentThatEndsBy(ending);
      await eventually(() => !isAlive(pid) && !existsSync(folder));
    },
    20_000,
  );
});

describe('the Redis binary', () => {
  const { PATH, REDIS_SERVER } = process.env;
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redis-binary-'));
  });

  afterEach(async () => {
    process.env['PATH'] = PATH;
    if (REDIS_SERVER === undefined) delete process.env['REDIS_SERVER'];
    else process.env['REDIS_SERVER'] = REDIS_SERVER;
    await rm(folder, { recursive: true });
  });

  /** A program of another name that becomes the real one. */
  async function redisCalled(name: string) {
    const real = await findRedisServer();
    const path = join(folder, name);
    const library = real?.libraryPath ?? process.env['LD_LIBRARY_PATH'] ?? '';
    await writeFile(path, `#!/bin/sh\nLD_LIBRARY_PATH='${library}' exec '${real?.path}' "$@"\n`, {
      mode: 0o755,
    });
    return path;
  }

  it('is the one that REDIS_SERVER names', async () => {
    const path = await redisCalled('my-redis');
    process.env['REDIS_SERVER'] = path;
    expect(await findRedisServer()).toMatchObject({ path, libraryPath: undefined });
    const server = await redisServer();
    await server.stop();
  });

  it.each(['redis-server', 'valkey-server'])(
    'is the %s on the PATH when REDIS_SERVER names none',
    async (name) => {
      const path = await redisCalled(name);
      process.env['PATH'] = folder;
      delete process.env['REDIS_SERVER'];
      expect(await findRedisServer()).toMatchObject({ path, libraryPath: undefined });
    },
  );

  it('is nowhere on a system with neither Redis nor apt', async () => {
    process.env['PATH'] = folder;
    delete process.env['REDIS_SERVER'];
    expect(await findRedisServer()).toBeUndefined();
    expect(await startRedisServer()).toBeUndefined();
  });

  it.each(['/nowhere/redis-server', '/bin/true'])('is refused when REDIS_SERVER names %s', async (path) => {
    process.env['REDIS_SERVER'] = path;
    await expect(startRedisServer()).rejects.toThrow(`REDIS_SERVER names "${path}"`);
  });

  it('is found in milliseconds once it is there', async () => {
    await findRedisServer();
    const start = performance.now();
    expect((await findRedisServer())?.version).toMatch(/^\d+\.\d+/);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('the mail server', () => {
  const mail = useMailServer();

  it('keeps a mail with its envelope, its parts and its headers', async () => {
    await send(mail.url, mailToMinji);
    const [kept] = mail.mails;
    expect(kept).toMatchObject({
      envelope: { from: 'no-reply@acme.example', to: ['minji@example.com'] },
      subject: '482913 is your code',
      from: { name: 'Acme', address: 'no-reply@acme.example' },
      to: [{ name: '민지', address: 'minji@example.com' }],
      headers: { 'x-trace': 'one' },
      tls: false,
      user: undefined,
    });
    expect(kept?.text).toContain('Your code is 482913.');
    expect(kept?.html).toContain('<b>482913</b>');
    expect(kept?.raw).toContain('X-Trace: one');
  });

  it('reads the newest code to an address, also one that is still to come', async () => {
    const coming = mail.lastCode('minji@example.com');
    await send(mail.url, mailToMinji);
    expect(await coming).toBe('482913');
    await send(mail.url, { ...mailToMinji, text: 'Your code is 77001234.' });
    await send(mail.url, { ...mailToMinji, to: 'joon@example.com', text: 'Your code is 111111.' });
    expect(await mail.lastCode('minji@example.com')).toBe('77001234');
  });

  it('begins each test empty', () => {
    expect(mail.mails).toEqual([]);
  });

  it('says what did come when the awaited mail does not', async () => {
    await send(mail.url, mailToMinji);
    await expect(mail.server.waitForMail(({ subject }) => subject === 'Other', 50)).rejects.toThrow(
      'No such mail within 50 ms. Here: "482913 is your code" to minji@example.com.',
    );
  });

  it('tells listeners until they leave', async () => {
    const heard: string[] = [];
    const leave = mail.server.onMail(({ id }) => heard.push(id));
    await send(mail.url, mailToMinji);
    leave();
    await send(mail.url, mailToMinji);
    expect(heard).toEqual([mail.mails[0]?.id]);
  });

  it.each([
    { stage: 'mail', code: 451, text: 'later' },
    { stage: 'rcpt', code: 550, text: 'no such mailbox' },
    { stage: 'data', code: 554, text: 'spam' },
  ] as const)('answers $code at $stage until told otherwise', async (answer) => {
    mail.server.respondWith(answer);
    const refused = send(mail.url, mailToMinji);
    await expect(refused).rejects.toMatchObject({ responseCode: answer.code });
    await expect(refused).rejects.toThrow(answer.text);
    expect(mail.mails).toHaveLength(0);
    mail.server.respondWith();
    await send(mail.url, mailToMinji);
    expect(mail.mails).toHaveLength(1);
  });

  it('refuses one recipient by a function', async () => {
    mail.server.respondWith(({ stage, to }) => {
      return stage === 'rcpt' && to.includes('full@example.com') && { code: 452, text: 'full' };
    });
    await expect(send(mail.url, { ...mailToMinji, to: 'full@example.com' })).rejects.toMatchObject({
      responseCode: 452,
    });
    await send(mail.url, mailToMinji);
  });

  it('counts open connections', async () => {
    const transport = createTransport({ url: mail.url, pool: true, maxConnections: 1 });
    await transport.sendMail(mailToMinji);
    expect(mail.server.sessions).toBe(1);
    transport.close();
    await eventually(() => mail.server.sessions === 0);
  });

  it('greets without the 100 ms that smtp-server waits', async () => {
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const start = performance.now();
      const socket = connect(mail.server.port, '127.0.0.1');
      await once(socket, 'data');
      waits.push(performance.now() - start);
      socket.destroy();
    }
    expect(Math.min(...waits)).toBeLessThan(90);
  });
});

describe('a mail server with options', () => {
  const auth = { user: 'acme', pass: 'open sesame' };

  it('takes a mail over TLS with the right login, and records both', async () => {
    const mail = await startMailServer({ requireTls: true, auth });
    const tls = { ca: mail.ca, servername: mail.servername };
    await send(mail.url, mailToMinji, { requireTLS: true, auth, tls });
    expect(mail.mails).toMatchObject([{ tls: true, user: 'acme' }]);
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
  ])('refuses %s', async (_case, transport, error) => {
    const mail = await startMailServer({ requireTls: true, auth });
    const tls = { ca: mail.ca, servername: mail.servername };
    await expect(send(mail.url, mailToMinji, { tls, ...transport })).rejects.toMatchObject(error);
    expect(mail.mails).toHaveLength(0);
    await mail.close();
  });

  it('keeps as many mails as it should, the newest', async () => {
    const mail = await startMailServer({ keep: 2 });
    for (const subject of ['one', 'two', 'three']) await send(mail.url, { ...mailToMinji, subject });
    expect(mail.mails.map(({ subject }) => subject)).toEqual(['two', 'three']);
    await mail.close();
  });

  it('can ask for a login in the clear', async () => {
    const mail = await startMailServer({ auth });
    await send(mail.url, mailToMinji, { auth });
    await expect(send(mail.url, mailToMinji)).rejects.toMatchObject({ responseCode: 530 });
    expect(mail.mails).toMatchObject([{ tls: false, user: 'acme' }]);
    await mail.close();
  });

  it('can be slow, and closes on those who wait', async () => {
    const slow: MailServerOptions = { delay: 100 };
    const mail = await startMailServer(slow);
    const start = performance.now();
    await send(mail.url, mailToMinji);
    expect(performance.now() - start).toBeGreaterThanOrEqual(99);
    const waiting = mail.waitForMail(({ id }) => id === 'never');
    const idle = connect(mail.port, '127.0.0.1');
    await once(idle, 'data');
    await Promise.all([mail.close(), once(idle, 'close'), expect(waiting).rejects.toThrow('No such mail')]);
  });
});

describe('the SMTP server for trouble', () => {
  it('takes a mail when the script is empty', async () => {
    const server = await startRawSmtpServer();
    await send(server.url, mailToMinji, { auth: { user: 'a', pass: 'b' } });
    expect(server.received).toEqual(expect.arrayContaining(['MAIL FROM:<no-reply@acme.example>', '.']));
    await eventually(() => server.open === 0);
    expect(server.connections).toBe(1);
    await server.close();
  });

  const stages: Stage[] = ['greeting', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'dot'];
  const deeds: [string, Deed, object][] = [
    ['421', '421 go away', { responseCode: 421 }],
    ['reset', 'reset', { code: expect.stringMatching(/ECONN|ESOCKET/) }],
    ['stall', 'stall', { code: 'EABORT' }],
    ['dribble', { dribble: 2 }, { code: 'EABORT' }],
  ];
  const troubles = stages.flatMap((stage) =>
    deeds.map(([name, deed, error]) => ({ stage, name, deed, error })),
  );

  it.each(troubles)('does $name at $stage', async ({ stage, deed, error }) => {
    const server = await startRawSmtpServer({ [stage]: deed });
    // Only who gets no answer has to give up; the others have all the time they need.
    const signal = AbortSignal.timeout(deed === 'stall' || typeof deed === 'object' ? 60 : 4000);
    const sent = send(server.url, { ...mailToMinji, signal }, { auth: { user: 'a', pass: 'b' } });
    await expect(sent).rejects.toMatchObject(error);
    await server.close();
    expect(server.open).toBe(0);
  });

  it('stalls in the TLS handshake after a 220', async () => {
    const server = await startRawSmtpServer({ starttls: '220 go on' });
    const sent = send(server.url, { ...mailToMinji, signal: AbortSignal.timeout(60) });
    await expect(sent).rejects.toMatchObject({ code: 'EABORT' });
    await server.close();
  });
});

async function redisServer(options: Parameters<typeof startRedisServer>[0] = {}): Promise<RedisServer> {
  const server = await startRedisServer(options);
  if (!server) throw new Error('No Redis here.');
  return server;
}

async function send(url: string, mail: SendMailOptions, options: object = {}) {
  const transport = createTransport({ url, ...options });
  try {
    return await transport.sendMail(mail);
  } finally {
    transport.close();
  }
}

/** Starts a process that starts a Redis, freezes it so that it cannot help, and ends. */
async function startInParentThatEndsBy(ending: string) {
  const program = `
    const { startRedisServer } = require('./demo-app/development/redis-server.ts');
    void startRedisServer({ unixsocket: true }).then((server) => {
      if (!server) return;
      server.freeze();
      console.log(server.pid + ' ' + server.socketPath);
      const how = ${JSON.stringify(ending)};
      if (how === 'exit') process.exit(0);
      if (how === 'throw') throw new Error('on purpose');
      if (how.startsWith('SIG')) setInterval(() => {}, 1000);
    });`;
  const parent = spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', program], {
    cwd: resolve(__dirname, '..'),
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 15_000,
    killSignal: 'SIGKILL',
  });
  const ended = once(parent, 'exit');
  const [line] = await Promise.race([once(createInterface(parent.stdout), 'line'), ended]);
  if (ending === 'SIGINT' || ending === 'SIGTERM' || ending === 'SIGKILL') parent.kill(ending);
  await ended;
  const [pid, socketPath] = String(line).split(' ');
  return { pid: Number(pid), folder: dirname(socketPath ?? '') };
}

/** A zombie that nobody has waited for has a pid and no command line. */
function isAlive(pid: number): boolean {
  try {
    return (
      process.kill(pid, 0) && (!existsSync('/proc/self') || readFileSync(`/proc/${pid}/cmdline`).length > 0)
    );
  } catch {
    return false;
  }
}

async function eventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 3000;
  while (!holds() && Date.now() < deadline) await after(10, undefined);
  expect(holds()).toBe(true);
}

function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((done) => setTimeout(done, ms, value));
}
