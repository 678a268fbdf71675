/** `npm run demo:scale`: a small fleet on one machine, people who sign up, and a page on which its processes can be killed. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { inspect } from 'node:util';
import { startFleet } from './fleet.js';
import { createLedger } from './ledger.js';
import type { Report } from './members/report.js';
import { createPage } from './page.js';
import { MAX_RATE, startPeople } from './people.js';
import { createRates } from './rates.js';

const HOST = '127.0.0.1';
const SWEEP_INTERVAL = 1000;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** One Ctrl+C can arrive twice, within this time in ms: from the terminal, and from npm, which passes it on. */
const ECHO = 500;

/** Its message says how to go on. */
class UsageError extends Error {}

const log = (message: string) => console.log(message);

async function main(): Promise<void> {
  const port = readInteger('PORT', 3000, 1, 65_535);
  const rate = readInteger('RATE', 20, 0, MAX_RATE);
  const server = createServer((_req, res) => {
    // A browser that asks too early looks again by itself.
    res.writeHead(503, { 'Retry-After': '1', Refresh: '1' }).end('The fleet is starting.');
  });
  // First, because starting the fleet takes a while and is pointless if the port is in use.
  await listen(server, port);
  log(`Starting on http://localhost:${port}`);
  const [ledger, rates] = [createLedger(), createRates()];

  function onReport(report: Report): void {
    if (report.kind === 'metrics') rates.add(report.metrics);
    if (report.kind === 'email') ledger.received(report.to, report.code, report.messageId);
    if (report.kind === 'undelivered') ledger.undelivered(report.domain);
  }
  const fleet = await startFleet({ log, onReport }).catch((error: unknown) => {
    throw error instanceof Error ? new UsageError(`The fleet did not start. ${error.message}`) : error;
  });
  const people = startPeople(`http://${HOST}:${port}`, ledger);
  server.removeAllListeners('request').on('request', createPage({ port, fleet, ledger, rates, people }));
  people.rate = rate;
  const sweeping = setInterval(ledger.sweep, SWEEP_INTERVAL);
  log(`Ready: http://localhost:${port}`);
  log(`${rate} sign-ups a second. Press Ctrl+C to stop.`);

  // Until here, a signal ends us at once, and the fleet with us.
  await untilSignal();
  log('Stopping. Press Ctrl+C again to stop immediately.');
  clearInterval(sweeping);
  people.stop();
  await fleet.stop();
  const { signedUp, answered, lost } = ledger.totals;
  log(`${signedUp} people signed up. ${answered} emails were promised, ${lost} were lost.`);
  process.exit(0);
}

/** Resolves at the first signal. A later one ends us at once. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    function onSignal(): void {
      const now = performance.now();
      first ??= now;
      if (now - first > ECHO) process.exit(130);
      resolve();
    }
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    await once(server.listen(port, HOST), 'listening');
  } catch (error) {
    const { code } = Object(error);
    throw new UsageError(
      code === 'EADDRINUSE'
        ? `Port ${port} is already in use. Set PORT to another one: PORT=${port + 1} npm run demo:scale`
        : `Cannot listen on ${HOST}, port ${port} (${code}). Check PORT.`,
    );
  }
}

function readInteger(name: string, fallback: number, min: number, max: number): number {
  const text = process.env[name] || String(fallback);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${name} must be an integer from ${min} to ${max}, not ${inspect(text)}.`);
}

function fail(error: unknown): void {
  console.error(error instanceof UsageError ? error.message : error);
  process.exit(1);
}

main().catch(fail);
