/**
 * Simulates people who verify their addresses, over two days of which the second is counted: when each of them requests a
 * code, perhaps another, mistypes it, enters it and signs up, and what the store holds meanwhile.
 */
import { ASSUMED, BYTES, TIMES } from './inputs.js';
import { createRandom, type Random } from './random.js';

const DAY = 86_400;
const MINUTE = 60;
const MINUTES = DAY / MINUTE;
const PEAK_HOUR = 20;
/** How often people mistype, and how soon they try again. */
const MISTYPES = ASSUMED.tries - 1;
const RETYPE_AFTER = 8;
const SIGN_UP_AFTER = 20;

export interface Day {
  /** Of the busiest minute, in requests a second. */
  readonly peak: { readonly send: number; readonly verify: number; readonly signUp: number };
  readonly total: { readonly send: number; readonly verify: number; readonly signUp: number };
  /** The most bytes in any minute: of all shards, and of the fullest one. */
  readonly bytes: number;
  readonly fullestShard: number;
}

type Route = keyof Day['peak'];

/** One person stands for `scale` people. */
export function simulateDay(scale: number, shards: number, seed = 1): Day {
  const random = createRandom(seed);
  const requests = { send: perMinute(), verify: perMinute(), signUp: perMinute() };
  /** What is added and removed in each minute, by shard. */
  const changes = Array.from({ length: shards }, perMinute);
  const count = (route: Route, at: number) => add(requests[route], at, 1);

  const people = (2 * ASSUMED.people * ASSUMED.verificationsADay) / scale;
  for (let person = 0; person < people; person += 1) {
    const shard = changes[Math.floor(random.next() * shards)] ?? perMinute();
    const hold = (bytes: number, from: number, until: number) => {
      add(shard, from, bytes);
      add(shard, until, -bytes);
    };
    const asked = (person % 2) * DAY + timeOfDay(random);
    count('send', asked);
    hold(BYTES.client, asked, asked + TIMES.clientWindow);
    let sent = asked;
    const requestAnother = (at: number) => {
      sent = at;
      count('send', at);
    };
    if (random.chance(ASSUMED.emails - 1)) requestAnother(asked + 60 + random.exponential(15));

    let end = sent + TIMES.codeTtl;
    if (random.chance(1 / ASSUMED.people)) {
      // Most need half a minute, some need several.
      const entersAfter = () =>
        random.exponential(ASSUMED.entersAfter / 2) + random.exponential(ASSUMED.entersAfter / 2);
      let entered = sent + entersAfter();
      while (entered > sent + TIMES.codeTtl) {
        count('verify', entered);
        requestAnother(entered);
        entered = sent + entersAfter();
      }
      if (random.chance(MISTYPES)) count('verify', Math.max(sent, entered - RETYPE_AFTER));
      count('verify', entered);
      count('signUp', entered + random.exponential(SIGN_UP_AFTER));
      end = entered;
    }
    hold(BYTES.challenge, asked, end + TIMES.kept);
    hold(BYTES.mailbox, asked, sent + DAY);
  }

  const secondDay = <T>(of: (minute: number) => T): T[] =>
    Array.from({ length: MINUTES }, (_, n) => of(MINUTES + n));
  const ofRoute = (route: Route) => secondDay((minute) => (requests[route][minute] ?? 0) * scale);
  const held = changes.map((shard) => runningSum(shard).map((bytes) => bytes * scale));
  const all = secondDay((minute) => held.reduce((sum, shard) => sum + (shard[minute] ?? 0), 0));
  const peakOf = (route: Route) => highest(smooth(ofRoute(route))) / MINUTE;
  const totalOf = (route: Route) => ofRoute(route).reduce((a, b) => a + b);
  return {
    peak: { send: peakOf('send'), verify: peakOf('verify'), signUp: peakOf('signUp') },
    total: { send: totalOf('send'), verify: totalOf('verify'), signUp: totalOf('signUp') },
    bytes: highest(all),
    fullestShard: Math.max(...held.map((shard) => highest(secondDay((minute) => shard[minute] ?? 0)))),
  };
}

/** A quiet night, and an evening hour that is `peak` times as busy as the mean. In seconds. */
function timeOfDay(random: Random): number {
  // The mean of this curve's cube is 5/16.
  const swing = (ASSUMED.peak - 1) / (1 - 5 / 16);
  const night = ASSUMED.peak - swing;
  for (;;) {
    const time = random.next() * DAY;
    const wave = (1 + Math.cos(2 * Math.PI * (time / DAY - PEAK_HOUR / 24))) / 2;
    if (random.chance((night + swing * wave ** 3) / ASSUMED.peak)) return time;
  }
}

/** Of two days, and of the one after them, in which things end. */
function perMinute(): Float64Array {
  return new Float64Array(3 * MINUTES + 120);
}

function add(minutes: Float64Array, at: number, amount: number): void {
  const minute = Math.floor(at / MINUTE);
  minutes[minute] = (minutes[minute] ?? 0) + amount;
}

function runningSum(changes: Float64Array): Float64Array {
  let sum = 0;
  return changes.map((change) => (sum += change));
}

/** The mean of eleven minutes: fewer people than in reality make single minutes noisy. */
function smooth(minutes: readonly number[]): number[] {
  return minutes.map((_, n) => {
    const around = minutes.slice(Math.max(0, n - 5), n + 6);
    return around.reduce((a, b) => a + b) / around.length;
  });
}

function highest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b));
}
