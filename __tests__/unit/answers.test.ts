/** Every answer of the two routes, field by field. */
import { MemoryStore, RedisStore } from 'express-email-verification';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { startRawSmtpServer } from '../support/raw-smtp-server.js';
import { useRedis } from '../support/redis.js';
import { secondsLeft } from '../support/seconds-left.js';

const redis = useRedis();
const mail = useMailServer();
beforeEach(() => redis.flush());

const email = 'person@example.com';
/** No time passes between two requests, so that waits are exact to the second. */
const NOW = Date.now();
const appWith = (options = {}) => {
  const store = new RedisStore(redis.client, { clock: () => NOW });
  return createTestApp({ store, transport: mail.url, ...options }).app;
};
const wrong = (code: string) => (code === '000000' ? '111111' : '000000');

describe('POST /send', () => {
  it('returns times in whole seconds, rounded up', async () => {
    const app = appWith({ rateLimit: false });
    // A send that takes less than a second; on a busy machine some take longer.
    for (let n = 0; ; n += 1) {
      const email = `person${n}@example.com`;
      const { expiresIn, resendIn } = (await request(app).post('/ev/send').send({ email }).expect(200)).body;
      if (n < 50 && expiresIn !== 180) continue;
      expect({ expiresIn, resendIn }).toEqual({ expiresIn: 180, resendIn: 60 });
      return;
    }
  });

  it('answers 429 with the wait during the cooldown, and lets the holder of a live challengeId go on', async () => {
    const app = appWith();
    const { challengeId } = (await request(app).post('/ev/send').send({ email }).expect(200)).body;

    const stranger = await request(app).post('/ev/send').send({ email }).expect(429);
    expect(stranger.body).toEqual({
      ok: false,
      message: `Too many requests. Please try again in ${stranger.body.retryAfter} seconds.`,
      reason: 'too_many_requests',
      retryAfter: secondsLeft(60),
    });
    expect(stranger.headers['retry-after']).toBe(String(stranger.body.retryAfter));

    const holder = await request(app).post('/ev/send').send({ email, challengeId }).expect(429);
    expect(holder.body).toMatchObject({ challengeId, expiresIn: secondsLeft(180) });
    const other = await request(app)
      .post('/ev/send')
      .send({ email, challengeId: 'x'.repeat(26) })
      .expect(429);
    expect(other.body).not.toHaveProperty('challengeId');
  });

  it('answers 429 to a client over its limit, and lets the holder of a live challengeId go on', async () => {
    const app = appWith({ rateLimit: { send: { windowMs: 60_000, limit: 1 } } });
    const { challengeId } = (await request(app).post('/ev/send').send({ email }).expect(200)).body;
    const limited = await request(app).post('/ev/send').send({ email, challengeId }).expect(429);
    expect(limited.body).toMatchObject({
      reason: 'too_many_requests',
      retryAfter: secondsLeft(60),
      challengeId,
      expiresIn: secondsLeft(180),
    });
    expect(limited.headers['retry-after']).toBe(String(limited.body.retryAfter));
    expect(limited.headers['ratelimit']).toContain('r=0');
    await request(app)
      .post('/ev/send')
      .set('X-Forwarded-For', '10.0.0.9')
      .send({ email: 'b@example.com' })
      .expect(200);
  });

  it("answers 403 with the app's message when beforeSend refuses, and sends no email", async () => {
    const app = appWith({ beforeSend: () => ({ kind: 'refuse', message: 'Not today.' }) });
    await request(app)
      .post('/ev/send')
      .send({ email })
      .expect(403, { ok: false, message: 'Not today.', reason: 'refused' });
    expect(mail.messages).toHaveLength(0);
    expect(await redis.client.keys('ev:{*')).toEqual([]);
  });

  it('answers 500 delivery_failed when the server refuses the email, and counts nothing', async () => {
    mail.server.respondWith({ stage: 'rcpt', code: 550, text: 'No such mailbox' });
    const app = appWith();
    const failed = await request(app).post('/ev/send').send({ email }).expect(500);
    expect(failed.body).toEqual({
      ok: false,
      message: 'The email could not be delivered. Please check the address and try again.',
      reason: 'delivery_failed',
      resendIn: 0,
    });
    mail.server.respondWith(undefined);
    await request(app).post('/ev/send').send({ email }).expect(200);
  });

  it('answers 500 delivery_unknown when the server is silent after the message, and the code works', async () => {
    const stalled = await startRawSmtpServer({ dot: 'stall' });
    try {
      const app = appWith({ transport: stalled.url, mailTimeout: 1000 });
      const unknown = await request(app).post('/ev/send').send({ email }).expect(500);
      expect(unknown.body).toEqual({
        ok: false,
        message: 'The email may take a little longer. If it arrives, the code in it will work.',
        reason: 'delivery_unknown',
        challengeId: expect.any(String),
        expiresIn: secondsLeft(180),
        resendIn: secondsLeft(60),
      });
      const code = /\b\d{6}\b/.exec(stalled.received.slice(stalled.received.indexOf('')).join('\n'))?.[0];
      await request(app)
        .post('/ev/verify')
        .send({ email, code, challengeId: unknown.body.challengeId })
        .expect(200);
    } finally {
      await stalled.close();
    }
  });

  it('keeps a challengeId with attempts left, and replaces a spent or unknown one', async () => {
    let now = 1_000_000;
    const app = appWith({ store: new RedisStore(redis.client, { clock: () => now }), maxAttempts: 1 });
    const first = (await request(app).post('/ev/send').send({ email })).body;
    now += 60_001;
    const second = (await request(app).post('/ev/send').send({ email, challengeId: first.challengeId })).body;
    expect(second.challengeId).toBe(first.challengeId);
    const code = await mail.lastCode(email);
    await request(app)
      .post('/ev/verify')
      .send({ email, code: wrong(code), challengeId: first.challengeId })
      .expect(401);
    now += 60_001;
    const third = (await request(app).post('/ev/send').send({ email, challengeId: first.challengeId })).body;
    expect(third.challengeId).not.toBe(first.challengeId);
  });
});

