/** The short way through validation returns what the chains of express-validator return. */
import { ko } from 'express-email-verification';
import fc from 'fast-check';
import { digitCodes } from '../../lib/challenge/code.js';
import { createInputParsers } from '../../lib/operations/input.js';
import { randomRuns } from '../support/random-runs.js';

const parsers = createInputParsers({ codes: digitCodes(6) });

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

/** The same body with a space that the chains strip, so that it is validated by them. */
const spaced = (body: Record<string, unknown>) =>
  typeof body['email'] === 'string' ? { ...body, email: ` ${body['email']}` } : body;

const RUNS = randomRuns(1500);

test.each(['send', 'verify'] as const)('%s: both ways return the same', async (operation) => {
  let valid = 0;
  await fc.assert(
    fc.asyncProperty(fields, async (body) => {
      const outcome = await parsers[operation](body, ko);
      expect(outcome).toEqual(await parsers[operation](spaced(body), ko));
      if (outcome.kind === 'parsed') valid += 1;
    }),
    { numRuns: RUNS },
  );
  expect(valid).toBeGreaterThan(RUNS / 60);
});
