/** captcha(): which tokens pass, and what happens when the provider fails or the operator has made a mistake. */
import type { RequestListener } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import { type EmailVerificationOptions, en, MemoryStore } from 'express-email-verification';
import { type CaptchaOptions, captcha } from 'express-email-verification/captcha';
import request from 'supertest';
import { createTestApp, SECRET } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { CAPTCHA_SECRET, type Provider, useSiteverify } from '../support/siteverify.js';

const siteverify = useSiteverify();
const email = 'person@example.com';
const NOT_A_ROBOT = 'Please confirm that you are not a robot, then try again.';
const PROVIDERS = ['turnstile', 'hcaptcha', 'recaptcha'] as const;

let warnings: jest.SpyInstance;
beforeEach(() => {
  warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => warnings.mockRestore());
const warned = () => warnings.mock.calls.map(([sentence]) => String(sentence));

/** An app that asks the local provider before each send, and counts its emails. */
function appWith(options: Partial<CaptchaOptions> = {}, more: Partial<EmailVerificationOptions> = {}) {
  const provider: Provider = options.provider ?? 'turnstile';
  const emails: string[] = [];
  const { app, verification } = createTestApp({
    store: new MemoryStore(),
    transport: 'smtp://127.0.0.1:9',
    delivery: async ({ to }) => void emails.push(to.address),
    sendLimits: [{ max: 50, window: 86_400 }],
    rateLimit: false,
    codeLength: 10,
    beforeSend: captcha({
      provider,
      secret: CAPTCHA_SECRET,
      url: siteverify.url(provider),
      timeout: 60_000,
      ...options,
    }),
    hookTimeout: 60_000,
    ...more,
  });
  const onError: ErrorRequestHandler = (error, _req, res, _next) => void res.status(500).send(error.message);
  app.use(onError);
  const send = (body: object) =>
    request(app)
      .post('/ev/send')
      .send({ email, ...body });
  return { app, emails, send, verification };
}

const refused = (message = NOT_A_ROBOT) => ({ ok: false, message, reason: 'refused' });

/** What the script of each widget adds to the form around it. */
const FIELDS = {
  turnstile: 'cf-turnstile-response',
  hcaptcha: 'h-captcha-response',
  recaptcha: 'g-recaptcha-response',
} as const;

describe.each(PROVIDERS)('with %s', (provider) => {
  it('a token passes once, and is all that the provider gets beside the secret', async () => {
    const { send, emails } = appWith({ provider });
    const token = siteverify.solve();
    await send({ captcha: token }).expect(200);
    expect(siteverify.calls).toEqual([
      {
        type: expect.stringContaining('application/x-www-form-urlencoded'),
        form: { secret: CAPTCHA_SECRET, response: token },
      },
    ]);
    await send({ captcha: token }).expect(403, refused());
    await send({ captcha: `${token}x` }).expect(403, refused());
    expect(emails).toEqual([email]);
    expect(warned()).toEqual([]);
  });

  it('the field that its widget adds to a form works, and the field of the app comes first', async () => {
    const { app, send } = appWith({ provider });
    const field = FIELDS[provider];
    const post = (form: object) =>
      request(app)
        .post('/ev/send')
        .type('form')
        .send({ email, ...form });
    await post({ [field]: siteverify.solve() }).expect(200);
    await send({ [field]: 'wrong', captcha: siteverify.solve() }).expect(200);
    await send({ [field]: siteverify.solve(), captcha: 'wrong' }).expect(403);
  });
});

it('the `field` option names where the token is', async () => {
  const { send } = appWith({ field: 'proof' });
  await send({ captcha: siteverify.solve() }).expect(403);
  await send({ proof: siteverify.solve() }).expect(200);
});

it.each<[string, object]>([
  ['no token', {}],
  ['an empty one', { captcha: '' }],
  ['null', { captcha: null }],
  ['a number', { captcha: 7 }],
  ['an array with a token', { captcha: ['token'] }],
  ['an object', { captcha: { token: 'x' } }],
  ['white space', { captcha: 'a token' }],
  ['other scripts', { captcha: '토큰' }],
  ['10,001 characters', { captcha: 'x'.repeat(10_001) }],
])('%s is refused without a call', async (_what, body) => {
  const { send, emails } = appWith();
  await send(body).expect(403, refused());
  expect([siteverify.calls, emails]).toEqual([[], []]);
});

it('a token of 10,000 characters passes, because providers promise no length', async () => {
  const token = 'x'.repeat(10_000);
  const { send } = appWith();
  siteverify.failWith(json(200, { success: true }));
  await send({ captcha: token }).expect(200);
  expect(siteverify.calls[0]?.form['response']).toBe(token);
});

it('the refusal is in the language of the request, or the general one where a locale has no text for it', async () => {
  const { captcha: _none, ...answers } = { ...en.answers, refused: 'Abgelehnt.' };
  const { send } = appWith({}, { locales: { de: { ...en, tag: 'de', answers } } });
  await send({ locale: 'ko' }).expect(403, refused('로봇이 아님을 확인한 뒤 다시 시도해 주세요.'));
  await send({ locale: 'de' }).expect(403, refused('Abgelehnt.'));
});

it('without HTTP there is no token, and a send is refused', async () => {
  const { verification } = appWith();
  expect(await verification.send({ email })).toEqual({ kind: 'refused', message: NOT_A_ROBOT });
});

describe('a token that was solved for something else is refused:', () => {
  const facts = { hostname: 'acme.example', action: 'signup' };
  const hosts = { hostname: ['acme.example', 'www.Acme.example'] };

  it.each<[string, Partial<CaptchaOptions>, object, number]>([
    ['its hostname', { hostname: 'acme.example' }, facts, 200],
    ['a hostname in another case', { hostname: 'ACME.example' }, facts, 200],
    ['one of several hostnames', hosts, { hostname: 'WWW.acme.example' }, 200],
    ['another hostname', { hostname: 'acme.example' }, { hostname: 'evil.example' }, 403],
    ['a longer hostname', { hostname: 'acme.example' }, { hostname: 'x.acme.example' }, 403],
    ['a hostname that is none', { hostname: 'acme.example' }, { hostname: null }, 403],
    ['no hostname', { hostname: 'acme.example' }, {}, 403],
    ['any hostname, if the option is left out', {}, { hostname: 'elsewhere.example' }, 200],
    ['its action', { action: 'signup' }, facts, 200],
    ['another action', { action: 'login' }, facts, 403],
    ['no action', { action: 'signup' }, { hostname: 'acme.example' }, 403],
    ['a score of 0.5', { provider: 'recaptcha' }, { score: 0.5 }, 200],
    ['a score below 0.5', { provider: 'recaptcha' }, { score: 0.4 }, 403],
    ['a score of 0', { provider: 'recaptcha', minScore: 0 }, { score: 0 }, 200],
    ['a score below `minScore`', { provider: 'recaptcha', minScore: 0.8 }, { score: 0.7 }, 403],
    ['no score, as with v2', { provider: 'recaptcha' }, {}, 200],
    ['no score, although `minScore` is passed', { provider: 'recaptcha', minScore: 0.5 }, {}, 403],
    ['a risk score of hCaptcha', { provider: 'hcaptcha' }, { score: 0 }, 200],
  ])('%s', async (_what, options, found, status) => {
    const { send } = appWith(options);
    await send({ captcha: siteverify.solve(found) }).expect(status);
  });

  it('and a warning tells the operator of each mismatch once', async () => {
    const { send } = appWith({ hostname: 'acme.example' });
    for (const hostname of ['www.acme.example', 'www.acme.example', 'staging.acme.example']) {
      await send({ captcha: siteverify.solve({ hostname }) }).expect(403, refused());
    }
    expect(warned()).toEqual([
      "captcha() refused a token of turnstile: its hostname was 'www.acme.example'. Further ones are refused without a warning.",
      "captcha() refused a token of turnstile: its hostname was 'staging.acme.example'. Further ones are refused without a warning.",
    ]);
    for (let n = 0; n < 20; n += 1)
      await send({ captcha: siteverify.solve({ hostname: `${n}.example` }) }).expect(403);
    expect(warned()).toHaveLength(10);
  });
});

describe('the operator is told, and not the person,', () => {
  it.each(['allow', 'refuse'] as const)('when the secret is wrong (%s)', async (whenUnreachable) => {
    const { send, emails } = appWith({ secret: 'wrong-secret', whenUnreachable });
    const { text } = await send({ captcha: siteverify.solve() }).expect(500);
    expect(text).toContain('turnstile refused the `secret` of captcha()');
    expect(text).not.toContain('wrong-secret');
    expect(emails).toEqual([]);
  });

  it('when the secret does not arrive, as behind a proxy that drops it', async () => {
    const { send } = appWith();
    siteverify.failWith(json(200, { success: false, 'error-codes': ['missing-input-secret'] }));
    const { text } = await send({ captcha: siteverify.solve() }).expect(500);
    expect(text).toContain('turnstile refused the `secret` of captcha()');
  });

  it.each(['sitekey-secret-mismatch', 'bad-request', 'a-new-code'])('when %s is the reason', async (code) => {
    const { send } = appWith({ provider: 'hcaptcha' });
    siteverify.failWith(
      (_req, res) => void res.end(JSON.stringify({ success: false, 'error-codes': [code] })),
    );
    for (let n = 0; n < 2; n += 1) await send({ captcha: 'token' }).expect(403, refused());
    expect(warned()).toEqual([expect.stringContaining(`refused a token of hcaptcha: ${code}.`)]);
  });
});

const json =
  (status: number, body: unknown): RequestListener =>
  (_req, res) =>
    void res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));

