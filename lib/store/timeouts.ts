/**
 * Deadlines for many calls on few timers: calls that end within the same few milliseconds share one timer
 * and one AbortSignal. A timer for each command would cost more than the command.
 */
import { setMaxListeners } from 'node:events';
import { StoreTimeout } from './store.js';

/** How far apart two timers are, in ms: the most by which a call is given up on too early. */
export const RESOLUTION = 10;

export interface Deadline<Means> {
  /** Aborts at the deadline: takes a command back that was not yet written. */
  readonly signal: AbortSignal;
  /** What calls are made by that end at this deadline: made once for all of them. */
  readonly means: Means;
  /** Settles as the call does, or rejects at the deadline, whichever is first. */
  race<T>(call: Promise<T>, ways: RaceWays<T>): Promise<T>;
}

interface RaceWays<T> {
  /** What the caller is told at the deadline. @default a StoreTimeout */
  readonly timedOut?: () => Error;
  /** May still turn an error of the call into something else. */
  readonly recover?: (error: unknown) => Promise<T>;
}

export class Deadlines<Means = undefined> {
  readonly #slots = new Map<number, Slot<Means>>();
  readonly #meansFor: (signal: AbortSignal) => Means;

  constructor(meansFor: (signal: AbortSignal) => Means) {
    this.#meansFor = meansFor;
  }

  /** The deadline `timeout` ms from now. */
  in(timeout: number): Deadline<Means> {
    const now = performance.now();
    const end = Math.floor((now + timeout) / RESOLUTION);
    const known = this.#slots.get(end);
    if (known) return known;

    const slot = new Slot(this.#meansFor);
    this.#slots.set(end, slot);
    const timer = setTimeout(
      () => {
        this.#slots.delete(end);
        slot.end();
      },
      Math.max(0, end * RESOLUTION - now),
    );
    timer.unref();
    return slot;
  }
}

class Slot<Means> implements Deadline<Means> {
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  readonly signal = this.#abort.signal;
  readonly means: Means;

  constructor(meansFor: (signal: AbortSignal) => Means) {
    setMaxListeners(0, this.signal);
    this.means = meansFor(this.signal);
  }

  race<T>(call: Promise<T>, { timedOut, recover }: RaceWays<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(timedOut ? timedOut() : new StoreTimeout());
      const done = (value: T) => {
        this.#waiting.delete(giveUp);
        resolve(value);
      };
      const failed = (error: unknown) => {
        this.#waiting.delete(giveUp);
        reject(error);
      };
      this.#waiting.add(giveUp);
      call.then(done, recover ? (error) => recover(error).then(done, failed) : failed);
    });
  }

  end(): void {
    for (const giveUp of this.#waiting) giveUp();
    this.#waiting.clear();
    this.#abort.abort(new StoreTimeout());
  }
}
