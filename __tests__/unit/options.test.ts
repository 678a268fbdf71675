/** Every option is checked when the app starts; the error names the option, its range and the value. */
import {
  createEmailVerification,
  type EmailVerificationOptions,
  en,
  guessBound,
  MemoryStore,
  RedisStore,
} from 'express-email-verification';
import { SECRET } from '../support/app.js';

const valid = {
  store: new MemoryStore(),
  transport: 'smtp://127.0.0.1:1',
  from: 'Acme <hello@acme.example>',
  secret: SECRET,
};
const create = (options: object) => () => createEmailVerification({ ...valid, ...options });

it('accepts the options of the quick start', () => {
  expect(create({})).not.toThrow();
});

/** Values that an app may pass by mistake where another type is expected, such as those of `process.env`. */
const WRONG_VALUES: readonly unknown[] = [
  '6',
  '',
  'false',
  null,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  1.5,
  6n,
  true,
  [],
  [6],
  {},
  new Map(),
  new Date(0),
  Promise.resolve(6),
  Symbol('six'),
];
const FUNCTIONS: readonly unknown[] = [() => 6, class Six {}];

describe('an option of the wrong type or out of range is refused with its name and value', () => {
  it.each([
    [{ codeAlphabet: 'hex' }, "The `codeAlphabet` option must be 'digits' or 'letters'. Received 'hex'."],
    [{ binding: 'browser' }, "The `binding` option must be 'address' or 'client'. Received 'browser'."],
    [
      { codeAlphabet: 'letters', codeLength: 6 },
      "The `codeLength` option must be 8, or left out, with `codeAlphabet: 'letters'`. Received 6.",
    ],
    [
      { codeAlphabet: 'letters', codeTtl: 901 },
      'The `codeTtl` option must be a whole number from 60 to 900. Received 901.',
    ],
    [{ codeTtl: 601 }, 'The `codeTtl` option must be a whole number from 60 to 600. Received 601.'],
    [{ codeLength: 5 }, 'The `codeLength` option must be a whole number from 6 to 10. Received 5.'],
    [{ codeLength: '6' }, "The `codeLength` option must be a whole number from 6 to 10. Received '6'."],
    [{ codeTtl: 601 }, 'The `codeTtl` option must be a whole number from 60 to 600. Received 601.'],
    [{ maxAttempts: 0 }, 'The `maxAttempts` option must be a whole number from 1 to 10. Received 0.'],
    [{ tokenTtl: 59 }, 'The `tokenTtl` option must be a whole number from 60 to 86400. Received 59.'],
    [{ storeTimeout: 49 }, 'The `storeTimeout` option must be a whole number from 50 to 60000. Received 49.'],
    [
      { mailTimeout: Number.NaN },
      'The `mailTimeout` option must be a whole number from 50 to 60000. Received NaN.',
    ],
    [{ hookTimeout: 1.5 }, 'The `hookTimeout` option must be a whole number from 50 to 60000. Received 1.5.'],
    [{ codeLength: 6n }, 'Received 6n.'],
    [{ codeLength: null }, 'Received null.'],
    [{ codeLength: [6] }, 'Received [ 6 ].'],
    [
      { purpose: 'Sign up' },
      "The `purpose` option must be 1 to 32 of a-z, 0-9, _ and -. Received 'Sign up'.",
    ],
    [{ sendLimits: [] }, 'The `sendLimits` option must be an array of { max, window }. Received [].'],
    [{ sendLimits: new Set([{ max: 1, window: 60 }]) }, 'The `sendLimits` option must be an array'],
    [{ sendLimits: [60] }, 'The `sendLimits[0]` option must be { max, window }. Received 60.'],
    [{ sendLimits: [[1, 60]] }, 'The `sendLimits[0]` option must be { max, window }. Received [ 1, 60 ].'],
    [{ sendLimits: Array(2) }, 'The `sendLimits[0]` option must be { max, window }. Received undefined.'],
    [
      { sendLimits: [{ max: 1001, window: 60 }] },
      'The `sendLimits[0].max` option must be a whole number from 1 to 1000. Received 1001.',
    ],
    [
      { sendLimits: [{ max: '1', window: 60 }] },
      "The `sendLimits[0].max` option must be a whole number from 1 to 1000. Received '1'.",
    ],
    [
      { sendLimits: [{ max: 1 }] },
      'The `sendLimits[0].window` option must be a whole number from 1 to 86400. Received undefined.',
    ],
    [
      {
        sendLimits: [
          { max: 1, window: 60 },
          { max: 2, window: 60 },
        ],
      },
      'The `sendLimits[1].window` option must be longer than the one before, 60. Received 60.',
    ],
    [
      { delivery: 'later' },
      "The `delivery` option must be 'await', 'background', a function or a queue. Received 'later'.",
    ],
    [{ beforeSend: true }, 'The `beforeSend` option must be a function. Received true.'],
    [{ rateLimit: true }, 'The `rateLimit` option must be { send, verify } or false. Received true.'],
    [
      { rateLimit: { send: 5 } },
      "The `rateLimit.send` option must be an object of express-rate-limit's options, or false. Received 5.",
    ],
    [
      { from: 'a@b.co, c@d.co' },
      "The `from` option must be one address, as in 'Acme <hello@acme.example>'. Received 'a@b.co, c@d.co'.",
    ],
    [
      { from: 'Acme' },
      "The `from` option must be one address, as in 'Acme <hello@acme.example>'. Received 'Acme'.",
    ],
    [
      { appName: 'A\r\nBcc: x' },
      "The `appName` option must be one line of 1 to 100 characters. Received 'A\\r\\nBcc: x'.",
    ],
    [
      { origin: 'http://acme.example' },
      "The `origin` option must be an https origin, as in 'https://acme.example'. Received 'http://acme.example'.",
    ],
    [{ defaultLocale: 'tlh' }, "The `defaultLocale` option must be one of en, ko. Received 'tlh'."],
    [{ codeInSubject: 'yes' }, "The `codeInSubject` option must be true or false. Received 'yes'."],
    [
      { store: {} },
      'The `store` option must be a RedisStore, a MemoryStore or a Store of your own. Received an object.',
    ],
    [{ store: RedisStore }, 'Received the function RedisStore.'],
    [{ store: null }, 'Received null.'],
    [{ store: Promise.resolve(valid.store) }, 'Received a promise: await it.'],
  ])('%j: %s', (options, sentence) => {
    expect(create(options)).toThrow(sentence);
  });

  const kinds: [names: string[], right: (value: unknown) => boolean][] = [
    [
      ['codeLength', 'codeTtl', 'maxAttempts', 'tokenTtl', 'storeTimeout', 'mailTimeout', 'hookTimeout'],
      () => false,
    ],
    [['mailbox', 'beforeSend', 'template'], (value) => typeof value === 'function'],
    [['delivery'], (value) => typeof value === 'function'],
    [['codeInSubject'], (value) => value === true],
    [['purpose', 'appName'], (value) => value === '6' || value === 'false'],
    [['origin', 'defaultLocale', 'secret', 'from', 'store', 'sendLimits'], () => false],
    [['fixedCodes'], (value) => Array.isArray(value) && value.length === 0],
    [
      ['rateLimit', 'locales'],
      (value) =>
        String(value) === '[object Object]' &&
        Object.keys(Object(value)).length === 0 &&
        !(value instanceof Promise),
    ],
  ];
  const cases = kinds.flatMap(([names, right]) =>
    names.flatMap((name) =>
      [...WRONG_VALUES, ...FUNCTIONS].filter((value) => !right(value)).map((value) => [name, value] as const),
    ),
  );
  it.each(cases)('`%s` is not %p', (name, value) => {
    expect(create({ [name]: value })).toThrow(
      new RegExp(`^The \`${name}(\\[\\d\\]|\\.address)?\` option must be `),
    );
  });

  it('the error is a RangeError for a number, otherwise a TypeError', () => {
    expect(create({ codeLength: 5 })).toThrow(RangeError);
    expect(create({ codeLength: '5' })).toThrow(TypeError);
  });

  it('a long value is truncated', () => {
    expect(create({ purpose: 'x'.repeat(10_000) })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{50,300}$/) }),
    );
  });
});

