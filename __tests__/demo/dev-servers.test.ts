/** The servers that the demo starts in development, tested on their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createTransport } from 'nodemailer';
import { createClient } from 'redis';
import { type MailServer, startMailServer } from '../../demo-app/dev/mail-server.js';
import { findRedisServer } from '../../demo-app/dev/redis-binary.js';
import { type RedisServer, startRedisServer } from '../../demo-app/dev/redis-server.js';
import { messageToMinji, send } from '../support/send-message.js';
import { until } from '../support/until.js';

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

describe('the Redis server', () => {
  it('listens only on a Unix socket of its own, and stores nothing on disk', async () => {
    const server = await redisServer();
    const client = await connectTo(server);
    expect(server.url).toMatch(/^unix:\/\/\/.*\/redis\.sock$/);
    expect(await client.info('server')).toContain(`process_id:${server.pid}\r\n`);
    expect(await client.info('server')).toContain(`version:${server.version}\r\n`);
    expect(await client.configGet(['port', 'bind', 'save', 'appendonly'])).toEqual({
      ...{ port: '0', bind: '127.0.0.1', save: '', appendonly: 'no' },
    });
  });

  it('stops responding while paused, and catches up after it resumes', async () => {
    const server = await redisServer();
    const client = await connectTo(server);
    server.pause();
    const late = client.incr('late');
    expect(await Promise.race([late, after(150, 'still frozen')])).toBe('still frozen');
    server.resume();
    expect(await late).toBe(1);
  });

  it('accepts additional arguments, and passes on what Redis says about invalid ones', async () => {
    const client = await connectTo(await redisServer('--maxmemory', '3mb'));
    expect(await client.configGet('maxmemory')).toEqual({ maxmemory: String(3 * 1024 * 1024) });
    await expect(startRedisServer({ args: ['--no-such-thing', '1'] })).rejects.toThrow(/no-such-thing/);
  });

  it('stops while paused, can be stopped twice, and leaves no directory behind', async () => {
    const server = await redisServer();
    server.pause();
    await server.stop();
    await server.exited;
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(existsSync(directoryOf(server))).toBe(false);
  });

  it('starts several servers at once', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => redisServer()));
    expect(new Set(servers.map(({ url }) => url)).size).toBe(4);
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
    const library = real?.env['LD_LIBRARY_PATH'] ?? '';
    await writeFile(path, `#!/bin/sh\nLD_LIBRARY_PATH='${library}' exec '${real?.path}' "$@"\n`, {
      mode: 0o755,
    });
    return path;
  }

  it('is the one in REDIS_SERVER', async () => {
    const path = await redisCalled('my-redis');
    process.env['REDIS_SERVER'] = path;
    expect(await findRedisServer()).toMatchObject({ path, env: process.env });
    await redisServer();
  });

  it.each(['redis-server', 'valkey-server'])(
    'is the %s on the PATH when REDIS_SERVER is not set',
    async (name) => {
      const path = await redisCalled(name);
      process.env['PATH'] = directory;
      delete process.env['REDIS_SERVER'];
      expect(await findRedisServer()).toMatchObject({ path, env: process.env });
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
  it('keeps a message with its envelope and its parts', async () => {
    const mail = await mailServer();
    await send(mail.url, messageToMinji);
    const [received] = mail.messages;
    expect(received).toMatchObject({
      envelope: { from: 'no-reply@acme.example', to: ['minji@example.com'] },
      subject: '482913 is your code',
      from: { name: 'Acme', address: 'no-reply@acme.example' },
    });
    expect(received?.text).toContain('Your code is 482913.');
    expect(received?.html).toContain('<b>482913</b>');
    expect(received?.raw).toContain('X-Trace: one');
  });

  it('notifies listeners until they unsubscribe', async () => {
    const mail = await mailServer();
    const received: string[] = [];
    const unsubscribe = mail.onMessage(({ id }) => received.push(id));
    await send(mail.url, messageToMinji);
    unsubscribe();
    await send(mail.url, messageToMinji);
    expect(received).toEqual([mail.messages[0]?.id]);
  });

  it('keeps only the newest 200 messages', async () => {
    const mail = await mailServer();
    const transport = createTransport({ url: mail.url, pool: true, maxConnections: 1, maxMessages: 300 });
    for (let n = 1; n <= 202; n += 1) await transport.sendMail({ ...messageToMinji, subject: `number ${n}` });
    transport.close();
    expect(mail.messages).toHaveLength(200);
    expect([mail.messages[0]?.subject, mail.messages[199]?.subject]).toEqual(['number 3', 'number 202']);
  });

  it('gives each message an id that no message had before, not even before a restart', async () => {
    const ids = new Set<string>();
    for (const mail of [await mailServer(), await mailServer()]) {
      await send(mail.url, messageToMinji);
      await send(mail.url, messageToMinji);
      for (const { id } of mail.messages) ids.add(id);
    }
    expect(ids.size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[\w-]+$/);
  });

  it('refuses every recipient with the given reply until it is called without one', async () => {
    const mail = await mailServer();
    mail.refuse({ code: 550, text: '5.1.1 no such mailbox' });
    const refused = send(mail.url, messageToMinji);
    await expect(refused).rejects.toMatchObject({ command: 'RCPT TO', responseCode: 550 });
    await expect(refused).rejects.toThrow('5.1.1 no such mailbox');
    expect(mail.messages).toHaveLength(0);
    mail.refuse();
    await send(mail.url, messageToMinji);
    expect(mail.messages).toHaveLength(1);
  });

  it('listens on 127.0.0.1, and greets without the 100 ms delay of smtp-server', async () => {
    const { url } = await mailServer();
    const { hostname, port } = new URL(url);
    expect(hostname).toBe('127.0.0.1');
    // It is never sooner with that delay; without, a busy machine needs a few tries at the most.
    await until('a greeting comes within 90 ms', async () => {
      const start = performance.now();
      const socket = connect(Number(port), hostname);
      await once(socket, 'data');
      socket.destroy();
      return performance.now() - start < 90;
    });
  });

  it('closes connections that are still open', async () => {
    const mail = await startMailServer();
    const idle = connect(Number(new URL(mail.url).port), '127.0.0.1');
    await once(idle, 'data');
    idle.resume();
    await Promise.all([mail.close(), once(idle, 'close')]);
    await expect(send(mail.url, messageToMinji)).rejects.toMatchObject({ code: 'ESOCKET' });
  });
});

async function mailServer(): Promise<MailServer> {
  const server = await startMailServer();
  ended.push(() => server.close());
  return server;
}

async function redisServer(...args: string[]): Promise<RedisServer> {
  const server = await startRedisServer({ args });
  if (!server) throw new Error('No Redis is available.');
  ended.push(() => server.stop());
  return server;
}

async function connectTo({ url }: RedisServer) {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  ended.push(() => client.destroy());
  return client;
}

const directoryOf = ({ url }: { url: string }): string => dirname(new URL(url).pathname);

/** Starts a process that starts a Redis server, pauses it so that it cannot stop itself, and ends. */
async function startInParentThatEndsBy(ending: string) {
  const program = `
    const { startRedisServer } = require('./demo-app/dev/redis-server.ts');
    void startRedisServer().then((server) => {
      if (!server) return;
      server.pause();
      console.log(server.pid + ' ' + server.url);
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
  const [pid, url = ''] = String(line).split(' ');
  return { pid: Number(pid), directory: directoryOf({ url }) };
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
