/** What is drawn at random, seen from outside. Each bound fails a sound generator less than once in 10^12 runs. */
import { postbox, STORES, useFrontDoor, WIDE } from './front-door.js';

const { open, storeOf } = useFrontDoor();

const DRAWS = 400;
const person = (n: number) => `person${n}@example.com`;

/** Codes mailed to as many people. */
async function mailedCodes(count: number, codeLength: number): Promise<string[]> {
  const { delivery, lastCode } = postbox();
  const door = await open({ store: storeOf('MemoryStore'), ...WIDE, delivery, codeLength });
  for (let n = 0; n < count; n += 1) await door.verification.send({ email: person(n) });
  return Array.from({ length: count }, (_, n) => lastCode(person(n)));
}

// One digit of ten is missing at one of 10 places after 400 codes: 100 · 0.9^400 = 5·10^-17.
it.each([6, 8, 10])('ASVS 6.5.4: of %i digits, each is anything from 0 to 9', async (codeLength) => {
  const codes = await mailedCodes(DRAWS, codeLength);
  for (let place = 0; place < codeLength; place += 1) {
    const seen = new Set(codes.map((code) => code[place]));
    expect([place, [...seen].sort().join('')]).toEqual([place, '0123456789']);
  }
  for (const code of codes) expect(code).toHaveLength(codeLength);
});

it('ASVS 6.5.4: codes come from all of their space, each as often as another', async () => {
  const codes = await mailedCodes(5000, 6);
  // Pairs that are the same: 12.5 expected of 10^6 codes, 125 of a tenth of them, by chance above 60 in 10^-21 runs.
  const timesOf = new Map<string, number>();
  for (const code of codes) timesOf.set(code, (timesOf.get(code) ?? 0) + 1);
  const pairs = [...timesOf.values()].reduce((sum, times) => sum + (times * (times - 1)) / 2, 0);
  expect(pairs).toBeLessThan(60);
  // Each digit at each place: 500 expected, with a deviation of 21; 200 of them are more than nine.
  for (let place = 0; place < 6; place += 1) {
    for (let digit = 0; digit < 10; digit += 1) {
      const times = codes.filter((code) => code[place] === String(digit)).length;
      expect(Math.abs(times - 500)).toBeLessThan(200);
    }
  }
});

describe.each(STORES)('on %s', (name) => {
  /** The ids and tokens of as many sign-ups. */
  async function drawn(count: number) {
    const { delivery, lastCode } = postbox();
    const door = await open({ store: storeOf(name), ...WIDE, delivery });
    const challengeIds: string[] = [];
    const verificationTokens: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const { challengeId } = (await door.send({ email: person(n) })).body;
      const code = lastCode(person(n));
      const { verificationToken } = (await door.verify({ email: person(n), code, challengeId })).body;
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
    // Nor does one of them tell the other.
    const both = challengeIds.map((id, index) => `${id}${verificationTokens[index]}`);
    expect(randomBitsOf(both)).toBe(288);
  });
});

/**
 * How many bits of texts in base64url are independent of each other: the rank of their differences over GF(2). Bits
 * that stay the same, are repeated, inverted, or sums of others are not counted. By chance the rank of 399 random rows
 * is below 288 in 2^-111 runs.
 */
function randomBitsOf(texts: readonly string[]): number {
  // Four characters are three bytes: what does not fill them would not be read.
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