describe('an unknown option is refused at every level', () => {
  it.each([
    [
      { cooldown: 60 },
      'Unknown option `cooldown` of createEmailVerification(). Known options: `store`, `transport`, `from`, ',
    ],
    [{ CodeLength: 6 }, 'Unknown option `CodeLength` of createEmailVerification().'],
    [{ constructor: 6 }, 'Unknown option `constructor` of createEmailVerification().'],
    [
      JSON.parse('{ "__proto__": { "codeLength": 6 } }'),
      'Unknown option `__proto__` of createEmailVerification().',
    ],
    [Object.create({ cooldown: 60 }), 'Unknown option `cooldown` of createEmailVerification().'],
    [{ rateLimit: { sned: {} } }, 'Unknown option `rateLimit.sned`. Did you mean `send`?'],
    [
      { rateLimit: { windowMs: 60_000, limit: 5 } },
      'Unknown option `rateLimit.windowMs`. Known options: `send`, `verify`.',
    ],
    [{ rateLimit: { send: { windowMS: 60_000 } } }, 'Unknown option `rateLimit.send.windowMS`.'],
    [
      { rateLimit: { verify: { onLimitReached: () => {} } } },
      'Unknown option `rateLimit.verify.onLimitReached`.',
    ],
    [
      { rateLimit: { send: { validate: { ipv6: false } } } },
      'Unknown option `rateLimit.send.validate.ipv6`.',
    ],
    [{ sendLimits: [{ max: 1, window: 60, windowMs: 60 }] }, 'Unknown option `sendLimits[0].windowMs`.'],
    [{ from: { name: 'Acme', address: 'a@b.co', replyTo: 'c@d.co' } }, 'Unknown option `from.replyTo`.'],
    [{ locales: { de: { ...en, titel: '' } } }, 'Unknown option `locales.de.titel`.'],
    [
      { locales: { de: { ...en, answers: { ...en.answers, send: '' } } } },
      'Unknown option `locales.de.answers.send`.',
    ],
  ])('%j: %s', (options, sentence) => {
    // Spreading would leave out what a prototype provides.
    const all = Object.setPrototypeOf({ ...valid, ...options }, Object.getPrototypeOf(options));
    if (Object.hasOwn(options, '__proto__'))
      Object.defineProperty(all, '__proto__', { value: {}, enumerable: true });
    expect(() => createEmailVerification(all)).toThrow(sentence);
  });

  it.each([
    undefined,
    null,
    'smtp://127.0.0.1',
    [],
    () => valid,
    new Map(Object.entries(valid)),
    Promise.resolve(valid),
  ])('createEmailVerification() takes an object of options, not %p', (options) => {
    expect(() => createEmailVerification(options as never)).toThrow(
      'createEmailVerification() takes an object of options. Received ',
    );
  });

  it('a value in place of an options object may be a URL with a password, and is not shown', () => {
    const url = 'redis://user:hidden@redis.example';
    const client = { evalSha: async () => 0, eval: async () => 0, on: () => {} };
    for (const made of [
      () => createEmailVerification(url as never),
      () => new RedisStore(client, url as never),
      () => new MemoryStore([url] as never),
      create({ store: url }),
      create({ rateLimit: { send: { store: url } } }),
    ]) {
      expect(made).toThrow(TypeError);
      expect(made).not.toThrow('hidden');
    }
  });

  it('stores refuse unknown and wrong options', () => {
    expect(() => new MemoryStore({ clok: Date.now } as object)).toThrow(
      'Unknown option `clok` of MemoryStore. Did you mean `clock`?',
    );
    const client = { evalSha: async () => 0, eval: async () => 0, on: () => {} };
    expect(() => new RedisStore(client, { prefx: 'ev:' } as object)).toThrow(
      'Unknown option `prefx` of RedisStore. Did you mean `prefix`?',
    );
    for (const options of [null, 'ev:', [], new Map()] as never[]) {
      expect(() => new RedisStore(client, options)).toThrow(
        'RedisStore takes an object of options. Received ',
      );
      expect(() => new MemoryStore(options)).toThrow('MemoryStore takes an object of options. Received ');
    }
    for (const prefix of [null, 5, ['ev:']] as never[])
      expect(() => new RedisStore(client, { prefix })).toThrow(
        'The `prefix` option of RedisStore must be a string without braces',
      );
    for (const clock of [null, 5, '5', Date] as never[]) {
      if (clock === Date) continue;
      expect(() => new RedisStore(client, { clock })).toThrow(
        'The `clock` option of RedisStore must be a function.',
      );
      expect(() => new MemoryStore({ clock })).toThrow(
        'The `clock` option of MemoryStore must be a function.',
      );
    }
    expect(() => new RedisStore(client, { prefix: undefined, clock: undefined })).not.toThrow();
  });
});

