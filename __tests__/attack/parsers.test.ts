/** Request bodies as an app or its runtime passes them on: parsed, as bytes, as text, already read, or not at all. */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import {
  createEmailVerification,
  emailVerificationRouter,
  MemoryStore,
  requireVerifiedEmail,
} from 'express-email-verification';
import express4 from 'express4';
import request from 'supertest';
import { FROM, SECRET } from '../support/app.js';
import { expectDocumented } from '../support/documented.js';

const email = 'minji@example.com';
const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

function verificationOf() {
  const codes: string[] = [];
  const verification = createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
    ...{ sendLimits: [{ max: 8, window: 86_400 }], maxAttempts: 2, rateLimit: { send: false } },
    delivery: async ({ text }) => void codes.push(/\b\d{6}\b/.exec(text)?.[0] ?? ''),
  });
  return { verification, codes };
}

/** The router and a sign-up behind the same middleware, and what the app's error handler got. */
function appOf(make: typeof express, before: RequestHandler | RequestHandler[]) {
  const { verification, codes } = verificationOf();
  const errors: { message: string; status?: number }[] = [];
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error);
    res.status(error.status ?? 500).send('the error handler of the app');
  };
  const app = make();
  app.use('/ev', expectDocumented, before, emailVerificationRouter(verification));
  app.post('/signup', before, requireVerifiedEmail(verification), ((req, res) => {
    res.status(201).json({ verified: req.verifiedEmail, body: req.body });
  }) as RequestHandler);
  app.use(onError);
  const token = async () => {
    await verification.send({ email });
    const verified = await verification.verify({ email, code: codes.at(-1) });
    return verified.kind === 'verified' ? verified.verificationToken : '';
  };
  return { app, errors, codes, token };
}

function post(
  app: Express,
  path: string,
  body: string | Buffer | undefined,
  headers: Record<string, string>,
) {
  const asked = request(app).post(path).set(headers);
  return body === undefined ? asked : asked.serialize((sent) => sent).send(body);
}

const VERSIONS: [string, typeof express][] = [
  ['Express 5', express],
  ['Express 4', express4],
];

/** Sets the body as frameworks do. */
const preset =
  (made: (bytes: Buffer) => unknown): RequestHandler =>
  (req, _res, next) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      req.body = made(Buffer.concat(chunks));
      next();
    });
  };

