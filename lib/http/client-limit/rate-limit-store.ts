/** The stores that express-rate-limit counts in: ours, with digests of the IP, or the app's own. All calls have a deadline. */
import type { ClientRateLimitInfo, LegacyStore, Store as RateLimitStore } from 'express-rate-limit';
import { warn } from '../../events.js';
import type { Settings } from '../../options/options.js';

/** The request could not be counted, or not in time. `cause` says why. */
export class ClientStoreError extends Error {
  override readonly name = 'ClientStoreError';
  constructor(cause: unknown) {
    super('The client limit could not be counted.', { cause });
  }
}

/** Counts in our store, in one round trip. Each purpose, route and window has its own count. */
export function createClientStore(settings: Settings, route: string, windowMs: number): RateLimitStore {
  const { store, storeTimeout, purpose } = settings;
  const [hasher] = settings.hashers;
  const prefix = `${purpose}\0${route}\0${windowMs}\0`;

  async function count(key: string, step: 'hit' | 'undo' | 'forget'): Promise<ClientRateLimitInfo> {
    try {
      const ip = hasher.ip(prefix + key);
      const { hits, resetsIn } = await store.count({ ip, window: windowMs, step }, storeTimeout);
      return { totalHits: hits, resetTime: new Date(Date.now() + resetsIn) };
    } catch (cause) {
      throw new ClientStoreError(cause);
    }
  }

  return {
    prefix,
    increment: (key) => count(key, 'hit'),
    async decrement(key) {
      await count(key, 'undo');
    },
    async resetKey(key) {
      await count(key, 'forget');
    },
  };
}

/** Stores of apps that already count for a limit. */
const inUse = new WeakSet<object>();

/** Wraps a store of the app. If it does not answer in time, or returns anything but a count, the route is unavailable. */
export function boundStore(
  path: string,
  store: RateLimitStore | LegacyStore,
  timeout: number,
): RateLimitStore {
  if (inUse.has(store))
    warn(
      `The store in \`${path}.store\` also counts for another limit, on the same keys: create one for each.`,
    );
  inUse.add(store);
  const increment = isLegacy(store) ? incrementOf(store) : (key: string) => store.increment(key);
  const { prefix, localKeys, init }: Partial<RateLimitStore> = isLegacy(store) ? {} : store;
  return {
    prefix,
    localKeys,
    init: (options) => (init ? Reflect.apply(init, store, [options]) : undefined),
    async increment(key) {
      try {
        const { totalHits, resetTime } = await within(timeout, async () => increment(key));
        // A count that is not a number would be below every limit.
        if (!Number.isFinite(totalHits))
          throw new TypeError('The store of `rateLimit` returned no number of hits.');
        const reset = new Date(resetTime ?? Number.NaN);
        return { totalHits, resetTime: Number.isFinite(reset.getTime()) ? reset : undefined };
      } catch (cause) {
        throw new ClientStoreError(cause);
      }
    },
    decrement: (key) => within(timeout, async () => store.decrement(key)),
    resetKey: (key) => within(timeout, async () => store.resetKey(key)),
  };
}

function isLegacy(store: RateLimitStore | LegacyStore): store is LegacyStore {
  return !('increment' in store && typeof store.increment === 'function');
}

function incrementOf(store: LegacyStore): (key: string) => Promise<ClientRateLimitInfo> {
  return (key) =>
    new Promise((resolve, reject) => {
      store.incr(key, (error, totalHits, resetTime) =>
        error ? reject(error) : resolve({ totalHits, resetTime }),
      );
    });
}

async function within<T>(timeout: number, call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('The store of `rateLimit` did not answer in time.')), timeout);
  });
  try {
    return await Promise.race([call(), late]);
  } finally {
    clearTimeout(timer);
  }
}