it('the types accept the values of `process.env` and each form of an option', () => {
  const { UNSET } = process.env;
  const options: EmailVerificationOptions[] = [
    { transport: UNSET, from: UNSET, secret: UNSET },
    { ...valid, secret: [SECRET, UNSET] },
    { ...valid, from: { address: 'hello@acme.example' } },
    { ...valid, rateLimit: false },
    { ...valid, rateLimit: { send: { max: 3, message: ({ path }) => path }, verify: undefined } },
    { from: UNSET, secret: UNSET, delivery: async () => {} },
    // @ts-expect-error: `secret` is required
    { transport: UNSET, from: UNSET },
    // @ts-expect-error: a custom body is written by `handler`
    { ...valid, rateLimit: { send: { message: { error: 'slow' } } } },
  ];
  const refused = options.map((one) => {
    try {
      createEmailVerification(one);
      return undefined;
    } catch (error) {
      return /`[\w.[\]]+`/.exec(String(error))?.[0];
    }
  });
  expect(refused).toEqual([
    ...['`from`', '`secret[1]`', undefined, undefined, undefined, '`from`'],
    ...['`from`', '`rateLimit.send.message`'],
  ]);
});

describe('options in unusual forms', () => {
  it('undefined means the default, also in nested options', () => {
    const none = Object.fromEntries(
      [
        ...[
          'codeLength',
          'codeTtl',
          'maxAttempts',
          'sendLimits',
          'mailbox',
          'rateLimit',
          'tokenTtl',
          'purpose',
        ],
        ...['delivery', 'storeTimeout', 'mailTimeout', 'hookTimeout', 'beforeSend', 'appName', 'origin'],
        ...['fixedCodes', 'template', 'locales', 'defaultLocale', 'codeInSubject'],
      ].map((name) => [name, undefined]),
    );
    expect(create(none)).not.toThrow();
    expect(create({ rateLimit: { send: undefined, verify: undefined } })).not.toThrow();
    expect(
      create({ rateLimit: { send: { windowMs: undefined, limit: undefined, validate: undefined } } }),
    ).not.toThrow();
    expect(create({ locales: { ko: undefined, de: undefined }, defaultLocale: 'ko' })).not.toThrow();
    expect(create({ from: { name: undefined, address: 'hello@acme.example' } })).not.toThrow();
  });

  it('frozen, without a prototype, of a class, by getters, inherited: all work the same', () => {
    class Options {
      codeLength = 5;
    }
    class Getters {
      get codeLength() {
        return 5;
      }
      describe() {}
    }
    for (const options of [
      Object.freeze({ codeLength: 5 }),
      Object.assign(Object.create(null), { codeLength: 5 }),
      new Options(),
      new Getters(),
      Object.create({ codeLength: 5 }),
      { [Symbol('note')]: 1, codeLength: 5 },
      new Proxy({ codeLength: 5 }, {}),
    ]) {
      const all = Object.assign(
        options.constructor === Getters ? options : Object.isFrozen(options) ? { ...options } : options,
        valid,
      );
      expect(() => createEmailVerification(all)).toThrow('The `codeLength` option must be');
    }
  });

  it('each option is read once, so the checked value is the one used', () => {
    const reads: Record<string, number> = {};
    const counted = <T extends object>(options: T, path = ''): T =>
      new Proxy(options, {
        get(target, name, receiver) {
          if (typeof name === 'string' && Object.hasOwn(target, name))
            reads[path + name] = (reads[path + name] ?? 0) + 1;
          return Reflect.get(target, name, receiver);
        },
      });
    createEmailVerification(
      counted({
        ...valid,
        codeLength: 8,
        rateLimit: counted({ send: counted({ limit: 3 }, 'send.') }, 'rateLimit.'),
        sendLimits: [counted({ max: 1, window: 60 }, 'limit.')],
        from: counted({ name: 'Acme', address: 'a@b.co' }, 'from.'),
      }),
    );
    expect(Object.entries(reads).filter(([, count]) => count !== 1)).toEqual([]);
    expect(Object.keys(reads)).toEqual(
      expect.arrayContaining(['codeLength', 'send.limit', 'limit.max', 'from.name']),
    );
  });

  it('properties of Object.prototype are not options', () => {
    const polluted = { codeLength: 5, cooldown: 60, limit: 0, clock: 5, prefx: 1 };
    Object.assign(Object.prototype, polluted);
    try {
      expect(create({ rateLimit: { send: {} } })).not.toThrow();
      expect(() => new MemoryStore({})).not.toThrow();
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name);
    }
  });
});

