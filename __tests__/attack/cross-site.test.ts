/** Cross-site posts that a browser sends without a preflight are refused, whoever parsed them; other methods go on to the app. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  MemoryStore,
} from 'express-email-verification';
import express4 from 'express4';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';
import { expectDocumented } from '../support/documented.js';

const email = 'minji@example.com';

interface App {
  readonly before?: RequestHandler | undefined;
  readonly trustProxy?: unknown;
  readonly options?: Partial<EmailVerificationOptions>;
}

function appOf(make: typeof express, { before, trustProxy, options }: App = {}) {
  const sentTo: string[] = [];
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
    delivery: async ({ to }) => void sentTo.push(to.address),
    ...options,
  });
  const app = make();
  if (trustProxy !== undefined) app.set('trust proxy', trustProxy);
  if (before) app.use(before);
  app.use('/ev', expectDocumented, emailVerificationRouter(verification));
  return { app, sentTo };
}

const pass: RequestHandler = (_req, _res, next) => next();

/** Like multer: the fields are in `req.body`, and the stream has been read. */
const likeMulter: RequestHandler = (req, _res, next) => {
  if (!req.is('multipart/form-data')) return next();
  req.resume().on('end', () => {
    req.body = Object.assign(Object.create(null), { email });
    next();
  });
};

const VERSIONS: [string, typeof express][] = [
  ['Express 5', express],
  ['Express 4', express4],
];

const multipart = `--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n${email}\r\n--x--\r\n`;
const json = JSON.stringify({ email });
const form = `email=${encodeURIComponent(email)}`;