describe.each(VERSIONS)('on %s', (_name, make) => {
  const UNPARSED: [what: string, before: RequestHandler][] = [
    ['express.raw() for all types', make.raw({ type: '*/*' })],
    ['express.raw() for these types', make.raw({ type: [JSON_TYPE, FORM] })],
    ['express.text() for all types', make.text({ type: '*/*' })],
    ['express.text() for these types', make.text({ type: [JSON_TYPE, FORM] })],
    ['a Buffer', preset((bytes) => bytes)],
    ['a Uint8Array', preset((bytes) => new Uint8Array(bytes))],
    [
      'a part of an ArrayBuffer',
      preset((bytes) => new Uint8Array([0, ...bytes, 0]).subarray(1, bytes.length + 1)),
    ],
    ['an ArrayBuffer', preset((bytes) => new Uint8Array(bytes).buffer)],
    ['a string', preset((bytes) => bytes.toString())],
  ];
  const VALID: [what: string, body: string | Buffer, headers: Record<string, string>][] = [
    ['JSON', `{"email":"${email}"}`, { 'Content-Type': JSON_TYPE }],
    ['JSON with a charset', `{"email":"${email}"}`, { 'Content-Type': `${JSON_TYPE}; charset=utf-8` }],
    ['JSON in capitals', `{"email":"${email}"}`, { 'Content-Type': 'Application/JSON' }],
    ['JSON with a byte order mark', `\ufeff{"email":"${email}"}`, { 'Content-Type': JSON_TYPE }],
    ['a form', `email=${encodeURIComponent(email)}`, { 'Content-Type': FORM }],
    [
      'a form with a charset',
      `email=${encodeURIComponent(email)}`,
      { 'Content-Type': `${FORM};charset=UTF-8` },
    ],
  ];
  const INVALID: [what: string, status: number, body: string, headers: Record<string, string>][] = [
    ['broken JSON', 400, '{"email":', { 'Content-Type': JSON_TYPE }],
    ['JSON that is not an object', 400, '"text"', { 'Content-Type': JSON_TYPE }],
    ['an invalid address', 400, '{"email":"x"}', { 'Content-Type': JSON_TYPE }],
    ['fields in __proto__', 400, `{"__proto__":{"email":"${email}"}}`, { 'Content-Type': JSON_TYPE }],
    ['16 kB and a byte', 413, `{"email":"${'a'.repeat(16_373)}"}`, { 'Content-Type': JSON_TYPE }],
    ['a thousand fields', 413, `${'a=1&'.repeat(1500)}email=x`, { 'Content-Type': FORM }],
    ['text', 415, `{"email":"${email}"}`, { 'Content-Type': 'text/plain' }],
    ['bytes of an unknown type', 415, `{"email":"${email}"}`, { 'Content-Type': 'application/octet-stream' }],
  ];

  describe.each(UNPARSED)('behind a middleware that sets %s', (parser, before) => {
    it.each(VALID)('T41: %s is parsed by the router', async (_what, body, headers) => {
      const { app, errors, codes } = appOf(make, before);
      const answer = await post(app, '/ev/send', body, headers);
      expect([answer.status, answer.body.message]).toEqual([200, expect.any(String)]);
      expect(codes).toHaveLength(1);
      expect(errors).toEqual([]);
    });

    it.each(INVALID)(
      'T41: %s is answered with %i in the usual form',
      async (_what, status, body, headers) => {
        const { app, errors, codes } = appOf(make, before);
        const answer = await post(app, '/ev/send', body, headers);
        expect([answer.status, answer.body.reason]).toEqual([status, 'invalid_request']);
        expect(errors).toEqual([]);
        expect(codes).toEqual([]);
      },
    );

    it('T41: a compressed body is parsed', async () => {
      if (!parser.startsWith('express.')) return;
      const { app } = appOf(make, before);
      const headers = { 'Content-Type': JSON_TYPE, 'Content-Encoding': 'gzip' };
      expect((await post(app, '/ev/send', gzipSync(`{"email":"${email}"}`), headers)).status).toBe(200);
    });

    it('T41: the guard parses the body for itself and for the handler', async () => {
      const { app, token } = appOf(make, before);
      const fields = { email: 'Minji@EXAMPLE.com', verificationToken: await token(), password: 'a long one' };
      const answer = await post(app, '/signup', JSON.stringify(fields), { 'Content-Type': JSON_TYPE });
      expect([answer.status, answer.body]).toEqual([201, { verified: email, body: { ...fields, email } }]);
      const form = new URLSearchParams({ ...fields, verificationToken: await token() });
      const posted = await post(app, '/signup', String(form), { 'Content-Type': FORM });
      expect([posted.status, posted.body.body.password]).toEqual([201, 'a long one']);
    });

    it('T41: a sign-up of more than 16 kB is parsed by the guard, as the app decides its size', async () => {
      const { app, token } = appOf(make, before);
      const fields = { email, verificationToken: await token(), portrait: 'x'.repeat(50_000) };
      const answer = await post(app, '/signup', JSON.stringify(fields), { 'Content-Type': JSON_TYPE });
      expect(answer.status).toBe(201);
    });

    it('T41: broken JSON is an error of the guard, as with express.json()', async () => {
      const { app, errors } = appOf(make, before);
      await post(app, '/signup', '{"email":', { 'Content-Type': JSON_TYPE }).expect(400);
      expect(errors).toHaveLength(1);
    });

    it('T40: the guard refuses a type that it cannot parse', async () => {
      const { app, errors } = appOf(make, before);
      const answer = await post(app, '/signup', 'text', { 'Content-Type': 'text/plain' });
      expect([answer.status, answer.body.reason]).toEqual([403, 'email_not_verified']);
      expect(errors).toEqual([]);
    });
  });

  it('T41: the guard leaves bytes alone if the app passes `email` and `token`', async () => {
    const { verification, codes } = verificationOf();
    await verification.send({ email });
    const verified = await verification.verify({ email, code: codes.at(-1) });
    if (verified.kind !== 'verified') throw new Error('not verified');
    const app = make();
    const guard = requireVerifiedEmail(verification, {
      email: (req) => JSON.parse(String(req.body)).who,
      token: (req) => req.get('x-token'),
    });
    app.post('/signup', make.raw({ type: '*/*' }), guard, (req, res) => {
      res.json({ isBytes: Buffer.isBuffer(req.body), verified: req.verifiedEmail });
    });
    const headers = { 'Content-Type': JSON_TYPE, 'X-Token': verified.verificationToken };
    await post(app, '/signup', JSON.stringify({ who: email }), headers).expect(200, {
      isBytes: true,
      verified: email,
    });
  });

  const CONSUMING: [what: string, before: RequestHandler][] = [
    ['reads the body', (req, _res, next) => void req.resume().on('end', next)],
    [
      'iterates over the body',
      async (req, _res, next) => {
        for await (const _chunk of req);
        next();
      },
    ],
    [
      'keeps the body elsewhere',
      (req, _res, next) => {
        let text = '';
        req.on('data', (chunk) => {
          text += chunk;
        });
        req.on('end', () => {
          Object.assign(req, { rawBody: text });
          next();
        });
      },
    ],
    ['reads the first byte', (req, _res, next) => void req.once('readable', () => next(void req.read(1)))],
  ];
  it.each(CONSUMING)(
    'T41: a middleware that %s is reported to the app, not to the user',
    async (_what, before) => {
      for (const [type, body] of [
        [JSON_TYPE, `{"email":"${email}"}`],
        [FORM, `email=${encodeURIComponent(email)}`],
      ] as const) {
        const { app, errors } = appOf(make, before);
        const answer = await post(app, '/ev/send', body, { 'Content-Type': type });
        expect([answer.status, answer.text]).toEqual([500, 'the error handler of the app']);
        expect(errors).toHaveLength(1);
        expect(errors[0]?.message).toContain('express.json()');
        expect(errors[0]?.message).toContain('express.urlencoded()');
      }
    },
  );

  it.each(CONSUMING)(
    'T41: behind a middleware that %s, a request without a body is refused as usual',
    async (_what, before) => {
      const { app, errors } = appOf(make, before);
      const answer = await post(app, '/ev/send', undefined, { 'Content-Length': '0' });
      expect([400, 415]).toContain(answer.status);
      expect(answer.body.reason).toBe('invalid_request');
      expect(errors).toEqual([]);
    },
  );

  it.each(VALID)(
    'T41: %s is read while a listener of the app makes the stream flow',
    async (_what, body, headers) => {
      let seen = '';
      const { app, errors } = appOf(make, (req, _res, next) => {
        req.on('data', (chunk) => {
          seen += chunk;
        });
        next();
      });
      const answer = await post(app, '/ev/send', body, headers);
      expect([answer.status, errors]).toEqual([200, []]);
      expect(seen).toBe(body);
    },
  );

  it.each(VALID)(
    'T41: %s with an encoding set by the app is reported to the app',
    async (_what, body, headers) => {
      const { app, errors } = appOf(make, (req, _res, next) => next(void req.setEncoding('hex')));
      const answer = await post(app, '/ev/send', body, headers);
      expect([answer.status, answer.text]).toEqual([500, 'the error handler of the app']);
      expect(errors[0]?.message).toContain('encoding');
    },
  );

  it.each(VALID)(
    'T41: %s that cannot be stored in `req.body` is reported to the app',
    async (_what, body, headers) => {
      const { app, errors } = appOf(make, (req, _res, next) => {
        Object.defineProperty(req, 'body', { value: undefined });
        next();
      });
      const answer = await post(app, '/ev/send', body, headers);
      expect([answer.status, answer.text]).toEqual([500, 'the error handler of the app']);
      expect(errors[0]?.message).toContain('body');
    },
  );

  it('T41: text decoded by express.text() is not decoded again', async () => {
    const headers = { 'Content-Type': `${JSON_TYPE}; charset=utf-16le` };
    const body = Buffer.from(`{"email":"${email}"}`, 'utf16le');
    const { app, errors, codes } = appOf(make, make.text({ type: '*/*' }));
    expect((await post(app, '/ev/send', body, headers)).status).toBe(200);
    expect([codes.length, errors]).toEqual([1, []]);
  });

  const PARSERS: [what: string, before: RequestHandler[]][] = [
    ['no parser', []],
    ['express.json()', [make.json()]],
    ['express.urlencoded()', [make.urlencoded({ extended: false })]],
    ['both parsers', [make.json(), make.urlencoded({ extended: true })]],
    [
      'both parsers of the other Express',
      [
        (make === express ? express4 : express).json(),
        (make === express ? express4 : express).urlencoded({ extended: false }),
      ],
    ],
    ['express.raw()', [make.raw()]],
    ['express.text()', [make.text()]],
  ];
  describe.each(PARSERS)('behind %s', (what, before) => {
    it.each(VALID)('T41: %s is read by the router', async (_what, body, headers) => {
      const { app, errors } = appOf(make, before);
      const answer = await post(app, '/ev/send', body, headers);
      expect([answer.status, errors]).toEqual([200, []]);
    });

    const UNVERIFIED: [what: string, body: string | undefined, headers: Record<string, string>][] = [
      ['no body', undefined, {}],
      ['an empty body', '', { 'Content-Type': JSON_TYPE, 'Content-Length': '0' }],
      ['a body without a type', '{}', { 'Content-Type': '' }],
      ['text', 'email=a@b.example', { 'Content-Type': 'text/plain' }],
      ['XML', '<email/>', { 'Content-Type': 'application/xml' }],
      ['a multipart form', '--x\r\n\r\n--x--', { 'Content-Type': 'multipart/form-data; boundary=x' }],
      ['another JSON type', '{}', { 'Content-Type': 'application/vnd.api+json' }],
      ['bytes', '{}', { 'Content-Type': 'application/octet-stream' }],
      ['an empty object', '{}', { 'Content-Type': JSON_TYPE }],
      ['an array', '[]', { 'Content-Type': JSON_TYPE }],
      ['a form', 'email=a%40b.example', { 'Content-Type': FORM }],
    ];
    it.each(UNVERIFIED)('T40: the guard refuses %s as not verified', async (_what, body, headers) => {
      const { app, errors } = appOf(make, before);
      const answer = await post(app, '/signup', body, headers);
      if (what === 'no parser') {
        expect(answer.status).toBe(500);
        expect(errors[0]?.message).toMatch(/express\.json\(\).*express\.urlencoded\(\)/);
        return;
      }
      expect([answer.status, answer.body.reason]).toEqual([403, 'email_not_verified']);
      expect(errors).toEqual([]);
    });
  });

  it('T40: a body that is null is refused', async () => {
    const { app, errors } = appOf(make, make.json({ strict: false }));
    await post(app, '/signup', 'null', { 'Content-Type': JSON_TYPE }).expect(403);
    await post(app, '/signup', '"text"', { 'Content-Type': JSON_TYPE }).expect(400);
    expect(errors).toHaveLength(1);
  });
});