describe('`locales`', () => {
  type Groups = Record<'answers' | 'fields' | 'mail', Record<string, unknown>>;
  const { answers, fields, mail }: Groups = en as unknown as Groups;
  const words = Object.entries({ answers, fields, mail }).flatMap(([group, of]) =>
    Object.entries(of).map(([word, value]) => ({ group, word, kind: typeof value })),
  );
  const withWord = (group: string, word: string, value: unknown) => {
    const all: Groups = { answers, fields, mail };
    return { de: { ...en, [group]: { ...all[group as keyof Groups], [word]: value } } };
  };

  it('accepts a locale from a module or a class, frozen, and with texts that use `this`', () => {
    class German {
      readonly tag = 'de';
      readonly dir = 'ltr';
      readonly fields = fields;
      readonly mail = mail;
      readonly answers = {
        ...answers,
        too_many_requests(this: { sent: string }, seconds: number) {
          return `${this.sent} ${seconds}`;
        },
      };
    }
    expect(create({ locales: { de: new German() } })).not.toThrow();
    expect(create({ locales: { de: Object.freeze({ ...en }) } })).not.toThrow();
    expect(create({ locales: { 'pt-BR': en, EN: en, de: undefined } })).not.toThrow();
    expect(create({ locales: Object.create({ de: en }), defaultLocale: 'de' })).not.toThrow();
  });

  it.each(words)('reports that `$group.$word` is not a $kind', ({ group, word, kind }) => {
    const expected = kind === 'function' ? 'a function that returns a string' : 'a string';
    for (const value of [null, 5, [], {}, true, kind === 'function' ? 'text' : () => 'text']) {
      expect(create({ locales: withWord(group, word, value) })).toThrow(
        `The \`locales.de.${group}.${word}\` option must be ${expected}. Received `,
      );
    }
    if (kind !== 'function') return;
    for (const value of [() => undefined, () => 5, async () => 'text'])
      expect(create({ locales: withWord(group, word, value) })).toThrow(
        `The \`locales.de.${group}.${word}\` option must be a function that returns a string, also for (`,
      );
    const thrower = () => {
      throw new Error('no such text');
    };
    expect(create({ locales: withWord(group, word, thrower) })).toThrow(
      /^The `locales\.de\.\w+\.\w+` option threw for \(.+\): no such text$/,
    );
  });

  it.each<[object, string]>([
    [{ de: { ...en, tag: 'a_b' } }, 'The `locales.de.tag` option must be a language tag'],
    [{ de: { ...en, tag: '' } }, 'The `locales.de.tag` option must be a language tag'],
    [{ de: { ...en, dir: 'left' } }, "The `locales.de.dir` option must be 'ltr' or 'rtl'. Received 'left'."],
    [
      { de: { ...en, mail: null } },
      'The `locales.de.mail` option must be an object of texts. Received null.',
    ],
    [
      { de: { ...en, fields: [] } },
      'The `locales.de.fields` option must be an object of texts. Received [].',
    ],
    [{ de: 'de' }, "The `locales.de` option must be a Locale. Received 'de'."],
    [{ de: null }, 'The `locales.de` option must be a Locale. Received null.'],
    [{ de: Promise.resolve(en) }, 'The `locales.de` option must be a Locale. Received [Promise].'],
    [{ ko: { tag: 5 } }, 'The `locales.ko.tag` option must be a language tag'],
    [{ en_US: en }, 'Unknown language tag `locales.en_US`.'],
    [JSON.parse('{ "__proto__": {} }'), 'Unknown language tag `locales.__proto__`.'],
    [[en], 'The `locales` option must be an object of locales by their language tag.'],
    [new Map([['de', en]]), 'The `locales` option must be an object of locales by their language tag.'],
  ])('refuses %j: %s', (locales, sentence) => {
    expect(create({ locales })).toThrow(sentence);
  });
});

