/** Puts pending addresses into Redis by the thousand, through the store or in the form of each rival. */
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
  /** A challenge as /send leaves it, with a code and an id derived from its number. */
  ours: openOurs,
  /** An address as /verify leaves it, with a token derived from its number. */
  async verified(number: number) {
    const opened = await openOurs(number);
    await store.attempt(
      { ...opened, token: hasher.token(opaqueFor(digits(number))), tokenTtl: LIFE },
      60_000,
    );
  },
  /** A pending address that no request uses: random digests, which are faster than real ones. */
  crowd: () => openUnused(LIFE, 5),
  /** An address whose code ended so long ago that only its mailbox remains. */
  async past() {
    const { mailbox, challenge } = await openUnused(1, 5);
    // Redis does this by itself 15 minutes later.
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

async function openOurs(number: number) {
  const email = `user-${digits(number)}@example.com`;
  const challenge = hasher.challenge(email, 'signup');
  const request = {
    mailbox: hasher.mailbox(defaultMailbox(email)),
    challenge,
    code: hasher.code(challenge, codeFor(number)),
    holder: undefined,
  };
  const newHolder = hasher.holder(opaqueFor(digits(number)));
  await store.open({ ...request, codeTtl: LIFE, newHolder, maxAttempts: ATTEMPTS, limits: LIMITS }, 60_000);
  return request;
}

export type SeedKind = keyof typeof seedOne;

async function openUnused(codeTtl: number, maxAttempts: number) {
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

/** A seeded challengeId or token: the secret's name and 24 characters. Also a template, with `{i}` as the number. */
function opaqueFor(number: string): string {
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
  challengeId: () => opaqueFor('{i}'),
  token: () => opaqueFor('{i}'),
  async memory() {
    return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  },
  keys: () => redis.dbSize(),
  /** Touches every key, so that Redis removes the expired ones now. */
  async expireAll() {
    for await (const _keys of redis.scanIterator({ COUNT: 1000 }));
  },
  flush: () => redis.flushAll(),
});
