/** Calls a function of the app, and waits for its result no longer than the app's timeout. */
import { errorOf } from '../errors.js';

export type HookResult<T> = { readonly kind: 'answered'; readonly value: T } | { readonly kind: 'late' };

/** @throws What the function throws or rejects with in time, always as an error. Later errors are ignored. */
export async function callHook<T>(hook: () => T | PromiseLike<T>, timeout: number): Promise<HookResult<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HookResult<T>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'late' }), timeout);
  });
  try {
    return await Promise.race([resultOf(hook), late]);
  } catch (thrown) {
    throw errorOf(thrown);
  } finally {
    clearTimeout(timer);
  }
}

async function resultOf<T>(hook: () => T | PromiseLike<T>): Promise<HookResult<T>> {
  return { kind: 'answered', value: await hook() };
}
