/**
 * Machines whose clocks are an hour ahead of Redis or behind it: only the time of Redis counts, also for how late a
 * script may start.
 */
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { fixture, type ServiceEnvironment, type ServiceProcess, startProcess } from './support/process.js';
import { person, wrong } from './support/service.js';

const HOUR = 3_600_000;
const redis = useRedis();
const mail = useMailServer();

const ended: (() => unknown)[] = [];
beforeEach(() => redis.flush());
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function start(ahead: number, environment: Partial<ServiceEnvironment> = {}) {
  const service = await startProcess(
    { REDIS_URL: redis.server.url, SMTP_URL: mail.url, CLOCK_AHEAD: String(ahead), ...environment },
    ['--require', fixture('shifted-clock.cjs')],
  );
  ended.push(service.kill);
  return service;
}

async function post({ port }: ServiceProcess, path: string, body: object) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of a body, it knows
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}

/** Not off by the hour of the clocks; on a busy machine many seconds may pass. */
function expectSeconds(actual: unknown, right: number): void {
  expect(actual).toBeLessThanOrEqual(right);
  expect(actual).toBeGreaterThan(right - 50);
}

describe.each([
  ['an hour ahead', HOUR],
  ['an hour behind', -HOUR],
])('on a machine whose clock is %s', (_how, ahead) => {
  it.each(['await', 'background'] as const)(
    'a person signs up and gets the right times (delivery: %s)',
    async (DELIVERY) => {
      const service = await start(ahead, { DELIVERY });
      const email = person();
      const sent = await post(service, '/ev/send', { email });
      expect([sent.status, sent.body.ok]).toEqual([200, true]);
      expectSeconds(sent.body.expiresIn, 180);
      expectSeconds(sent.body.resendIn, 60);
      const { challengeId } = sent.body;

      const again = await post(service, '/ev/send', { email, challengeId });
      expect([again.status, again.body.challengeId]).toEqual([429, challengeId]);
      expectSeconds(again.body.retryAfter, 60);
      expectSeconds(again.body.expiresIn, 180);

      const code = await mail.lastCode(email);
      const guessed = await post(service, '/ev/verify', { email, code: wrong(code), challengeId });
      expect(guessed.body).toMatchObject({ reason: 'code_incorrect', attemptsLeft: 4 });
      const verified = await post(service, '/ev/verify', { email, code, challengeId });
      expect(verified.status).toBe(200);
      expectSeconds(verified.body.expiresIn, 900);
      const { verificationToken } = verified.body;
      expect((await post(service, '/signup', { email, verificationToken })).status).toBe(201);
      expect((await post(service, '/signup', { email, verificationToken })).status).toBe(403);
      await service.end();
    },
  );

  it('a client over its limit gets the right wait', async () => {
    const service = await start(ahead, { CLIENT_LIMIT: '2' });
    for (let n = 0; n < 2; n += 1)
      expect((await post(service, '/ev/send', { email: person() })).status).toBe(200);
    const refused = await post(service, '/ev/send', { email: person() });
    expect(refused.status).toBe(429);
    expectSeconds(refused.body.retryAfter, 600);
    expect(refused.headers.get('Retry-After')).toBe(String(refused.body.retryAfter));
  });

  it('a call that was given up on while Redis was unresponsive is not carried out later', async () => {
    const service = await start(ahead, { STORE_TIMEOUT: '1000' });
    const email = person();
    const { challengeId } = (await post(service, '/ev/send', { email })).body;
    const code = await mail.lastCode(email);
    const fields = { email, code, challengeId };
    redis.server.pause();
    const answers = await Promise.all([
      post(service, '/ev/verify', { ...fields, code: wrong(code) }),
      post(service, '/ev/verify', fields),
    ]);
    redis.server.resume();
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    const guessed = await post(service, '/ev/verify', { ...fields, code: wrong(code) });
    expect(guessed.body.attemptsLeft).toBe(4);
    expect((await post(service, '/ev/verify', fields)).status).toBe(200);
  });

  it('nor is it if the clock is changed while the service runs', async () => {
    const service = await start(ahead, { STORE_TIMEOUT: '1000' });
    const email = person();
    const { challengeId } = (await post(service, '/ev/send', { email })).body;
    const code = await mail.lastCode(email);
    const fields = { email, code, challengeId };
    const set = service.nextLine();
    service.signal('SIGUSR2');
    await set;
    // The deadline of the first call after it may still be off; each reply corrects it.
    expect((await post(service, '/ev/verify', { ...fields, code: wrong(code) })).status).toBe(401);
    redis.server.pause();
    expect((await post(service, '/ev/verify', fields)).status).toBe(503);
    redis.server.resume();
    expect((await post(service, '/ev/verify', fields)).status).toBe(200);
  });
});

it('machines whose clocks are two hours apart serve the same person', async () => {
  const [ahead, behind] = await Promise.all([start(HOUR), start(-HOUR)]);
  const email = person();
  const { challengeId } = (await post(ahead, '/ev/send', { email })).body;
  const again = await post(behind, '/ev/send', { email, challengeId });
  expect(again.status).toBe(429);
  expectSeconds(again.body.retryAfter, 60);
  const code = await mail.lastCode(email);
  const verified = await post(behind, '/ev/verify', { email, code, challengeId });
  expect(verified.status).toBe(200);
  const { verificationToken } = verified.body;
  expect((await post(ahead, '/signup', { email, verificationToken })).status).toBe(201);
});