describe('POST /verify', () => {
  it('answers 401 code_incorrect with the attempts left, then code_expired', async () => {
    const app = appWith({ maxAttempts: 2 });
    const { challengeId } = (await request(app).post('/ev/send').send({ email })).body;
    const code = await mail.lastCode(email);
    const attempt = (typed: string) =>
      request(app).post('/ev/verify').send({ email, code: typed, challengeId });

    const first = await attempt(wrong(code)).expect(401);
    expect(first.body).toEqual({
      verify: false,
      message: 'The code is incorrect. You have 1 attempt left.',
      reason: 'code_incorrect',
      attemptsLeft: 1,
    });
    expect((await attempt(wrong(code)).expect(401)).body.attemptsLeft).toBe(0);
    const spent = await attempt(code).expect(401);
    expect(spent.body).toEqual({
      verify: false,
      message: 'This code has expired. Please request a new one.',
      reason: 'code_expired',
    });
  });

  it('accepts a code without a challengeId, from the shared attempts', async () => {
    const app = appWith();
    await request(app).post('/ev/send').send({ email }).expect(200);
    const code = await mail.lastCode(email);
    await request(app).post('/ev/verify').send({ email, code, challengeId: null }).expect(200);
  });

  it.each([
    ['spaces', (code: string) => ` ${code.slice(0, 3)} ${code.slice(3)}\n`],
    ['a dash', (code: string) => `${code.slice(0, 3)}-${code.slice(3)}`],
    ['an en dash and a soft hyphen', (code: string) => `${code.slice(0, 3)}–\u00ad${code.slice(3)}`],
    [
      'full-width digits',
      (code: string) => code.replace(/\d/g, (d) => String.fromCodePoint(0xff10 + Number(d))),
    ],
    [
      'Arabic-Indic digits',
      (code: string) => code.replace(/\d/g, (d) => String.fromCodePoint(0x660 + Number(d))),
    ],
    [
      'mathematical digits',
      (code: string) => code.replace(/\d/g, (d) => String.fromCodePoint(0x1d7d8 + Number(d))),
    ],
  ])('accepts a code typed with %s', async (_what, typed) => {
    const app = appWith();
    await request(app).post('/ev/send').send({ email }).expect(200);
    const code = typed(await mail.lastCode(email));
    await request(app).post('/ev/verify').send({ email, code }).expect(200);
  });

  it('accepts a form as well as JSON', async () => {
    const app = appWith();
    await request(app).post('/ev/send').type('form').send({ email }).expect(200);
    await request(app)
      .post('/ev/verify')
      .type('form')
      .send({ email, code: await mail.lastCode(email) })
      .expect(200);
  });

  it('answers 429 when rateLimit.verify is set', async () => {
    const app = appWith({ rateLimit: { verify: { windowMs: 60_000, limit: 1 } } });
    await request(app).post('/ev/verify').send({ email, code: '123456' }).expect(401);
    const limited = await request(app).post('/ev/verify').send({ email, code: '123456' }).expect(429);
    expect(limited.body).toMatchObject({
      verify: false,
      reason: 'too_many_requests',
      retryAfter: secondsLeft(60),
    });
  });
});

