/** Delays the end of an answer until its token is given back, so that the next request finds it. */
import { isUint8Array } from 'node:util/types';
import type { Response } from 'express';

export interface GiveBack {
  /** Whether the token is given back after this answer. */
  readonly rule: (res: Response) => boolean | PromiseLike<boolean>;
  /** Replaces a rule that has thrown, for the answer of the app's error handler. */
  readonly fallback: (res: Response) => boolean;
  /** Resolves a promise of the rule in time. */
  readonly within: (decision: PromiseLike<boolean>) => Promise<boolean>;
  readonly release: () => Promise<unknown>;
}

/**
 * Decides once, when the handler ends its answer, by the status at that moment. Not on `close`: Node emits it with status
 * 200 when a client hangs up, and then one token would run any number of handlers.
 *
 * @param fail Gets what the rule throws, and what the delayed end throws.
 */
export function giveBackAtEnd(
  res: Response,
  { rule, fallback, within, release }: GiveBack,
  fail: (thrown: unknown) => void,
): void {
  const end = res.end;
  let currentRule = rule;
  let isDecided = false;

  function endNow(args: unknown[]): Response {
    isDecided = true;
    try {
      return Reflect.apply(end, res, args);
    } catch (error) {
      // It did not end. The answer that the app gives instead decides.
      isDecided = false;
      throw error;
    }
  }

  function decide(): boolean | PromiseLike<boolean> {
    try {
      const decision: unknown = currentRule(res);
      return isPromiseLike(decision) ? decision : Boolean(decision);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  async function settle(decision: boolean | PromiseLike<boolean>): Promise<void> {
    const givesBack = typeof decision === 'boolean' ? decision : await within(decision);
    if (givesBack) await release();
  }

  res.end = function endOnce(...args: unknown[]): Response {
    if (isDecided) return Reflect.apply(end, res, args);
    // Node throws for an invalid chunk, and the caller must see that.
    if (!isChunk(args[0])) {
      endNow(args);
      settle(decide()).catch(fail);
      return res;
    }
    const decision = decide();
    if (decision === false) return endNow(args);
    const { thaw, destroyIfAsked } = freeze(res);
    settle(decision)
      .then(
        () => {
          isDecided = true;
          thaw();
          Reflect.apply(end, res, args);
        },
        (thrown) => {
          currentRule = fallback;
          thaw();
          throw thrown;
        },
      )
      .catch(fail)
      .finally(destroyIfAsked);
    return res;
  };
}

/** What Node's `end()` accepts first: nothing, a callback, or what can be written. */
function isChunk(chunk: unknown): boolean {
  return !chunk || typeof chunk === 'string' || typeof chunk === 'function' || isUint8Array(chunk);
}

function isPromiseLike(value: unknown): value is PromiseLike<boolean> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

const CHANGES = [
  ...['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers', 'setTrailer'],
  ...['writeHead', 'flushHeaders', 'writeContinue', 'writeProcessing', 'writeEarlyHints'],
];

/**
 * The answer is complete. Until it has left, an error handler or a timeout of the app cannot change it or add to it, and
 * nothing throws. `headersSent` is false even if the answer has begun, because Express would close the connection of a
 * handler that throws, and the end of the answer would never leave.
 */
function freeze(res: Response): { thaw: () => void; destroyIfAsked: () => void } {
  const { statusCode } = res;
  const before = new Map<string, PropertyDescriptor | undefined>();
  let destroyArgs: unknown[] | undefined;

  function shadow(name: string, descriptor: PropertyDescriptor): void {
    before.set(name, Object.getOwnPropertyDescriptor(res, name));
    Object.defineProperty(res, name, { ...descriptor, configurable: true });
  }
  function ignore(...args: unknown[]): Response {
    const callback = args.at(-1);
    if (typeof callback === 'function') process.nextTick(callback);
    return res;
  }
  function write(...args: unknown[]): boolean {
    const callback = args.at(-1);
    const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
    if (typeof callback === 'function') process.nextTick(callback, error);
    return false;
  }
  function end(...args: unknown[]): Response {
    const callback = args.at(-1);
    if (typeof callback === 'function') res.once('finish', () => callback());
    return res;
  }
  function destroy(...args: unknown[]): Response {
    destroyArgs ??= args;
    return res;
  }

  for (const name of CHANGES) {
    if (name in res) shadow(name, { value: ignore, writable: true });
  }
  for (const value of [write, end, destroy]) shadow(value.name, { value, writable: true });
  shadow('statusCode', { get: () => statusCode, set: () => {} });
  const statusMessage: unknown = Object.getOwnPropertyDescriptor(res, 'statusMessage')?.value;
  shadow('statusMessage', { get: () => statusMessage, set: () => {} });
  shadow('headersSent', { get: () => false });
  shadow('writableEnded', { get: () => true });

  return {
    thaw() {
      for (const [name, descriptor] of before) {
        if (descriptor) Object.defineProperty(res, name, descriptor);
        else Reflect.deleteProperty(res, name);
      }
    },
    destroyIfAsked() {
      if (destroyArgs) Reflect.apply(res.destroy, res, destroyArgs);
    },
  };
}