const HTML = '<!doctype html><title>Be right back</title>';

/** Each gives no verdict. */
const FAULTS: [what: string, fault: RequestListener][] = [
  ['resets the connection', (req) => void req.socket.resetAndDestroy()],
  [
    'closes it in the middle of the body',
    (_req, res) => void res.writeHead(200, { 'Content-Length': 99 }).write('{', () => res.destroy()),
  ],
  ['answers 500', json(500, { success: true })],
  ['answers 503 in HTML', (_req, res) => void res.writeHead(503).end(HTML)],
  ['answers 429', json(429, {})],
  ['answers 200 in HTML', (_req, res) => void res.end(HTML)],
  ['answers nothing', (_req, res) => void res.end()],
  ['answers null', json(200, null)],
  ['answers an array', json(200, [true])],
  ['answers success as a string', json(200, { success: 'true' })],
  ['answers success as a number', json(200, { success: 1 })],
  ['answers internal-error', json(200, { success: false, 'error-codes': ['internal-error'] })],
  ['answers with a huge body', (_req, res) => void res.end(`{"success":true,"x":"${'x'.repeat(70_000)}"}`)],
  [
    'redirects',
    (req, res) => void res.writeHead(307, { Location: `http://${req.headers.host}/elsewhere` }).end(),
  ],
];