it('an asynchronous `mailbox` is refused', () => {
  for (const mailbox of [async (address: string) => address, function* () {}, async function* () {}])
    expect(create({ mailbox })).toThrow(
      'The `mailbox` option must be a function that returns a string, not a promise. Received ',
    );
});

it('a `mailbox` that returns no string fails the first send, and nothing is counted', async () => {
  for (const mailbox of [
    () => undefined,
    () => '',
    () => 5,
    () => Promise.resolve('x'),
    () => Promise.reject(new Error('no')),
  ]) {
    const verification = create({ mailbox })();
    await expect(verification.send({ email: 'person@example.com' })).rejects.toThrow(
      'The `mailbox` option must be a function that returns a string, not empty and not a promise. Received ',
    );
  }
});

describe('`from`', () => {
  it.each([
    'hello@acme.example',
    'Acme <hello@acme.example>',
    '"Acme, Inc." <hello@acme.example>',
    { name: 'Acme', address: 'hello@acme.example' },
    { name: '', address: 'hello@acme.example' },
    { address: 'hello@acme.example' },
  ])('may be %j', (from) => {
    expect(create({ from })).not.toThrow();
  });

  it.each([
    undefined,
    null,
    '',
    ' ',
    5,
    [],
    ['hello@acme.example'],
    [{ name: 'Acme', address: 'hello@acme.example' }],
    {},
    { name: 'Acme' },
    { name: 'Acme', address: undefined },
    { name: 'Acme', address: ['hello@acme.example'] },
    { name: 'Acme', address: 'Acme <hello@acme.example>' },
    { name: 'Acme', address: 'a@b.co,c@d.co' },
    { name: 'Acme', address: 'a@b.co\r\nBcc: c@d.co' },
    { name: 5, address: 'hello@acme.example' },
    { name: null, address: 'hello@acme.example' },
    { name: 'Acme\r\nBcc: x@y.co', address: 'hello@acme.example' },
    'Acme <hello>',
    'Acme: a@b.co, c@d.co;',
    'a@b.co; c@d.co',
    'Acme <undefined@naver.com>',
    'Acme <hello@undefined>',
    'Acme <hello@acme.undefined>',
    'undefined <hello@acme.example>',
    { name: 'Acme', address: 'null@naver.com' },
  ])('is refused when it is %j', (from) => {
    expect(create({ from })).toThrow(/^The `from(\.name|\.address)?` option must be /);
  });
});

