/** The page of the fleet: what it does, what a kill costs, and the buttons. It is served on the origin of the app itself. */
import { STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { charts, duration, HEIGHT, WIDTH } from './charts.js';
import { type Fleet, KINDS } from './fleet.js';
import type { Ledger } from './ledger.js';
import { MAX_RATE, type People } from './people.js';
import { createProxy } from './proxy.js';
import { createQueueBoard } from './queue-board.js';
import { type Rates, TIMED } from './rates.js';

export interface PageParts {
  readonly port: number;
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly rates: Rates;
  readonly people: People;
}

export function createPage(parts: PageParts): Express {
  const { port, fleet, ledger, people } = parts;
  let notice = '';

  const app = express().disable('x-powered-by');
  app.set('views', join(__dirname, 'views')).set('view engine', 'ejs');
  Object.assign(app.locals, { duration, width: WIDTH, height: HEIGHT });
  app.use(refuseOthers(port));
  app.use(['/email-verification', '/sign-up'], createProxy(fleet.appPorts));
  // Bull Board has inline styles.
  app.use('/queue', securityHeaders("'unsafe-inline'"), createQueueBoard(fleet.queueUrl, '/queue'));
  app.use(securityHeaders());
  app.use('/assets', express.static(join(__dirname, 'assets')));
  app.use('/assets/pico.css', express.static(require.resolve('@picocss/pico/css/pico.min.css')));
  app.use('/assets/idiomorph.mjs', express.static(require.resolve('idiomorph/dist/idiomorph.esm.js')));

  const show =
    (view: string): RequestHandler =>
    async (_req, res) => {
      res
        .set('Cache-Control', 'no-store')
        .render(view, { ...(await read(parts)), charts: charts(parts), notice });
    };
  app.get('/', show('page')).get('/live', show('live'));
  app.get('/data', async (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ ...(await read(parts)), notice });
  });
  for (const kind of KINDS)
    app.post(`/kill/${kind}`, async (_req, res) => {
      const killed = await fleet.kill(kind);
      if (killed.kind === 'killed') ledger.killed(killed.name);
      notice = killed.kind === 'killed' ? `${killed.name} was killed.` : killed.why;
      res.redirect(303, '/');
    });
  app.post('/rate', express.urlencoded({ extended: false }), (req, res) => {
    const text = String(req.body?.rate);
    const rate = Number(text);
    const isValid = /^\d+$/.test(text) && rate <= MAX_RATE;
    if (isValid) people.rate = rate;
    notice = isValid ? `${rate} sign-ups a second.` : `The rate must be an integer from 0 to ${MAX_RATE}.`;
    res.redirect(303, '/');
  });
  app.use(showError);
  return app;
}

/** A request that cannot be read is no bug: neither its sender nor our log needs a stack. */
const showError: ErrorRequestHandler = (error, _req, res, next) => {
  const { status = 500 } = Object(error);
  if (status >= 500 || res.headersSent) return next(error);
  res.status(status).type('text').send(STATUS_CODES[status]);
};

async function read({ fleet, ledger, rates, people }: PageParts) {
  return {
    rate: people.rate,
    maxRate: MAX_RATE,
    people: people.count(),
    queue: rates.queue(),
    outcomes: rates.totals,
    totals: { ...ledger.totals, onTheirWay: ledger.onTheirWay() },
    latency: Object.fromEntries(TIMED.map((name) => [name, rates.latency(name)])),
    parts: await fleet.parts(),
    incidents: ledger.incidents.toReversed().map((incident) => ({
      ...incident,
      failedFor: incident.lastFailureAt - incident.at,
      overdue: ledger.overdue(incident),
    })),
  };
}

/** Other sites can neither press a button nor read anything, even by a name that they point to this machine. */
function refuseOthers(port: number): RequestHandler {
  // Clients leave out the default port.
  const hosts = ['localhost', '127.0.0.1'].map((host) => (port === 80 ? host : `${host}:${port}`));
  return ({ method, headers: { host = '', origin, 'sec-fetch-site': site = 'same-origin' } }, res, next) => {
    const isOurs = hosts.includes(host) && (origin === undefined || origin === `http://${host}`);
    if (isOurs && (method === 'GET' || site === 'same-origin' || site === 'none')) return next();
    res.status(403).type('text').send('This request came from another site, so it was refused.');
  };
}

/** No inline scripts, nothing from other origins, and no framing. */
function securityHeaders(...styles: string[]): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        ...{
          defaultSrc: ["'none'"],
          baseUri: ["'self'"],
          frameAncestors: ["'none'"],
          formAction: ["'self'"],
        },
        ...{ scriptSrc: ["'self'"], connectSrc: ["'self'"], imgSrc: ["'self'", 'data:'] },
        styleSrc: ["'self'", ...styles],
      },
    },
    strictTransportSecurity: false,
    // Without a referrer, browsers do not say where a form comes from.
    referrerPolicy: { policy: 'same-origin' },
  });
}
