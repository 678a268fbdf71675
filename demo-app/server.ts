/** `npm run demo`: starts what is not configured, serves the demo, and stops everything when it ends. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisStore as SessionStore } from 'connect-redis';
import { type EmailVerification, MemoryStore, RedisStore } from 'express-email-verification';
import { createClient } from 'redis';
import { openAccounts } from './accounts/accounts.js';
import { createSessions } from './accounts/sign-in.js';
import { createApp } from './app.js';
import { createDevelopmentTools, type DevelopmentTools } from './dev/tools.js';
import { type DemoSettings, readSettings, SettingsError } from './settings.js';

const log = (message: string) => console.log(message);

/** How long open requests may take to finish when the demo shuts down, in milliseconds. */
const SHUTDOWN_TIMEOUT = 10_000;
const CONNECT_TIMEOUT = 5000;

/** What was started, to be stopped in reverse. `endStreams` ends responses that would otherwise stay open. */
type Parts = { readonly stop: () => unknown; readonly endStreams?: () => void }[];

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const server = createServer(respondStarting);
  // Listens first, because starting the services takes a while and is pointless if the port is in use.
  await listen(server, settings);
  log(`Starting on ${settings.origin}`);
  const parts: Parts = [];
  stopOnSignal(server, parts);
  await start(settings, server, parts).catch(async (error: unknown) => {
    await stop(server, parts);
    throw error;
  });
}

async function start(settings: DemoSettings, server: Server, parts: Parts): Promise<void> {
  const { origin, redisUrl, smtpUrl, from, secret, trustProxy, codes } = settings;
  const tools = await createDevelopmentTools(settings, log);
  parts.push(tools);
  const url = redisUrl ?? tools.redisServer?.url;
  const redis = url === undefined ? undefined : await connect(url);
  parts.push({ stop: () => redis?.destroy() });
  const accounts = openAccounts(settings.database);
  parts.push({ stop: () => accounts.close() });

  const { clock } = tools;
  const store = redis ? new RedisStore(redis, { clock }) : new MemoryStore({ clock });
  const transport = smtpUrl ?? tools.mailServer?.url;
  const sessionStore = redis && new SessionStore({ client: redis });
  const { app, verification } = withSettingsErrors(() =>
    createApp({
      origin,
      trustProxy,
      accounts,
      sessions: createSessions({ secret, secure: origin.startsWith('https:'), store: sessionStore }),
      emailVerification: { store, transport, from, secret, ...codes },
      mountDevelopmentTools: tools.mount?.({ redis, store, accounts }),
    }),
  );
  parts.push({ stop: () => verification.close() });
  logEmails(verification);
  server.off('request', respondStarting).on('request', logRequests(app));
  log(`Demo: ${origin}`);
  logServices(settings, tools);
  for (const problem of (await verification.check()).problems) log(`Warning: ${problem}`);
}

const respondStarting: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end('The demo is starting.');
};

function logEmails(verification: EmailVerification): void {
  const ms = (duration: number) => `${Math.round(duration)} ms`;
  verification.on('delivered', ({ email, duration }) => log(`Email to ${email} sent in ${ms(duration)}`));
  verification.on('delivery_failed', ({ email, cause }) =>
    log(`Email to ${email} was not sent: ${cause.message}`),
  );
  verification.on('delivery_unknown', ({ email, cause }) =>
    log(`Email to ${email} may not have been sent: ${cause.message}`),
  );
}

/** One line for each request but those for assets. The query, which may hold anything, is left out. */
function logRequests(app: RequestListener): RequestListener {
  return (req, res) => {
    const [path = ''] = (req.url ?? '').split('?');
    const start = performance.now();
    const logRequest = () =>
      log(`${req.method} ${path} ${res.statusCode} ${Math.round(performance.now() - start)} ms`);
    if (!path.startsWith('/assets/')) res.on('finish', logRequest);
    app(req, res);
  };
}

function logServices(settings: DemoSettings, { mount, redisServer, mailServer }: DevelopmentTools): void {
  const { origin, host, redisUrl, smtpUrl, database, isSecretRandom } = settings;
  if (mount && mailServer) log(`Inbox: ${origin}/inbox (development only)`);
  if (mount && mailServer && !['127.0.0.1', 'localhost', '::1'].includes(host))
    log(`Warning: HOST is ${host}. Anyone who can reach it can read the inbox.`);
  const started = redisServer
    ? `${redisServer.version}, started by the demo`
    : 'none, codes are kept in memory';
  log(`  Redis: ${redisUrl ? hostOf(redisUrl) : started}`);
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
    ready.then(() => client.ping()).then(noReason, reasonOf),
    wait(CONNECT_TIMEOUT, 'timed out', { ref: false }),
  ]);
  isConnected = reason === undefined;
  if (isConnected) return client;
  if (client.isOpen) client.destroy();
  throw new SettingsError(`Cannot connect to Redis at ${hostOf(url)} (${reason}). Check REDIS_URL.`);
}

const noReason = () => undefined;

function reasonOf(error: unknown): unknown {
  const { code, message }: Record<string, unknown> = Object(error);
  return code ?? message;
}

/** Leaves out the credentials. */
function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return host || pathname;
}

/** The options come from the environment, so the error of an invalid one is shown without a stack trace. */
function withSettingsErrors<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw error instanceof Error ? new SettingsError(error.message) : error;
  }
}

async function listen(server: Server, { port, host }: DemoSettings): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = reasonOf(error);
    if (reason !== 'EADDRINUSE')
      throw new SettingsError(`Cannot listen on ${host}, port ${port} (${reason}). Check HOST and PORT.`);
    throw new SettingsError(
      `Port ${port} is already in use. Set PORT to another one: PORT=${port + 1} npm run demo`,
    );
  }
}

/** The first signal stops gracefully, the second one immediately. */
function stopOnSignal(server: Server, parts: Parts): void {
  let isStopping = false;
  const onSignal = () => {
    if (isStopping) process.exit(130);
    isStopping = true;
    log('Shutting down after open requests finish. Press Ctrl+C again to stop immediately.');
    stop(server, parts).then(() => process.exit(0), fail);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
}

async function stop(server: Server, parts: Parts): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  for (const { endStreams } of parts) endStreams?.();
  await Promise.race([closed, wait(SHUTDOWN_TIMEOUT)]);
  server.closeAllConnections();
  for (const part of parts.reverse()) await part.stop();
}

function fail(error: unknown): void {
  console.error(error instanceof SettingsError ? error.message : error);
  process.exit(1);
}

main().catch(fail);
