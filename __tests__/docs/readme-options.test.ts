/** The tables of the READMEs match the code: every option with its default and range, reason, operation and event. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createEmailVerification,
  type EmailVerificationOptions,
  MemoryStore,
  RedisStore,
  requireVerifiedEmail,
} from 'express-email-verification';
import { createMailWorker, queueDelivery } from 'express-email-verification/bullmq';
import { captcha } from 'express-email-verification/captcha';
import { createEmailVerificationClient } from 'express-email-verification/client';
import { evp } from 'express-email-verification/evp';
import { instrument } from 'express-email-verification/metrics';
import { createSettings } from '../../lib/options/options.js';
import { FROM, SECRET } from '../support/app.js';

const root = join(__dirname, '../..');

/** The rows of the first table after a marker, without its head, as cells. */
function tableAfter(file: string, marker: string): string[][] {
  const text = readFileSync(join(root, file), 'utf8');
  const start = text.indexOf(marker);
  if (start < 0) throw new Error(`${file} has no ${marker}`);
  const [table = ''] = /(?:^\|.*\n)+/m.exec(text.slice(start)) ?? [];
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .replace(/^\||\|$/g, '')
      .split(' | ')
      .map((cell) => cell.trim()),
  );
}

/** The names in backticks in a cell. */
const namesIn = (cell = '') => [...cell.matchAll(/`(\w+)[^`]*`/g)].map(([, name = '']) => name);

/** The options in a table; group headings have none. */
const documented = (file: string, marker: string) =>
  tableAfter(file, marker).flatMap(([cell]) => namesIn(cell));

/** The options that a function knows: its error for an unknown one lists them all. */
function knownTo(call: (options: never) => unknown): string[] {
  let message = '';
  try {
    call({ zzzzzzzzzzzz: true } as never);
  } catch (error) {
    message = String(error);
  }
  const [, known = ''] = /Known (?:options|events): (.*)\./.exec(message) ?? [];
  return namesIn(known);
}

const required = { store: new MemoryStore(), transport: 'smtp://127.0.0.1:1', from: FROM, secret: SECRET };
const verification = createEmailVerification(required);
const redis = { on() {}, listenerCount: () => 1, evalSha: async () => [], eval: async () => [] };

describe('options', () => {
  it.each([
    ['createEmailVerification', 'README.md', '## Options', createEmailVerification],
    [
      'requireVerifiedEmail',
      'README.md',
      '### requireVerifiedEmail',
      (options: object) => requireVerifiedEmail(verification, options),
    ],
    [
      'RedisStore',
      'lib/store/README.md',
      '| option of RedisStore',
      (options: object) => new RedisStore(redis, options),
    ],
    [
      'MemoryStore',
      'lib/store/README.md',
      '| option of MemoryStore',
      (options: object) => new MemoryStore(options),
    ],
    ['queueDelivery', 'lib/bullmq/README.md', '| option of queueDelivery', queueDelivery],
    ['createMailWorker', 'lib/bullmq/README.md', '| option of createMailWorker', createMailWorker],
    ['captcha', 'lib/captcha/README.md', '| option of captcha', captcha],
    ['evp', 'lib/evp/README.md', '| option of evp', evp],
    [
      'instrument',
      'lib/metrics/README.md',
      '| option',
      (options: object) => instrument(verification, options),
    ],
  ])('of %s are those in the table, and no others', (_name, file, marker, call) => {
    const known = knownTo(call);
    expect(known.length).toBeGreaterThan(0);
    expect(documented(file, marker).sort()).toEqual(known.sort());
  });

  it('of the browser client are those in the table, and no others', () => {
    const known = new Set<string>();
    const options = new Proxy(
      { baseUrl: '/email-verification' },
      {
        get(target, name) {
          if (typeof name === 'string') known.add(name);
          return Reflect.get(target, name);
        },
      },
    );
    createEmailVerificationClient(options);
    expect(documented('lib/client/README.md', '| option').sort()).toEqual([...known].sort());
  });
});

describe('options of createEmailVerification', () => {
  const rows = tableAfter('README.md', '## Options').filter(([name = '']) => name.startsWith('`'));
  const seconds = (milliseconds: number) => milliseconds / 1000;

  /** The defaults of the code, in the units of the options. */
  function defaults(): Partial<Record<keyof EmailVerificationOptions, unknown>> {
    const { send, verify } = settings.rateLimit;
    return {
      codeLength: settings.codes.length,
      codeAlphabet: settings.codes.alphabet,
      binding: settings.binding,
      codeTtl: seconds(settings.codeTtl),
      tokenTtl: seconds(settings.tokenTtl),
      maxAttempts: settings.maxAttempts,
      sendLimits: settings.sendLimits.map(({ max, window }) => ({ max, window: seconds(window) })),
      rateLimit: { send: send && { windowMs: send.windowMs, limit: send.limit }, verify },
      purpose: settings.purpose,
      delivery: settings.delivery,
      storeTimeout: settings.storeTimeout,
      mailTimeout: settings.mailTimeout,
      hookTimeout: settings.hookTimeout,
      defaultLocale: settings.defaultLocale.tag,
      codeInSubject: settings.codeInSubject,
    };
  }
  const settings = createSettings(required);

  it('have the defaults of the code', () => {
    const plain = new Map<string, unknown>();
    for (const [name, value = ''] of rows) {
      const [, code] = /^`(.+)`$/.exec(value) ?? [];
      // These two are names of exports.
      if (code === undefined || code === 'MemoryStore' || code === '{ en, ko }') continue;
      plain.set(namesIn(name)[0] ?? '', new Function(`return (${code})`)());
    }
    expect(Object.fromEntries(plain)).toEqual(defaults());
    const languages = rows.find(([name]) => name === '`locales`')?.[1];
    expect(languages).toBe(`\`{ ${[...settings.locales.keys()].join(', ')} }\``);
  });

  const ranges = rows.flatMap(([name = '', value = '', sentence = '']) => {
    const [, min, max] = /\b(\d+) to (\d+)\b/.exec(sentence) ?? [];
    return /^`\d+`$/.test(value) ? [[namesIn(name)[0] ?? '', Number(min), Number(max)] as const] : [];
  });

  it('name a range for every number', () => {
    expect(ranges.map(([name]) => name).sort()).toEqual(
      Object.entries(defaults())
        .filter(([, value]) => typeof value === 'number')
        .map(([name]) => name)
        .sort(),
    );
  });

  it.each(ranges)('%s goes from %i to %i', (name, min, max) => {
    // A long life and many attempts cause a warning, unless codes are long.
    const long = { codeLength: 10 };
    const create = (value: number) => () =>
      createEmailVerification({ ...required, ...(name === 'codeLength' ? {} : long), [name]: value });
    for (const value of [min, max]) expect(create(value)).not.toThrow();
    for (const value of [min - 1, max + 1]) expect(create(value)).toThrow(RangeError);
  });
});

it('the reasons in the README are those of the code, with their status', () => {
  const folder = join(root, 'lib/http');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const code = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const inCode = [...code.matchAll(/^ {2}(\w+): ([45]\d\d),$/gm)].map(([, reason, status]) => [
    reason,
    status,
  ]);
  const inReadme = tableAfter('README.md', '## Routes').map(([reason, status = '']) => [
    namesIn(reason)[0],
    status.slice(0, 3),
  ]);
  expect(inReadme.sort()).toEqual(inCode.sort());
});

it('the operations are those of a verification', () => {
  // `internals` is for the router, not for apps.
  const operations = Object.keys(verification).filter((name) => name !== 'internals');
  expect(documented('lib/operations/README.md', '## Operations').sort()).toEqual(operations.sort());
});

it('the events are those that a verification emits', () => {
  const known = knownTo(() => verification.on('zzzzzzzzzzzz' as never, () => {}));
  expect(documented('lib/operations/README.md', '## Events').sort()).toEqual(known.sort());
  expect(known).toHaveLength(14);
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('fourteen events');
});
