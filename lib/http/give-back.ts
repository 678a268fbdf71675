/** Delays the end of a response until its token is given back, so that the next request can use it. */
import { isUint8Array } from 'node:util/types';
import type { Response } from 'express';

export interface GiveBack {
  /** Whether the token is given back after this response. */
  readonly rule: (res: Response) => boolean | PromiseLike<boolean>;
  /** Replaces a rule that threw, for the response of the app's error handler. */
  readonly fallback: (res: Response) => boolean;
  /** Waits for a promise that the rule returned, up to a time limit. */
  readonly within: (decision: PromiseLike<boolean>) => Promise<boolean>;
  readonly release: () => Promise<unknown>;
}

/**
 * Decides once, when the handler ends its response, by the status at that moment. It does not decide on `close`: Node
 * emits that with status 200 when a client hangs up, and one token could then run any number of handlers.
 *
 * @param fail Receives what the rule throws, and what the delayed `end()` throws.
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
      // The response did not end. The one that the app sends instead decides.
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
    // Node throws for an invalid chunk, and the caller must see that error.
    if (!isChunk(args[0])) {
      endNow(args);
      settle(decide()).catch(fail);
      return res;
    }
    const decision = decide();
    if (decision === false) return endNow(args);
    const { thaw, destroyIfRequested } = freeze(res);
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
      .finally(destroyIfRequested);
    return res;
  };
}

/** Whether Node's `end()` accepts this as its first argument: nothing, a callback, or data. */
function isChunk(chunk: unknown): boolean {
  return !chunk || typeof chunk === 'string' || typeof chunk === 'function' || isUint8Array(chunk);
}

function isPromiseLike(value: unknown): value is PromiseLike<boolean> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

const HEADER_METHODS = [
  ...['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers', 'setTrailer'],
  ...['writeHead', 'flushHeaders', 'writeContinue', 'writeProcessing', 'writeEarlyHints'],
];

/**
 * Keeps an error handler or a timeout of the app from changing a complete response before it is sent. Nothing throws.
 * `headersSent` is false even if the headers were sent: otherwise, if a handler throws, Express would close the
 * connection, and the end of the response would never be sent.
 */
function freeze(res: Response): { thaw: () => void; destroyIfRequested: () => void } {
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

  for (const name of HEADER_METHODS) {
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
    destroyIfRequested() {
      if (destroyArgs) Reflect.apply(res.destroy, res, destroyArgs);
    },
  };
}
