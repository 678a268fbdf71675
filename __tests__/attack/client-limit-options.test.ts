/** The options of the client limit: each option of express-rate-limit works as its users expect, or is refused at start. */
import express, { type Request } from 'express';
import {
  createEmailVerification,
  type EmailVerification,
  type EmailVerificationOptions,
  emailVerificationRouter,
  MemoryStore,
} from 'express-email-verification';
import {
  type IncrementCallback,
  MemoryStore as RateLimitMemory,
  type Store as RateLimitStore,
  rateLimit as rateLimiter,
} from 'express-rate-limit';
import { FROM, SECRET } from '../support/app.js';
import { until } from '../support/until.js';
import {
  inParallel,
  memoryInbox,
  type Reply,
  SECOND,
  type Service,
  STORES,
  startClock,
  tally,
  useServices,
} from './services.js';

const { open, listen, storeOf } = useServices();
const inbox = memoryInbox();
const { delivery } = inbox;

type RateLimit = EmailVerificationOptions['rateLimit'];
type SendLimit = Exclude<Exclude<RateLimit, false | undefined>['send'], false | undefined>;

let people = 0;
const newEmail = () => `person${people++}@example.com`;
const CLIENT = '203.0.113.7';
const send = (service: Service, ip = CLIENT) => service.send({ email: newEmail() }, ip);
const guess = (service: Service, ip = CLIENT) => service.verify({ email: newEmail(), code: '123456' }, ip);

/** Sends requests one after another. */
async function inTurn(count: number, ask: () => Promise<Reply>): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let n = 0; n < count; n += 1) replies.push(await ask());
  return replies;
}

const openWith = (rateLimit: unknown, more: Partial<EmailVerificationOptions> = {}) =>
  open({ store: new MemoryStore(), delivery, rateLimit: rateLimit as RateLimit, ...more });