describe('a provider that', () => {
  describe.each(FAULTS)('%s', (_what, fault) => {
    it('refuses sends by default, and lets them pass with `allow`', async () => {
      const closed = appWith();
      const open = appWith({ whenUnreachable: 'allow' });
      siteverify.failWith(fault);
      const message = 'The service is not available right now. Please try again in a moment.';
      await closed.send({ captcha: 'token' }).expect(403, refused(message));
      await open.send({ captcha: 'token' }).expect(200);
      expect(siteverify.calls).toHaveLength(2);
      expect([closed.emails, open.emails]).toEqual([[], [email]]);
      expect(warned()).toEqual([
        expect.stringMatching(
          /^captcha\(\): turnstile is unreachable \(.+\)\. Emails are refused until it recovers\.$/,
        ),
        expect.stringMatching(/\(.+\)\. Emails pass without a captcha until it recovers\.$/),
      ]);
      expect(warned().join()).not.toContain(CAPTCHA_SECRET);
      // Without a token, nothing passes.
      await open.send({}).expect(403, refused());
    });
  });

  it('hangs, or trickles, is given up on after `timeout`', async () => {
    const faults: RequestListener[] = [
      () => {},
      (_req, res) => {
        const timer = setInterval(() => res.write(' '), 10);
        res.on('close', () => clearInterval(timer));
      },
    ];
    for (const fault of faults) {
      siteverify.failWith(fault);
      await appWith({ timeout: 50 }).send({ captcha: 'token' }).expect(403);
      await appWith({ timeout: 50, whenUnreachable: 'allow' }).send({ captcha: 'token' }).expect(200);
    }
    expect(warned()[0]).toContain('turnstile is unreachable (it did not answer in time)');
  });

  it('does not listen is named with its cause, once for each outage', async () => {
    const { send } = appWith({ url: `http://127.0.0.1:${await freePort()}/siteverify` });
    for (let n = 0; n < 3; n += 1) await send({ captcha: 'token' }).expect(403);
    expect(warned()).toEqual([expect.stringContaining('turnstile is unreachable (ECONNREFUSED)')]);
  });

  it('recovers is used again, and its next outage is told again', async () => {
    const { send } = appWith();
    for (let outage = 1; outage <= 2; outage += 1) {
      siteverify.failWith(json(500, {}));
      await send({ captcha: 'token' }).expect(403);
      await send({ captcha: 'token' }).expect(403);
      expect(warned()).toHaveLength(outage);
      siteverify.failWith(undefined);
      await send({ captcha: siteverify.solve() }).expect(200);
    }
  });

  it('answers 4xx without a verdict refuses the send even with `allow`, because a token may have caused it', async () => {
    const { send } = appWith({ whenUnreachable: 'allow' });
    siteverify.failWith((_req, res) => void res.writeHead(404).end(HTML));
    await send({ captcha: 'token' }).expect(403, refused());
    expect(warned()).toEqual([expect.stringContaining('refused a token of turnstile: HTTP 404.')]);
  });

  it('gives its verdict with a status of 400 is believed', async () => {
    const { send } = appWith();
    siteverify.failWith(json(400, { success: false, 'error-codes': ['timeout-or-duplicate'] }));
    await send({ captcha: 'token' }).expect(403, refused());
    expect(warned()).toEqual([]);
  });
});