describe('in a serverless function', () => {
  /** As serverless-http 3 makes it: the bytes are both in `body` and in the stream, and there is no socket. */
  class ServerlessRequest extends IncomingMessage {
    readonly #bytes: Buffer;

    constructor(path: string, body: Buffer, headers: Record<string, string>) {
      super({
        encrypted: true,
        readable: false,
        remoteAddress: '127.0.0.1',
        destroy() {},
        end() {},
      } as never);
      this.#bytes = body;
      Object.assign(this, {
        ...{ complete: true, httpVersion: '1.1', httpVersionMajor: '1', httpVersionMinor: '1' },
        ...{ method: 'POST', url: path, body },
        headers: { host: 'localhost', 'content-length': String(body.length), ...headers },
      });
    }

    override _read(): void {
      this.push(this.#bytes);
      this.push(null);
    }
  }

  function call(app: Express, path: string, body: string | Buffer, headers: Record<string, string>) {
    return new Promise<{ status: number; body: { reason?: string; verified?: string } }>((resolve) => {
      const asked = new ServerlessRequest(path, Buffer.from(body), headers);
      const answer = new ServerResponse(asked);
      let bytes = '';
      const sink = new Writable({
        write(chunk, _encoding, done) {
          bytes += chunk;
          done();
        },
      });
      answer.assignSocket(sink as Socket);
      answer.on('finish', () => {
        const text = bytes.slice(bytes.indexOf('\r\n\r\n'));
        resolve({ status: answer.statusCode, body: text.includes('{') ? JSON.parse(text) : {} });
      });
      app(asked as never, answer as never);
    });
  }

  it.each(VERSIONS)('T41: the router and the guard of an app on %s parse the body', async (_name, make) => {
    // The parsers of Express 4 read the stream themselves; those of 5 take it as read and leave the bytes.
    const parsers = [make.json(), make.urlencoded({ extended: false })];
    for (const before of make === express ? [[], parsers] : [[]]) {
      const { app, token, errors } = appOf(make, before);
      const type = { 'content-type': JSON_TYPE };
      expect((await call(app, '/ev/send', `{"email":"${email}"}`, type)).status).toBe(200);
      const form = `email=${encodeURIComponent(email)}`;
      expect((await call(app, '/ev/send', form, { 'content-type': FORM })).status).toBe(200);
      const compressed = { ...type, 'content-encoding': 'gzip' };
      expect((await call(app, '/ev/send', gzipSync(`{"email":"${email}"}`), compressed)).status).toBe(200);
      expect((await call(app, '/ev/send', '{"email":', type)).status).toBe(400);
      const fields = { email, verificationToken: await token() };
      expect(await call(app, '/signup', JSON.stringify(fields), type)).toMatchObject({
        ...{ status: 201, body: { verified: email } },
      });
      expect(errors).toEqual([]);
    }
  });
});