describe('`secret`', () => {
  it.each([
    [
      undefined,
      'The `secret` option must be a string of at least 32 bytes, or an array of such strings. Received undefined',
    ],
    [null, 'Received null'],
    ['', 'Received a string of 0 bytes'],
    ['short and not to be shown', 'Received a string of 25 bytes'],
    [`${'not to be shown'}${'x'.repeat(16)}`, 'Received a string of 31 bytes'],
    [Buffer.from(SECRET), 'Received a Buffer'],
    [new Uint8Array(64), 'Received a Uint8Array'],
    [5e40, 'Received a number'],
    [new String(SECRET), 'Received a String'],
    [{ value: 'not to be shown, whatever its length may be' }, 'Received an object'],
    [new Set([SECRET]), 'Received a Set'],
    [() => SECRET, 'Received a function'],
    [Promise.resolve(SECRET), 'Received a promise'],
    [[], 'Received an empty array'],
    [[SECRET, undefined], 'The `secret[1]` option must be a string of at least 32 bytes. Received undefined'],
    [Array(2), 'The `secret[0]` option must be a string of at least 32 bytes. Received undefined'],
    [[[SECRET]], 'The `secret[0]` option must be a string of at least 32 bytes. Received an array'],
    [
      ['not to be shown', SECRET],
      'The `secret[0]` option must be a string of at least 32 bytes. Received a string of 15 bytes',
    ],
    [[SECRET, SECRET], 'The `secret[1]` option must differ from the ones before it'],
  ])('is refused and not shown: %#', (secret, sentence) => {
    expect(create({ secret })).toThrow(sentence);
    expect(create({ secret })).not.toThrow(/not to be shown|a secret of/);
  });

  it.each([[SECRET], [[SECRET]], [Object.freeze([SECRET, `${SECRET}, another`])], ['비밀'.repeat(6)]])(
    'may be %j',
    (secret) => {
      expect(create({ secret })).not.toThrow();
    },
  );
});

