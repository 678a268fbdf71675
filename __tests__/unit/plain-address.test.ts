/** The short way through the judging of an address leads where the long way does. */
import { domainToASCII } from 'node:url';
import { body } from 'express-validator';
import fc from 'fast-check';
import { canonicalAddress, isPlainAddress } from '../../lib/challenge/address.js';
import { randomRuns } from '../support/random-runs.js';

const text = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength });
const nearlyPlain = fc
  .tuple(text('aB0._+-', 6), fc.array(text('aB0-', 4), { minLength: 1, maxLength: 3 }), text('aB0', 3))
  .map(([local, labels, top]) => `${local}@${labels.join('.')}.${top}`)
  .filter(isPlainAddress);
const isEmail = body('email').isEmail({ allow_utf8_local_part: false });

it('takes for plain only what express-validator takes for an address and what is its own canonical form', async () => {
  await fc.assert(
    fc.asyncProperty(nearlyPlain, async (address) => {
      const outcome = await isEmail.run({ body: { email: address } }, { dryRun: true });
      const [local = '', domain = ''] = address.split('@');
      expect([outcome.isEmpty(), local.toLowerCase(), domainToASCII(domain)]).toEqual([true, local, domain]);
      // With a space at its end it goes the long way.
      expect(await canonicalAddress(`${address} `)).toBe(address);
    }),
    { numRuns: randomRuns(300) },
  );
});

it.each([
  'a@b.c',
  'A@b.co',
  '.a@b.co',
  'a..b@b.co',
  'a@b',
  'a@-b.co',
  'a@xn--b.co',
  'a@b.co.',
  'a@1.2.3.4',
  'a@b.xn--com-9o0a',
  'a@b.com1',
  'a@b.com으로',
  'a@b.com”',
  'a@b.co\u200b',
  '\u00a0a@b.co',
  'a b@b.co',
  'a@b.co\n',
  'a@ｂ.co',
  `${'a'.repeat(60)}@b.co`,
])('does not take %j for plain', (address) => {
  expect(isPlainAddress(address)).toBe(false);
});
