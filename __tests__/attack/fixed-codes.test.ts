/** Codes that do not change (`fixedCodes`): they work as any other code does, for their addresses alone, and no email is sent. */
import { inspect } from 'node:util';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  type EventName,
  type MailContent,
  MemoryStore,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { ownTime } from '../support/own-time.js';
import { randomRuns } from '../support/random-runs.js';
import {
  clientAddress,
  HOUR,
  inParallel,
  inRounds,
  MINUTE,
  memoryInbox,
  type Reply,
  STORES,
  startClock,
  tally,
  useServices,
  WIDE,
} from './services.js';

const { mail, open, storeOf, redis } = useServices({ delay: 500 });
const email = 'reviewer@acme.example';
const code = 'hT5wBq28Lz';
const wrong = 'hT5wBq28Lx';
const person = 'minji@example.com';
const SHORT_OF_90_DAYS = 89 * 24 * HOUR;

/** With as many codes as a test likes: half of them of digits alone. */
const CROWD = Array.from({ length: 400 }, (_, n) => ({
  email: `canary${n}@acme.example`,
  code: n % 2 ? `Kx7wQ${n}Vt`.padEnd(10, 'z') : `48392017${n}`.padEnd(12, '6'),
}));

let begun = Date.now();
const until = () => new Date(begun + SHORT_OF_90_DAYS);
beforeEach(() => {
  begun = Date.now();
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => jest.restoreAllMocks());

const fixed = (address = email, text = code) => ({ email: address, code: text, until: until() });

describe.each(STORES)('on %s', (name) => {
  let inbox = memoryInbox();
  beforeEach(() => {
    inbox = memoryInbox();
  });
  const start = (options: Partial<EmailVerificationOptions> = {}) =>
    open({ store: storeOf(name), delivery: inbox.delivery, ...WIDE, fixedCodes: [fixed()], ...options });

  it('T75: a fixed code works once for each send, and no email is sent', async () => {
    const service = await start({ transport: mail.url, delivery: 'await' });
    for (let round = 0; round < 3; round += 1) {
      expect((await service.verify({ email, code })).body.reason).toBe('code_expired');
      const sent = await service.send({ email });
      expect([sent.status, Object.keys(sent.body)]).toEqual([
        200,
        ['ok', 'message', 'challengeId', 'expiresIn', 'resendIn'],
      ]);
      const { challengeId } = sent.body;
      const { verificationToken } = (await service.verify({ email, code, challengeId })).body;
      expect((await service.verify({ email, code, challengeId })).body.reason).toBe('code_expired');
      expect((await service.signUp({ email, verificationToken })).body).toEqual({ email });
      expect((await service.signUp({ email, verificationToken })).status).toBe(403);
    }
    expect(mail.messages).toEqual([]);
  });

  it('T75: of 200 parallel right codes one succeeds, also after several sends (promise 1)', async () => {
    const service = await start();
    for (const sends of [1, 3]) {
      const ids: string[] = [];
      for (let n = 0; n < sends; n += 1) ids.push((await service.send({ email })).body.challengeId);
      const replies = await inParallel(200, (n) =>
        service.verify({ email, code, challengeId: ids[n % sends] }, clientAddress(n)),
      );
      expect(tally(replies)).toEqual({ success: 1, code_expired: 199 });
    }
  });

  it('T75: of 200 parallel wrong codes exactly `maxAttempts` are compared, then the right one is refused (promise 2)', async () => {
    const service = await start();
    const { challengeId } = (await service.send({ email })).body;
    for (const holder of [{ challengeId }, {}]) {
      const replies = await inParallel(200, (n) =>
        service.verify({ email, code: wrong, ...holder }, clientAddress(n)),
      );
      expect(tally(replies)).toEqual({ code_incorrect: 5, code_expired: 195 });
      expect((await service.verify({ email, code, ...holder })).body.reason).toBe('code_expired');
    }
    // Another send gives the holder nothing back (promise 5); who has no id gets the shared attempts of that send.
    await service.send({ email, challengeId });
    expect((await service.verify({ email, code, challengeId })).status).toBe(401);
    expect((await service.verify({ email, code })).status).toBe(200);
  });

  const ROUNDS = randomRuns(100);
  it(`T75: a right code beside wrong ones and a resend is accepted once, in ${ROUNDS} rounds (promise 4)`, async () => {
    const fixedCodes = CROWD.map((one) => ({ ...one, until: until() }));
    const service = await start({ fixedCodes });
    await inRounds(ROUNDS, async (round) => {
      const right = CROWD[round % CROWD.length] ?? fixed();
      const { challengeId } = (await service.send({ email: right.email })).body;
      const guess = { email: right.email, code: wrong };
      const enter = () => service.verify({ email: right.email, code: right.code, challengeId });
      const asks = [
        ...[() => service.verify({ ...guess, challengeId }), () => service.verify(guess), enter],
        () => service.send({ email: right.email, challengeId }),
      ];
      const order = asks.slice(round % asks.length).concat(asks.slice(0, round % asks.length));
      const replies = await Promise.all(order.map((ask) => ask()));
      expect(replies[order.indexOf(enter)]?.body.verificationToken).toHaveLength(26);
      expect(tally(replies)['success']).toBe(2);
    });
    expect(CROWD.flatMap(({ email: canary }) => inbox.codesOf(canary))).toEqual([]);
  });

  it('T75: a stranger spends the shared attempts, and the holder of a challengeId still gets in (promise 3)', async () => {
    const service = await start({ sendLimits: undefined });
    const { challengeId } = (await service.send({ email })).body;
    const guesses = await inParallel(50, (n) => service.verify({ email, code: wrong }, clientAddress(n)));
    expect(tally(guesses)).toEqual({ code_incorrect: 5, code_expired: 45 });
    // The limits count, although no email is sent.
    expect((await service.send({ email }, clientAddress(1))).body).toMatchObject({
      reason: 'too_many_requests',
    });
    expect((await service.send({ email, challengeId })).body).toMatchObject({
      challengeId,
      retryAfter: expect.any(Number),
    });
    expect((await service.verify({ email, code: wrong, challengeId })).body.attemptsLeft).toBe(4);
    expect((await service.verify({ email, code, challengeId })).status).toBe(200);
  });

  it('T75: the limits of the mailbox count as for any address: 1 a minute, 5 an hour, 10 a day', async () => {
    const clock = startClock();
    const service = await start({ store: storeOf(name, clock.read), sendLimits: undefined });
    let opened = 0;
    for (let minute = 0; minute < 24 * 60; minute += 4) {
      for (const address of [email, 'reviewer+1@acme.example'])
        if ((await service.send({ email: address })).status === 200) opened += 1;
      clock.pass(4 * MINUTE);
    }
    expect(opened).toBe(10);
  });

  it('T75: the code of one address is worthless for any other, and for another purpose', async () => {
    const store = storeOf(name);
    const other = fixed('canary@acme.example', 'Zq81mVt4Kx');
    const same = fixed('twin@acme.example');
    const options = { store, fixedCodes: [fixed(), other, same] };
    const service = await start(options);
    const reset = await start({ ...options, purpose: 'reset' });
    const spellings = ['reviewer+x@acme.example', 'reviewer@acme.example.example', 'r.eviewer@acme.example'];
    for (const address of [other.email, person, ...spellings]) {
      const { challengeId } = (await service.send({ email: address })).body;
      expect((await service.verify({ email: address, code, challengeId })).body).toMatchObject({
        reason: 'code_incorrect',
        attemptsLeft: 4,
      });
    }
    // The ordinary ones got an email with a code of their own.
    for (const address of [person, ...spellings]) {
      const own = inbox.lastCode(address);
      expect(own).toMatch(/^\d{6}$/);
      expect((await service.verify({ email: address, code: own })).status).toBe(200);
    }
    await service.send({ email });
    expect((await reset.verify({ email, code })).body.reason).toBe('code_expired');
    // Each of two addresses with the same code has its own send, token and end.
    expect((await service.verify({ email: same.email, code })).body.reason).toBe('code_expired');
    await service.send({ email: same.email });
    const { verificationToken } = (await service.verify({ email: same.email, code })).body;
    expect((await service.signUp({ email, verificationToken })).status).toBe(403);
    expect((await service.verify({ email, code })).status).toBe(200);
  });

  it('T75: another spelling of the address that has the same canonical form has the code, too', async () => {
    const service = await start();
    for (const spelling of [' Reviewer@ACME.example\u200b', 'REVIEWER@acme.example']) {
      await service.send({ email: spelling });
      expect((await service.verify({ email: spelling, code })).status).toBe(200);
    }
  });

  it.each([
    ['in another case', code.toLowerCase()],
    ['in another case', code.toUpperCase()],
    ['with one letter in another case', 'ht5wBq28Lz'],
    ['with a character less', code.slice(1)],
    ['with a character more', `${code}0`],
    ['twice', code + code],
    ['backwards', [...code].reverse().join('')],
    ['with a Cyrillic letter', code.replace('T', '\u0422')],
    ['with a full-width letter', code.replace('w', '\uff57')],
    ['with a full-width digit', code.replace('5', '\uff15')],
    ['with an Arabic digit', code.replace('5', '\u0665')],
    ['with a mathematical letter', code.replace('T', '\u{1d413}')],
    ['with a letter that has a mark', code.replace('q', 'q\u0301')],
    ['with a zero-width space inside', `hT5wB\u200bq28Lz`],
    ['with a soft hyphen inside', `hT5wB\u00adq28Lz`],
    ['with a space inside', 'hT5wB q28Lz'],
    ['with a dash inside', 'hT5wB-q28Lz'],
    ['with a NUL', `${code}\0`],
    ['in a sentence', `Your code is ${code}`],
    ['in an array', [code]],
    ['in an object', { code }],
    ['encoded', encodeURIComponent(code).replace('h', '%68')],
    ['as its hexadecimal digits', Buffer.from(code).toString('hex')],
  ])('T75: a code %s is not accepted', async (_how, typed) => {
    const service = await start();
    const { challengeId } = (await service.send({ email })).body;
    const { body, status } = await service.verify({ email, code: typed, challengeId });
    expect([400, 401]).toContain(status);
    expect(['invalid_request', 'code_incorrect']).toContain(body.reason);
    expect((await service.verify({ email, code: `\u200b ${code}\r\n\ufeff`, challengeId })).status).toBe(200);
  });

  it('T75: with `binding: client`, only the client that requested it can enter a fixed code', async () => {
    const service = await start({ binding: 'client' });
    const ids: string[] = [];
    for (let n = 0; n < 2; n += 1) ids.push((await service.send({ email })).body.challengeId);
    const elsewhere = (await service.send({ email: person })).body.challengeId;
    for (const challengeId of [undefined, elsewhere, `${ids[0]?.slice(0, -1)}~`])
      expect((await service.verify({ email, code, challengeId })).body.reason).toBe('code_expired');
    const wrongs = await inParallel(50, () => service.verify({ email, code: wrong, challengeId: ids[0] }));
    expect(tally(wrongs)).toEqual({ code_incorrect: 5, code_expired: 45 });
    expect((await service.verify({ email, code, challengeId: ids[0] })).status).toBe(401);
    const rights = await inParallel(200, () => service.verify({ email, code, challengeId: ids[1] }));
    expect(tally(rights)).toEqual({ success: 1, code_expired: 199 });

    jest.spyOn(Date, 'now').mockReturnValue(until().getTime() - 1);
    const late = (await service.send({ email })).body.challengeId;
    jest.spyOn(Date, 'now').mockReturnValue(until().getTime());
    expect((await service.verify({ email, code, challengeId: late })).status).toBe(401);
    expect(inbox.codesOf(email)).toEqual([]);
  });

  it('T75: with `codeAlphabet: letters`, a fixed code works beside drawn ones', async () => {
    const service = await start({ codeAlphabet: 'letters' });
    for (const address of [email, person]) await service.send({ email: address });
    expect((await service.verify({ email: person, code })).body).toMatchObject({ attemptsLeft: 4 });
    expect((await service.verify({ email, code: code.toUpperCase() })).body).toMatchObject({
      attemptsLeft: 4,
    });
    expect((await service.verify({ email, code: 'BCDF-GHJK' })).body).toMatchObject({ attemptsLeft: 3 });
    expect((await service.verify({ email, code })).status).toBe(200);
    expect(inbox.codesOf(email)).toEqual([]);
  });

  it('T75: a code of digits alone is not read in parts', async () => {
    const digits = '48392017465038';
    for (const codeLength of [6, 8, 10]) {
      const service = await start({ codeLength, fixedCodes: [fixed(email, digits)] });
      await service.send({ email });
      for (let at = 0; at + codeLength <= digits.length; at += 1) {
        if (at % 4 === 0) await service.send({ email });
        expect((await service.verify({ email, code: digits.slice(at, at + codeLength) })).status).toBe(401);
      }
      await service.send({ email });
      expect((await service.verify({ email, code: digits })).status).toBe(200);
    }
  });

  it('T75: at its end a fixed code stops working, also one that was requested before, and the address gets email', async () => {
    const clock = startClock();
    const service = await start({ store: storeOf(name, clock.read) });
    const { challengeId } = (await service.send({ email })).body;
    const at = (time: number) => jest.spyOn(Date, 'now').mockReturnValue(time);
    at(until().getTime() - 1);
    const before = (await service.send({ email })).body.challengeId;
    expect((await service.verify({ email, code, challengeId: before })).status).toBe(200);
    const last = (await service.send({ email })).body.challengeId;
    expect(inbox.codesOf(email)).toEqual([]);

    at(until().getTime());
    // It costs an attempt, as any wrong code does.
    for (const left of [4, 3, 2, 1, 0])
      expect((await service.verify({ email, code, challengeId: last })).body).toMatchObject({
        reason: 'code_incorrect',
        attemptsLeft: left,
      });
    expect((await service.verify({ email, code, challengeId })).status).toBe(401);
    await service.send({ email });
    expect((await service.verify({ email, code })).body.reason).toBe('code_incorrect');
    expect((await service.verify({ email, code: inbox.lastCode(email) })).status).toBe(200);
  });

  it('T75: a code sent before the secret was rotated still works', async () => {
    const store = storeOf(name);
    const next = `${SECRET}, the next one`;
    const service = await start({ store });
    const rotated = await start({ store, secret: [next, SECRET] });
    const { challengeId } = (await service.send({ email })).body;
    expect((await rotated.verify({ email, code: wrong, challengeId })).body.attemptsLeft).toBe(4);
    expect((await rotated.verify({ email, code, challengeId })).status).toBe(200);
    await service.send({ email });
    expect((await rotated.verify({ email, code })).status).toBe(200);
  });

  it('T75: `beforeSend` comes first: a suppressed or refused address has no code, and its `mail` is sent', async () => {
    const note: MailContent = { subject: 'You have an account', text: 'Sign in.', html: '<p>Sign in.</p>' };
    const verdicts = [{ kind: 'refuse' }, { kind: 'suppress' }, { kind: 'suppress', mail: note }] as const;
    for (const verdict of verdicts) {
      mail.clear();
      const options = { beforeSend: () => verdict, delivery: 'await', transport: mail.url } as const;
      const service = await start(options);
      const suppressed: object[] = [];
      service.verification.on('suppressed', (event) => suppressed.push(event));
      const sent = await service.send({ email });
      expect(sent.status).toBe(verdict.kind === 'refuse' ? 403 : 200);
      for (const event of suppressed) expect(event).not.toHaveProperty('fixedCode');
      const reason = verdict.kind === 'refuse' ? 'code_expired' : 'code_incorrect';
      expect((await service.verify({ email, code })).body.reason).toBe(reason);
      expect(mail.messages.map(({ subject }) => subject)).toEqual('mail' in verdict ? [note.subject] : []);
    }
  });

  it('T75: words that `beforeSend` chooses for the email do not make one', async () => {
    const service = await start({
      beforeSend: () => ({ kind: 'send', appName: 'Acme Pro', data: { code } }),
    });
    await service.send({ email });
    expect(inbox.codesOf(email)).toEqual([]);
    expect((await service.verify({ email, code })).status).toBe(200);
  });

  it('T75: in background delivery, nothing reveals which addresses have a fixed code (promise 11)', async () => {
    const PAIRS = 100;
    const fixedCodes = CROWD.map((one) => ({ ...one, until: until() }));
    const { port } = mail.server;
    const transport = { host: '127.0.0.1', port, pool: true, maxConnections: 50 } as const;
    const service = await open({ store: storeOf(name), transport, delivery: 'background', fixedCodes });
    const times = { canary: [] as number[], person: [] as number[] };
    const shapes = { send: new Set<string>(), verify: new Set<string>() };
    let clients = 0;
    for (let n = 0; n < PAIRS; n += 1) {
      // In turns, so that a slow phase of the machine slows both.
      for (const kind of n % 2 ? (['canary', 'person'] as const) : (['person', 'canary'] as const)) {
        const address = `${kind}${n}@acme.example`;
        const time = ownTime();
        const reply = await service.send({ email: address }, clientAddress(clients++));
        if (n >= 5) times[kind].push(ownTime() - time);
        shapes.send.add(shape(reply));
        if (n % 10 > 0) continue;
        // Whatever the text looks like, both addresses answer the same.
        const { challengeId } = reply.body;
        for (const typed of [wrong, '4839201740', 'abc', '123 456 789 012', `${wrong}-x`, `code ${wrong}`])
          shapes.verify.add(
            `${typed} ${shape(await service.verify({ email: address, code: typed, challengeId }))}`,
          );
      }
    }
    expect([...shapes.send]).toHaveLength(1);
    expect([...shapes.verify]).toHaveLength(6);
    expect(Math.abs(median(times.canary) - median(times.person))).toBeLessThan(20);
  });

  it('T75: limits, waits, attempts and ends are the same as for any other address (promise 11)', async () => {
    const clock = startClock();
    const store = storeOf(name, clock.read);
    const options = { delivery: 'background', transport: mail.url, sendLimits: undefined } as const;
    const service = await start({ store, ...options });
    const courses = [];
    for (const address of [email, person]) {
      const course: string[] = [];
      const keep = (reply: Reply) => course.push(shape(reply));
      keep(await service.verify({ email: address, code: wrong }));
      const first = await service.send({ email: address });
      const { challengeId } = first.body;
      keep(first);
      keep(await service.send({ email: address, challengeId }));
      for (let n = 0; n < 3; n += 1)
        keep(await service.verify({ email: address, challengeId, code: `000${n}00` }));
      for (let n = 0; n < 6; n += 1)
        keep(await service.verify({ email: address, challengeId, code: `${wrong}${n}` }));
      for (let n = 0; n < 6; n += 1) keep(await service.verify({ email: address, code: wrong }));
      for (let n = 0; n < 6; n += 1) {
        clock.pass(MINUTE);
        keep(await service.send({ email: address, challengeId }));
      }
      clock.pass(3 * MINUTE);
      keep(await service.verify({ email: address, challengeId, code: wrong }));
      courses.push(course);
    }
    expect(courses[0]).toEqual(courses[1]);
    expect(courses[0]?.join()).toMatch(/too_many_requests.*code_incorrect.*code_expired/);
  });

  const REQUESTS = randomRuns(10_000);
  it(`T75: after ${REQUESTS} sends and guesses, no email was sent`, async () => {
    const sent: string[] = [];
    const verification = createEmailVerification({
      ...{
        store: storeOf(name),
        from: FROM,
        secret: SECRET,
        transport: 'smtp://127.0.0.1:1',
        storeTimeout: 10_000,
      },
      ...{
        fixedCodes: [fixed()],
        sendLimits: [{ max: 1000, window: 1 }],
        delivery: async ({ to }) => void sent.push(to.address),
      },
    });
    const failures: EventName[] = ['delivered', 'delivery_failed', 'delivery_unknown'];
    for (const event of failures) verification.on(event, () => sent.push(event));
    const kinds: Record<string, number> = {};
    let challengeId: string | undefined;
    for (let done = 0; done < REQUESTS; done += 100) {
      const outcomes = await inParallel(100, async (n) => {
        if (n % 3 === 0) return verification.verify({ email, code: n % 2 ? code : wrong, challengeId });
        const outcome = await verification.send({ email, challengeId: n % 2 ? challengeId : undefined });
        if (outcome.kind === 'sent') challengeId = outcome.challengeId;
        return outcome;
      });
      for (const { kind } of outcomes) kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    await verification.close();
    expect(sent).toEqual([]);
    expect(kinds['sent']).toBeGreaterThan(100);
    expect(kinds['verified']).toBeGreaterThan(0);
    expect(kinds['unavailable']).toBeUndefined();
  });
});

it('T75: operators see each use of a fixed code, and none of other codes', async () => {
  const { delivery, lastCode } = memoryInbox();
  const service = await open({ store: new MemoryStore(), ...WIDE, delivery, fixedCodes: [fixed()] });
  const seen: unknown[] = [];
  for (const event of ['sent', 'verified', 'delivered'] as const)
    service.verification.on(event, ({ email: masked, ...fields }) =>
      seen.push([event, masked, 'fixedCode' in fields && fields.fixedCode]),
    );
  for (const address of [email, person]) {
    await service.send({ email: address });
    await service.verify({ email: address, code: address === email ? code : lastCode(address) });
  }
  expect(seen).toEqual([
    ['sent', 'r***@acme.example', true],
    ['verified', 'r***@acme.example', true],
    ['sent', 'm***@example.com', false],
    ['delivered', 'm***@example.com', false],
    ['verified', 'm***@example.com', false],
  ]);
});

it('T75: a code that was emailed before its address got a fixed one is reported as an ordinary code', async () => {
  const { delivery, lastCode } = memoryInbox();
  const store = new MemoryStore();
  const before = await open({ store, delivery });
  await before.send({ email });
  const service = await open({ store, delivery, fixedCodes: [fixed()] });
  const verified: object[] = [];
  service.verification.on('verified', (event) => verified.push(event));
  expect((await service.verify({ email, code: lastCode(email) })).status).toBe(200);
  expect(verified).toEqual([expect.not.objectContaining({ fixedCode: true })]);
});

it('T75: without the option, a text of such a form costs no attempt, at any address', async () => {
  const service = await open({ store: new MemoryStore(), transport: mail.url });
  const { challengeId } = (await service.send({ email })).body;
  expect((await service.verify({ email, code, challengeId })).status).toBe(400);
  const { body } = await service.verify({ email, code: '000000', challengeId });
  expect(body.attemptsLeft === 4 || body.verify).toBe(true);
});

it('T75: an instance without the option does not accept a fixed code that another one has stored', async () => {
  const store = new MemoryStore();
  const options = { store, ...WIDE, codeLength: 10, transport: mail.url };
  const review = await open({ ...options, fixedCodes: [fixed()] });
  const ordinary = await open(options);
  await review.send({ email });
  expect((await ordinary.verify({ email, code })).status).toBe(400);
  expect((await review.verify({ email, code })).status).toBe(200);
});

it('T75: no response, event, warning, note or error holds a fixed code, and neither does Redis (promises 8 and 13)', async () => {
  const seen: unknown[] = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => void seen.push(warning));
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    jest.spyOn(console, method).mockImplementation((...what) => void seen.push(what));
  const service = await open({
    store: storeOf('RedisStore'),
    ...WIDE,
    transport: mail.url,
    fixedCodes: [fixed()],
  });
  const { verification } = service;
  const events: EventName[] = [
    'sent',
    'delivered',
    'delivery_failed',
    'delivery_unknown',
    'verified',
    'code_incorrect',
    'redeemed',
    'unavailable',
  ];
  for (const event of events) verification.on(event, (fields) => seen.push(event, fields));
  const dumped: string[] = [];
  const dump = async () => {
    for (const key of await redis.client.keys('*')) {
      const isHash = (await redis.client.type(key)) === 'hash';
      dumped.push(
        key,
        JSON.stringify(isHash ? await redis.client.hGetAll(key) : await redis.client.get(key)),
      );
    }
  };
  const { body } = await service.send({ email });
  await dump();
  const { challengeId } = body;
  const verified = await service.verify({ email, code, challengeId });
  await dump();
  const { verificationToken } = verified.body;
  seen.push(body, verified.body, (await service.signUp({ email, verificationToken })).text);
  seen.push((await service.verify({ email, code: { code } })).text, await verification.check(), verification);
  const text = inspect(seen, { depth: 30, showHidden: true, maxStringLength: null, maxArrayLength: null });
  expect(text).toContain("'verified'");
  expect(text).toContain('r***@acme.example');
  expect(text).not.toContain("'delivered'");
  expect(dumped.length).toBeGreaterThan(4);
  for (const part of [code, code.slice(0, 8), code.toLowerCase()]) {
    expect(text).not.toContain(part);
    expect(dumped.join()).not.toContain(part);
  }
});

/** An answer without what differs between any two: ids, the client's key and the date. */
function shape({ status, headers, body }: Reply): string {
  const policy = String(headers['ratelimit-policy']).replace(/pk=:\w+:/, '');
  const ids = body.challengeId?.replace(/./g, 'x');
  const same = { ...headers, date: '', 'ratelimit-policy': policy };
  return JSON.stringify({ status, same, body: { ...body, ...(ids && { challengeId: ids }) } });
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
