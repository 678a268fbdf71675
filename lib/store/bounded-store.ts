/**
 * Makes any store, including one of the app's own, keep the promises of the port: each call settles in time, with an
 * outcome that the port knows or a meaningful error. Whatever a call does later is ignored.
 */
import { inspect } from 'node:util';
import { hasMethod, isThenable, nameOf } from '../describe.js';
import {
  type AttemptOutcome,
  type CountOutcome,
  type DiscardOutcome,
  type Forgotten,
  type OpenOutcome,
  type PeekOutcome,
  type ProveOutcome,
  type RedeemOutcome,
  type Store,
  type StoredStatus,
  StoreTimeout,
} from './store.js';
import { RESOLUTION, Timeouts } from './timeouts.js';

/**
 * How much longer than its timeout a store may take, in ms. One that keeps its timeout, as ours do, then reports first: it
 * knows more about what went wrong.
 */
const GRACE = 2 * RESOLUTION;

const OPERATIONS = [
  'open',
  'attempt',
  'discard',
  'redeem',
  'release',
  'peek',
  'count',
  'check',
] as const satisfies readonly (keyof Store)[];

type Fits<T> = (outcome: unknown) => outcome is T;

/** @throws TypeError if it is not a store. `store` itself is not shown, because a Redis client in its place holds a password. */
export function checkStore(store: Store): Store {
  const missing = OPERATIONS.filter((name) => !hasMethod(store, name));
  if (missing.length === 0) return store;
  throw new TypeError(
    `The \`store\` option must be a RedisStore, a MemoryStore or a Store of your own. Received ${fault()}.`,
  );

  function fault(): string {
    if (isThenable(store)) return 'a promise: await it';
    if (hasMethod(store, 'evalSha') || hasMethod(store, 'evalsha'))
      return 'a Redis client: pass `new RedisStore(client)`';
    if (missing.length === OPERATIONS.length) return nameOf(store);
    return `${nameOf(store)} without ${missing.map((name) => `${name}()`).join(', ')}`;
  }
}

export function boundedStore(store: Store): Store {
  const timeouts = new Timeouts(() => undefined);

  async function bounded<T>(
    operation: keyof Store,
    call: () => unknown,
    timeout: number,
    fits: Fits<T>,
  ): Promise<T> {
    const timedOut = () =>
      new StoreTimeout(`${operation}() of the store did not settle within ${timeout} ms (\`storeTimeout\`).`);
    const recover = (reason: unknown) => Promise.reject(errorOf(operation, reason));
    // Begun before its time runs: the store's own timeout must not start later than this one, however busy the machine.
    const settled = settling(call);
    const outcome = await timeouts.in(timeout + GRACE).race(settled, { timedOut, recover });
    if (fits(outcome)) return outcome;
    throw new TypeError(
      `${operation}() of the store returned ${named(outcome)}, which is not one of its outcomes.`,
    );
  }

  return {
    open: (request, timeout) => bounded('open', () => store.open(request, timeout), timeout, isOpen),
    attempt: (request, timeout) =>
      bounded('attempt', () => store.attempt(request, timeout), timeout, isAttempt),
    discard: (request, timeout) =>
      bounded('discard', () => store.discard(request, timeout), timeout, isDiscard),
    redeem: (request, timeout) => bounded('redeem', () => store.redeem(request, timeout), timeout, isRedeem),
    release: (request, timeout) =>
      bounded('release', () => store.release(request, timeout), timeout, isAnything),
    peek: (request, timeout) => bounded('peek', () => store.peek(request, timeout), timeout, isPeek),
    count: (request, timeout) => bounded('count', () => store.count(request, timeout), timeout, isCount),
    ...(hasMethod(store, 'status') && {
      status: (request, timeout) =>
        bounded('status', () => store.status?.(request, timeout), timeout, isStatus),
    }),
    ...(hasMethod(store, 'forget') && {
      forget: (request, timeout) =>
        bounded('forget', () => store.forget?.(request, timeout), timeout, isForget),
    }),
    ...(hasMethod(store, 'prove') && {
      prove: (request, timeout) => bounded('prove', () => store.prove?.(request, timeout), timeout, isProve),
    }),
    check: (timeout) => bounded('check', () => store.check(timeout), timeout, isSentences),
  };
}

/** The call as a promise, even if it throws or returns something else. */
function settling(call: () => unknown): Promise<unknown> {
  try {
    return Promise.resolve(call());
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/** A rejection with undefined would look like no error. */
function errorOf(operation: string, reason: unknown): object {
  if (typeof reason === 'object' && reason !== null) return reason;
  return new Error(`${operation}() of the store failed with ${inspect(reason)}.`);
}

/** Leaves out the rest of the outcome, which may hold what must not be logged. */
function named(outcome: unknown): string {
  const { kind }: Fields = Object(outcome);
  return typeof kind === 'string' ? `{ kind: ${inspect(kind.slice(0, 40))}, … }` : nameOf(outcome);
}

function isOpen(outcome: unknown): outcome is OpenOutcome {
  const { kind, kept, place, expiresIn, resendIn, retryIn }: Fields = Object(outcome);
  if (kind === 'limited') return isNumber(retryIn) && isNumberOrNone(expiresIn);
  const times = isNumber(place) && isNumber(expiresIn) && isNumber(resendIn);
  return kind === 'opened' && typeof kept === 'boolean' && times;
}

function isAttempt(outcome: unknown): outcome is AttemptOutcome {
  const { kind, attemptsLeft, live }: Fields = Object(outcome);
  if (kind === 'incorrect' || kind === 'outdated') return isNumber(attemptsLeft);
  return kind === 'accepted' || (kind === 'expired' && typeof live === 'boolean');
}

function isDiscard(outcome: unknown): outcome is DiscardOutcome {
  const { kind, resendIn }: Fields = Object(outcome);
  return kind === 'discarded' && isNumber(resendIn);
}

function isRedeem(outcome: unknown): outcome is RedeemOutcome {
  const { kind, end }: Fields = Object(outcome);
  return kind === 'unknown' || (kind === 'redeemed' && isNumber(end));
}

function isPeek(outcome: unknown): outcome is PeekOutcome {
  const { expiresIn }: Fields = Object(outcome);
  return typeof outcome === 'object' && outcome !== null && isNumberOrNone(expiresIn);
}

function isStatus(outcome: unknown): outcome is StoredStatus {
  const { kind, codes, attemptsLeft, sends, resendIn, tokens }: Fields = Object(outcome);
  const numbers = [attemptsLeft, sends, resendIn, tokens];
  return kind === 'status' && Array.isArray(codes) && [...codes, ...numbers].every(isNumber);
}

function isForget(outcome: unknown): outcome is Forgotten {
  const { kind }: Fields = Object(outcome);
  return kind === 'forgotten';
}

function isProve(outcome: unknown): outcome is ProveOutcome {
  const { kind }: Fields = Object(outcome);
  return kind === 'accepted' || kind === 'used';
}

function isCount(outcome: unknown): outcome is CountOutcome {
  const { hits, resetsIn }: Fields = Object(outcome);
  return isNumber(hits) && isNumber(resetsIn);
}

function isSentences(outcome: unknown): outcome is readonly string[] {
  return Array.isArray(outcome) && outcome.every((sentence) => typeof sentence === 'string');
}

function isAnything(_outcome: unknown): _outcome is undefined {
  return true;
}

type Fields = Readonly<Record<string, unknown>>;

function isNumber(value: unknown): boolean {
  return Number.isFinite(value);
}

function isNumberOrNone(value: unknown): boolean {
  return value === undefined || isNumber(value);
}
