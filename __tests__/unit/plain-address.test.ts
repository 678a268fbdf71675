/** A plain address is one that passes isEmail() and is its own canonical form. */
import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import validator from 'validator';
import { normalizeEmail } from '../../lib/challenge/address.js';
import { isPlainAddress } from '../../lib/fast/plain-address.js';
import { randomRuns } from '../support/random-runs.js';

const text = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength });
const nearlyPlain = fc
  .tuple(text('aB0._+-', 6), fc.array(text('aB0-', 4), { minLength: 1, maxLength: 3 }), text('aB0', 3))
  .map(([local, labels, top]) => `${local}@${labels.join('.')}.${top}`)
  .filter(isPlainAddress);

it('takes an address as plain only if it passes isEmail() and is its own canonical form', () => {
  fc.assert(
    fc.property(nearlyPlain, (address) => {
      const [local = '', domain = ''] = address.split('@');
      expect(validator.isEmail(address, { allow_utf8_local_part: false })).toBe(true);
      expect([local.toLowerCase(), domainToASCII(domain)]).toEqual([local, domain]);
      // A trailing space makes it go through the ordinary way.
      expect(normalizeEmail(`${address} `)).toBe(address);
    }),
    { numRuns: randomRuns(1000) },
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
])('does not take %j as plain', (address) => {
  expect(isPlainAddress(address)).toBe(false);
});
