/**
 * Runs the timeouts of many calls on few timers: calls that time out within the same few milliseconds share one timer and
 * one AbortSignal. A timer for each command would cost more than the command.
 */
import { setMaxListeners } from 'node:events';
import { StoreTimeout } from './store.js';

/** How far apart two timers are, in ms: a call may time out early by as much. */
export const RESOLUTION = 10;

export class Timeouts<Shared = undefined> {
  readonly #byEnd = new Map<number, SharedTimeout<Shared>>();
  readonly #share: (signal: AbortSignal) => Shared;

  /** @param share Creates what all calls of one timeout share. */
  constructor(share: (signal: AbortSignal) => Shared) {
    this.#share = share;
  }

  /** The timeout that ends `milliseconds` from now. */
  in(milliseconds: number): SharedTimeout<Shared> {
    const now = performance.now();
    const end = Math.floor((now + milliseconds) / RESOLUTION);
    const known = this.#byEnd.get(end);
    if (known) return known;

    const timeout = new SharedTimeout(this.#share);
    this.#byEnd.set(end, timeout);
    const timer = setTimeout(
      () => {
        this.#byEnd.delete(end);
        timeout.end();
      },
      Math.max(0, end * RESOLUTION - now),
    );
    timer.unref();
    return timeout;
  }
}

export class SharedTimeout<Shared> {
  readonly #abort = new AbortController();
  readonly #pending = new Set<() => void>();
  /** Aborts at the end of the timeout, which cancels a command that has not been written yet. */
  readonly signal: AbortSignal = this.#abort.signal;
  readonly shared: Shared;

  constructor(share: (signal: AbortSignal) => Shared) {
    setMaxListeners(0, this.signal);
    this.shared = share(this.signal);
  }

  /** Settles like the call, or rejects at the end of the timeout, whichever comes first. */
  race<T>(call: Promise<T>, { timedOut, recover }: RaceOptions<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(timedOut ? timedOut() : new StoreTimeout());
      const done = (value: T) => {
        this.#pending.delete(giveUp);
        resolve(value);
      };
      const failed = (error: unknown) => {
        this.#pending.delete(giveUp);
        reject(error);
      };
      this.#pending.add(giveUp);
      call.then(done, recover ? (error) => recover(error).then(done, failed) : failed);
    });
  }

  end(): void {
    for (const giveUp of this.#pending) giveUp();
    this.#pending.clear();
    this.#abort.abort(new StoreTimeout());
  }
}

interface RaceOptions<T> {
  /** The error at the end of the timeout. @default a StoreTimeout */
  readonly timedOut?: () => Error;
  /** May turn an error of the call into something else. */
  readonly recover?: (error: unknown) => Promise<T>;
}
