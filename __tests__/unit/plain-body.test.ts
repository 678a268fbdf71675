/** The short way through the judging of a body leads where express-validator does. */
import { en, ko } from 'express-email-verification';
import fc from 'fast-check';
import { createJudge } from '../../lib/operations/input.js';
import { randomRuns } from '../support/random-runs.js';

const judge = createJudge({
  codeLength: 6,
  locales: new Map([
    ['en', en],
    ['ko', ko],
  ]),
  defaultLocale: en,
});

const email = fc.constantFrom('ada@mail.example', 'a.b+c@x-y.example', 'ada', 'a..b@mail.example', 7, null);
const code = fc.oneof(
  fc.stringMatching(/^[0-9]{5,7}$/),
  fc.constantFrom('12345６', '12345\n', '', 123456, null),
);
const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom('ko', 'en-GB', undefined, null, 5, ['ko']),
);
const fields = fc.record({ email, code, challengeId: text, locale: text }, { requiredKeys: [] });

/** The same body, but for a space that the long way takes off: so that is the way it goes. */
const spaced = (body: Record<string, unknown>) =>
  typeof body['email'] === 'string' ? { ...body, email: ` ${body['email']}` } : body;

const RUNS = randomRuns(3000);

test.each(['send', 'verify'] as const)('%s: a body means the same on both ways', async (act) => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fields, async (body) => {
      const outcome = await judge[act](body, ko);
      expect(outcome).toEqual(await judge[act](spaced(body), ko));
      if (outcome.kind === 'judged') accepted += 1;
    }),
    { numRuns: RUNS },
  );
  expect(accepted).toBeGreaterThan(RUNS / 60);
});
