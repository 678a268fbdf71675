/** `npm run demo`: starts what is not configured, serves the demo, and stops everything when it ends. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisStore as SessionStore } from 'connect-redis';
import { MemoryStore, RedisStore } from 'express-email-verification';
import { createClient } from 'redis';
import { openAccounts } from './accounts/accounts.js';
import { createSessions } from './accounts/sign-in.js';
import { createApp } from './app.js';
import { createDevelopmentTools } from './dev/tools.js';
import { type DemoSettings, readSettings, SettingsError } from './settings.js';

const log = (message: string) => console.log(message);
const IS_DEVELOPMENT = process.env['NODE_ENV'] !== 'production';

/** How long open requests may take to finish when the demo shuts down, in milliseconds. */
const SHUTDOWN_TIMEOUT = 10_000;
const CONNECT_TIMEOUT = 5000;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const server = createServer(respondStarting);
  // Listens first, because starting the services takes a while and is pointless if the port is in use.
  await listen(server, settings);
  log('Starting…');
  const parts: Parts = [];
  shutDownOnSignal(() => stop(server, parts));
  await start(settings, server, parts).catch(async (error: unknown) => {
    await stop(server, parts);
    throw error;
  });
}

/** What was started, to be stopped in reverse. `endStreams` ends responses that would otherwise stay open. */
type Parts = { readonly stop: () => unknown; readonly endStreams?: () => void }[];

async function start(settings: DemoSettings, server: Server, parts: Parts): Promise<void> {
  const { origin, transport, from, secret, trustProxy, strongCodes } = settings;
  const tools = await createDevelopmentTools({ settings, isDevelopment: IS_DEVELOPMENT, log });
  parts.push(tools);
  const redisUrl = settings.redisUrl ?? tools.redisServer?.url;
  const redis = redisUrl === undefined ? undefined : await connect(redisUrl);
  parts.push({ stop: () => redis?.destroy() });
  const accounts = openAccounts(settings.database);
  parts.push({ stop: () => accounts.close() });

  const { clock } = tools;
  const store = redis ? new RedisStore(redis, { clock }) : new MemoryStore({ clock });
  const { app, verification } = withoutStack(() =>
    createApp({
      origin,
      trustProxy,
      accounts,
      emailVerification: {
        store,
        transport: transport ?? tools.mailServer?.url,
        from,
        secret,
        ...(strongCodes && { codeAlphabet: 'letters', binding: 'client' }),
      },
      sessions: createSessions({
        secret,
        secure: origin.startsWith('https:'),
        store: redis && new SessionStore({ client: redis }),
      }),
      mountDevelopmentTools: IS_DEVELOPMENT ? tools.mount({ redis, accounts }) : undefined,
    }),
  );
  parts.push({ stop: () => verification.close() });
  verification.on('delivered', ({ email, duration }) =>
    log(`Email to ${email} sent in ${Math.round(duration)} ms`),
  );
  verification.on('delivery_failed', ({ email, cause }) =>
    log(`Email to ${email} was not sent: ${cause.message}`),
  );
  verification.on('delivery_unknown', ({ email, cause }) =>
    log(`Email to ${email} may not have been sent: ${cause.message}`),
  );
  server.off('request', respondStarting).on('request', logRequests(app));

  log(`Demo: ${origin}`);
  for (const line of tools.summary) log(line);
  for (const problem of (await verification.check()).problems) log(`Warning: ${problem}`);
}

const respondStarting: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end('The demo is starting.');
};

/** One line for each request but those for assets. The query, which may hold anything, is left out. */
function logRequests(app: RequestListener): RequestListener {
  return (req, res) => {
    const [path = ''] = (req.url ?? '').split('?');
    const start = performance.now();
    if (!path.startsWith('/assets/'))
      res.on('finish', () =>
        log(`${req.method} ${path} ${res.statusCode} ${Math.round(performance.now() - start)} ms`),
      );
    app(req, res);
  };
}

/** If the first connection fails, the demo does not start. A connection lost later is retried forever. */
async function connect(url: string) {
  let wasConnected = false;
  const client = createClient({
    url,
    socket: {
      connectTimeout: CONNECT_TIMEOUT,
      reconnectStrategy: (retries) => (wasConnected ? Math.min(100 * 2 ** retries, 2000) : false),
    },
  }).on('error', () => {});
  const timeout = wait(CONNECT_TIMEOUT, undefined, { ref: false }).then(() =>
    Promise.reject(new Error('timed out')),
  );
  try {
    await Promise.race([client.connect().then(() => client.ping()), timeout]);
    wasConnected = true;
    return client;
  } catch (error) {
    if (client.isOpen) client.destroy();
    const { host, pathname } = new URL(url);
    const { code, message }: Record<string, unknown> = Object(error);
    throw new SettingsError(
      `Cannot connect to Redis at ${host || pathname} (${code ?? message}). Check REDIS_URL.`,
    );
  }
}

/** The options come from the environment, so the error of an invalid one is shown without a stack trace. */
function withoutStack<T>(create: () => T): T {
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
    const { code }: Record<string, unknown> = Object(error);
    if (code !== 'EADDRINUSE')
      throw new SettingsError(`Cannot listen on ${host}, port ${port} (${code}). Check HOST and PORT.`);
    throw new SettingsError(
      `Port ${port} is already in use. Set PORT to another one: PORT=${port + 1} npm run demo`,
    );
  }
}

/** The first signal shuts down gracefully, the second one immediately. */
function shutDownOnSignal(stop: () => Promise<void>): void {
  let isShuttingDown = false;
  const shutDown = () => {
    if (isShuttingDown) process.exit(130);
    isShuttingDown = true;
    log('Shutting down after open requests finish. Press Ctrl+C again to stop immediately.');
    stop().then(() => process.exit(0), fail);
  };
  process.on('SIGINT', shutDown).on('SIGTERM', shutDown);
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
