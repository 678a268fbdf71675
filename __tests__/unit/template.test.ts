/** A custom template that is broken: an email that cannot be built is a failed delivery and costs nothing. */
import { inspect } from 'node:util';
import type { ErrorRequestHandler } from 'express';
import {
  type EmailVerificationEvents,
  type EmailVerificationOptions,
  en,
  MemoryStore,
  RedisStore,
  type Store,
  type Template,
  type TemplateInput,
} from 'express-email-verification';
import request from 'supertest';
import { createTestApp } from '../support/app.js';
import { useMailServer } from '../support/mail-server.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const mail = useMailServer();
beforeEach(() => redis.flush());
const email = 'minji@example.com';

/** A template that breaks only after the start, which already tries it. */
function afterStart(template: Template) {
  let hasStarted = false;
  return {
    template: ((input) => (hasStarted ? template(input) : fine(input))) satisfies Template,
    start() {
      hasStarted = true;
    },
  };
}

type Failed = EmailVerificationEvents['delivery_failed'];

const fine: Template = ({ code }) => ({ subject: 'Your code', text: code, html: `<p>${code}` });

/** Templates that an app in plain JavaScript can still write. */
const broken: [what: string, template: (input: { code: string }) => unknown, cause: string][] = [
  [
    'throws',
    () => {
      throw new TypeError('no partial of that name');
    },
    'no partial of that name',
  ],
  [
    'throws undefined',
    () => {
      throw undefined;
    },
    'no reason was given',
  ],
  ['is asynchronous', async () => fine, 'must return { subject, text, html }'],
  [
    'rejects',
    () => Promise.reject(new Error('no partial of that name')),
    'must return { subject, text, html }',
  ],
  ['returns nothing', () => undefined, 'must return { subject, text, html }'],
  ['returns the text alone', ({ code }) => code, 'must return { subject, text, html }'],
  ['returns no body', () => ({ subject: 'Your code' }), 'must return { subject, text, html }'],
  ['returns a file', () => ({ subject: 'x', text: { path: '/etc/hostname' } }), 'must return { subject'],
];

describe.each([
  ['RedisStore', (): Store => new RedisStore(redis.client)],
  ['MemoryStore', (): Store => new MemoryStore()],
])('on %s, a template that', (_name, createStore) => {
  /** An app whose template breaks after the start, until it is fixed. */
  function open(template: (input: { code: string }) => unknown, options: Partial<EmailVerificationOptions>) {
    let current: (input: { code: string }) => unknown = fine as typeof template;
    const { app, verification } = createTestApp({
      store: createStore(),
      transport: mail.url,
      template: ((input) => current(input)) as Template,
      ...options,
    });
    current = template;
    const seen: unknown[] = [];
    const onError: ErrorRequestHandler = (error, _req, res, _next) => {
      seen.push(error);
      res.status(500).json({ app: true });
    };
    app.use(onError);
    const failed: Failed[] = [];
    verification.on('delivery_failed', (event) => failed.push(event));
    return {
      failed,
      seen,
      send: () => request(app).post('/ev/send').send({ email }),
      close: () => verification.close(),
      fix() {
        current = fine as typeof template;
      },
    };
  }

  it.each(broken)(
    '%s causes delivery_failed, and the next send need not wait',
    async (_what, template, cause) => {
      const app = open(template, {});
      const { status, body } = await app.send();
      expect([status, body]).toEqual([
        500,
        { ok: false, message: expect.any(String), reason: 'delivery_failed', resendIn: 0 },
      ]);
      expect(app.seen).toEqual([]);
      expect(app.failed).toMatchObject([
        {
          email: 'm***@example.com',
          purpose: 'signup',
          cause: expect.objectContaining({ code: 'ETEMPLATE' }),
        },
      ]);
      expect(app.failed[0]?.cause.cause).toMatchObject({ message: expect.stringContaining(cause) });
      app.fix();
      await app.send().expect(200);
      expect(mail.messages).toHaveLength(1);
    },
  );

  it.each(broken)('%s causes an event in the background', async (...row) => {
    const [, template, cause] = row;
    const app = open(template, { delivery: 'background' });
    await app.send().expect(200);
    // This also shows that its slot is free: close() waits for what is under way.
    await app.close();
    expect(app.failed.map(({ cause }) => cause.code)).toEqual(['ETEMPLATE']);
    expect(app.failed[0]?.cause.cause).toMatchObject({ message: expect.stringContaining(cause) });
    expect(mail.messages).toHaveLength(0);
  });
});

it('a send is given back in the background too', async () => {
  const store = new MemoryStore();
  const { template, start } = afterStart(() => {
    throw new Error('broken');
  });
  const first = createTestApp({ store, transport: mail.url, delivery: 'background', template });
  start();
  first.verification.on('delivery_failed', () => {});
  await request(first.app).post('/ev/send').send({ email }).expect(200);
  await first.verification.close();
  const second = createTestApp({ store, transport: mail.url });
  await request(second.app).post('/ev/send').send({ email }).expect(200);
});

