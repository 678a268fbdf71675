/** How likely a blind guess is, computed at start: options that make it too likely cause a warning. */
import {
  createEmailVerification,
  type EmailVerificationOptions,
  guessBound,
  MemoryStore,
  type SendLimit,
  type StrengthOptions,
} from 'express-email-verification';
import { FROM, SECRET } from '../support/app.js';
import { numbers } from './attack-plans.js';
import { HOUR, SECOND, startClock } from './services.js';

type Rules = StrengthOptions;

let warnings: jest.SpyInstance;
beforeEach(() => {
  warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => warnings.mockRestore());

const create = (rules: Partial<EmailVerificationOptions>) =>
  createEmailVerification({
    ...{ store: new MemoryStore(), transport: 'smtp://127.0.0.1:9', from: FROM, secret: SECRET },
    ...{ delivery: async () => {} },
    ...rules,
  });

/** The warning that an app with these options gets at start, and gets again from check(). */
async function warningOf(rules: Rules): Promise<string | undefined> {
  warnings.mockClear();
  const verification = create(rules);
  const sentences = warnings.mock.calls.map(([sentence]) => String(sentence));
  const { ok, problems } = await verification.check();
  expect(problems).toEqual(sentences);
  expect(ok).toBe(sentences.length === 0);
  expect(warnings).toHaveBeenCalledTimes(sentences.length);
  expect(sentences.length).toBeLessThanOrEqual(1);
  return sentences[0];
}

const ONE_A_MINUTE = { max: 1, window: 60 };
const TEN_A_DAY = { max: 10, window: 86_400 };

/** The number of guesses, computed by hand: (N + k + F) · 2 · maxAttempts · k. */
const table: [what: string, rules: Rules, guesses: number][] = [
  ['the default', {}, (10 + 3 + 3) * 2 * 5 * 3],
  ['the most attempts', { maxAttempts: 10 }, (10 + 3 + 3) * 2 * 10 * 3],
  ['codes of 10 minutes', { codeTtl: 600 }, (10 + 5 + 3) * 2 * 5 * 5],
  ['codes of 10 minutes, the most attempts', { codeTtl: 600, maxAttempts: 10 }, (10 + 5 + 3) * 2 * 10 * 5],
  ['the same with 7 digits', { codeTtl: 600, maxAttempts: 10, codeLength: 7 }, (10 + 5 + 3) * 2 * 10 * 5],
  ['codes that end a second into the next window', { codeTtl: 181 }, (10 + 4 + 3) * 2 * 5 * 4],
  [
    'a cooldown longer than the life of a code',
    { sendLimits: [{ max: 1, window: 300 }] },
    (288 + 1 + 3) * 2 * 5 * 1,
  ],
  ['no cooldown, 10 a day', { sendLimits: [TEN_A_DAY] }, (10 + 10 + 3) * 2 * 5 * 10],
  ['a cooldown alone', { sendLimits: [ONE_A_MINUTE] }, (1440 + 3 + 6) * 2 * 5 * 3],
  [
    'a window that does not divide the day',
    { sendLimits: [{ max: 7, window: 50_000 }] },
    (14 + 7 + 3) * 2 * 5 * 7,
  ],
  [
    'codes that outlive every window',
    {
      sendLimits: [
        { max: 2, window: 30 },
        { max: 3, window: 50 },
      ],
      codeTtl: 600,
    },
    (3 * 1728 + 36 + 3 * 6) * 2 * 5 * 36,
  ],
  [
    'a second limit that is never reached',
    { sendLimits: [ONE_A_MINUTE, { max: 1000, window: 3600 }, TEN_A_DAY] },
    (10 + 3 + 3) * 2 * 5 * 3,
  ],
  [
    'the widest limits',
    { codeTtl: 600, maxAttempts: 10, sendLimits: [{ max: 1000, window: 60 }], codeLength: 10 },
    (1_440_000 + 10_000 + 3 * 1440) * 2 * 10 * 10_000,
  ],
  ['letters', { codeAlphabet: 'letters' }, (10 + 3 + 3) * 2 * 5 * 3],
  ['letters for 15 minutes', { codeAlphabet: 'letters', codeTtl: 900 }, (10 + 5 + 3) * 2 * 5 * 5],
  ['codes bound to the client', { binding: 'client' }, (10 + 3 + 3) * 5 * 3],
  [
    'letters bound to the client, 10 attempts',
    { codeAlphabet: 'letters', binding: 'client', maxAttempts: 10 },
    (10 + 3 + 3) * 10 * 3,
  ],
  [
    'the widest limit a day',
    { sendLimits: [{ max: 1000, window: 86_400 }] },
    (1000 + 1000 + 3) * 2 * 5 * 1000,
  ],
];

it.each(table)(
  'T66: with %s the bound is computed at start, and warned about above one in a thousand',
  async (_what, rules, guesses) => {
    const { codeAlphabet, codeLength = 6 } = rules;
    const codes = codeAlphabet === 'letters' ? 20 ** 8 : 10 ** codeLength;
    const chance = Math.min(1, guesses / codes);
    expect(guessBound(rules)).toEqual({ guesses, chance });
    const warning = await warningOf(rules);
    if (chance <= 1e-3) expect(warning).toBeUndefined();
    else expect(warning).toContain(`${chance.toPrecision(2)} per mailbox and day`);
  },
);

it('T66: options with which some guess succeeds every day cause a warning', async () => {
  const warning = await warningOf({ codeTtl: 600, maxAttempts: 10, sendLimits: [{ max: 1000, window: 60 }] });
  expect(warning).toBe(
    'With these options, blind guessing succeeds with a probability of up to 1.0 per mailbox and day; 0.001 or ' +
      'less is recommended. Allow fewer emails by `sendLimits`, fewer `maxAttempts`, or a shorter `codeTtl`.',
  );
  expect(await warningOf({ codeTtl: 600, maxAttempts: 10 })).toBe(
    'With these options, blind guessing succeeds with a probability of up to 0.0018 per mailbox and day; 0.001 or ' +
      'less is recommended. Set `codeLength` to 7, or allow fewer emails by `sendLimits`, fewer `maxAttempts`, or a shorter `codeTtl`.',
  );
});

it('T66: following the advice of the warning silences it', async () => {
  const random = numbers(66);
  const from = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  let advised = 0;
  for (let round = 0; round < 300; round += 1) {
    const windows = [from([10, 30, 60]), from([300, 3600]), from([43_200, 86_400])];
    const sendLimits: SendLimit[] = windows
      .slice(Math.floor(random() * 3))
      .map((window) => ({ max: from([1, 2, 5, 20, 100, 1000]), window }));
    const rules = { sendLimits, codeTtl: from([60, 180, 600]), maxAttempts: from([1, 5, 10]) };
    const warning = await warningOf(rules);
    const codeLength = Number(/Set `codeLength` to (\d+)/.exec(warning ?? '')?.[1]);
    if (!warning || Number.isNaN(codeLength)) continue;
    advised += 1;
    expect(await warningOf({ ...rules, codeLength })).toBeUndefined();
    if (codeLength > 6)
      expect(await warningOf({ ...rules, codeLength: codeLength - 1 })).toContain(
        `Set \`codeLength\` to ${codeLength},`,
      );
  }
  expect(advised).toBeGreaterThan(50);
});

it('T66: if a day allows more emails than a mailbox remembers, more sends are given back, and the bound counts them', async () => {
  const clock = startClock();
  let fails = false;
  let opened = 0;
  const verification = create({
    store: new MemoryStore({ clock: clock.read }),
    sendLimits: [{ max: 600, window: 3600 }],
    delivery: async () => (fails ? Promise.reject(new Error('550')) : undefined),
  });
  verification.on('delivery_failed', () => {});
  const send = async () => {
    const { kind } = await verification.send({ email: 'person@example.com' });
    if (kind !== 'too_many_requests') opened += 1;
    return kind;
  };
  for (let hour = 0; hour < 6; hour += 1) {
    fails = true;
    for (let n = 0; n < 4; n += 1) await send();
    fails = false;
    while ((await send()) === 'sent');
    // Emails sent within one millisecond are recorded one after another.
    clock.pass(HOUR + SECOND);
  }
  // Six hours of 600 emails, and more than three that were given back.
  expect(opened).toBeGreaterThan(3600 + 3);
  const { guesses } = guessBound({ sendLimits: [{ max: 600, window: 3600 }] });
  expect(guesses).toBe((24 * 600 + 600 + 3 * 15) * 2 * 5 * 600);
  expect(opened - 3600).toBeLessThanOrEqual(3 * 15);
});
