/** The published store contract: it finds faults of stores, and works with any test runner. */
import { execFileSync } from 'node:child_process';
import { MemoryStore, RedisStore, type Store } from 'express-email-verification';
import {
  describeStoreContract,
  type StoreContractOptions,
  type StoreFactory,
} from 'express-email-verification/testing';
import { useRedis } from '../support/redis.js';

const redis = useRedis();

/** The tests that the contract defines for a store, as a test runner collects them. */
function contractOf(createStore: StoreFactory, options: StoreContractOptions = {}) {
  const tests: { name: string; run: () => Promise<void> }[] = [];
  const skipped: string[] = [];
  const groups: string[] = [];
  const it = Object.assign(
    (name: string, run: () => Promise<void>) => void tests.push({ name: [...groups, name].join(' › '), run }),
    { skip: (name: string) => void skipped.push(name) },
  );
  const describe = (name: string, define: () => void) => {
    groups.push(name);
    define();
    groups.pop();
  };
  describeStoreContract('it', createStore, { describe, it, ...options });
  return { tests, skipped };
}

/** The names of the tests that a store fails. */
async function failuresOf(createStore: StoreFactory): Promise<string[]> {
  const failures: string[] = [];
  for (const { name, run } of contractOf(createStore).tests) await run().catch(() => failures.push(name));
  return failures;
}

/** Lets other calls run between what a store reads and what it writes. */
const pause = () => new Promise((resolve) => setImmediate(resolve));

const FORGOTTEN = { kind: 'forgotten' } as const;
const USED = { kind: 'used' } as const;

const FAULTS: Record<string, (good: Store, clock: () => number) => Partial<Store>> = {
  'ignores limits': (good) => ({
    open: (request, timeout) => good.open({ ...request, limits: [] }, timeout),
  }),
  'carries out late calls': (good) => ({ open: (request) => good.open(request, 1000) }),
  'gives attempts back with another code': (good) => ({
    open: (request, timeout) => good.open({ ...request, holder: undefined }, timeout),
  }),
  'lets holders use the shared attempts': (good) => ({
    async attempt(request, timeout) {
      const own = await good.attempt(request, timeout);
      const isSpent = own.kind === 'expired' && own.live;
      return isSpent ? good.attempt({ ...request, holder: undefined }, timeout) : own;
    },
  }),
  'does not tell ended codes from wrong ones': (good) => ({
    async attempt(request, timeout) {
      const outcome = await good.attempt(request, timeout);
      return outcome.kind === 'outdated' ? { ...outcome, kind: 'incorrect' } : outcome;
    },
  }),
  'lets a code live a millisecond longer': (good) => ({
    open: (request, timeout) => good.open({ ...request, codeTtl: request.codeTtl + 1 }, timeout),
  }),
  'lets a token live a millisecond longer': (good) => ({
    attempt: (request, timeout) => good.attempt({ ...request, tokenTtl: request.tokenTtl + 1 }, timeout),
  }),
  'redeems a token twice': (good) => ({
    async redeem(request, timeout) {
      const outcome = await good.redeem(request, timeout);
      if (outcome.kind === 'redeemed') await good.release({ ...request, end: outcome.end }, timeout);
      return outcome;
    },
  }),
  'reads and writes a token in two steps': (good) => {
    const redeemed = new Set<string>();
    return {
      async redeem(request, timeout) {
        if (redeemed.has(request.token)) return { kind: 'unknown' };
        await pause();
        redeemed.add(request.token);
        const outcome = await good.redeem(request, timeout);
        return outcome.kind === 'redeemed' ? outcome : { kind: 'redeemed', end: Date.now() };
      },
    };
  },
  'reads and writes a counter in two steps': () => {
    const counts = new Map<string, number>();
    return {
      async count({ ip, step, window }) {
        const hits = Math.max(0, (counts.get(ip) ?? 0) + { hit: 1, undo: -1, forget: -1000 }[step]);
        await pause();
        counts.set(ip, hits);
        return { hits, resetsIn: window };
      },
    };
  },
  'gives back more than three places': (good) => ({
    discard: async (request, timeout) => ({ ...(await good.discard(request, timeout)), resendIn: 0 }),
  }),
  'gives a token a new end': (good, clock) => ({
    release: (request, timeout) => good.release({ ...request, end: clock() + 900_000 }, timeout),
  }),
  'forgets a challenge but not the emails of its mailbox': (good) => ({
    forget: async ({ challenge }, timeout) => good.forget?.({ mailbox: '', challenge }, timeout) ?? FORGOTTEN,
  }),
  'forgets nothing': () => ({ forget: async () => FORGOTTEN }),
  'counts emails that were given back': (good) => ({
    async status(request, timeout) {
      const status = await new MemoryStore().status(request, timeout);
      return { ...status, ...(await good.status?.(request, timeout)), sends: 1 };
    },
  }),
  'accepts a nonce twice': (good) => ({
    prove: async (request, timeout) => {
      const nonce = request.nonce.slice(4) + request.token.slice(0, 4);
      return good.prove?.({ ...request, nonce }, timeout) ?? USED;
    },
  }),
  'forgets nonces with their challenge': (good) => {
    let forgotten = 0;
    return {
      prove: async (request, timeout) =>
        good.prove?.({ ...request, nonce: `${request.nonce}${forgotten}` }, timeout) ?? USED,
      async forget(request, timeout) {
        forgotten += 1;
        return good.forget?.(request, timeout) ?? FORGOTTEN;
      },
    };
  },
  'leaves the codes as they are after a proof': (good) => ({
    async prove(request, timeout) {
      const outcome = await good.prove?.({ ...request, challenge: 'elsewhere' }, timeout);
      if (outcome?.kind !== 'accepted') return USED;
      const end = Date.now() + request.tokenTtl;
      await good.release({ ...request, end }, timeout);
      return outcome;
    },
  }),
  'has status() without forget()': () => ({ forget: undefined }),
  'has a problem': () => ({ check: async () => ['It is read-only.'] }),
};

