/** A cache with an end for each entry. Calls for one key share one load, and neither entries nor loads grow without bound. */

export interface Loaded<T> {
  readonly value: T;
  /** How long the value may be used, in ms. */
  readonly ttl: number;
}

interface Entry<T> {
  readonly promise: Promise<T>;
  /** Undefined while it is being loaded. */
  loadedAt?: number;
  endsAt?: number;
}

export interface SharedCache<T> {
  /** The value of a key, loaded unless there is one. Undefined if too many are being loaded. */
  get(key: string): Promise<T> | undefined;
  /**
   * Forgets a value that is older than that, in ms, unless too many are being loaded. Returns whether the next call gets
   * another one.
   */
  forget(key: string, olderThan: number): boolean;
}

/** @param load Must settle by itself. It never rejects. */
export function createSharedCache<T>(
  maxEntries: number,
  maxLoads: number,
  load: (key: string) => Promise<Loaded<T>>,
): SharedCache<T> {
  /** The most recently used last. */
  const entries = new Map<string, Entry<T>>();
  let loads = 0;

  function begin(key: string): Entry<T> {
    loads += 1;
    const entry: Entry<T> = {
      promise: load(key).then(({ value, ttl }) => {
        loads -= 1;
        entry.loadedAt = performance.now();
        entry.endsAt = entry.loadedAt + ttl;
        return value;
      }),
    };
    return entry;
  }

  return {
    get(key) {
      const held = entries.get(key);
      entries.delete(key);
      const isUsable = held && (held.endsAt === undefined || held.endsAt > performance.now());
      if (!isUsable && loads >= maxLoads) return undefined;
      const entry = isUsable ? held : begin(key);
      entries.set(key, entry);
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries) break;
        entries.delete(oldest);
      }
      return entry.promise;
    },
    forget(key, olderThan) {
      const loadedAt = entries.get(key)?.loadedAt;
      // Another call has forgotten it before, or it was dropped.
      if (loadedAt === undefined) return true;
      return performance.now() - loadedAt >= olderThan && loads < maxLoads && entries.delete(key);
    },
  };
}
