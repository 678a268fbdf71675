/** describeStoreContract(): the tests that every store passes, in Jest, Vitest, Mocha or node:test. */
import { inspect } from 'node:util';
import { readOptionsOf } from '../../checks.js';
import { checkStore } from '../../store/bounded-store.js';
import type { Store } from '../../store/store.js';
import { createTestClock } from '../clock.js';
import { refuseInProduction } from '../refuse-production.js';
import { attemptTests } from './attempts.js';
import { counterTests } from './counters.js';
import { limitTests } from './limits.js';
import { modelTests } from './model.js';
import { proofTests } from './proofs.js';
import { raceTests } from './races.js';
import { type ContractTest, createSteps } from './steps.js';
import { supportTests } from './support.js';
import { tokenTests } from './tokens.js';

/**
 * Returns the store to test. It is called before each test and may return the same store each time: tests do not use the
 * same digests twice. The store takes the time from `clock`.
 */
export type StoreFactory = (clock: () => number) => Store | Promise<Store>;

export interface StoreContractOptions {
  /** Groups tests, as in Jest. @default the global one */
  readonly describe?: Describe | undefined;
  /** Defines a test, as in Jest, with `it.skip`. @default the global one */
  readonly it?: It | undefined;
  /**
   * Called with the milliseconds that the clock has been moved by. For a store whose data also expires by another clock, such
   * as that of Redis: expire there what would have expired in that time. @default does nothing
   */
  readonly passTime?: ((ms: number) => Promise<void>) | undefined;
}

type Describe = (name: string, define: () => void) => unknown;
type DefineTest = (name: string, test: () => Promise<void>) => unknown;
type It = DefineTest & { readonly skip: DefineTest };

const TESTS: Readonly<Record<string, readonly ContractTest[]>> = {
  limits: limitTests,
  attempts: attemptTests,
  tokens: tokenTests,
  counters: counterTests,
  'support staff': supportTests,
  'browser proofs': proofTests,
  races: raceTests,
  'random sequences': modelTests,
};

/**
 * Defines the tests that every store passes: the rules of a challenge, to the millisecond; that operations are atomic; and
 * that random sequences have the same outcomes as on `MemoryStore`. If `createStore` takes no clock, the tests that move
 * time are skipped, which leaves out most of the rules.
 *
 * @throws TypeError if there is no `describe` and `it`, or NODE_ENV is production.
 * @example
 * describeStoreContract('PostgresStore', (clock) => new PostgresStore(pool, { clock }));
 */
export function describeStoreContract(
  name: string,
  createStore: StoreFactory,
  options: StoreContractOptions = {},
): void {
  refuseInProduction('describeStoreContract()');
  if (typeof createStore !== 'function') {
    throw new TypeError(
      `describeStoreContract() takes a function that returns the store. Received ${inspect(createStore, { depth: -1 })}.`,
    );
  }
  const read = readOptionsOf('describeStoreContract()', options, {
    describe: true,
    it: true,
    passTime: true,
  });
  const describe = read.describe ?? globalFunction('describe');
  const it = read.it ?? globalFunction('it');
  const { passTime = async () => {} } = read;
  if (!isDescribe(describe) || !isIt(it)) {
    throw new TypeError(
      'describeStoreContract() found no global `describe` and `it`: pass them as its third argument, { describe, it }, as imported from vitest, @jest/globals or node:test.',
    );
  }
  const hasClock = createStore.length > 0;

  const define = ({ sentence, movesTime, of, run }: ContractTest) => {
    const test = async () => {
      const clock = createTestClock();
      const store = checkStore(await createStore(clock.now));
      // That a store has both operations or neither is a test of its own.
      if (of === 'support' && !store.status && !store.forget) return;
      if (of === 'proofs' && !store.prove) return;
      await run(createSteps(store, clock, passTime));
    };
    if (movesTime && !hasClock) it.skip(`${sentence} (skipped: the store takes no clock)`, test);
    else it(sentence, test);
  };
  describe(name, () => {
    for (const [group, tests] of Object.entries(TESTS)) {
      describe(group, () => {
        for (const test of tests) define(test);
      });
    }
  });
}

function globalFunction(name: string): unknown {
  return Reflect.get(globalThis, name);
}

function isDescribe(value: unknown): value is Describe {
  return typeof value === 'function';
}

function isIt(value: unknown): value is It {
  return typeof value === 'function' && typeof Reflect.get(value, 'skip') === 'function';
}
