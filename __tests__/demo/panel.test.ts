/** "What just happened", as a program sees it: its events, what it reads from Redis, and the lines of app.ts. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { MemoryStore, RedisStore, type Store } from 'express-email-verification';
import request from 'supertest';
import { type Accounts, openAccounts } from '../../demo-app/accounts/accounts.js';
import { createSessions } from '../../demo-app/accounts/sign-in.js';
import { createApp } from '../../demo-app/app.js';
import { readAppLines } from '../../demo-app/dev/app-lines.js';
import { createClock } from '../../demo-app/dev/clock.js';
import { createEventStreams } from '../../demo-app/dev/event-streams.js';
import { EVENTS } from '../../demo-app/dev/panel.js';
import { mountTools } from '../../demo-app/dev/tools.js';
import { en } from '../../demo-app/site/site.js';
import { FROM, SECRET } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const EMAIL = 'minji@example.com';
const redis = useRedis();
const mail = useMailServer();
const cleanUps: (() => unknown)[] = [];
beforeEach(() => redis.flush());
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function demo({ inMemory = false, isShared = false, hasInbox = true, clock = Date.now } = {}) {
  const accounts: Accounts = openAccounts();
  const streams = createEventStreams();
  const client = inMemory ? undefined : redis.client;
  const store: Store = client ? new RedisStore(client, { clock }) : new MemoryStore();
  const settings = { origin: 'http://localhost:3000', from: FROM };
  const servers = {
    redis: client,
    redisServer: isShared ? undefined : redis.server,
    mailServer: hasInbox ? mail.server : undefined,
  };
  const parts = { ...servers, accounts, store, clock: createClock(), streams, settings };
  const { app, verification } = createApp({
    origin: settings.origin,
    accounts,
    sessions: createSessions({ secret: SECRET, secure: false }),
    // A busy machine must not look like a Redis that does not respond.
    emailVerification: { store, storeTimeout: 30_000, transport: mail.url, from: FROM, secret: SECRET },
    mountDevelopmentTools: mountTools(parts),
  });
  cleanUps.push(
    () => accounts.close(),
    () => verification.close(),
  );
  return { app, accounts, streams, verification };
}

const panel = (app: App, email = EMAIL, entries: object[] = []) =>
  post(app, '/dev/panel', { email, entries }).expect(200);
const factsIn = (html: string) => [...html.matchAll(/data-fact="\w+">(.*?)</g)].map(([, value]) => value);

type App = ReturnType<typeof demo>['app'];

const post = (app: App, path: string, body: object) => request(app).post(path).send(body);
const send = (app: App, email = EMAIL) => post(app, '/email-verification/send', { email });

async function signUp(app: App, email = EMAIL) {
  await send(app, email).expect(200);
  const code = await mail.lastCode(email);
  const { body } = await post(app, '/email-verification/verify', { email, code }).expect(200);
  const { verificationToken } = body;
  return {
    code,
    verificationToken,
    fields: { email, verificationToken, name: 'Minji', password: 'four words' },
  };
}

async function listen(app: express.Express): Promise<{ server: Server; port: number }> {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { server, port: (server.address() as AddressInfo).port };
}

/** The events of a stream so far, and whether it has ended. */
async function watch(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/dev/events`);
  const watched = { text: '', hasEnded: false, events: (): Record<string, unknown>[] => [] };
  watched.events = () =>
    [...watched.text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json));
  const read = async () => {
    for await (const chunk of response.body ?? []) watched.text += Buffer.from(chunk).toString();
    watched.hasEnded = true;
  };
  void read().catch(() => {});
  return watched;
}

const PATHS = ['/email-verification/send', '/email-verification/verify', '/sign-up'];

describe('the lines of app.ts', () => {
  const source = readFileSync(join(__dirname, '../../demo-app/app.ts'), 'utf8').split('\n');

  it.each([...EVENTS, ...PATHS])('include those behind %s', (name) => {
    const found = readAppLines().find(({ behind }) => behind.split(' ').includes(name));
    const [, first, last = first] = /^app\.ts:(\d+)(?:–(\d+))?$/.exec(found?.place ?? '') ?? [];
    const lines = source.slice(Number(first) - 1, Number(last));
    expect(found?.code.split('\n').map((line) => line.trim())).toEqual(lines.map((line) => line.trim()));
    expect(found?.code).toMatch(/^\S/);
  });

  it('are whole statements', () => {
    const code = Object.fromEntries(
      readAppLines().map((lines) => [lines.behind.split(' ').at(-1), lines.code]),
    );
    expect(code['limited']).toMatch(/^const verification = createEmailVerification\(\{\n[\s\S]*\n\}\);$/);
    expect(code['suppressed']).toMatch(/^beforeSend: [\s\S]*: undefined,$/);
    expect(code['code_expired']).toBe(
      "app.use('/email-verification', emailVerificationRouter(verification));",
    );
    expect(code['released']).toMatch(/^app\.post\('\/sign-up',.* requireVerifiedEmail\(verification\),.*$/);
    expect(code['/sign-up']).toMatch(/^app\.post\([\s\S]*status\(201\)[\s\S]*\n\}\);$/);
  });
});

describe('what Redis holds', () => {
  it('is shown with its size and its end, and the keys of the address are marked', async () => {
    const { app } = demo();
    await send(app).expect(200);
    await send(app, 'jun@example.com').expect(200);
    const { text } = await panel(app, ' Minji@example.com');
    // A mailbox and a challenge for each address, and the counter of the client.
    const keys = text.match(/<details id="ev:.*/g) ?? [];
    expect(keys.map((key) => key.includes(en.panel.own))).toEqual([
      ...[true, true],
      ...[false, false, false],
    ]);
    for (const key of keys) expect(key).toMatch(/<small>[1-9]\d* bytes · \d+ (min|hr)<\/small>/);
    for (const field of [en.panel.fields.c, en.panel.fields.s]) expect(text).toContain(field);
    expect(factsIn((await panel(app, EMAIL, [{ name: 'limited' }])).text)).toEqual(['5', '0', '1']);
  });

  it('is shown beside a key of another type', async () => {
    const { app } = demo();
    await send(app).expect(200);
    await redis.client.lPush('ev:list', 'text');
    const { text } = await panel(app);
    expect(text).toContain(en.panel.fields.c);
    expect(text).not.toContain('ev:list');
  });

  it('leaves out what others have in a shared Redis', async () => {
    const { app } = demo({ isShared: true });
    await send(app).expect(200);
    await redis.client.set('ev:foreign', 'text');
    const { text } = await panel(app);
    expect(text).toContain(en.panel.fields.c);
    expect(text).not.toContain('ev:foreign');
  });

  it('contains no address, code, token or IP that could be read', async () => {
    const { app } = demo();
    await send(app, 'jun@example.com').expect(200);
    const { code, verificationToken } = await signUp(app);
    const { text } = await panel(app);
    for (const secret of [
      code,
      await mail.lastCode('jun@example.com'),
      verificationToken,
      '127.0.0.1',
      '::1',
    ])
      expect(text).not.toContain(secret);
    expect(text).not.toMatch(/minji|jun@|example\.com/i);
  });

  it('has neither a code nor a token of the address after the sign-up', async () => {
    const { app } = demo();
    const { fields } = await signUp(app);
    // Nobody has attempts without a code.
    expect(factsIn((await panel(app, EMAIL, [{ name: 'redeemed' }])).text)).toEqual(['–', '1', '1']);
    const receipt = () => post(app, '/dev/receipt', { email: EMAIL }).expect(200);
    expect((await receipt()).text).not.toContain(en.receipt.allUsed);
    await post(app, '/sign-up', fields).expect(201);
    expect((await receipt()).text).toContain(en.receipt.allUsed);
  });

  it('is nothing with the memory store, whose status is shown all the same', async () => {
    const { app } = demo({ inMemory: true });
    await send(app).expect(200);
    const { text } = await panel(app, EMAIL, [{ name: 'limited' }]);
    expect(text).toContain(en.panel.memory);
    expect(factsIn(text)).toEqual(['5', '0', '1']);
  });

  it('is unavailable while Redis does not respond', async () => {
    const { app } = demo();
    redis.server.pause();
    try {
      expect((await panel(app)).text).toContain(en.panel.unavailable);
    } finally {
      redis.server.resume();
    }
    expect((await panel(app)).text).not.toContain(en.panel.unavailable);
  });
});

it.each([true, false])('the receipt leads to an inbox only where there is one: %s', async (hasInbox) => {
  const { app } = demo({ hasInbox });
  const { fields } = await signUp(app);
  const browser = request.agent(app);
  await browser.post('/sign-up').send(fields).expect(201);
  const { text } = await browser.get('/welcome').expect(200);
  const [, links = ''] = /<nav aria-label="Try these next">([^~]*?)<\/nav>/.exec(text) ?? [];
  expect([...links.matchAll(/href="(.*?)"/g)].map(([, path]) => path)).toEqual([
    ...['/sign-up#attacks', ...(hasInbox ? ['/inbox'] : []), '/dev/previews', '/api'],
  ]);
  expect(text.includes('href="/inbox"')).toBe(hasInbox);
});

describe('the story of a page', () => {
  it('begins with one line that says what will be seen', async () => {
    const { app } = demo();
    const { text } = await panel(app);
    expect(text).toContain(en.panel.empty);
    expect(factsIn(text)).toEqual([]);
  });

  it('has each request, the newest first, and how often an event was repeated', async () => {
    const { app } = demo();
    const request = { email: '<b>' };
    const entries = [
      { id: 1, name: '/email-verification/send', request, status: 400, duration: 1.4 },
      { id: 2, name: 'code_expired', times: 10 },
    ];
    const { text } = await panel(app, EMAIL, entries);
    const [, newest = '', oldest = ''] = text.split('<details id="entry-');
    expect(newest).toMatch(new RegExp(`^2".*${en.panel.events.code_expired}.* ×10`));
    expect(newest).toContain(`<mark>${en.panel.operatorOnly}</mark>`);
    expect(oldest).toMatch(/^1".*POST \/email-verification\/send.*400 · 1 ms/);
    expect(oldest).toContain('&lt;b&gt;');
    expect(oldest).toContain('emailVerificationRouter(verification)');
  });

  it('has the attempts that the browser has left, and not the most that anybody has', async () => {
    const { app } = demo();
    await send(app).expect(200);
    const asked = { request: {}, response: { challengeId: 'a' } };
    const wrong = { request: { challengeId: 'a' }, response: { attemptsLeft: 2 } };
    expect(factsIn((await panel(app, EMAIL, [asked, wrong])).text)).toEqual(['2', '0', '1']);
  });

  it('gives no attempts back for another code while the earlier one is valid, or for an invalid request', async () => {
    let passed = 0;
    const { app } = demo({ clock: () => Date.now() + passed });
    const first = await send(app).expect(200);
    const asked = { request: {}, response: first.body };
    const wrong = { request: {}, response: { verify: false, attemptsLeft: 2 } };
    const invalid = { request: {}, response: { verify: false, errors: [] } };
    const attemptsAfter = async (...entries: object[]) =>
      factsIn((await panel(app, EMAIL, [asked, wrong, ...entries])).text)[0];
    expect(await attemptsAfter(invalid)).toBe('2');
    passed = 61_000;
    await send(app).expect(200);
    expect(await attemptsAfter(asked)).toBe('2');
    passed = 300_000;
    expect(await attemptsAfter(asked)).toBe('–');
    await send(app).expect(200);
    expect(await attemptsAfter(asked)).toBe('5');
  });

  it.each([[null], ['text'], [[null, 1, 'text']]])('may be anything: %j', async (entries) => {
    const { app } = demo();
    await post(app, '/dev/panel', { entries }).expect(200);
    await post(app, '/dev/receipt', { entries, email: {} }).expect(200);
  });
});

