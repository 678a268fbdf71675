/** What the tests of the store contract are written with: short forms of the operations, on a challenge of their own. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import type {
  AttemptOutcome,
  ChallengeKey,
  CountOutcome,
  CountRequest,
  DiscardOutcome,
  Limit,
  OpenOutcome,
  PeekOutcome,
  ProveOutcome,
  RedeemOutcome,
  Store,
} from '../../store/store.js';
import type { TestClock } from '../clock.js';

export interface ContractTest {
  readonly sentence: string;
  readonly movesTime: boolean;
  /** About status() and forget(), or prove(), which a store may leave out. */
  readonly of?: 'support' | 'proofs';
  readonly run: (steps: Steps) => Promise<void>;
}

/** A test that needs no clock. */
export function test(sentence: string, run: (steps: Steps) => Promise<void>): ContractTest {
  return { sentence, movesTime: false, run };
}

/** A test that moves the clock, or compares times with it. */
export function timedTest(sentence: string, run: (steps: Steps) => Promise<void>): ContractTest {
  return { sentence, movesTime: true, run };
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** The default limits of the package. */
export const LIMITS: readonly Limit[] = [
  { max: 1, window: MINUTE },
  { max: 5, window: HOUR },
  { max: 10, window: 24 * HOUR },
];

/** More than a store needs on a busy machine, in ms. */
export const TIMEOUT = 30_000;

interface OpenChanges {
  readonly holder?: string;
  readonly newHolder?: string;
  /** A name, as the code. */
  readonly codeOfNewHolder?: string;
  readonly sharedAttempts?: number;
  readonly codeTtl?: number;
  readonly maxAttempts?: number;
  readonly limits?: readonly Limit[];
}

/**
 * Codes, holders and tokens are named by the tests and become digests of the form that the package uses. Each open draws a
 * new holder: `holder-1`, then `holder-2`. The token of the attempt with the code `a` is `token-of-a`.
 */
export interface Steps {
  readonly store: Store;
  readonly clock: TestClock;
  readonly key: ChallengeKey;
  /** When the test began. */
  readonly start: number;
  /** The digest of a name: the same within a test, and different in every test. */
  digest(name: string): string;
  /** Moves the clock. */
  pass(ms: number): Promise<void>;
  /** Moves the clock to a time. */
  passTo(time: number): Promise<void>;
  open(code: string, changes?: OpenChanges, timeout?: number): Promise<OpenOutcome>;
  /** Opens a minute later, when the cooldown is over. Returns the `place` of the email. */
  openLater(code: string, changes?: OpenChanges): Promise<number>;
  attempt(
    code: string,
    holder?: string,
    changes?: { token?: string; tokenTtl?: number },
  ): Promise<AttemptOutcome>;
  discard(code: string, place: number, newHolder?: string): Promise<DiscardOutcome>;
  redeem(token: string): Promise<RedeemOutcome>;
  release(token: string, end: number): Promise<void>;
  peek(holder: string): Promise<PeekOutcome>;
  count(step: CountRequest['step'], window?: number): Promise<CountOutcome>;
  /** The token of the proof with the nonce `n` is `token-of-n`. */
  prove(nonce: string, changes?: ProveChanges): Promise<ProveOutcome>;
}

interface ProveChanges {
  readonly token?: string;
  readonly tokenTtl?: number;
  readonly nonceTtl?: number;
}

export function createSteps(store: Store, clock: TestClock, passTime: (ms: number) => Promise<void>): Steps {
  const run = randomUUID();
  const digest = (name: string) =>
    createHash('sha256').update(`${run} ${name}`).digest('base64url').slice(0, 16);
  const optional = (name: string | undefined) => (name === undefined ? undefined : digest(name));
  const key = { mailbox: digest('mailbox'), challenge: digest('challenge') };
  let opened = 0;

  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await passTime(ms);
  }

  async function open(
    code: string,
    { holder, newHolder, codeOfNewHolder, ...changes }: OpenChanges = {},
    timeout = TIMEOUT,
  ): Promise<OpenOutcome> {
    opened += 1;
    return store.open(
      {
        ...key,
        code: digest(code),
        codeOfNewHolder: optional(codeOfNewHolder),
        codeTtl: 3 * MINUTE,
        holder: optional(holder),
        newHolder: digest(newHolder ?? `holder-${opened}`),
        maxAttempts: 2,
        limits: LIMITS,
        ...changes,
      },
      timeout,
    );
  }

  return {
    store,
    clock,
    key,
    start: clock.now(),
    digest,
    pass,
    passTo: (time) => pass(time - clock.now()),
    open,
    async openLater(code, changes) {
      await pass(MINUTE);
      return placeOf(await open(code, changes));
    },
    attempt(code, holder, { token = `token-of-${code}`, tokenTtl = 15 * MINUTE } = {}) {
      const digests = { code: digest(code), holder: optional(holder), token: digest(token) };
      return store.attempt({ ...key, ...digests, tokenTtl }, TIMEOUT);
    },
    discard: (code, place, newHolder) =>
      store.discard(
        { ...key, code: digest(code), newHolder: optional(newHolder), place, limits: LIMITS },
        TIMEOUT,
      ),
    redeem: (token) => store.redeem({ ...key, token: digest(token) }, TIMEOUT),
    release: (token, end) => store.release({ ...key, token: digest(token), end }, TIMEOUT),
    peek: (holder) => store.peek({ ...key, holder: digest(holder) }, TIMEOUT),
    count: (step, window = MINUTE) => store.count({ ip: digest('ip'), window, step }, TIMEOUT),
    async prove(nonce, { token = `token-of-${nonce}`, tokenTtl = 15 * MINUTE, nonceTtl = 12 * MINUTE } = {}) {
      const request = { ...key, nonce: digest(nonce), nonceTtl, token: digest(token), tokenTtl };
      return (await store.prove?.(request, TIMEOUT)) ?? assert.fail('There is no prove().');
    },
  };
}

/** The place of an email that was opened. */
export function placeOf(outcome: OpenOutcome): number {
  if (outcome.kind === 'opened') return outcome.place;
  return assert.fail(`Expected an opened challenge. Received ${JSON.stringify(outcome)}.`);
}

/** The outcome is exactly this. A store may return an object of a class, and leave out what is undefined. */
export function is<T extends object>(outcome: T, expected: T): void {
  assert.deepEqual(plain(outcome), plain(expected));
}

/** The outcome has these fields, among others. */
export function has<T extends object>(outcome: T, expected: Partial<T>): void {
  const fields = Object.keys(expected).map((name) => [name, Reflect.get(outcome, name)]);
  assert.deepEqual(plain(Object.fromEntries(fields)), plain(expected));
}

function plain(outcome: object): object {
  return Object.fromEntries(Object.entries(outcome).filter(([, value]) => value !== undefined));
}
