/** Every option is checked when the app starts; the error names it, its range and its value. */
import { createEmailVerification, MemoryStore, RedisStore } from 'express-email-verification';
import { guessBound } from '../lib/guess-bound.js';
import { SECRET } from './support/app.js';

const fitting = {
  store: new MemoryStore(),
  transport: 'smtp://127.0.0.1:1',
  from: 'Acme <hello@acme.example>',
  secret: SECRET,
};
const create = (options: object) => () => createEmailVerification({ ...fitting, ...options });

it('takes what the quick start passes', () => {
  expect(create({})).not.toThrow();
});

it.each([
  [{ codeLength: 5 }, 'codeLength must be a whole number from 6 to 10, and is 5'],
  [{ codeLength: '6' }, 'codeLength must be a whole number from 6 to 10, and is "6"'],
  [{ codeTtl: 601 }, 'codeTtl must be a whole number from 60 to 600, and is 601'],
  [{ maxAttempts: 0 }, 'maxAttempts must be a whole number from 1 to 10, and is 0'],
  [{ tokenTtl: 59 }, 'tokenTtl must be a whole number from 60 to 86400, and is 59'],
  [{ storeTimeout: 49 }, 'storeTimeout must be a whole number from 50 to 60000, and is 49'],
  [{ mailTimeout: Number.NaN }, 'mailTimeout must be a whole number from 50 to 60000, and is NaN'],
  [{ hookTimeout: 1.5 }, 'hookTimeout must be a whole number from 50 to 60000, and is 1.5'],
  [{ purpose: 'Sign up' }, 'purpose must be 1 to 32 of a-z, 0-9, _ and -, and is "Sign up"'],
  [{ sendLimits: [] }, 'sendLimits must be an array of { max, window }, and is '],
  [
    { sendLimits: [{ max: 1001, window: 60 }] },
    'sendLimits[0].max must be a whole number from 1 to 1000, and is 1001',
  ],
  [
    {
      sendLimits: [
        { max: 1, window: 60 },
        { max: 2, window: 60 },
      ],
    },
    'sendLimits[1].window must be longer than the one before (60), and is 60',
  ],
  [{ delivery: 'later' }, "delivery must be 'await', 'background' or a function, and is \"later\""],
  [{ beforeSend: true }, 'beforeSend must be a function, and is true'],
  [
    { rateLimit: { send: 5 } },
    'rateLimit must be { send, verify }, each express-rate-limit options or false, and is 5',
  ],
  [
    { from: 'a@b.co, c@d.co' },
    'from must be one address, as "Acme <hello@acme.example>", and is "a@b.co, c@d.co"',
  ],
  [{ from: 'Acme' }, 'from must be one address, as "Acme <hello@acme.example>", and is "Acme"'],
  [{ appName: 'A\r\nBcc: x' }, 'appName must be one line of 1 to 100 characters, and is "A\\r\\nBcc: x"'],
  [
    { origin: 'http://acme.example' },
    'origin must be an https origin, as "https://acme.example", and is "http://acme.example"',
  ],
  [{ defaultLocale: 'tlh' }, 'defaultLocale must be one of en, ko, and is "tlh"'],
  [{ codeInSubject: 'yes' }, 'codeInSubject must be true or false, and is "yes"'],
  [{ store: {} }, '`store` must be a RedisStore, a MemoryStore or a Store of your own, and is an object'],
  [{ cooldown: 60 }, 'there is no option "cooldown"'],
])('refuses %j', (options, sentence) => {
  expect(create(options)).toThrow(sentence);
});

it.each([
  [undefined, 'secret must be a string of at least 32 bytes'],
  ['short and not to be shown', 'secret must be a string of at least 32 bytes'],
  [[], 'secret must hold at least one string'],
  [[SECRET, SECRET], 'secret holds two that are the same'],
])('refuses a secret that is none, and does not show it: %j', (secret, sentence) => {
  expect(create({ secret })).toThrow(sentence);
  expect(create({ secret })).not.toThrow('not to be shown');
});

it.each([
  [undefined, 'transport must be passed'],
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

  it('wants a store passed on purpose', () => {
    expect(create({ store: undefined })).toThrow('store must be passed when NODE_ENV is production');
    expect(create({ store: new MemoryStore() })).not.toThrow();
  });

  it('refuses the clock of a test', () => {
    expect(() => new MemoryStore({ clock: Date.now })).toThrow('clock is for tests');
  });
});

it('refuses a client that is none', () => {
  const none: never = {} as never;
  expect(() => new RedisStore(none)).toThrow('client must be a node-redis client');
});

it('warns of a store in memory that nobody chose', () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  create({ store: undefined })();
  expect(warned).toHaveBeenCalledWith(
    expect.stringContaining('challenges are kept in memory'),
    'EmailVerificationWarning',
  );
  warned.mockRestore();
});

describe('the bound of guesses', () => {
  const defaults = { codeLength: 6, codeTtl: 180_000, maxAttempts: 5 };
  const sendLimits = [
    { max: 1, window: 60_000 },
    { max: 5, window: 3_600_000 },
    { max: 10, window: 86_400_000 },
  ];

  it('is 480 of a million by default', () => {
    expect(guessBound({ ...defaults, sendLimits })).toEqual({ guesses: 480, chance: 4.8e-4 });
  });

  it('grows with the life of a code, which wants more digits', () => {
    const long = guessBound({ ...defaults, sendLimits, codeTtl: 600_000, codeLength: 8 });
    expect(long.guesses).toBe((10 + 5 + 3) * 2 * 5 * 5);
    expect(long.chance).toBeLessThan(1e-5);
  });
});
