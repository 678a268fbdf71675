/** Puts pending addresses into a Redis, through the store or as each rival keeps them, thousands at a time. */
import { RedisStore } from 'express-email-verification';
import { createClient } from 'redis';
import { defaultMailbox } from '../../lib/challenge/address.js';
import { createHasher, drawDigest } from '../../lib/challenge/digests.js';
import { answerParent, childArgument } from './child.js';
import { codeFor } from './load.js';
import { SECRET } from './servers/serve.js';

export interface Seed {
  readonly first: number;
  readonly count: number;
}

/** More attempts than any load can spend. */
const ATTEMPTS = 999_999;
const LIFE = 3_600_000;
const LIMITS = [
  { max: 1, window: 60_000 },
  { max: 5, window: 3_600_000 },
  { max: 10, window: 86_400_000 },
];

const redis = createClient({ url: childArgument<{ redis: string }>().redis }).on('error', console.error);
const hasher = createHasher(SECRET);
const store = new RedisStore(redis);
const digits = (number: number) => String(number).padStart(8, '0');

const seedOne = {
  /** A challenge as /send leaves it, with a code and an id that follow from its number. */
  async ours(number: number) {
    const email = `user-${digits(number)}@example.com`;
    const challenge = hasher.challenge(email, 'signup');
    await store.open(
      {
        mailbox: hasher.mailbox(defaultMailbox(email)),
        challenge,
        code: hasher.code(challenge, codeFor(number)),
        codeTtl: LIFE,
        holder: undefined,
        newHolder: hasher.holder(challengeIdFor(digits(number))),
        maxAttempts: ATTEMPTS,
        limits: LIMITS,
      },
      60_000,
    );
  },
  /** A pending address that nobody asks for: digests without a code behind them, which are sooner made. */
  crowd: () => openNobody(LIFE, 5),
  /** One whose code ended so long ago that it is forgotten: what stays is the mailbox. */
  async past() {
    const { mailbox, challenge } = await openNobody(1, 5);
    // As Redis does by itself, 15 minutes later.
    await redis.del(`ev:{${mailbox}}${challenge}`);
  },
  floor: (number: number) =>
    redis.hSet(`floor:user-${digits(number)}@example.com`, { c: codeFor(number), n: 0 }),
  naive: (number: number) =>
    redis.set(`otp:user-${digits(number)}@example.com`, codeFor(number), { EX: 3600 }),
  betterAuth(number: number) {
    const identifier = `sign-in-otp-user-${digits(number)}@example.com`;
    const value = { identifier, value: `${codeFor(number)}:0`, expiresAt: new Date(Date.now() + LIFE) };
    return redis.set(`verification:${identifier}`, JSON.stringify(value), { EX: 3600 });
  },
};

export type SeedKind = keyof typeof seedOne;

async function openNobody(codeTtl: number, maxAttempts: number) {
  const key = { mailbox: drawDigest(), challenge: drawDigest() };
  await store.open(
    {
      ...key,
      code: drawDigest(),
      codeTtl,
      holder: undefined,
      newHolder: drawDigest(),
      maxAttempts,
      limits: LIMITS,
    },
    60_000,
  );
  return key;
}

/** The id of a seeded holder: the secret's name, then 24 characters. `{i}` in the place of a number makes a template. */
function challengeIdFor(number: string): string {
  return `${hasher.name}${'0'.repeat(16)}${number}`;
}

async function seed({ kind, first, count }: Seed & { kind: SeedKind }): Promise<void> {
  for (let done = 0; done < count; done += 2000) {
    const batch = Array.from({ length: Math.min(2000, count - done) }, (_, i) => first + done + i);
    await Promise.all(batch.map((number) => seedOne[kind](number)));
  }
}

answerParent({
  connect: async () => void (await redis.connect()),
  seed,
  challengeId: () => challengeIdFor('{i}'),
  async memory() {
    return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  },
  keys: () => redis.dbSize(),
  /** Meets every key, so that those whose time is over go now. */
  async meetAll() {
    for await (const _keys of redis.scanIterator({ COUNT: 1000 }));
  },
  flush: () => redis.flushAll(),
});