it('another check of the app can follow it', async () => {
  const passes = captcha({ provider: 'turnstile', secret: CAPTCHA_SECRET, url: siteverify.url('turnstile') });
  const { send, emails } = appWith(
    {},
    {
      beforeSend: async (attempt) =>
        (await passes(attempt)) ?? (attempt.email.startsWith('known') ? { kind: 'suppress' } : undefined),
    },
  );
  await send({ email: 'known@example.com' }).expect(403);
  await send({ email: 'known@example.com', captcha: siteverify.solve() }).expect(200);
  await send({ captcha: siteverify.solve() }).expect(200);
  expect(emails).toEqual([email]);
});

describe('its options', () => {
  const required = { provider: 'turnstile', secret: CAPTCHA_SECRET };
  const create = (options: unknown) => () => captcha(options as CaptchaOptions);

  it.each([
    {},
    { field: undefined, hostname: undefined, action: undefined, minScore: undefined, timeout: undefined },
    { hostname: 'localhost', action: 'signup', whenUnreachable: 'allow', timeout: 50, field: 'x' },
    { provider: 'recaptcha', minScore: 1, url: 'https://www.recaptcha.net/recaptcha/api/siteverify' },
    { url: 'http://localhost:8080/siteverify' },
  ])('may be %p', (options) => {
    expect(create({ ...required, ...options })).not.toThrow();
  });

  it.each<[unknown, string]>([
    [undefined, 'captcha() takes an object of options.'],
    [{ ...required, sekret: 'x' }, 'Unknown option `sekret` of captcha(). Did you mean `secret`?'],
    [
      { ...required, provider: undefined },
      "must be 'turnstile', 'hcaptcha' or 'recaptcha'. Received undefined.",
    ],
    [{ ...required, provider: 'toString' }, 'The `provider` option of captcha() must be'],
    [{ ...required, secret: undefined }, 'The `secret` option of captcha() must be'],
    [{ ...required, secret: '' }, 'Received a string of 0 bytes.'],
    [{ ...required, secret: 'undefined' }, 'Received a string of 9 bytes.'],
    [{ ...required, secret: `${CAPTCHA_SECRET}\n` }, 'without white space'],
    [{ ...required, field: '' }, 'The `field` option of captcha() must be'],
    [{ ...required, hostname: '' }, 'The `hostname` option of captcha() must be'],
    [{ ...required, hostname: [] }, 'The `hostname` option of captcha() must be'],
    [{ ...required, hostname: ['a.example', undefined] }, 'The `hostname` option of captcha() must be'],
    [{ ...required, hostname: 'https://a.example' }, "Received 'https://a.example'."],
    [{ ...required, hostname: 'localhost:3000' }, 'without scheme and port'],
    [{ ...required, action: '' }, 'The `action` option of captcha() must be a string.'],
    [{ ...required, provider: 'hcaptcha', action: 'signup' }, 'hCaptcha reports none'],
    [{ ...required, minScore: 0.5 }, 'for reCAPTCHA v3 alone'],
    [{ ...required, provider: 'recaptcha', minScore: 50 }, 'a number from 0 to 1'],
    [{ ...required, provider: 'recaptcha', minScore: Number.NaN }, 'a number from 0 to 1'],
    [{ ...required, whenUnreachable: 'open' }, "must be 'refuse' or 'allow'. Received 'open'."],
    [{ ...required, timeout: 49 }, 'a whole number from 50 to 60000. Received 49.'],
    [{ ...required, timeout: '3s' }, 'a whole number from 50 to 60000'],
    [{ ...required, url: 'http://acme.example/siteverify' }, 'must be an https URL'],
    [{ ...required, url: 'siteverify' }, 'must be an https URL'],
    [
      { ...required, url: `https://user:${SECRET}@proxy.acme.example/` },
      'The `url` option of captcha() must be a URL without a user and a password. Received a string of',
    ],
  ])('are refused when they are %p', (options, sentence) => {
    expect(create(options)).toThrow(sentence);
    expect(create(options)).not.toThrow(CAPTCHA_SECRET);
    expect(create(options)).not.toThrow(SECRET);
  });
});
