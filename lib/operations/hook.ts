/** Calls a function of the app, and waits for its answer no longer than the app allows. */
import { errorOf } from '../errors.js';

export type HookAnswer<T> = { readonly kind: 'answered'; readonly value: T } | { readonly kind: 'late' };

/** @throws What the function throws or rejects with in time, always as an error. Anything later is ignored. */
export async function callHook<T>(hook: () => T | PromiseLike<T>, timeout: number): Promise<HookAnswer<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HookAnswer<T>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'late' }), timeout);
  });
  try {
    return await Promise.race([answerOf(hook), late]);
  } catch (thrown) {
    throw errorOf(thrown);
  } finally {
    clearTimeout(timer);
  }
}

async function answerOf<T>(hook: () => T | PromiseLike<T>): Promise<HookAnswer<T>> {
  return { kind: 'answered', value: await hook() };
}