it.each([
  [
    undefined,
    'The `transport` option must be a nodemailer transporter, its options or an SMTP URL. Received undefined. Is an environment variable unset? It is not required if `delivery` is a function.',
  ],
  ['http://user:hidden@mail.example', 'The `transport` option must be an SMTP URL'],
  [
    { service: 'Navver', auth: { user: 'u', pass: 'hidden' } },
    'The `transport.service` option must be one that nodemailer knows',
  ],
  [{ host: 'x', dkim: { domainName: 'd', keySelector: 'k', privateKey: 'hidden' } }, 'cannot be read'],
])('refuses a transport that would fail later, and does not show a password: %j', (transport, sentence) => {
  expect(create({ transport })).toThrow(sentence);
  expect(create({ transport })).not.toThrow('hidden');
});

describe('with a function as `delivery`', () => {
  const delivery = async () => {};

  it('requires no transport, logs in nowhere, and closes', async () => {
    const verification = create({ transport: undefined, delivery })();
    expect(await verification.check()).toEqual({ ok: true, problems: [] });
    expect((await verification.send({ email: 'person@example.com' })).kind).toBe('sent');
    await verification.close();
  });

  it('still refuses an invalid transport, and still requires `from`', () => {
    expect(create({ transport: '', delivery })).toThrow('The `transport` option must be an SMTP URL');
    expect(create({ transport: null, delivery })).toThrow('The `transport` option must be');
    expect(create({ transport: undefined, from: undefined, delivery })).toThrow('The `from` option');
  });

  it.each(['await', 'background', undefined])('requires a transport with %j', (mode) => {
    expect(create({ transport: undefined, delivery: mode })).toThrow('The `transport` option must be');
  });
});

it.each(['naver', 'gmail', 'SES', 'Outlook365'])('knows the service %s', (service) => {
  expect(create({ transport: { service, auth: { user: 'u', pass: 'p' } } })).not.toThrow();
});

describe('in production', () => {
  const { NODE_ENV } = process.env;
  beforeAll(() => {
    process.env['NODE_ENV'] = 'production';
  });
  afterAll(() => {
    process.env['NODE_ENV'] = NODE_ENV;
  });

  it('requires an explicit store', () => {
    expect(create({ store: undefined })).toThrow(
      'The `store` option must be passed when NODE_ENV is production',
    );
    expect(create({ store: new MemoryStore() })).not.toThrow();
  });

  it('refuses a test clock', () => {
    expect(() => new MemoryStore({ clock: Date.now })).toThrow(
      'The `clock` option of MemoryStore is for tests, and NODE_ENV is production.',
    );
  });
});

it('refuses an object that is not a Redis client', () => {
  const none: never = {} as never;
  expect(() => new RedisStore(none)).toThrow('`client` of RedisStore must be a node-redis client');
});

it('warns about the memory store if no store was passed', () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  create({ store: undefined })();
  expect(warned).toHaveBeenCalledWith(
    expect.stringContaining('challenges are kept in memory'),
    'EmailVerificationWarning',
  );
  warned.mockRestore();
});

describe('the guess bound', () => {
  it('is 480 in a million by default', () => {
    expect(guessBound()).toEqual({ guesses: 480, chance: 4.8e-4 });
  });

  it('grows with the life of a code, which then needs more digits', () => {
    const long = guessBound({ codeTtl: 600, codeLength: 8 });
    expect(long.guesses).toBe((10 + 5 + 3) * 2 * 5 * 5);
    expect(long.chance).toBeLessThan(1e-5);
  });

  it('is halved by binding codes to the client, and next to nothing with letters', () => {
    expect(guessBound({ binding: 'client' })).toEqual({ guesses: 240, chance: 2.4e-4 });
    expect(guessBound({ codeAlphabet: 'letters' })).toEqual({ guesses: 480, chance: 480 / 20 ** 8 });
  });

  it.each<[object, string]>([
    [{ codeLength: 5 }, 'The `codeLength` option must be a whole number from 6 to 10. Received 5.'],
    [{ codelength: 8 }, 'Unknown option `codelength` of guessBound(). Did you mean `codeLength`?'],
    [{ secret: 'x' }, 'Unknown option `secret` of guessBound().'],
  ])('refuses %j', (options, error) => {
    expect(() => guessBound(options)).toThrow(error);
  });
});
