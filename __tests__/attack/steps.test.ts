/**
 * Trouble at each step of a request: the app ends the answer, the client hangs up, or a callback of the app throws,
 * with or without an Error. The app runs in its own process, which must survive all of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

let child: ChildProcess;
let port = 0;
let output = '';

beforeAll(async () => {
  child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--unhandled-rejections=strict',
      '--no-warnings',
      join(__dirname, 'fixtures/steps-app.ts'),
    ],
    { cwd: resolve(__dirname, '../..'), stdio: ['pipe', 'pipe', 'pipe'] },
  );
  child.stderr?.on('data', (data) => {
    output += data;
  });
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    port = Number(line);
    break;
  }
  if (port === 0) throw new Error(output);
});

afterAll(async () => {
  if (child.exitCode !== null) return;
  child.kill();
  await once(child, 'exit');
});

afterEach(() => {
  expect({ exitCode: child.exitCode, output }).toEqual({ exitCode: null, output: '' });
});

let requests = 0;
const newId = () => `request-${++requests}`;

async function control<T>(
  action: 'end' | 'begin' | 'finish' | 'go' | 'seen' | 'token',
  id: string,
): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${port}/control/${action}/${id}`);
  return (await answer.json()) as T;
}

const seen = (id: string) => control<string[]>('seen', id);

/** Waits for something to happen while the process runs; the test's own timeout bounds it. */
async function waitFor(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) {
    if (child.exitCode !== null) throw new Error(`Waited in vain for ${what}. The process ended:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits until a request has been seen doing something. */
async function untilSeen(id: string, what: string | RegExp): Promise<void> {
  await waitFor(`${what} of ${id}`, async () =>
    (await seen(id)).some((one) => (typeof what === 'string' ? one === what : what.test(one))),
  );
}

/** Waits as many turns of the app's event loop as any pending step could take. */
async function settled(id: string): Promise<string[]> {
  for (let turn = 0; turn < 5; turn += 1) await seen(id);
  return seen(id);
}

const TYPES = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const;

interface Sent {
  readonly type: keyof typeof TYPES;
  readonly chunked: boolean;
}

const BODIES: [string, Sent][] = [
  ['a plain body', { type: 'json', chunked: false }],
  ['a chunked body', { type: 'json', chunked: true }],
  ['a form', { type: 'form', chunked: false }],
  ['a chunked form', { type: 'form', chunked: true }],
];

function written(fields: Record<string, string>, { type }: Sent): string {
  return type === 'json' ? JSON.stringify(fields) : String(new URLSearchParams(fields));
}

/** The two halves of a request on a connection of its own: its head with three bytes, and the rest. */
function inHalves(path: string, body: string, sent: Sent, headers: Record<string, string>): [string, string] {
  const length = Buffer.byteLength(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `Content-Type: ${TYPES[sent.type]}`,
    sent.chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n');
  const chunk = (text: string) =>
    sent.chunked ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text;
  return [head + chunk(body.slice(0, 3)), chunk(body.slice(3)) + (sent.chunked ? '0\r\n\r\n' : '')];
}

async function open(): Promise<{ socket: Socket; received: () => string; close: () => void }> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (data) => {
    received += data;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return { socket, received: () => received, close: () => socket.destroy() };
}

/** Posts a whole request at once. */
async function post(path: string, fields: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': TYPES.json, ...headers },
    body: JSON.stringify(fields),
  });
  return { status: answer.status, body: await answer.text() };
}

const EXPRESS = [5, 4] as const;
const ROUTES = ['ev/send', 'ev/verify', 'signup'] as const;
const email = () => `person${++requests}@example.com`;

const REMAINDERS: [string, fields: Record<string, string>, headers: Record<string, string>][] = [
  ['an invalid address', { email: 'x' }, {}],
  ['a valid address', { email: 'ada@example.com', code: '123456', verificationToken: 'x'.repeat(26) }, {}],
  ['a body too large', { email: 'ada@example.com', x: 'x'.repeat(20_000) }, {}],
  ['a cross-site post', { email: 'x' }, { 'Sec-Fetch-Site': 'cross-site' }],
];

describe.each(EXPRESS)('on Express %i', (express) => {
  describe.each(ROUTES)('/%s', (route) => {
    describe.each(BODIES)('with %s', (_what, sent) => {
      it.each(REMAINDERS)(
        'T34: nothing is added to an answer that the app ended while the body arrives: then comes %s',
        async (_rest, fields, headers) => {
          const id = newId();
          const { socket, received, close } = await open();
          const halves = inHalves(`/${express}/${route}`, written(fields, sent), sent, {
            ...{ 'X-Id': id, ...headers },
          });
          socket.write(halves[0]);
          await untilSeen(id, 'begun');
          await control('end', id);
          await waitFor('the answer of the app', () => received().endsWith('the app'));
          socket.write(`${halves[1]}GET /control/seen/${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
          await waitFor('the next answer', () => received().endsWith(']'));
          expect(await settled(id)).toEqual(['begun', 'closed']);
          close();
          // Two requests, two answers, and nothing of ours in between.
          expect(received().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 200']);
        },
      );

      it('T34: an answer that the app has started is left alone', async () => {
        const id = newId();
        const { socket, received, close } = await open();
        const halves = inHalves(`/${express}/${route}`, written({ email: 'x' }, sent), sent, { 'X-Id': id });
        socket.write(halves[0]);
        await untilSeen(id, 'begun');
        await control('begin', id);
        socket.write(halves[1]);
        expect(await settled(id)).toEqual(['begun']);
        await control('finish', id);
        await waitFor('the answer of the app', () => received().endsWith('the app'));
        close();
        expect(received().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503']);
      });

      it.each(['in the middle of its body', 'after its body'])(
        'T34: a client that hangs up %s ends only its own request',
        async (when) => {
          const id = newId();
          const { socket, close } = await open();
          const fields = { email: 'x' };
          const halves = inHalves(`/${express}/${route}`, written(fields, sent), sent, { 'X-Id': id });
          socket.write(halves[0]);
          await untilSeen(id, 'begun');
          if (when === 'after its body') socket.write(halves[1]);
          close();
          await untilSeen(id, 'closed');
          // The app's own parser reports it; the router does not.
          const events = (await settled(id)).filter((one) => route !== 'signup' || !one.includes('aborted'));
          expect(events).toEqual(['begun', 'closed']);
        },
      );

      it('T34: a client that hangs up before the first step causes no error', async () => {
        const id = newId();
        const { socket, close } = await open();
        const faults = { 'X-Id': id, 'X-Callback': 'before', 'X-Action': 'holds' };
        socket.write(inHalves(`/${express}/${route}`, written({ email: 'x' }, sent), sent, faults)[0]);
        await untilSeen(id, 'held');
        close();
        await untilSeen(id, 'closed');
        await control('go', id);
        expect(await settled(id)).toEqual(['begun', 'held', 'closed']);
      });
    });

    it('T34: a request that the app answered before the first step is left alone', async () => {
      for (const callback of ['token', 'beforeSend', 'mailbox']) {
        const id = newId();
        const who = email();
        const fields = { email: who, code: '123456', verificationToken: await control<string>('token', who) };
        const faults = {
          'X-Id': id,
          'X-Callback': callback,
          'X-Action': 'throws Error',
          'X-Answered': 'yes',
        };
        expect((await post(`/${express}/${route}`, fields, faults)).status).toBe(503);
        expect(await settled(id)).toEqual(['begun', 'closed']);
      }
    });
  });

  const THROWN = [
    'Error',
    'object',
    'undefined',
    'null',
    'false',
    'zero',
    'empty',
    'NaN',
    '0n',
    'route',
    'router',
  ];
  /** Which callback of the app is called on which route. */
  const CALLBACKS: [callback: string, path: string][] = [
    ...['beforeSend', 'keyGenerator', 'skip', 'limit', 'handler', 'mailbox'].map((one): [string, string] => [
      one,
      'ev/send',
    ]),
    ...['keyGenerator', 'skip', 'limit', 'handler'].map((one): [string, string] => [one, 'limited']),
    ...['message', 'retryAfter'].map((one): [string, string] => [one, 'ev/verify']),
    ['mailbox', 'ev/verify'],
    ...['email', 'token', 'mailbox', 'giveBack'].flatMap((one): [string, string][] => [
      [one, 'signup'],
      [one, 'used'],
    ]),
  ];
  const SYNCHRONOUS = ['mailbox'];

  /** A request with a valid token and a valid code. */
  async function ask(path: string, callback: string, action: string, headers: Record<string, string> = {}) {
    const id = newId();
    const who = email();
    const verificationToken = await control<string>('token', who);
    const fields = { email: who, code: '123456', verificationToken };
    const faults = { 'X-Id': id, 'X-Callback': callback, 'X-Action': action, ...headers };
    return { id, fields, answer: post(`/${express}/${path}`, fields, faults) };
  }
  const signUp = async (fields: object) => (await post(`/${express}/signup`, fields)).status;

  describe.each(CALLBACKS)('%s on /%s', (callback, path) => {
    const actions = SYNCHRONOUS.includes(callback) ? ['throws'] : ['throws', 'rejects with'];

    it.each(actions)(
      "T37: when it %s any value, the app's error handler gets one error and no handler runs",
      async (action) => {
        for (const thrown of THROWN) {
          const { id, fields, answer } = await ask(path, callback, `${action} ${thrown}`);
          expect(await answer).toEqual({ status: 500, body: '{"app":"error"}' });
          const events = (await seen(id)).filter((one) => one !== 'begun' && one !== 'closed');
          const error = thrown === 'object' ? /^thrown: {"status":418}$/ : /^Error: ./;
          const handled = callback === 'giveBack' ? ['handled'] : [];
          expect(events).toEqual([...handled, expect.stringMatching(error)]);
          // Nothing was used up.
          if (path === 'signup' || path === 'used') expect(await signUp(fields)).toBe(201);
        }
      },
    );

    if (SYNCHRONOUS.includes(callback) || callback === 'giveBack') return;
    it('T34: when it rejects after the app has answered, one error is passed on and nothing else happens', async () => {
      for (const thrown of THROWN) {
        const { id, answer } = await ask(path, callback, `holds, then throws ${thrown}`);
        await untilSeen(id, 'held');
        await control('end', id);
        expect(await answer).toEqual({ status: 503, body: 'the app' });
        await control('go', id);
        await untilSeen(id, /^Error|^thrown/);
        const events = (await settled(id)).filter(
          (one) => one.startsWith('Error') || one.startsWith('thrown'),
        );
        expect(events).toHaveLength(1);
        expect(await seen(id)).not.toContain('handled');
        expect(await seen(id)).not.toContain('went on');
      }
    });

    it('T34: when it settles after the app has answered, the request goes no further', async () => {
      const { id, answer } = await ask(path, callback, 'holds');
      await untilSeen(id, 'held');
      await control('end', id);
      expect((await answer).status).toBe(503);
      await control('go', id);
      const events = (await settled(id)).filter((one) => one !== 'begun' && one !== 'closed');
      expect(events).toEqual(['held']);
    });
  });

  it.each([
    ['ev/send', 200],
    ['signup', 201],
    ['signup', 409],
  ])('T37: a listener that throws any value does not change the answer of /%s', async (path, status) => {
    for (const thrown of THROWN) {
      for (const action of ['throws', 'rejects with']) {
        const { id, answer } = await ask(path, 'listener', `${action} ${thrown}`, {
          'X-Status': `${status}`,
        });
        expect((await answer).status).toBe(status);
        expect(await settled(id)).not.toContainEqual(expect.stringMatching(/^Error|^thrown/));
      }
    }
  });

  it.each([
    ['store.open', 'ev/send', 503],
    ['store.count', 'ev/send', 503],
    ['store.attempt', 'ev/verify', 503],
    ['store.redeem', 'signup', 503],
    ['delivery', 'ev/send', 500],
    ['template', 'ev/send', 500],
  ])('T37: when %s rejects with any value, /%s answers %i itself', async (callback, path, status) => {
    for (const thrown of THROWN) {
      for (const action of callback === 'template' ? ['throws'] : ['throws', 'rejects with']) {
        const { id, answer } = await ask(path, callback, `${action} ${thrown}`);
        const { body } = await answer;
        expect(JSON.parse(body)).toMatchObject({
          reason: status === 503 ? 'unavailable' : 'delivery_failed',
        });
        expect((await answer).status).toBe(status);
        expect(await seen(id)).not.toContain('handled');
      }
    }
  });

  it('T32: if a client hangs up before the handler is called, it is not called and the token is given back', async () => {
    for (const path of ['signup', 'used'] as const) {
      for (const callback of ['store.redeem', 'email', 'token']) {
        const id = newId();
        const who = email();
        const fields = { email: who, verificationToken: await control<string>('token', who) };
        const { socket, close } = await open();
        const body = JSON.stringify(fields);
        const faults = { 'X-Id': id, 'X-Callback': callback, 'X-Action': 'holds' };
        socket.write(
          inHalves(`/${express}/${path}`, body, { type: 'json', chunked: false }, faults).join(''),
        );
        await untilSeen(id, 'held');
        close();
        await untilSeen(id, 'closed');
        await control('go', id);
        expect(await settled(id)).toEqual(['begun', 'held', 'closed']);
        expect(await signUp(fields)).toBe(201);
      }
    }
  });

  it('T34: a store result that arrives after the app answered is dropped, and a token redeemed for nobody is given back', async () => {
    for (const [callback, path] of [
      ['store.open', 'ev/send'],
      ['store.count', 'ev/send'],
      ['store.attempt', 'ev/verify'],
      ['store.redeem', 'signup'],
    ] as const) {
      const { id, fields, answer } = await ask(path, callback, 'holds');
      await untilSeen(id, 'held');
      await control('end', id);
      expect(await answer).toEqual({ status: 503, body: 'the app' });
      await control('go', id);
      expect((await settled(id)).filter((one) => one !== 'begun' && one !== 'closed')).toEqual(['held']);
      if (path === 'signup') expect(await signUp(fields)).toBe(201);
    }
  });
});
