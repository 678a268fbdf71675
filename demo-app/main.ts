/** `npm run demo`: starts what is missing, serves the demo, and ends all of it again. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Backend } from './backends.js';
import { createDemo, type Demo, type DemoOptions } from './demo.js';
import { en } from './locales/en.js';
import { type Services, startServices } from './services.js';
import { readSettings, SettingsError } from './settings.js';

/** Milliseconds that requests under way get when the demo is told to end. */
const PATIENCE = 10_000;

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

const say = (sentence: string) => console.log(sentence);

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const server = createServer(notYet);
  // First of all: what follows takes a while, and a taken port ends it.
  await listen(server, settings.port, settings.host);
  let services: Services | undefined;
  try {
    services = await startServices(settings, say);
  } catch (error) {
    server.close();
    throw error;
  }
  const { store, transport, inbox } = services;
  const { from, secret, origin, database, trustProxy } = settings;
  const accounts: Backend =
    database === ':memory:' ? { kind: 'memory_accounts' } : { kind: 'file_accounts', file: database };
  const backends = [...services.backends, accounts];
  const options = { origin, database, inbox, trustProxy, backends };
  const demo = await startDemo(
    { ...options, emailVerification: { store, transport, from, secret } },
    services,
  );
  server.off('request', notYet).on('request', demo.app);
  endOnSignal(server, demo, services);

  say(`The demo is on ${origin}`);
  if (inbox) say(`Its mails are on ${origin}/inbox (development only)`);
  if (inbox && !LOOPBACK.has(settings.host))
    say(`Whoever reaches ${settings.host} can read these mails: HOST is not this machine alone`);
  for (const backend of backends) say(`  ${en.backend(backend)}`);
  if (settings.secretIsRandom)
    say('  A random secret, until the process ends: set EMAIL_VERIFICATION_SECRET to keep one');
  const { problems } = await demo.verification.check();
  for (const problem of problems) say(`Trouble: ${problem}`);
}

const notYet: RequestListener = (_req, res) => {
  res.writeHead(503, { 'Retry-After': '1' }).end('The demo is starting.');
};

/** An option that the package refuses came from the environment: its sentence is enough. */
async function startDemo(options: DemoOptions, services: Services): Promise<Demo> {
  try {
    const demo = createDemo(options);
    demo.verification.on('delivery_failed', ({ email, cause }) => say(`To ${email}: ${cause.message}`));
    demo.verification.on('delivery_unknown', ({ email, cause }) =>
      say(`To ${email}, perhaps: ${cause.message}`),
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
        `Port ${port} is taken: set PORT to another one, as in PORT=${port + 1} npm run demo.`,
      );
    }
    throw new SettingsError(
      `The demo cannot listen on ${host}, port ${port} (${code}): check HOST and PORT.`,
    );
  }
}

/** The first signal ends in good order, the second at once. */
function endOnSignal(server: Server, demo: Demo, services: Services): void {
  let ending = false;
  const end = () => {
    if (ending) process.exit(130);
    ending = true;
    say('Ending: requests under way are finished first. Once more to end at once.');
    stop(server, demo, services).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

async function stop(server: Server, demo: Demo, services: Services): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  demo.closeStreams();
  await Promise.race([closed, wait(PATIENCE)]);
  server.closeAllConnections();
  await demo.close();
  await services.stop();
}

main().catch((error: unknown) => {
  console.error(error instanceof SettingsError ? error.message : error);
  process.exit(1);
});
