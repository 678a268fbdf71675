/** What is drawn at random, seen from outside. A sound generator fails each check less than once in 10^12 runs. */
import { memoryInbox, STORES, useServices, WIDE } from './services.js';

const { open, storeOf } = useServices();

const DRAWS = 400;
const person = (n: number) => `person${n}@example.com`;

/** The codes sent to `count` people. */
async function codesSent(count: number, codeLength: number): Promise<string[]> {
  const { delivery, lastCode } = memoryInbox();
  const service = await open({ store: storeOf('MemoryStore'), ...WIDE, delivery, codeLength });
  for (let n = 0; n < count; n += 1) await service.verification.send({ email: person(n) });
  return Array.from({ length: count }, (_, n) => lastCode(person(n)));
}

// A given digit is missing at a given place of 400 codes with probability 0.9^400; 100 such pairs give 5·10^-17.
it.each([6, 8, 10])('ASVS 6.5.4: each of %i digits takes all values from 0 to 9', async (codeLength) => {
  const codes = await codesSent(DRAWS, codeLength);
  for (let place = 0; place < codeLength; place += 1) {
    const seen = new Set(codes.map((code) => code[place]));
    expect([place, [...seen].sort().join('')]).toEqual([place, '0123456789']);
  }
  for (const code of codes) expect(code).toHaveLength(codeLength);
});

it('codes are uniform over all of their space', async () => {
  const codes = await codesSent(5000, 6);
  // Equal pairs: 12.5 expected among 10^6 codes, 125 if only a tenth were used; more than 60 by chance in 10^-21 runs.
  const timesOf = new Map<string, number>();
  for (const code of codes) timesOf.set(code, (timesOf.get(code) ?? 0) + 1);
  const pairs = [...timesOf.values()].reduce((sum, times) => sum + (times * (times - 1)) / 2, 0);
  expect(pairs).toBeLessThan(60);
  // Each digit at each place: 500 expected with a deviation of 21; a difference of 200 is more than nine deviations.
  for (let place = 0; place < 6; place += 1) {
    for (let digit = 0; digit < 10; digit += 1) {
      const times = codes.filter((code) => code[place] === String(digit)).length;
      expect(Math.abs(times - 500)).toBeLessThan(200);
    }
  }
});

describe.each(STORES)('on %s', (name) => {
  /** The challengeIds and tokens of `count` sign-ups. */
  async function drawn(count: number) {
    const { delivery, lastCode } = memoryInbox();
    const service = await open({ store: storeOf(name), ...WIDE, delivery });
    const challengeIds: string[] = [];
    const verificationTokens: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const { challengeId } = (await service.send({ email: person(n) })).body;
      const code = lastCode(person(n));
      const { verificationToken } = (await service.verify({ email: person(n), code, challengeId })).body;
      challengeIds.push(challengeId);
      verificationTokens.push(verificationToken);
    }
    return { challengeIds, verificationTokens };
  }

  it('T20: a challengeId and a verificationToken hold 144 random bits each', async () => {
    const { challengeIds, verificationTokens } = await drawn(DRAWS);
    for (const opaque of [challengeIds, verificationTokens]) {
      expect(opaque).toHaveLength(DRAWS);
      for (const one of opaque) expect(one).toMatch(/^[A-Za-z0-9_-]{26}$/);
      expect(randomBitsOf(opaque)).toBe(144);
    }
    // Neither reveals anything about the other.
    const both = challengeIds.map((id, index) => `${id}${verificationTokens[index]}`);
    expect(randomBitsOf(both)).toBe(288);
  });
});

/**
 * How many bits of base64url texts are independent of each other: the rank of their differences over GF(2). Bits that
 * are constant, repeated, inverted or sums of others do not count. The rank of 399 random rows is below 288 by chance in
 * 2^-111 runs.
 */
function randomBitsOf(texts: readonly string[]): number {
  // Four characters are three bytes; an incomplete group would not be decoded.
  const whole = texts.map((text) => text.padEnd(4 * Math.ceil(text.length / 4), 'A'));
  const numbers = whole.map((text) => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`));
  const [first = 0n, ...others] = numbers;
  const basis: bigint[] = [];
  for (const other of others) {
    let difference = first ^ other;
    for (const row of basis) if ((difference ^ row) < difference) difference ^= row;
    if (difference > 0n) basis.push(difference);
  }
  return basis.length;
}