/** What express-rate-limit logs to the console. */
let logged: jest.SpyInstance;
beforeEach(() => {
  logged = jest.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => logged.mockRestore());

describe('T43: `limit` and its old name `max`', () => {
  it.each<[string, object]>([
    ['max', { max: 3 }],
    ['limit', { limit: 3 }],
    ['max, limit left undefined', { max: 3, limit: undefined }],
    ['limit, max left undefined', { max: undefined, limit: 3 }],
    ['both the same', { max: 3, limit: 3 }],
    ['max as a function', { max: () => 3 }],
    ['limit as an asynchronous function', { limit: async () => 3 }],
    ['max beside a window', { max: 3, windowMs: 60_000 }],
  ])('T43: %s lets 3 requests through', async (_what, options) => {
    const service = await openWith({ send: options, verify: options });
    expect(tally(await inTurn(5, () => send(service)))).toEqual({ success: 3, too_many_requests: 2 });
    expect(tally(await inTurn(5, () => guess(service)))).toEqual({ code_expired: 3, too_many_requests: 2 });
    expect(logged).not.toHaveBeenCalled();
  });

  it('T43: two different limits are refused', async () => {
    await expect(openWith({ send: { max: 3, limit: 4 } })).rejects.toThrow(
      'The `rateLimit.send.max` option is the old name of `limit`: pass one of them.',
    );
  });
});

describe('T44: undefined means the default, and `false` means no limit', () => {
  const DEFAULT = { success: 20, too_many_requests: 5 };
  const none = { windowMs: undefined, limit: undefined, max: undefined, standardHeaders: undefined };
  it.each<[string, unknown, object]>([
    ['nothing', undefined, DEFAULT],
    ['{}', {}, DEFAULT],
    ['send: undefined', { send: undefined }, DEFAULT],
    ['send: {}', { send: {} }, DEFAULT],
    ['all of them undefined', { send: none, verify: undefined }, DEFAULT],
    ['false', false, { success: 25 }],
    ['send: false', { send: false }, { success: 25 }],
  ])('T44: rateLimit %s', async (_what, rateLimit, expected) => {
    const service = await openWith(rateLimit);
    const replies = await inTurn(25, () => send(service));
    expect(tally(replies)).toEqual(expected);
    expect(tally(await inTurn(25, () => guess(service)))).toEqual({ code_expired: 25 });
    const limited = replies.find(({ status }) => status === 429);
    if (!limited) return;
    expect(limited.body.retryAfter).toBeGreaterThan(580);
    expect(limited.body.retryAfter).toBeLessThanOrEqual(600);
    expect(limited.headers['ratelimit']).toMatch(/^"send-by-client"; r=0; t=\d+$/);
  });

  it("T44: `false` also means no limit on the app's own routes", async () => {
    const { app, verification } = appWith({ rateLimit: false });
    app.post('/own', verification.clientLimit, (_req, res) => void res.json({ ok: true }));
    const service = await listen(app, verification);
    expect(tally(await inTurn(25, () => service.post('/own', {})))).toEqual({ success: 25 });
  });

  it('T44: options left out for verify have the defaults of express-rate-limit', async () => {
    const service = await openWith({ verify: {} });
    const replies = await inTurn(7, () => guess(service));
    expect(tally(replies)).toEqual({ code_expired: 5, too_many_requests: 2 });
    expect(replies.at(-1)?.body.retryAfter).toBeLessThanOrEqual(60);
  });
});

describe('T44: wrong options are refused at start', () => {
  const whole = 'a whole number';
  const wrong: [name: string, expected: string, values: readonly unknown[]][] = [
    [
      'windowMs',
      `${whole} of milliseconds from 1 to 2147483647`,
      [
        '10m',
        '60000',
        '',
        0,
        -1,
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        2 ** 31,
        null,
        60_000n,
        () => 5,
        [5],
        {},
      ],
    ],
    ...['limit', 'max'].map((name): [string, string, unknown[]] => [
      name,
      `${whole}, at least 1, or a function that returns one`,
      ['20', '', 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, true, false, 20n, [20], {}],
    ]),
    [
      'message',
      'a string, or a function that returns one',
      [{ error: 'slow' }, null, 5, ['x'], Buffer.from('x'), true],
    ],
    ['statusCode', `${whole} from 400 to 599`, ['429', 200, 302, 600, Number.NaN, null, () => 429]],
    ['standardHeaders', "true, false, 'draft-6'", ['draft-9', 'draft-5', 'true', '', 8, null, {}]],
    ['identifier', 'a string of printable ASCII', ['', 'a"b', 'a\\b', 'a\nb', '보내기', 5, null, {}]],
    ['retryAfter', `${whole} of seconds, at least 1`, ['60', 0, -1, 1.5, Number.NaN, null, new Date(0)]],
    [
      'requestPropertyName',
      'a non-empty string',
      ['', 5, null, Symbol('x'), {}, '__proto__', 'headers', 'constructor'],
    ],
    ...['legacyHeaders', 'headers', 'skipFailedRequests', 'skipSuccessfulRequests', 'passOnStoreError'].map(
      (name): [string, string, unknown[]] => [
        name,
        'true or false',
        ['true', 'false', '', 0, 1, null, {}, () => true],
      ],
    ),
    ...['keyGenerator', 'handler', 'skip', 'requestWasSuccessful'].map(
      (name): [string, string, unknown[]] => [
        name,
        'a function',
        ['ip', true, false, null, 5, {}, Promise.resolve()],
      ],
    ),
    [
      'ipv6Subnet',
      `${whole} from 32 to 64, false, or a function`,
      ['56', 0, 31, 65, 128, 56.5, Number.NaN, true, null, {}],
    ],
    [
      'store',
      'a store of express-rate-limit, made for this limit alone',
      [
        'redis://user:hidden@host',
        null,
        {},
        new MemoryStore(),
        RateLimitMemory,
        { increment() {} },
        { incr() {} },
        new Map(),
      ],
    ],
    ['validate', 'true, false or an object of them', ['false', 0, null, [], new Map(), () => false]],
    [
      'logger',
      'an object with the functions `error` and `warn`',
      [null, {}, { error() {} }, 'console', () => {}],
    ],
  ];
  const cases = wrong.flatMap(([name, expected, values]) =>
    values.map((value) => [name, value, expected] as const),
  );
  it.each(cases)('T44: `%s` is not %p', async (name, value, expected) => {
    for (const route of ['send', 'verify']) {
      const opened = openWith({ [route]: { [name]: value } });
      await expect(opened).rejects.toThrow(`The \`rateLimit.${route}.${name}\` option must be ${expected}`);
      await expect(opened).rejects.not.toThrow('hidden');
    }
  });

  it.each<[unknown, string]>([
    ['false', 'The `rateLimit` option must be { send, verify } or false.'],
    [null, 'The `rateLimit` option must be { send, verify } or false.'],
    [true, 'The `rateLimit` option must be { send, verify } or false.'],
    [0, 'The `rateLimit` option must be { send, verify } or false.'],
    [[], 'The `rateLimit` option must be { send, verify } or false.'],
    [rateLimiter(), 'The `rateLimit` option must be { send, verify } or false.'],
    [{ send: rateLimiter() }, 'The `rateLimit.send` option must be an object of express-rate-limit'],
    [{ send: 'false' }, 'The `rateLimit.send` option must be an object of express-rate-limit'],
    [{ send: null }, 'The `rateLimit.send` option must be an object of express-rate-limit'],
    [{ verify: true }, 'The `rateLimit.verify` option must be an object of express-rate-limit'],
    [
      { verify: Promise.resolve({}) },
      'The `rateLimit.verify` option must be an object of express-rate-limit',
    ],
    [{ sned: { limit: 5 } }, 'Unknown option `rateLimit.sned`. Did you mean `send`?'],
    [{ limit: 5 }, 'Unknown option `rateLimit.limit`.'],
    [{ send: { limits: 5 } }, 'Unknown option `rateLimit.send.limits`.'],
    [{ send: { onLimitReached: () => {} } }, 'Unknown option `rateLimit.send.onLimitReached`.'],
    [
      { send: { draft_polli_ratelimit_headers: true } },
      'Unknown option `rateLimit.send.draft_polli_ratelimit_headers`.',
    ],
    [{ send: { delayMs: 5 } }, 'Unknown option `rateLimit.send.delayMs`.'],
    [{ send: { validate: { ipv6: false } } }, 'Unknown option `rateLimit.send.validate.ipv6`.'],
    [
      { send: { validate: { trustProxy: 'no' } } },
      'The `rateLimit.send.validate.trustProxy` option must be true or false.',
    ],
    [
      { send: { legacyHeaders: true, headers: false } },
      'The `rateLimit.send.headers` option is the old name of `legacyHeaders`',
    ],
    [
      { send: { keyGenerator: () => 'x', ipv6Subnet: 64 } },
      'The `rateLimit.send.ipv6Subnet` option has no effect beside `keyGenerator`',
    ],
  ])('T44: %p', async (rateLimit, sentence) => {
    await expect(openWith(rateLimit)).rejects.toThrow(sentence);
  });

  it('T44: one store for both routes is refused, as both would count on the same keys', async () => {
    const store = new RateLimitMemory();
    await expect(openWith({ send: { store }, verify: { store } })).rejects.toThrow(
      'The `rateLimit.verify.store` option must be a different store from that of `rateLimit.send`',
    );
    store.shutdown();
  });
});

/** The answer to the second request under a limit of one. */
async function refusalOf(options: object, more?: Partial<EmailVerificationOptions>): Promise<Reply> {
  const service = await openWith({ send: { limit: 1, ...options } }, more);
  expect((await send(service)).status).toBe(200);
  return send(service);
}

describe('T44: options that work as in express-rate-limit', () => {
  const refused = { ok: false, reason: 'too_many_requests', retryAfter: expect.any(Number) };

  it('T44: message replaces the text of the answer, not its form', async () => {
    const slower = 'Not so fast.';
    for (const message of [slower, () => slower, async () => slower]) {
      const { status, body } = await refusalOf({ message });
      expect([status, body]).toEqual([429, { ...refused, message: slower }]);
    }
    const withPath = ({ originalUrl }: Request) => `${slower} (${originalUrl})`;
    expect((await refusalOf({ message: withPath })).body.message).toBe(`${slower} (/ev/send)`);
  });

  it('T44: statusCode sets the status', async () => {
    const { status, body } = await refusalOf({ statusCode: 503 });
    expect([status, body]).toEqual([503, { ...refused, message: expect.any(String) }]);
  });

  it.each<[string, object, Record<string, string | undefined>]>([
    ['the default', {}, { ratelimit: '"send-by-client"; r=0; t=600', 'x-ratelimit-limit': undefined }],
    ['standardHeaders: true', { standardHeaders: true }, { 'ratelimit-limit': '1', ratelimit: undefined }],
    ['draft-6', { standardHeaders: 'draft-6' }, { 'ratelimit-remaining': '0', ratelimit: undefined }],
    ['draft-7', { standardHeaders: 'draft-7' }, { ratelimit: 'limit=1, remaining=0, reset=600' }],
    ['draft-8', { standardHeaders: 'draft-8', identifier: 'mine' }, { ratelimit: '"mine"; r=0; t=600' }],
    [
      'an identifier by a function',
      { identifier: async () => 'yours' },
      { ratelimit: '"yours"; r=0; t=600' },
    ],
    ['none', { standardHeaders: false }, { ratelimit: undefined, 'ratelimit-policy': undefined }],
    [
      'legacyHeaders: true',
      { legacyHeaders: true },
      { 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0' },
    ],
    ['its old name `headers`', { headers: true }, { 'x-ratelimit-limit': '1' }],
    ['legacyHeaders: undefined', { legacyHeaders: undefined }, { 'x-ratelimit-limit': undefined }],
  ])('T44: headers with %s', async (_what, options, expected) => {
    const clock = startClock();
    const { headers } = await refusalOf(options, { store: new MemoryStore({ clock: clock.read }) });
    for (const [name, value] of Object.entries(expected))
      expect([name, headers[name]]).toEqual([name, value]);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  });

  it('T44: retryAfter sets the header and the field', async () => {
    for (const retryAfter of [77, () => 77, async () => 77]) {
      const { headers, body } = await refusalOf({ retryAfter });
      expect([headers['retry-after'], body.retryAfter]).toEqual(['77', 77]);
    }
  });

  it('T44: requestPropertyName names the property that a handler reads', async () => {
    const handler: SendLimit['handler'] = (req, res, _next, { statusCode, message }) => {
      res.status(statusCode).json({ used: Reflect.get(req, 'quota').used, message });
    };
    const options = {
      handler,
      requestPropertyName: 'quota',
      statusCode: 420,
      message: 'mine',
      retryAfter: 9,
    };
    const { status, body, headers } = await refusalOf(options);
    expect([status, body, headers['retry-after']]).toEqual([420, { used: 2, message: 'mine' }, '9']);
  });

  it('T44: a handler may let the request through', async () => {
    const handlers: SendLimit['handler'][] = [
      (_req, _res, next) => next(),
      async (_req, _res, next) => next(),
      (_req, _res, next) => Promise.resolve().then(next),
    ];
    for (const handler of handlers) expect((await refusalOf({ handler })).status).toBe(200);
  });

  it('T44: skip exempts requests', async () => {
    const skip = async ({ headers }: Request) => headers['x-forwarded-for'] === '203.0.113.99';
    const service = await openWith({ send: { limit: 1, skip } });
    expect(tally(await inTurn(3, () => send(service)))).toEqual({ success: 1, too_many_requests: 2 });
    expect(tally(await inTurn(3, () => send(service, '203.0.113.99')))).toEqual({ success: 3 });
  });

  const failing = { delivery: async () => Promise.reject(new Error('no')) };
  const ok = (status: number) => status === 200;
  const notOk = (status: number) => status !== 200;
  it.each<[string, object, object, (status: number) => boolean, object]>([
    ['skipSuccessfulRequests', { skipSuccessfulRequests: true }, {}, ok, { success: 4 }],
    ['skipFailedRequests', { skipFailedRequests: true }, {}, notOk, { success: 2, too_many_requests: 2 }],
    [
      'skipFailedRequests, no email is sent',
      { skipFailedRequests: true },
      failing,
      notOk,
      { delivery_failed: 4 },
    ],
    [
      'skipSuccessfulRequests, no email is sent',
      { skipSuccessfulRequests: true },
      failing,
      ok,
      { delivery_failed: 2, too_many_requests: 2 },
    ],
    [
      'requestWasSuccessful',
      { skipFailedRequests: true, requestWasSuccessful: async () => false },
      {},
      () => true,
      { success: 4 },
    ],
  ])('T44: %s takes requests back', async (_what, options, more, isTakenBack, expected) => {
    let takenBack = 0;
    const store = storeWith();
    const decrement = async (key: string) => {
      await store.decrement(key);
      takenBack += 1;
    };
    const service = await openWith({ send: { limit: 2, ...options, store: { ...store, decrement } } }, more);
    service.verification.on('delivery_failed', () => {});
    const replies: Reply[] = [];
    let skipped = 0;
    for (let n = 0; n < 4; n += 1) {
      const reply = await send(service);
      replies.push(reply);
      // A request is taken back only after its answer was sent.
      if (isTakenBack(reply.status)) skipped += 1;
      await until('the request is taken back', () => takenBack === skipped);
    }
    expect(tally(replies)).toEqual(expected);
  });

  it.each(STORES)('T44: skipped requests are taken back on %s', async (name) => {
    const options = { limit: 1, skipSuccessfulRequests: true, skipFailedRequests: true };
    const service = await openWith({ send: options }, { store: storeOf(name) });
    for (let n = 0; n < 3; n += 1)
      await until('the one before is taken back', async () => (await send(service)).status === 200, 10_000);
  });

  it('T44: validate: false silences the warning about a bare IP as the key, which otherwise appears once', async () => {
    const keyGenerator = (req: Request) => req.ip ?? '';
    await refusalOf({ keyGenerator, validate: false });
    await refusalOf({ keyGenerator, validate: { keyGeneratorIpFallback: false } });
    await refusalOf({ keyGenerator, validate: { default: false } });
    expect(logged).not.toHaveBeenCalled();
    await refusalOf({ keyGenerator, validate: true });
    await refusalOf({ keyGenerator });
    expect(logged).toHaveBeenCalledTimes(2);
    expect(String(logged.mock.calls[0])).toContain('ERR_ERL_KEY_GEN_IPV6');
  });

  it('T44: creating a verification while a request is served logs nothing', async () => {
    const app = express();
    app.post('/late', (_req, res) => {
      createEmailVerification({
        store: new MemoryStore(),
        delivery,
        transport: 'smtp://127.0.0.1:9',
        from: FROM,
        secret: SECRET,
      });
      res.json({ ok: true });
    });
    const service = await listen(app, appWith({}).verification);
    expect((await service.post('/late', {})).status).toBe(200);
    expect(logged).not.toHaveBeenCalled();
  });
});

/** A store of express-rate-limit with some methods replaced. */
function storeWith(parts: object = {}): RateLimitStore {
  const hits = new Map<string, number>();
  return {
    increment(key: string) {
      const totalHits = (hits.get(key) ?? 0) + 1;
      hits.set(key, totalHits);
      return { totalHits, resetTime: new Date(Date.now() + 30_000) };
    },
    decrement: (key: string) => void hits.set(key, (hits.get(key) ?? 0) - 1),
    resetKey: (key: string) => void hits.delete(key),
    ...parts,
  };
}

describe('T44: a custom store', () => {
  it('T44: counts under the custom keys', async () => {
    const increment = jest.fn(storeWith().increment);
    const init = jest.fn();
    const { status, body } = await refusalOf({
      store: storeWith({ increment, init }),
      keyGenerator: () => 'mine',
      windowMs: 5000,
    });
    expect([status, body.retryAfter]).toEqual([429, 30]);
    expect(increment.mock.calls).toEqual([['mine'], ['mine']]);
    expect(init).toHaveBeenCalledTimes(1);
    expect(init).toHaveBeenCalledWith(expect.objectContaining({ windowMs: 5000, limit: 1 }));
    const memory = new RateLimitMemory();
    expect((await refusalOf({ store: memory })).status).toBe(429);
    memory.shutdown();
  });

  it('T44: with the legacy `incr` counts too', async () => {
    let hits = 0;
    const incr = (_key: string, done: IncrementCallback) => done(undefined, ++hits, undefined);
    const store = { incr, decrement() {}, resetKey() {} };
    const { status, body } = await refusalOf({ store, windowMs: 45_000 });
    expect([status, body.retryAfter]).toEqual([429, 45]);
  });

  const trouble: [what: string, parts: object][] = [
    [
      'throws',
      {
        increment: () => {
          throw new Error('unreachable');
        },
      },
    ],
    [
      'throws nothing',
      {
        increment: () => {
          throw undefined;
        },
      },
    ],
    ['rejects', { increment: async () => Promise.reject(new Error('unreachable')) }],
    ['rejects with nothing', { increment: async () => Promise.reject() }],
    ['never settles', { increment: () => new Promise(() => {}) }],
    ['answers nothing', { increment: async () => undefined }],
    ['answers no number', { increment: async () => ({ totalHits: Number.NaN, resetTime: new Date() }) }],
    ['answers a text', { increment: async () => ({ totalHits: 'OK' }) }],
    [
      'with the legacy `incr` fails',
      {
        increment: undefined,
        incr: (_key: string, done: IncrementCallback) => done(new Error('unreachable'), 0, undefined),
      },
    ],
  ];
  it.each(trouble)(
    'T44, T39: that %s: 503 in time, no email and an event; with passOnStoreError the request passes',
    async (_what, parts) => {
      const email = newEmail();
      const onUnavailable = jest.fn();
      const service = await openWith({ send: { store: storeWith(parts) } }, { storeTimeout: 200 });
      service.verification.on('unavailable', onUnavailable);
      const { status, body } = await service.send({ email });
      expect([status, body]).toEqual([
        503,
        { ok: false, reason: 'unavailable', message: expect.any(String), retryAfter: 5 },
      ]);
      expect(inbox.codesOf(email)).toEqual([]);
      expect(onUnavailable).toHaveBeenCalledTimes(1);

      const logger = { error: jest.fn(), warn: jest.fn() };
      const passing = await openWith(
        { send: { store: storeWith(parts), passOnStoreError: true, logger } },
        { storeTimeout: 200 },
      );
      expect((await passing.send({ email })).status).toBe(200);
      expect(logger.error).toHaveBeenCalledTimes(1);
    },
  );

  it('T44: a window that has ended meanwhile makes clients wait a second, not no time at all', async () => {
    let totalHits = 0;
    const resetTime = new Date(Date.now() - 5 * SECOND);
    const store = storeWith({ increment: async () => ({ totalHits: ++totalHits, resetTime }) });
    const service = await openWith({ send: { limit: 1, windowMs: 60 * SECOND, store } });
    const reported: number[] = [];
    service.verification.on('limited', ({ retryAfter }) => reported.push(retryAfter));
    await send(service);
    const { status, headers, body } = await send(service);
    expect([status, headers['retry-after'], body.retryAfter, reported]).toEqual([429, '1', 1, [1]]);
  });

  it('T44: without a valid resetTime retryAfter is the whole window', async () => {
    for (const resetTime of [undefined, null, 'soon', Number.NaN, new Date(Number.NaN)]) {
      let totalHits = 0;
      const store = storeWith({ increment: async () => ({ totalHits: ++totalHits, resetTime }) });
      const { status, body } = await refusalOf({ store, windowMs: 45_000, standardHeaders: false });
      expect([status, body.retryAfter]).toEqual([429, 45]);
    }
  });
});

describe('T44: what option functions may return', () => {
  const broken: [what: string, options: object][] = [
    ...[undefined, null, Number.NaN, '20', Number.POSITIVE_INFINITY, -1, 1.5].map(
      (value): [string, object] => [`limit: ${value}`, { limit: async () => value }],
    ),
    ...[undefined, null, {}, false].map((value): [string, object] => [
      `keyGenerator: ${value}`,
      { keyGenerator: () => value },
    ]),
    ...[Number.NaN, '56', 0, 200, true].map((value): [string, object] => [
      `ipv6Subnet: ${value}`,
      { ipv6Subnet: () => value },
    ]),
    ...['skip', 'limit', 'keyGenerator', 'ipv6Subnet', 'identifier'].flatMap((name): [string, object][] => [
      [
        `${name} throws an error`,
        {
          [name]: () => {
            throw new Error('mine');
          },
        },
      ],
      [
        `${name} throws nothing`,
        {
          [name]: () => {
            throw undefined;
          },
        },
      ],
      [`${name} rejects with nothing`, { [name]: async () => Promise.reject() }],
      [`${name} rejects with null`, { [name]: async () => Promise.reject(null) }],
    ]),
  ];
  it.each(broken)(
    'T44, T37: with %s the app gets an error and the request is not let through',
    async (_what, options) => {
      const email = newEmail();
      const service = await openWith({ send: options });
      const { status } = await service.send({ email }, '2001:db8::1');
      expect(status).toBe(500);
      expect(inbox.codesOf(email)).toEqual([]);
    },
  );

  const refusing: [what: string, options: object][] = [
    ['message: 5', { message: () => 5 }],
    [
      'message throws nothing',
      {
        message: () => {
          throw undefined;
        },
      },
    ],
    ['retryAfter: NaN', { retryAfter: () => Number.NaN }],
    ['retryAfter: "60"', { retryAfter: async () => '60' }],
    ['retryAfter rejects with nothing', { retryAfter: async () => Promise.reject() }],
    [
      'handler throws nothing',
      {
        handler: () => {
          throw undefined;
        },
      },
    ],
    ['handler rejects with nothing', { handler: async () => Promise.reject() }],
    [
      'handler hands an error on',
      { handler: (_req: unknown, _res: unknown, next: (error: Error) => void) => next(new Error('mine')) },
    ],
  ];
  it.each(refusing)('T44, T37: with %s at the limit the app gets an error', async (_what, options) => {
    expect((await refusalOf(options)).status).toBe(500);
  });

  it('T44: a limit of 0 for some clients lets none of their requests through', async () => {
    const service = await openWith({ send: { limit: ({ ip }: Request) => (ip === CLIENT ? 0 : 20) } });
    expect((await send(service)).status).toBe(429);
    expect((await send(service, '203.0.113.8')).status).toBe(200);
    expect(logged).not.toHaveBeenCalled();
  });

  it('T44: a key may be a number', async () => {
    const service = await openWith({
      send: { limit: 1, keyGenerator: ({ ip }: Request) => (ip === CLIENT ? 1 : 2) },
    });
    expect(tally(await inTurn(2, () => send(service)))).toEqual({ success: 1, too_many_requests: 1 });
    expect((await send(service, '203.0.113.8')).status).toBe(200);
  });
});

describe.each(STORES)('T45: limits count separately on %s', (name) => {
  it.each<[string, Partial<EmailVerificationOptions>, Partial<EmailVerificationOptions>]>([
    [
      'another purpose and window',
      { purpose: 'invite', rateLimit: { send: { windowMs: SECOND, limit: 100 } } },
      { purpose: 'signup', rateLimit: { send: { windowMs: 600 * SECOND, limit: 5 } } },
    ],
    [
      'another window of one purpose',
      { rateLimit: { send: { windowMs: SECOND, limit: 100 } } },
      { rateLimit: { send: { windowMs: 600 * SECOND, limit: 5 } } },
    ],
    [
      'another purpose with the same window',
      { purpose: 'invite', rateLimit: { send: { windowMs: 600 * SECOND, limit: 100 } } },
      { purpose: 'signup', rateLimit: { send: { windowMs: 600 * SECOND, limit: 5 } } },
    ],
  ])('T45: %s', async (_what, one, other) => {
    const clock = startClock();
    const store = storeOf(name, clock.read);
    const first = await open({ store, delivery, ...one });
    const second = await open({ store, delivery, ...other });
    const replies: Reply[] = [];
    for (let round = 0; round < 5; round += 1) {
      expect(tally(await inTurn(3, () => send(first)))).toEqual({ success: 3 });
      replies.push(...(await inTurn(2, () => send(second))));
      clock.pass(2 * SECOND);
    }
    expect(tally(replies)).toEqual({ success: 5, too_many_requests: 5 });
    expect(replies.at(-1)?.body.retryAfter).toBeGreaterThan(580);
  });

  it('T45: send and verify count separately with the same window and limit', async () => {
    const limit = { windowMs: 60_000, limit: 3 };
    const service = await open({ store: storeOf(name), delivery, rateLimit: { send: limit, verify: limit } });
    expect(tally(await inTurn(3, () => send(service)))).toEqual({ success: 3 });
    expect(tally(await inTurn(3, () => guess(service)))).toEqual({ code_expired: 3 });
    expect([(await send(service)).status, (await guess(service)).status]).toEqual([429, 429]);
  });

  it('T45: two processes of one service share their counts', async () => {
    const store = storeOf(name);
    const services = await inParallel(2, () => open({ store, delivery, rateLimit: { send: { limit: 4 } } }));
    const replies = await Promise.all(services.flatMap((service) => [1, 2, 3, 4].map(() => send(service))));
    expect(tally(replies)).toEqual({ success: 4, too_many_requests: 4 });
  });
});

/** An app with the router on /ev, as a user of the package writes it. */
function appWith(options: Partial<EmailVerificationOptions>): {
  app: express.Express;
  verification: EmailVerification;
} {
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), delivery, transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
    ...options,
  });
  const app = express().set('trust proxy', 'loopback').use('/ev', emailVerificationRouter(verification));
  return { app, verification };
}