describe('both routes', () => {
  const routes = [
    ['/ev/send', 'ok'],
    ['/ev/verify', 'verify'],
  ] as const;

  describe.each(routes)('%s', (path, outcome) => {
    const invalid = {
      [outcome]: false,
      message: 'Please check what you entered.',
      reason: 'invalid_request',
    };

    it.each([
      ['an array', '["a@b.co"]', 400],
      ['broken JSON', '{"email":', 400],
      ['a string', '"a@b.co"', 400],
      ['more than 16 kB', JSON.stringify({ email: 'a'.repeat(20_000) }), 413],
    ])('answer a body that is %s in the usual form', async (_what, body, status) => {
      const answer = await request(appWith()).post(path).type('json').send(body).expect(status);
      expect(answer.body).toMatchObject(invalid);
      expect(answer.body.errors).toContainEqual({ field: expect.any(String), message: expect.any(String) });
      expect(answer.headers['cache-control']).toBe('no-store');
    });

    it('answer 415 to a type or a charset that they do not read', async () => {
      const app = appWith();
      const text = await request(app).post(path).type('text/plain').send('{"email":"a@b.co"}').expect(415);
      expect(text.body).toMatchObject(invalid);
      await request(app)
        .post(path)
        .set('Content-Type', 'application/json; charset=latin1')
        .send('{}')
        .expect(415);
    });

    it('name each invalid field in the language of the request, and echo no value', async () => {
      const answer = await request(appWith())
        .post(path)
        .set('Accept-Language', 'ko-KR,ko;q=0.9,en;q=0.8')
        .send({ email: 'not an address', code: 123456, challengeId: 7, locale: ['ko'] })
        .expect(400);
      const fields = answer.body.errors.map((error: { field: string }) => error.field);
      expect(fields).toEqual(
        outcome === 'ok' ? ['email', 'challengeId', 'locale'] : ['email', 'code', 'challengeId', 'locale'],
      );
      expect(answer.body.message).toBe('입력한 내용을 다시 확인해 주세요.');
      expect(answer.text).not.toContain('not an address');
    });

    it('prefer the locale of the body to Accept-Language', async () => {
      const answer = await request(appWith())
        .post(path)
        .set('Accept-Language', 'en')
        .send({ locale: 'ko-KR' });
      expect(answer.body.message).toBe('입력한 내용을 다시 확인해 주세요.');
      const unknown = await request(appWith())
        .post(path)
        .set('Accept-Language', 'ko')
        .send({ locale: 'tlh' });
      expect(unknown.body.message).toBe('입력한 내용을 다시 확인해 주세요.');
    });

    it('refuse a cross-site form post', async () => {
      const answer = await request(appWith())
        .post(path)
        .type('form')
        .set('Sec-Fetch-Site', 'cross-site')
        .send({ email })
        .expect(403);
      expect(answer.body).toEqual({
        [outcome]: false,
        message: 'This request was refused.',
        reason: 'refused',
      });
    });

    it('leave other methods and paths to the app', async () => {
      const app = appWith();
      app.use((_req, res) => void res.status(404).send('the app'));
      await request(app).get(path).expect(404, 'the app');
      await request(app).post(`${path}/more`).expect(404, 'the app');
    });

    it('pass unexpected errors to the error handler of the app', async () => {
      const broken = new MemoryStore();
      const bug = () => {
        throw new Error('a bug');
      };
      const app = appWith({ store: broken, mailbox: bug });
      app.use(
        ((error, _req, res, _next) =>
          void res.status(500).send(error.message)) as import('express').ErrorRequestHandler,
      );
      await request(app).post(path).send({ email, code: '123456' }).expect(500, 'a bug');
    });
  });
});