const OPERATIONS = [
  ...(['open', 'attempt', 'discard', 'redeem', 'release', 'peek', 'count', 'check'] as const),
  ...(['status', 'forget', 'prove'] as const),
];

/** A MemoryStore with some operations replaced. */
function storeWith(fault: (good: Store, clock: () => number) => Partial<Store>): StoreFactory {
  return (clock) => {
    const good = new MemoryStore({ clock });
    const bound = Object.fromEntries(OPERATIONS.map((name) => [name, good[name].bind(good)]));
    return { ...(bound as unknown as Store), ...fault(good, clock) };
  };
}

it.each(Object.entries(FAULTS))('a store that %s fails', async (_name, fault) => {
  expect(await failuresOf(storeWith(fault))).not.toEqual([]);
});

it('a store without a fault passes', async () => {
  expect(await failuresOf(storeWith(() => ({})))).toEqual([]);
});

it('a store without an operation fails with a sentence that names it', async () => {
  const [first] = contractOf(() => ({ ...new MemoryStore() }) as Store).tests;
  await expect(first?.run()).rejects.toThrow('must be a RedisStore, a MemoryStore or a Store of your own');
});

it('a store without a clock passes the tests that move no time, and the others are skipped', async () => {
  const { tests, skipped } = contractOf(() => new RedisStore(redis.client));
  for (const { run } of tests) await run();
  expect(tests.length).toBeGreaterThan(15);
  expect(skipped.length).toBeGreaterThan(30);
  expect(skipped).toContainEqual(expect.stringContaining('skipped: the store takes no clock'));
});

it('tells passTime by how much the clock has moved', async () => {
  let now = 0;
  let passed = 0;
  const { tests } = contractOf(
    (clock) => {
      now = clock();
      return new MemoryStore({
        clock: () => {
          // The store is never called at a time that passTime was not told of.
          expect(clock()).toBe(now + passed);
          return clock();
        },
      });
    },
    {
      passTime: async (ms) => {
        passed += ms;
      },
    },
  );
  for (const { run } of tests) {
    passed = 0;
    await run();
  }
  expect(passed).toBeGreaterThan(0);
});

it('refuses anything but a function, and unknown options', () => {
  expect(() => describeStoreContract('it', new MemoryStore() as never)).toThrow(
    'takes a function that returns',
  );
  expect(() => describeStoreContract('it', () => new MemoryStore(), { test: it } as never)).toThrow(
    'Unknown option `test` of describeStoreContract()',
  );
});

it('says what to pass if the test runner has no globals', () => {
  const { it: defineTest } = globalThis;
  Reflect.deleteProperty(globalThis, 'it');
  try {
    expect(() => describeStoreContract('it', () => new MemoryStore())).toThrow(
      'found no global `describe` and `it`: pass them as its third argument',
    );
  } finally {
    globalThis.it = defineTest;
  }
});

it('runs with node:test', () => {
  const script = `
    const { describe, it } = require('node:test');
    const { describeStoreContract } = require('./lib/testing/testing.ts');
    const { MemoryStore } = require('./lib/index.ts');
    describeStoreContract('it', (clock) => new MemoryStore({ clock }), { describe, it });`;
  const report = execFileSync(process.execPath, ['--import', 'tsx', '--test-reporter=tap', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'test' },
  });
  expect(report).toMatch(/^# pass [1-9]\d+$/m);
  expect(report).toMatch(/^# fail 0$/m);
});
