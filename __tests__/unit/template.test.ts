/** The app's own template, broken: a mail that cannot be written has not left, and costs nothing. */
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
import { useMailServer } from '../support/mail.js';
import { useRedis } from '../support/redis.js';

const redis = useRedis();
const mail = useMailServer();
beforeEach(() => redis.flush());
const email = 'minji@example.com';

/** One that breaks once the app has started, which tries it. */
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

/** What an app in plain JavaScript can write all the same. */
const broken: [what: string, template: (input: { code: string }) => unknown, cause: string][] = [
  [
    'throws',
    () => {
      throw new TypeError('no partial of that name');
    },
    'no partial of that name',
  ],
  [
    'throws what is no error',
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
  /** An app whose template breaks after the start, until it is mended. */
  function open(template: (input: { code: string }) => unknown, options: Partial<EmailVerificationOptions>) {
    let written: (input: { code: string }) => unknown = fine as typeof template;
    const { app, verification } = createTestApp({
      store: createStore(),
      transport: mail.url,
      template: ((input) => written(input)) as Template,
      ...options,
    });
    written = template;
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
      mend() {
        written = fine as typeof template;
      },
    };
  }

  it.each(broken)('%s: delivery_failed, and the next send need not wait', async (_what, template, cause) => {
    const app = open(template, {});
    const { status, body } = await app.send();
    expect([status, body]).toEqual([
      500,
      { ok: false, message: expect.any(String), reason: 'delivery_failed', resendIn: 0 },
    ]);
    expect(app.seen).toEqual([]);
    expect(app.failed).toEqual([
      { email: 'm***@example.com', purpose: 'signup', cause: expect.objectContaining({ code: 'ETEMPLATE' }) },
    ]);
    expect(app.failed[0]?.cause.cause).toMatchObject({ message: expect.stringContaining(cause) });
    app.mend();
    await app.send().expect(200);
    expect(mail.messages).toHaveLength(1);
  });

  it.each(broken)('%s: in the background an event, and the next send need not wait', async (...row) => {
    const [, template, cause] = row;
    const app = open(template, { delivery: 'background' });
    await app.send().expect(200);
    // Which also shows that its room is left: close() waits for what is under way.
    await app.close();
    expect(app.failed.map(({ cause }) => cause.code)).toEqual(['ETEMPLATE']);
    expect(app.failed[0]?.cause.cause).toMatchObject({ message: expect.stringContaining(cause) });
    expect(mail.messages).toHaveLength(0);
  });
});

it('a place is given back in the background too', async () => {
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

it('the words of a suppression that are none fail as a template does, and look as a sent code in the background', async () => {
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

it('what a template says when it throws tells no code, however it is written there', async () => {
  const codes: string[] = [];
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { template, start } = afterStart(({ code }) => {
    codes.push(code);
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
    const said = `no word for ${code} or ${spaced}\n    at ${code} of ${email}`;
    const error = new RangeError(said);
    // Its stack keeps the words that it had when it was first read.
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
    'The email did not leave: it could not be written: RangeError: no word for ###### or ### ### at ###### of *** (ETEMPLATE)',
  );
  expect(cause.stack).toContain('template.test.ts:');
  const told = JSON.stringify([
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
  for (const code of codes) expect(told).not.toContain(code);
  expect(told).not.toContain(email);
  warnings.mockRestore();
});

describe('T56: at start, a template is tried in each language', () => {
  const create = (options: Partial<EmailVerificationOptions>) =>
    createTestApp({ store: new MemoryStore(), transport: mail.url, ...options }).verification;

  it.each(broken)('and one that %s ends the start', async (_what, template, cause) => {
    const act = () => create({ template: template as Template });
    expect(act).toThrow("The `template` option cannot write an email in the language 'en': ");
    expect(act).toThrow(cause);
  });

  it('with what it threw as the cause', () => {
    const error = new RangeError('no partial of that name');
    const template = () => {
      throw error;
    };
    expect(() => create({ template })).toThrow(expect.objectContaining({ cause: error }));
  });

  it('also one that breaks in another language than the default', () => {
    const template: Template = (input) => {
      if (input.locale.tag === 'ko') throw new Error('no partial of that name');
      return fine(input);
    };
    expect(() => create({ template })).toThrow("in the language 'ko': no partial of that name");
  });

  it('with what it will be given: a code of codeLength, codeTtl in seconds, the host of origin', () => {
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
      code: expect.stringMatching(/^\d{8}$/),
      expiresIn: 120,
      appName: 'Acme',
      locale: undefined,
      originHost: 'acme.example',
      codeInSubject: true,
    });
    expect(inputs.at(-1)).toMatchObject({ expiresIn: 180, originHost: undefined, codeInSubject: false });
  });

  it('and words of a language that the package’s own template cannot use', () => {
    const broken = { ...en, tag: 'de', mail: { ...en.mail, expiry: 'drei Minuten' as never } };
    expect(() => create({ locales: { de: broken } })).toThrow(/`locales\.de/);
  });
});
