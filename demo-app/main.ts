/** `npm run demo`: starts the services that are not configured, serves the demo, and stops them when it ends. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Backend } from './backends.js';
import { createDemo, type Demo, type DemoOptions } from './demo.js';
import { en } from './locales/en.js';
import { type Services, startServices } from './services.js';
import { readSettings, SettingsError } from './settings.js';

/** How long open requests may take to finish when the demo shuts down, in milliseconds. */
const SHUTDOWN_TIMEOUT = 10_000;

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

const log = (message: string) => console.log(message);

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const server = createServer(respondStarting);
  // Listens first, because starting the services takes a while and is pointless if the port is in use.
  await listen(server, settings.port, settings.host);
  let services: Services | undefined;
  try {
    services = await startServices(settings, log);
  } catch (error) {
    server.close();
    throw error;
  }
  const { store, transport, inbox } = services;
  const { from, secret, origin, database, trustProxy, strongCodes } = settings;
  const accounts: Backend =
    database === ':memory:' ? { kind: 'memory_accounts' } : { kind: 'file_accounts', file: database };
  const backends = [...services.backends, accounts];
  const options = { origin, database, inbox, trustProxy, backends };
  const demo = await startDemo(
    { ...options, emailVerification: { store, transport, from, secret, ...(strongCodes && STRONG) } },
    services,
  );
  server.off('request', respondStarting).on('request', demo.app);
  shutDownOnSignal(server, demo, services);

  log(`Demo: ${origin}`);
  if (inbox) log(`Inbox: ${origin}/inbox (development only)`);
  if (inbox && !LOOPBACK_HOSTS.has(settings.host))
    log(`Warning: HOST is ${settings.host}. Anyone who can reach it can read the inbox.`);
  for (const backend of backends) log(`  ${en.backend(backend)}`);
  if (settings.isSecretRandom)
    log('  Random secret, new at each start (set EMAIL_VERIFICATION_SECRET to keep it)');
  const { problems } = await demo.verification.check();
  for (const problem of problems) log(`Warning: ${problem}`);
}

const STRONG = { codeAlphabet: 'letters', binding: 'client' } as const;

const respondStarting: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end('The demo is starting.');
};

/** The options come from the environment, so the error of an invalid one is shown without a stack trace. */
async function startDemo(options: DemoOptions, services: Services): Promise<Demo> {
  try {
    const demo = createDemo(options);
    demo.verification.on('delivery_failed', ({ email, cause }) =>
      log(`Email to ${email} was not sent: ${cause.message}`),
    );
    demo.verification.on('delivery_unknown', ({ email, cause }) =>
      log(`Email to ${email} may not have been sent: ${cause.message}`),
    );
    return demo;
  } catch (error) {
    await services.stop();
    throw error instanceof Error ? new SettingsError(error.message) : error;
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new SettingsError(
        `Port ${port} is already in use. Set PORT to another one: PORT=${port + 1} npm run demo`,
      );
    }
    throw new SettingsError(`Cannot listen on ${host}, port ${port} (${code}). Check HOST and PORT.`);
  }
}

/** The first signal shuts down gracefully, the second one immediately. */
function shutDownOnSignal(server: Server, demo: Demo, services: Services): void {
  let isShuttingDown = false;
  const shutDown = () => {
    if (isShuttingDown) process.exit(130);
    isShuttingDown = true;
    log('Shutting down after open requests finish. Press Ctrl+C again to stop immediately.');
    stop(server, demo, services).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', shutDown);
  process.on('SIGTERM', shutDown);
}

async function stop(server: Server, demo: Demo, services: Services): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  demo.closeStreams();
  await Promise.race([closed, wait(SHUTDOWN_TIMEOUT)]);
  server.closeAllConnections();
  await demo.close();
  await services.stop();
}

main().catch((error: unknown) => {
  console.error(error instanceof SettingsError ? error.message : error);
  process.exit(1);
});
