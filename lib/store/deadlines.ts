/**
 * Deadlines for many calls on few timers: calls that end within the same few milliseconds share one timer
 * and one AbortSignal. A timer for each command would cost more than the command.
 */
import { setMaxListeners } from 'node:events';
import { StoreTimeout } from './store.js';

/** How far apart two timers are, in ms: the most by which a call is given up on too early. */
const GRAIN = 10;

export interface Deadline {
  /** Aborts at the deadline: takes a command back that was not yet written. */
  readonly signal: AbortSignal;
  /** Settles as the call does, or rejects with StoreTimeout at the deadline, whichever is first. */
  race<T>(call: Promise<T>): Promise<T>;
}

export class Deadlines {
  readonly #slots = new Map<number, Slot>();

  /** The deadline `timeout` ms from now. */
  in(timeout: number): Deadline {
    const now = performance.now();
    const end = Math.floor((now + timeout) / GRAIN);
    const known = this.#slots.get(end);
    if (known) return known;

    const slot = new Slot();
    this.#slots.set(end, slot);
    const timer = setTimeout(
      () => {
        this.#slots.delete(end);
        slot.end();
      },
      Math.max(0, end * GRAIN - now),
    );
    timer.unref();
    return slot;
  }
}

class Slot implements Deadline {
  readonly #abort = new AbortController();
  readonly #waiting = new Set<(error: Error) => void>();

  constructor() {
    setMaxListeners(0, this.#abort.signal);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  race<T>(call: Promise<T>): Promise<T> {
    if (this.#abort.signal.aborted) return Promise.reject(new StoreTimeout());
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      call.then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        (error) => {
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  end(): void {
    const error = new StoreTimeout();
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
    this.#abort.abort(error);
  }
}
