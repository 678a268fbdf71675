/** The answer of a handler behind requireVerifiedEmail(): it is left as it is, and the token is given back if it failed. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import {
  createEmailVerification,
  MemoryStore,
  type RequireVerifiedEmailOptions,
  requireVerifiedEmail,
} from 'express-email-verification';
import express4 from 'express4';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';

const email = 'minji@example.com';

/** A store whose `release` can be held until a test lets it continue. */
class SlowStore extends MemoryStore {
  #gate: Promise<void> | undefined;
  #continue = () => {};
  #started = () => {};
  releasing: Promise<void> = Promise.resolve();

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#continue = resolve;
    });
    this.releasing = new Promise((resolve) => {
      this.#started = resolve;
    });
  }

  continue(): void {
    this.#gate = undefined;
    this.#continue();
  }

  override async release(...args: Parameters<MemoryStore['release']>): Promise<void> {
    this.#started();
    await this.#gate;
    return super.release(...args);
  }
}

async function tokenFor(store = new SlowStore(), hookTimeout = 60_000) {
  let code = '';
  const verification = createEmailVerification({
    ...{ store, transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
    ...{ storeTimeout: 60_000, hookTimeout },
    delivery: async ({ text }) => {
      code = /\b\d{6}\b/.exec(text)?.[0] ?? '';
    },
  });
  await verification.send({ email });
  const verified = await verification.verify({ email, code });
  if (verified.kind !== 'verified') throw new Error('not verified');
  const isGivenBack = async () =>
    (await verification.redeem({ email, verificationToken: verified.verificationToken })).kind === 'redeemed';
  return {
    store,
    verification,
    fields: { email, verificationToken: verified.verificationToken },
    isGivenBack,
  };
}

const pass: RequestHandler = (_req, _res, next) => next();

interface Parts {
  readonly make: () => Express;
  readonly before?: RequestHandler;
  readonly guard: RequestHandler;
  readonly handler: RequestHandler;
}

/** With an ordinary error handler, which also records its errors. */
function appOf({ make, before = pass, guard, handler }: Parts) {
  const errors: unknown[] = [];
  const app = make();
  const onError: ErrorRequestHandler = (error, _req, res, next) => {
    errors.push(error);
    if (res.headersSent) return next(error);
    res.statusMessage = '';
    res.status(500).json({ error: error.code ?? error.message });
  };
  app.post('/signup', before, express.json(), guard, handler);
  app.use(onError);
  return { app, errors };
}

const VERSIONS: [string, () => Express][] = [
  ['Express 5', express],
  ['Express 4', express4],
];

describe.each(VERSIONS)('on %s', (_name, make) => {
  const bug = new Error('a bug');
  const throwing =
    (name: 'writeHead' | 'end' | 'setHeader'): RequestHandler =>
    (_req, res, next) => {
      const usual = res[name];
      let isFirst = true;
      Object.assign(res, {
        [name](...args: unknown[]) {
          if (!isFirst) return Reflect.apply(usual, res, args);
          isFirst = false;
          throw bug;
        },
      });
      next();
    };

  /** Ends the response with an argument that Node rejects. */
  const ending = (status: number, ...args: unknown[]): RequestHandler => {
    return (_req, res) => void Reflect.apply(res.status(status).end, res, args);
  };
  const ROWS: [what: string, handler: RequestHandler, before?: RequestHandler][] = [
    ['ends with a number', ending(409, 409)],
    ['ends with an object', ending(409, {})],
    ['ends with an array', ending(409, ['taken'])],
    ['ends with a Date', ending(409, new Date())],
    ['ends with true', ending(409, true)],
    ['ends with a bigint', ending(409, 1n)],
    ['ends with a number, on success', ending(201, 201)],
    ['ends with an object, on success', ending(201, {})],
    ['sets an invalid status', (_req, res) => void Object.assign(res, { statusCode: 1409 }).end('taken')],
    [
      'sets a reason phrase with a line break',
      (_req, res) => void Object.assign(res, { statusCode: 409, statusMessage: 'a\nb' }).end('taken'),
    ],
    [
      'is answered by a writeHead() that throws',
      (_req, res) => void res.status(409).end('taken'),
      throwing('writeHead'),
    ],
    [
      'is answered by a writeHead() that throws, on success',
      (_req, res) => void res.status(201).end(),
      throwing('writeHead'),
    ],
    [
      'is answered by an end() that throws',
      (_req, res) => void res.status(409).end('taken'),
      throwing('end'),
    ],
    [
      'is answered by an end() that throws, on success',
      (_req, res) => void res.status(201).end('taken'),
      throwing('end'),
    ],
    [
      'is answered by a setHeader() that throws',
      (_req, res) => void res.status(409).json({}),
      throwing('setHeader'),
    ],
    [
      'catches the error of its end()',
      (_req, res) => {
        try {
          Reflect.apply(res.status(409).end, res, [409]);
        } catch (error) {
          res.status(500).json({ caught: String(error) });
        }
      },
    ],
    [
      'throws itself',
      () => {
        throw bug;
      },
    ],
  ];
  it.each(ROWS)(
    'T35: a handler that %s fails as it would without the guard, and the token is given back',
    async (_what, handler, before = pass) => {
      const { verification, fields, isGivenBack } = await tokenFor();
      const without = appOf({ make, before, guard: pass, handler });
      const ours = appOf({ make, before, guard: requireVerifiedEmail(verification), handler });
      const expected = await request(without.app).post('/signup').send(fields);
      const answer = await request(ours.app).post('/signup').send(fields);
      expect([answer.status, answer.text]).toEqual([expected.status, expected.text]);
      expect(answer.status).toBe(500);
      expect(ours.errors).toEqual(without.errors);
      expect(ours.errors).toHaveLength(_what.startsWith('catches') ? 0 : 1);
      expect(await isGivenBack()).toBe(true);
    },
  );

  it('T35: a custom end() that takes objects still gets them, and the token is given back', async () => {
    const { verification, fields, isGivenBack } = await tokenFor();
    const before: RequestHandler = (_req, res, next) => {
      const { end } = res;
      Object.assign(res, { end: (body: object) => Reflect.apply(end, res, [JSON.stringify(body)]) });
      next();
    };
    const guard = requireVerifiedEmail(verification);
    const { app } = appOf({ make, before, guard, handler: ending(409, { taken: true }) });
    await request(app).post('/signup').send(fields).expect(409, '{"taken":true}');
    expect(await isGivenBack()).toBe(true);
  });

  /** What other code does to an answer that waits for its token. */
  const MEDDLING: [what: string, meddle: (res: Response) => unknown][] = [
    ['nothing', () => {}],
    ['writeHead() and end()', (res) => res.writeHead(503, { 'X-Late': 'yes' }).end('the app')],
    [
      'writeHead() with a reason phrase',
      (res) => res.writeHead(503, 'Late', { 'Content-Length': '7' }).write('the app'),
    ],
    ['write()', (res) => res.write('more')],
    ['write() of a Buffer', (res) => res.write(Buffer.from('more'), () => {})],
    ['end()', (res) => res.end('the app')],
    ['status() and json()', (res) => res.status(503).json({ late: true })],
    ['send()', (res) => res.status(503).send('the app')],
    ['sendStatus()', (res) => res.sendStatus(503)],
    ['redirect()', (res) => res.redirect('/late')],
    ['sendFile()', (res) => res.sendFile(__filename)],
    ['cookie() and set()', (res) => res.cookie('late', 'yes').set('X-Late', 'yes').append('X-Late', 'more')],
    ['setHeader()', (res) => res.setHeader('X-Late', 'yes')],
    ['setHeaders()', (res) => res.setHeaders(new Map([['X-Late', 'yes']]))],
    ['appendHeader()', (res) => res.appendHeader('X-First', 'no')],
    ['removeHeader()', (res) => res.removeHeader('X-First')],
    ['type()', (res) => res.type('text/html')],
    ['flushHeaders()', (res) => res.flushHeaders()],
    ['addTrailers()', (res) => res.addTrailers({ 'X-Late': 'yes' })],
    ['writeContinue()', (res) => res.writeContinue()],
    ['writeProcessing()', (res) => res.writeProcessing()],
    ['writeEarlyHints()', (res) => res.writeEarlyHints({ link: '</late.css>; rel=preload' })],
    ['statusCode and statusMessage', (res) => Object.assign(res, { statusCode: 200, statusMessage: 'Late' })],
    ['pipe()', (res) => Readable.from(['more', 'and more']).pipe(res)],
    ['destroy()', (res) => res.destroy()],
    ['destroy() with an error', (res) => res.destroy(new Error('late'))],
  ];
  const ANSWERS: [what: string, handler: RequestHandler][] = [
    ['a JSON answer', (_req, res) => void res.status(409).set('X-First', 'yes').json({ taken: true })],
    ['an answer in one chunk', (_req, res) => void res.set('X-First', 'yes').status(409).end('first')],
    ['an empty answer', (_req, res) => void res.set('X-First', 'yes').status(409).end()],
    [
      'an answer in two chunks',
      (_req, res) => {
        res.status(409).set('X-First', 'yes').write('fi');
        res.end('rst');
      },
    ],
    [
      'an answer by writeHead()',
      (_req, res) => void res.writeHead(409, 'Taken', { 'X-First': 'yes' }).end('first'),
    ],
  ];

  describe.each(ANSWERS)('%s', (_what, handler) => {
    /** All bytes of one answer and of the next on the same connection; `meddle` runs while the first waits. */
    async function bytesOf(meddle: (res: Response) => unknown, isLast = false): Promise<string> {
      const { store, verification, fields } = await tokenFor();
      let answering: Response | undefined;
      const recorded: RequestHandler = (req, res, next) => {
        answering = res;
        return handler(req, res, next);
      };
      const { app } = appOf({ make, guard: requireVerifiedEmail(verification), handler: recorded });
      app.get('/next', (_req, res) => void res.end('the next answer'));
      const server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
      let bytes = '';
      socket.on('data', (data) => {
        bytes += data;
      });
      const closed = once(socket, 'close');
      const body = JSON.stringify(fields);
      store.hold();
      socket.write(
        `POST /signup HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      await store.releasing;
      if (!answering) throw new Error('The handler did not run.');
      meddle(answering);
      await new Promise((resolve) => setImmediate(resolve));
      store.continue();
      if (!isLast) socket.write('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await closed;
      server.close();
      return bytes.replace(/^Date: .*\r\n/gm, '');
    }

    it.each(MEDDLING)(
      'T36: stays as it is when %s is called while it waits for its token',
      async (what, meddle) => {
        const undisturbed = await bytesOf(() => {});
        expect(undisturbed).toMatch(/^HTTP\/1\.1 409 [\s\S]*HTTP\/1\.1 200 [\s\S]*the next answer$/);
        const isLast = what.startsWith('destroy');
        const expected = isLast ? undisturbed.slice(0, undisturbed.lastIndexOf('HTTP/1.1')) : undisturbed;
        expect(await bytesOf(meddle, isLast)).toBe(expected);
      },
    );
  });

  it('T36: writing while the answer waits fails as it does after the end', async () => {
    const { store, verification, fields } = await tokenFor();
    let answering: Response | undefined;
    const handler: RequestHandler = (_req, res) => {
      answering = res;
      res.status(409).end('first');
    };
    const { app } = appOf({ make, guard: requireVerifiedEmail(verification), handler });
    store.hold();
    const answered = request(app).post('/signup').send(fields).expect(409, 'first');
    const running = answered.then((answer) => answer);
    await store.releasing;
    if (!answering) throw new Error('The handler did not run.');
    const written = new Promise<unknown>((resolve) => {
      expect(answering?.write('more', resolve)).toBe(false);
    });
    expect(await written).toMatchObject({ code: 'ERR_STREAM_WRITE_AFTER_END' });
    expect(answering.writableEnded).toBe(true);
    const finished = new Promise<void>((resolve) => {
      answering?.end(resolve);
    });
    store.continue();
    await Promise.all([running, finished]);
    expect(answering.statusCode).toBe(409);
    expect(Object.keys(answering)).not.toContain('writableEnded');
  });

  const ENDED: [what: string, end: (res: Response) => unknown][] = [
    ['sent at once', (res) => res.status(409).json({ taken: true })],
    [
      'started before its end',
      (res) => {
        res.writeHead(409, { 'Content-Type': 'application/json' });
        res.write('{"taken":');
        return res.end('true}');
      },
    ],
  ];
  it.each(ENDED)(
    'T36: a handler that throws after an answer %s breaks neither the answer nor its connection',
    async (_what, end) => {
      const { store, verification, fields, isGivenBack } = await tokenFor();
      const handler: RequestHandler = (_req, res) => {
        end(res);
        throw bug;
      };
      const app = make();
      app.set('env', 'test');
      app.post('/signup', express.json(), requireVerifiedEmail(verification), handler);
      store.hold();
      const answered = request(app).post('/signup').send(fields).expect(409, { taken: true });
      const running = answered.then(() => {});
      await store.releasing;
      // Express closes the connection a turn later.
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      store.continue();
      await running;
      expect(await isGivenBack()).toBe(true);
    },
  );

  describe('T38', () => {
    const created: RequestHandler = (req, res) => void res.status(201).json({ email: req.verifiedEmail });

    const READ_ONLY: [what: string, spoil: RequestHandler][] = [
      [
        'a frozen body',
        (req, _res, next) => {
          Object.freeze(req.body);
          next();
        },
      ],
      [
        'a body with an address that cannot be written',
        (req, _res, next) => {
          Object.defineProperty(req.body, 'email', { writable: false });
          next();
        },
      ],
      [
        'a body with a getter only',
        (req, _res, next) => {
          const { email } = req.body;
          req.body = {
            ...req.body,
            get email() {
              return email;
            },
          };
          next();
        },
      ],
      [
        'a body with a setter that throws',
        (req, _res, next) => {
          const { email } = req.body;
          Object.defineProperty(req.body, 'email', {
            get: () => email,
            set: () => {
              throw bug;
            },
          });
          next();
        },
      ],
      [
        'a body with a setter that throws undefined',
        (req, _res, next) => {
          const { email } = req.body;
          Object.defineProperty(req.body, 'email', {
            get: () => email,
            set: () => {
              throw undefined;
            },
          });
          next();
        },
      ],
      [
        'a body with a setter that does nothing',
        (req, _res, next) => {
          const { email } = req.body;
          Object.defineProperty(req.body, 'email', { get: () => email, set: () => {} });
          next();
        },
      ],
      [
        'a body behind a Proxy that ignores writes',
        (req, _res, next) => {
          req.body = new Proxy(req.body, { set: () => false });
          next();
        },
      ],
      [
        'a request whose verifiedEmail cannot be written',
        (req, _res, next) => {
          Object.defineProperty(req, 'verifiedEmail', { value: 'nobody', writable: false });
          next();
        },
      ],
    ];
    it.each(READ_ONLY)('T38: %s is reported to the app before the token is used up', async (_what, spoil) => {
      const { verification, fields, isGivenBack } = await tokenFor();
      const guard = requireVerifiedEmail(verification);
      let handled = 0;
      const app = make();
      app.post('/signup', express.json(), spoil, guard, () => {
        handled += 1;
      });
      const errors: unknown[] = [];
      const onError: ErrorRequestHandler = (error, _req, res, _next) => {
        errors.push(error);
        res.status(500).end();
      };
      app.use(onError);
      await request(app)
        .post('/signup')
        .send({ ...fields, email: 'Minji@EXAMPLE.com' })
        .expect(500);
      expect(errors).toEqual([expect.any(Error)]);
      expect(handled).toBe(0);
      expect(await isGivenBack()).toBe(true);
    });

    // On Express 4 it ends the process, with or without the guard.
    const onExpress5 = make === express ? it : it.skip;
    onExpress5(
      'T38: for a frozen request, which Express hands to no error handler, no token is used up',
      async () => {
        const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
        const { verification, fields, isGivenBack } = await tokenFor();
        const freeze: RequestHandler = (req, _res, next) => {
          Object.freeze(req);
          next();
        };
        const app = make();
        app.post('/signup', express.json(), freeze, requireVerifiedEmail(verification), created);
        await request(app).post('/signup').send(fields).expect(500);
        expect(warnings.mock.calls.flat().join()).toContain('`req.verifiedEmail`');
        expect(await isGivenBack()).toBe(true);
        warnings.mockRestore();
      },
    );

    it('T38: a response that cannot be changed is reported to the app, and the token is given back', async () => {
      const { verification, fields, isGivenBack } = await tokenFor();
      const spoil: RequestHandler = (_req, res, next) => {
        Object.defineProperty(res, 'end', { value: res.end, writable: false, configurable: false });
        next();
      };
      const { app, errors } = appOf({
        make,
        before: spoil,
        guard: requireVerifiedEmail(verification),
        handler: created,
      });
      await request(app).post('/signup').send(fields).expect(500);
      expect(errors).toHaveLength(1);
      expect(await isGivenBack()).toBe(true);
    });

    const RULES: [
      what: string,
      giveBack: NonNullable<RequireVerifiedEmailOptions['giveBack']>,
      status: number,
      back: boolean,
    ][] = [
      ['a promise of false', async () => false, 409, false],
      ['a promise of true', async () => true, 201, true],
      ['a late promise of false', () => new Promise((resolve) => setImmediate(resolve, false)), 409, false],
      ['a late promise of true', () => new Promise((resolve) => setImmediate(resolve, true)), 201, true],
      [
        'a thenable of false',
        // biome-ignore lint/suspicious/noThenProperty: as other libraries' promises
        () => ({ then: (resolve) => Promise.resolve(false).then(resolve) }) as PromiseLike<boolean>,
        409,
        false,
      ],
      ['false', () => false, 409, false],
      ['true', () => true, 201, true],
      ['the default', (res) => res.statusCode >= 400, 409, true],
    ];
    it.each(RULES)(
      'T38: the token is given back as giveBack decides with %s',
      async (_what, giveBack, status, back) => {
        const { verification, fields, isGivenBack } = await tokenFor();
        const guard = requireVerifiedEmail(verification, { giveBack });
        const handler: RequestHandler = (_req, res) => void res.status(status).json({ status });
        await request(appOf({ make, guard, handler }).app)
          .post('/signup')
          .send(fields)
          .expect(status, { status });
        expect(await isGivenBack()).toBe(back);
      },
    );

    it('T38: a giveBack that never answers delays the answer by hookTimeout at most, and the token stays used', async () => {
      const { verification, fields, isGivenBack } = await tokenFor(undefined, 50);
      const events: unknown[] = [];
      verification.on('unavailable', ({ operation, cause }) => events.push([operation, cause]));
      const guard = requireVerifiedEmail(verification, { giveBack: () => new Promise(() => {}) });
      const handler: RequestHandler = (_req, res) => void res.status(409).json({ taken: true });
      await request(appOf({ make, guard, handler }).app)
        .post('/signup')
        .send(fields)
        .expect(409, { taken: true });
      expect(events).toEqual([['release', new Error('`giveBack` did not answer in time')]]);
      expect(await isGivenBack()).toBe(false);
    });

    it('T38: if giveBack throws, the app gets the error, and its answer to that decides', async () => {
      for (const giveBack of [
        () => {
          throw bug;
        },
        () => Promise.reject(bug),
      ]) {
        const { verification, fields, isGivenBack } = await tokenFor();
        const { app, errors } = appOf({
          make,
          guard: requireVerifiedEmail(verification, { giveBack }),
          handler: created,
        });
        await request(app).post('/signup').send(fields).expect(500, { error: 'a bug' });
        expect(errors).toEqual([bug]);
        expect(await isGivenBack()).toBe(true);
      }
    });

    it('T38: promises of the address and the token are awaited', async () => {
      const { verification, fields } = await tokenFor();
      const guard = requireVerifiedEmail(verification, {
        email: async (req) => req.body.email,
        token: async (req) => req.body.verificationToken,
      });
      const { app } = appOf({ make, guard, handler: created });
      await request(app).post('/signup').send(fields).expect(201, { email });
    });
  });
});