it('an invalid email of a suppression fails like a template, and in the background the answer looks like a sent code', async () => {
  const { app, verification } = createTestApp({
    ...{ store: new MemoryStore(), transport: mail.url, delivery: 'background' },
    beforeSend: () => ({ kind: 'suppress', mail: 'You have an account.' as never }),
  });
  const failed: Failed[] = [];
  verification.on('delivery_failed', (event) => failed.push(event));
  await request(app).post('/ev/send').send({ email }).expect(200);
  await verification.close();
  expect(failed.map(({ cause }) => [cause.code, (cause.cause as Error).message])).toEqual([
    ['ETEMPLATE', 'The `mail` of `beforeSend` must be { subject, text, html }, each a string.'],
  ]);
});

it('the error of a template reveals no code, however it is written there', async () => {
  const codes: string[] = [];
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { template, start } = afterStart(({ code }) => {
    codes.push(code);
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
    const text = `no word for ${code} or ${spaced}\n    at ${code} of ${email}`;
    const error = new RangeError(text);
    // The stack keeps the message it had when it was first read.
    if (codes.length > 2 && error.stack) error.message = `no word for ${code} of ${email}`;
    throw Object.assign(error, { code, input: { code }, cause: new Error(code) });
  });
  const { app, verification } = createTestApp({ store: new MemoryStore(), transport: mail.url, template });
  start();
  await request(app).post('/ev/send').send({ email }).expect(500);
  const failed: Failed[] = [];
  verification.on('delivery_failed', (event) => failed.push(event));
  for (let n = 0; n < 2; n += 1) await request(app).post('/ev/send').send({ email }).expect(500);
  const cause = failed[0]?.cause.cause as Error;
  expect([cause.name, cause.message]).toEqual([
    'RangeError',
    'no word for ###### or ### ###\n    at ###### of ***',
  ]);
  expect(failed[0]?.cause.message).toBe(
    'The email was not sent: it could not be written: RangeError: no word for ###### or ### ### at ###### of *** (ETEMPLATE)',
  );
  expect(cause.stack).toContain('template.test.ts:');
  const reported = JSON.stringify([
    warnings.mock.calls,
    failed,
    Object.entries(cause),
    cause.stack,
    cause.message,
    inspect(failed, { depth: 9, showHidden: true }),
  ]);
  expect(codes).toHaveLength(3);
  const changed = failed[1]?.cause.cause as Error;
  expect(changed.message).toBe('no word for ###### of ***');
  expect(changed.stack).toContain('template.test.ts:');
  for (const secret of [...codes, email]) expect(changed.stack).not.toContain(secret);
  for (const code of codes) expect(reported).not.toContain(code);
  expect(reported).not.toContain(email);
  warnings.mockRestore();
});

describe('T56: at start a template is tried in each language', () => {
  const create = (options: Partial<EmailVerificationOptions>) =>
    createTestApp({ store: new MemoryStore(), transport: mail.url, ...options }).verification;

  it.each(broken)('and one that %s fails the start', async (_what, template, cause) => {
    const start = () => create({ template: template as Template });
    expect(start).toThrow("The `template` option cannot write an email in the language 'en': ");
    expect(start).toThrow(cause);
  });

  it('and its error is the cause', () => {
    const error = new RangeError('no partial of that name');
    const template = () => {
      throw error;
    };
    expect(() => create({ template })).toThrow(expect.objectContaining({ cause: error }));
  });

  it('even if it breaks only in another language than the default', () => {
    const template: Template = (input) => {
      if (input.locale.tag === 'ko') throw new Error('no partial of that name');
      return fine(input);
    };
    expect(() => create({ template })).toThrow("in the language 'ko': no partial of that name");
  });

  it('with a code of codeLength, codeTtl in seconds and the host of origin', () => {
    const inputs: TemplateInput[] = [];
    const template: Template = (input) => {
      inputs.push(input);
      return fine(input);
    };
    create({ template, codeLength: 8, codeTtl: 120, origin: 'https://acme.example', codeInSubject: true });
    create({ template });
    const tags = inputs.map(({ locale }) => locale.tag);
    expect(new Set(tags)).toEqual(new Set(['en', 'ko']));
    const [first] = inputs;
    expect({ ...first, locale: undefined }).toEqual({
      email: 'person@example.com',
      code: expect.stringMatching(/^\d{8}$/),
      expiresIn: 120,
      appName: 'Acme',
      purpose: 'signup',
      data: undefined,
      locale: undefined,
      originHost: 'acme.example',
      codeInSubject: true,
    });
    expect(inputs.at(-1)).toMatchObject({ expiresIn: 180, originHost: undefined, codeInSubject: false });
  });

  it('and with texts that the default template cannot use', () => {
    const broken = { ...en, tag: 'de', mail: { ...en.mail, expiry: 'drei Minuten' as never } };
    expect(() => create({ locales: { de: broken } })).toThrow(/`locales\.de/);
  });
});
