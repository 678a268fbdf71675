/** `npm run demo`: starts what is not configured, serves the demo, and stops everything when it ends. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import { RedisStore as SessionStore } from 'connect-redis';
import { type EmailVerification, MemoryStore, RedisStore } from 'express-email-verification';
import { createClient } from 'redis';
import { openAccounts } from './accounts/accounts.js';
import { createSessions } from './accounts/sign-in.js';
import { createApp } from './app.js';
import { createDevelopmentTools, type DevelopmentTools } from './dev/tools.js';
import { type DemoSettings, readSettings, SettingsError } from './settings.js';

const log = (message: string) => console.log(message);

const CONNECT_TIMEOUT = 5000;

const server = createServer(respondStarting);
/** What was started, to be stopped in reverse. */
const parts: { stop(): unknown }[] = [];

// After an error or the first signal, stops in order. The second signal stops at once.
closeWithGrace({ delay: 15_000, onSecondSignal: () => process.exit(130) }, async ({ err, signal }) => {
  // What is wrong in the environment needs no stack trace.
  if (err) console.error(err instanceof SettingsError ? err.message : err);
  if (signal) log('Shutting down after open requests finish. Press Ctrl+C again to stop immediately.');
  for (const part of parts.reverse()) await part.stop();
});
void start(readSettings(process.env));

async function start(settings: DemoSettings): Promise<void> {
  // Listens first, because starting the services takes a while and is pointless if the port is in use.
  await listen(settings);
  log(`Starting on ${settings.origin}`);
  const { origin, redisUrl, smtpUrl, from, secret, trustProxy, codes } = settings;
  const tools = await withSettingsErrors(() => createDevelopmentTools(settings, log));
  parts.push(tools);
  const url = redisUrl ?? tools.redisServer?.url;
  const redis = url === undefined ? undefined : await connect(url);
  parts.push({ stop: () => redis?.destroy() });
  const accounts = await withSettingsErrors(() => openAccounts(settings.database), '. Check DATABASE.');
  parts.push({ stop: () => accounts.close() });

  const { clock } = tools;
  const store = redis ? new RedisStore(redis, { clock }) : new MemoryStore({ clock });
  const transport = smtpUrl ?? tools.mailServer?.url;
  const sessionStore = redis && new SessionStore({ client: redis });
  const { app, verification } = await withSettingsErrors(() =>
    createApp({
      ...{ origin, trustProxy, accounts, issuer: tools.issuer?.options },
      sessions: createSessions({ secret, secure: origin.startsWith('https:'), store: sessionStore }),
      emailVerification: { store, transport, from, secret, ...codes },
      mountDevelopmentTools: tools.mount?.({ redis, store, accounts }),
    }),
  );
  parts.push({ stop: () => verification.close() }, { stop: () => close(tools) });
  logEmails(verification);
  server.off('request', respondStarting).on('request', logRequests(tools.guard(app)));
  log(`Demo: ${origin}`);
  logServices(settings, tools);
  for (const problem of (await verification.check()).problems) log(`Warning: ${problem}`);
}

function respondStarting(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(503, { 'Retry-After': '1' }).end('The demo is starting.');
}

/** Waits for open requests, but not for pages that listen to events. */
async function close(tools: DevelopmentTools): Promise<void> {
  const closed = once(server.close(), 'close');
  tools.endStreams();
  await closed;
}

function logEmails(verification: EmailVerification): void {
  const ms = (duration: number) => `${Math.round(duration)} ms`;
  verification.on('delivered', ({ email, duration }) => log(`Email to ${email} sent in ${ms(duration)}`));
  for (const [event, outcome] of [
    ['delivery_failed', 'was not sent'],
    ['delivery_unknown', 'may not have been sent'],
  ] as const)
    verification.on(event, ({ email, cause }) => log(`Email to ${email} ${outcome}: ${cause.message}`));
}

/** One line for each request but those for assets and tools. The query, which may hold anything, is left out. */
function logRequests(app: RequestListener): RequestListener {
  return (req, res) => {
    const path = (req.url ?? '').replace(/\?.*/, '').replace(/[^/]*(@|%40)[^/]*/gi, '***');
    const start = performance.now();
    const ms = () => Math.round(performance.now() - start);
    if (!/^\/(assets|dev)\//.test(path))
      res.on('finish', () => log(`${req.method} ${path} ${res.statusCode} ${ms()} ms`));
    app(req, res);
  };
}

function logServices(settings: DemoSettings, { mount, redisServer, mailServer }: DevelopmentTools): void {
  const { origin, host, redisUrl, smtpUrl, database, trustProxy, isSecretRandom } = settings;
  const isLocal = ['127.0.0.1', 'localhost', '::1'].includes(host);
  const started = redisServer && `${redisServer.version}, started by the demo`;
  const redis = redisUrl ? hostOf(redisUrl) : (started ?? 'none, codes are kept in memory');
  if (mount && mailServer) log(`Inbox: ${origin}/inbox (development only)`);
  if (mount && mailServer && !isLocal)
    log(`Warning: HOST is ${host}. Anyone who can reach it can read the inbox.`);
  if (origin.startsWith('https:') && trustProxy === 0)
    log('Warning: ORIGIN is https. Behind a proxy, set TRUST_PROXY, or the limits count all people as one.');
  log(`  Redis: ${redis}`);
  log(`  Email: ${smtpUrl ? hostOf(smtpUrl) : 'kept in the inbox'}`);
  log(`  Accounts: ${database === ':memory:' ? 'in memory' : database}`);
  if (isSecretRandom) log('  Secret: random, new at each start (set EMAIL_VERIFICATION_SECRET to keep it)');
}

/** If the first connection fails, the demo does not start. A connection lost later is retried forever. */
async function connect(url: string) {
  let isConnected = false;
  const client = createClient({ url, socket: { reconnectStrategy: () => isConnected && 500 } });
  const ready = client.on('error', () => {}).connect();
  const reason = await Promise.race([
    ready.then(() => client.ping()).then(() => undefined, reasonOf),
    wait(CONNECT_TIMEOUT, 'timed out', { ref: false }),
  ]);
  isConnected = reason === undefined;
  if (isConnected) return client;
  if (client.isOpen) client.destroy();
  throw new SettingsError(`Cannot connect to Redis at ${hostOf(url)} (${reason}). Check REDIS_URL.`);
}

function reasonOf(error: unknown): unknown {
  const { code, message }: Record<string, unknown> = Object(error);
  return code ?? message;
}

/** Leaves out the credentials. */
function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return host || pathname;
}

/** What fails here was set in the environment. */
async function withSettingsErrors<T>(create: () => T | Promise<T>, advice = ''): Promise<T> {
  try {
    return await create();
  } catch (error) {
    throw error instanceof Error ? new SettingsError(error.message + advice) : error;
  }
}

async function listen({ port, host }: DemoSettings): Promise<void> {
  const listening = once(server.listen(port, host), 'listening');
  const reason = await listening.then(() => undefined, reasonOf);
  if (reason === 'EADDRINUSE')
    throw new SettingsError(
      `Port ${port} is already in use. Set PORT to another one: PORT=${port + 1} npm run demo`,
    );
  if (reason)
    throw new SettingsError(`Cannot listen on ${host}, port ${port} (${reason}). Check HOST and PORT.`);
}