describe('T46: the wait and the limiter', () => {
  it.each<[string, object]>([
    ['no headers at all', { standardHeaders: false }],
    ['the old headers alone', { standardHeaders: false, legacyHeaders: true }],
    ['draft-6', { standardHeaders: 'draft-6' }],
    ['a property of another name', { standardHeaders: false, requestPropertyName: 'quota' }],
    ['validate: false', { standardHeaders: false, validate: false }],
  ])('T46: with %s retryAfter is the true wait', async (_what, options) => {
    for (const store of [new MemoryStore(), storeOf('RedisStore')]) {
      const { headers, body } = await refusalOf({ windowMs: 60_000, ...options }, { store });
      expect(body.retryAfter).toBeGreaterThan(40);
      expect(body.retryAfter).toBeLessThanOrEqual(60);
      expect(headers['retry-after']).toBe(String(body.retryAfter));
    }
  });

  it('T46: retryAfter is what is left of the window, also behind another limiter', async () => {
    const clock = startClock();
    const { app, verification } = appWith({
      store: new MemoryStore({ clock: clock.read }),
      rateLimit: { send: { limit: 1, windowMs: 60_000, standardHeaders: false } },
    });
    const outer = express()
      .set('trust proxy', 'loopback')
      .use(rateLimiter({ windowMs: 5000, limit: 100 }))
      .use(app);
    const service = await listen(outer, verification);
    await send(service);
    clock.pass(45 * SECOND);
    const { body } = await send(service);
    expect(body.retryAfter).toBeGreaterThan(10);
    expect(body.retryAfter).toBeLessThanOrEqual(15);
  });

  it('T46: there is one limiter for each route, however many routers and own routes use it', async () => {
    const stores = { send: storeWith({ init: jest.fn() }), verify: storeWith({ init: jest.fn() }) };
    const { app, verification } = appWith({
      rateLimit: { send: { limit: 3, store: stores.send }, verify: { limit: 3, store: stores.verify } },
    });
    app.use('/again', emailVerificationRouter(verification));
    app.post('/own', verification.clientLimit, (_req, res) => void res.json({ ok: true }));
    const service = await listen(app, verification);
    const statuses: number[] = [];
    for (const path of ['/ev/send', '/again/send', '/own', '/ev/send', '/again/send', '/own'])
      statuses.push((await service.post(path, { email: newEmail() })).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
    expect(stores.send.init).toHaveBeenCalledTimes(1);
    expect(stores.verify.init).toHaveBeenCalledTimes(1);
    expect(logged).not.toHaveBeenCalled();
  });

  it('T46: a store shared by two verifications is warned about', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const store = storeWith();
    appWith({ rateLimit: { send: { store } } });
    expect(warnings).not.toHaveBeenCalled();
    appWith({ purpose: 'invite', rateLimit: { send: { store } } });
    expect(warnings.mock.calls.map(([sentence]) => String(sentence))).toEqual([
      expect.stringContaining('`rateLimit.send.store`'),
    ]);
    warnings.mockRestore();
  });
});