describe.each(VERSIONS)('on %s', (_name, make) => {
  const anyText = make.json({ type: ['text/plain', 'application/json'] });
  const anything = make.json({ type: () => true });

  /** Everything that a page may post without a preflight, and what parses it. */
  const NO_PREFLIGHT: [what: string, type: string, body: string, before: RequestHandler][] = [
    ['a form', 'application/x-www-form-urlencoded', form, pass],
    ['a form with a charset', 'application/x-www-form-urlencoded; charset=UTF-8', form, pass],
    ['a form in capitals', 'Application/X-WWW-Form-Urlencoded;CHARSET=utf-8', form, pass],
    [
      'a form parsed by the app',
      'application/x-www-form-urlencoded',
      form,
      make.urlencoded({ extended: true }),
    ],
    ['a multipart form', 'multipart/form-data; boundary=x', multipart, pass],
    ['a multipart form behind multer', 'multipart/form-data; boundary=x', multipart, likeMulter],
    ['a multipart form in capitals behind multer', 'MULTIPART/Form-Data; boundary=x', multipart, likeMulter],
    ['text', 'text/plain', json, pass],
    ['text behind json({ type })', 'text/plain', json, anyText],
    ['text with a charset behind json({ type })', 'Text/Plain;charset=UTF-8', json, anyText],
    ['text with JSON as a parameter', 'text/plain; application/json', json, anything],
    ['text and another type', 'text/plain, application/json', json, anything],
    ['text behind express.text()', 'text/plain', json, make.text({ type: '*/*' })],
    ['a body without a type', '', json, pass],
    ['a body without a type parsed by the app', '', json, anything],
  ];
  /** How a browser tells that the page is on another site. */
  const CROSS_SITE: [what: string, headers: Record<string, string>][] = [
    ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['both headers', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
    [
      'Sec-Fetch-Site, whatever the Origin',
      { 'Sec-Fetch-Site': 'cross-site', Origin: 'http://acme.example' },
    ],
    ['an unknown Sec-Fetch-Site', { 'Sec-Fetch-Site': 'cross-site, same-origin' }],
    ['Origin alone', { Origin: 'https://evil.example' }],
    ['Origin: null', { Origin: 'null' }],
    ['an Origin of another port', { Origin: 'http://acme.example:8080' }],
    ['an Origin of a subdomain', { Origin: 'http://evil.acme.example' }],
    ['an Origin that begins like ours', { Origin: 'http://acme.example.evil.example' }],
    ['an Origin that is malformed', { Origin: 'acme.example' }],
    ['an Origin of a browser extension', { Origin: 'chrome-extension://abcdefgh' }],
    [
      'an Origin and a forged X-Forwarded-Host',
      { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' },
    ],
  ];

  describe.each(CROSS_SITE)('by %s', (_how, headers) => {
    it.each(NO_PREFLIGHT)('T42: a cross-site post of %s is refused', async (_what, type, body, before) => {
      const { app, sentTo } = appOf(make, { before });
      for (const [path, outcome] of [
        ['send', 'ok'],
        ['verify', 'verify'],
      ] as const) {
        const answer = await request(app)
          .post(`/ev/${path}`)
          .set({ Host: 'acme.example', 'Content-Type': type, ...headers })
          .serialize((sent) => sent)
          .send(body);
        expect([answer.status, answer.body]).toEqual([
          403,
          { [outcome]: false, message: 'This request was refused.', reason: 'refused' },
        ]);
        expect(answer.headers['cache-control']).toBe('no-store');
      }
      expect(sentTo).toEqual([]);
    });
  });

  it('T42: the refusal is in the language of the form', async () => {
    const { app } = appOf(make);
    const answer = await request(app)
      .post('/ev/send')
      .type('form')
      .set('Sec-Fetch-Site', 'cross-site')
      .send({ email, locale: 'ko' });
    expect([answer.status, answer.body.message]).toEqual([403, expect.stringMatching(/[가-힣]/)]);
  });

  const ACCEPTED: [what: string, headers: Record<string, string>, app: App][] = [
    ['a page of the app', { 'Sec-Fetch-Site': 'same-origin', Origin: 'http://acme.example' }, {}],
    ['a page of the app without a referrer', { 'Sec-Fetch-Site': 'same-origin', Origin: 'null' }, {}],
    [
      'another host of the same site',
      { 'Sec-Fetch-Site': 'same-site', Origin: 'http://www.acme.example' },
      {},
    ],
    ['a person who typed the URL', { 'Sec-Fetch-Site': 'none' }, {}],
    ['a client that is no browser', {}, {}],
    ['an older browser', { Origin: 'http://acme.example' }, {}],
    ['an older browser, behind a proxy that terminates TLS', { Origin: 'https://acme.example' }, {}],
    [
      'an older browser, a Host with its port',
      { Origin: 'https://acme.example', Host: 'acme.example:443' },
      {},
    ],
    ['an older browser, a Host in capitals', { Origin: 'http://acme.example', Host: 'ACME.example:80' }, {}],
    ['an older browser on a port', { Origin: 'http://localhost:3000', Host: 'localhost:3000' }, {}],
    ['an older browser on IPv6', { Origin: 'http://[::1]:3000', Host: '[::1]:3000' }, {}],
    [
      'an older browser behind a proxy that names the host',
      { Origin: 'https://acme.example', Host: 'app:3000', 'X-Forwarded-Host': 'acme.example' },
      { trustProxy: 'loopback' },
    ],
    [
      'an older browser behind two proxies that name the host',
      { Origin: 'https://acme.example', Host: 'app:3000', 'X-Forwarded-Host': 'acme.example, inner' },
      { trustProxy: 2 },
    ],
    [
      'an older browser behind a proxy that hides the host, on the page that `origin` names',
      { Origin: 'https://acme.example', Host: 'app:3000' },
      { options: { origin: 'https://acme.example' } },
    ],
  ];
  it.each(ACCEPTED)('T42: a form from %s is accepted', async (_who, headers, app) => {
    const { app: made, sentTo } = appOf(make, app);
    await request(made)
      .post('/ev/send')
      .type('form')
      .set({ Host: 'acme.example', ...headers })
      .send({ email })
      .expect(200);
    expect(sentTo).toEqual([email]);
  });

  it('T42: X-Forwarded-Host replaces Host if the proxy is trusted', async () => {
    const { app } = appOf(make, { trustProxy: 'loopback' });
    const headers = { Origin: 'http://app:3000', Host: 'app:3000', 'X-Forwarded-Host': 'acme.example' };
    await request(app).post('/ev/send').type('form').set(headers).send({ email }).expect(403);
  });

  it('T42: JSON from another site is left to the CORS headers of the app', async () => {
    const { app } = appOf(make);
    for (const headers of [{ 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'https://evil.example' }]) {
      await request(app).post('/ev/verify').set(headers).send({ email, code: '123456' }).expect(401);
    }
  });

  describe('T48', () => {
    const METHODS = ['OPTIONS', 'GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'];
    it.each(METHODS)('T48: %s is passed on to the app, on both routes and elsewhere', async (method) => {
      const { app } = appOf(make);
      const passedOn: string[] = [];
      app.use((req, res) => {
        passedOn.push(`${req.method} ${req.originalUrl}`);
        res.set('X-App', 'yes').status(299).end();
      });
      const server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const paths = ['/ev/send', '/ev/verify', '/ev/send/', '/ev', '/ev/send/more'];
      for (const path of paths) {
        const [answer]: IncomingMessage[] = await once(httpRequest({ port, path, method }).end(), 'response');
        answer?.resume();
        expect([answer?.statusCode, answer?.headers['x-app'], answer?.headers['allow']]).toEqual([
          ...[299, 'yes', undefined],
        ]);
      }
      server.close();
      expect(passedOn).toEqual(paths.map((path) => `${method} ${path}`));
    });

    it('T48: a preflight is answered by the app, before or behind the router', async () => {
      const { app } = appOf(make);
      app.options(
        '/ev/send',
        (_req, res) => void res.set('Access-Control-Allow-Origin', 'https://acme.example').status(204).end(),
      );
      const answer = await request(app).options('/ev/send').expect(204);
      expect(answer.headers['access-control-allow-origin']).toBe('https://acme.example');
      // Where the app has no handler either, it answers 404.
      await request(app).options('/ev/verify').expect(404);
    });

    it('T48: methods that the app handles on the same path are listed by its own router', async () => {
      const { app } = appOf(make);
      app.put('/ev/send', (_req, res) => void res.end());
      const answer = await request(app).options('/ev/send').expect(200);
      expect(answer.headers['allow']).toBe('PUT');
    });
  });
});