describe('the stream of events', () => {
  it('tells of each email with its code, and of what the operator learns, with masked addresses', async () => {
    const { app, accounts } = demo();
    const { port } = await listen(app);
    const watched = await watch(port);
    const { code, fields } = await signUp(app);
    await post(app, '/sign-up', fields).expect(201);
    await accounts.create({ email: 'jun@example.com', name: 'Jun', password: 'four words' });
    await send(app, 'jun@example.com').expect(200);
    await send(app, 'jun@example.com').expect(429);
    await until('all events have arrived', async () => watched.events().length >= 7);

    const [message, delivered, redeemed, suppressed, ...rest] = watched.events();
    expect(message).toEqual({
      name: 'message',
      id: mail.messages[0]?.id,
      subject: mail.messages[0]?.subject,
      to: EMAIL,
      code,
    });
    const email = 'm***@example.com';
    const { subject } = mail.messages[0] ?? {};
    expect(delivered).toMatchObject({
      name: 'delivered',
      email,
      detail: subject,
      duration: expect.any(Number),
    });
    expect(redeemed).toMatchObject({ name: 'redeemed', email });
    expect(suppressed).toMatchObject({ name: 'suppressed', email: 'j***@example.com' });
    expect(rest.map(({ name }) => name).sort()).toEqual(['delivered', 'limited', 'message']);
    expect(JSON.stringify([delivered, redeemed, suppressed])).not.toContain(code);
  });

  it('tells nothing of attacks', async () => {
    const { app } = demo();
    const { port } = await listen(app);
    const watched = await watch(port);
    await send(app, 'x@attack.example').expect(200);
    await send(app, 'x@attack.example').expect(429);
    await send(app).expect(200);
    // The demo's mail server takes the emails of attacks away, so there is no message to tell of either.
    const told = () => watched.events().filter(({ name }) => name !== 'message');
    await until('the email has arrived', async () => told().length > 0);
    expect(told()).toEqual([expect.objectContaining({ name: 'delivered', email: 'm***@example.com' })]);
  });

  it('answers a HEAD request at once', async () => {
    await request(demo().app).head('/dev/events').expect(200);
  });

  it('ends when the server shuts down, which it would keep from closing', async () => {
    const { app, streams } = demo();
    const { server, port } = await listen(app);
    const watched = await watch(port);
    server.close();
    streams.end();
    await once(server, 'close');
    await until('the stream has ended', async () => watched.hasEnded);
  });

  it('drops a page that never reads, and goes on for the others', async () => {
    const streams = createEventStreams();
    const { server, port } = await listen(express().get('/dev/events', streams.connect));
    const deaf = connect(port, '127.0.0.1').pause();
    deaf.write('GET /dev/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [serverSide] = await once(server, 'connection');
    const watched = await watch(port);
    const isDropped = once(serverSide, 'close');
    const flood = setInterval(() => streams.send({ filling: 'x'.repeat(100_000) }), 1);
    await isDropped;
    clearInterval(flood);
    deaf.destroy();
    streams.send({ name: 'last' });
    await until(
      'the other page got the last event',
      async () => watched.events().at(-1)?.['name'] === 'last',
    );
  });
});
