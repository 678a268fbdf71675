/** What a simulated attacker does: plans of sends, guesses and failed emails, written by hand and drawn at random. */
import type { SendLimit } from 'express-email-verification';
import { HOUR, SECOND } from './services.js';

export const DAY = 24 * HOUR;
const GIVE_BACKS = 3;

export interface Rules {
  readonly sendLimits: readonly SendLimit[];
  readonly codeTtl: number;
  readonly maxAttempts: number;
  readonly codeLength: number;
  readonly codeAlphabet?: 'letters';
  readonly binding?: 'client';
}
export type Delivery = 'succeeds' | 'fails' | 'hangs' | 'is unknown';
/** A move names a holder by the index of the send that created it; without one it uses the shared attempts. */
export type Move =
  | { readonly at: number; readonly send: Delivery; readonly holder?: number; readonly spelling?: number }
  | { readonly at: number; readonly guess: number; readonly holder?: number; readonly spelling?: number }
  | { readonly at: number; readonly hanging: 'fails' | 'succeeds' };
export type Plan = readonly Move[];

const k = ({ codeTtl, sendLimits }: Rules) =>
  Math.min(...sendLimits.map(({ max, window }) => max * Math.ceil(codeTtl / window)));
export const strategies: [name: string, style: (rules: Rules) => Style][] = [
  ['spends attempts at once', () => ({ spend: 'at once' })],
  ['saves attempts until most codes are live', () => ({ spend: 'early' })],
  ['saves attempts across the end of a day', () => ({ spend: 'late' })],
  ['lets emails fail at once', () => ({ spend: 'at once', failBefore: () => true })],
  [
    'lets emails hang and fail while most codes are live',
    (rules) => ({ spend: 'late', failBefore: (_n, alive) => alive >= k(rules) }),
  ],
  [
    'lets emails fail at the end of a day',
    (rules) => ({ spend: 'late', failBefore: (_n, alive, at) => at >= DAY && alive >= k(rules) }),
  ],
  ['leaves the outcome of deliveries unknown', () => ({ spend: 'late', delivery: 'is unknown' })],
  ['lets every email fail', () => ({ spend: 'early', delivery: 'fails' })],
  ['lets emails fail endlessly', () => ({ spend: 'late', failBefore: () => true, mostFails: 30 })],
  ['sends and guesses more often than allowed', () => ({ spend: 'late', asks: [0, 1000, 20_000], greed: 3 })],
  ['ignores its longest limit', () => ({ spend: 'early', overlook: true })],
  ['resends under one id', () => ({ spend: 'late', resend: true })],
  ['spreads over spellings of the mailbox', () => ({ spend: 'late', spellings: 3 })],
];

interface Style {
  /** When attempts are spent: at once, or once most codes are live, as early or as late as possible. */
  readonly spend: 'at once' | 'early' | 'late';
  /** Which sends are preceded by emails that hang, are guessed at and then fail, so that these sends are given back. */
  readonly failBefore?: (send: number, alive: number, at: number) => boolean;
  /** @default as many as are given back in a day */
  readonly mostFails?: number;
  readonly delivery?: Delivery;
  /** Milliseconds after each moment at which a send is allowed: a send is tried then. @default at that moment */
  readonly asks?: readonly number[];
  /** Over how many spellings of the mailbox each of these is tried. @default one */
  readonly spellings?: number;
  readonly resend?: boolean;
  /** How often each attempt is repeated. @default 1 */
  readonly greed?: number;
  /** Sends as if the longest limit did not exist. */
  readonly overlook?: boolean;
}

export function planOf(rules: Rules, style: Style): Plan {
  const {
    spend,
    failBefore,
    mostFails = GIVE_BACKS,
    delivery = 'succeeds',
    asks = [0],
    spellings = 1,
    resend,
    greed = 1,
    overlook = false,
  } = style;
  const times = earliestSends(
    overlook && rules.sendLimits.length > 1 ? rules.sendLimits.slice(0, -1) : rules.sendLimits,
  );
  const ttl = rules.codeTtl * SECOND;
  const guess = rules.maxAttempts * greed;
  const aliveAt = (at: number) => times.filter((time) => time <= at && time + ttl > at).length;
  const moments = times.flatMap((time) => [time, time - 1, time + ttl - 1]).sort((a, b) => a - b);
  const best = (from: number, to: number) => {
    if (spend === 'at once') return from;
    const inside = moments.filter((moment) => moment >= from && moment < to);
    const most = Math.max(...inside.map(aliveAt));
    const good = inside.filter((moment) => aliveAt(moment) === most);
    return (spend === 'late' && from < DAY ? good.at(-1) : good[0]) ?? from;
  };

  const plan: Move[] = [];
  let sends = 0;
  let fails = 0;
  times.forEach((time, n) => {
    const spelled = (of: number) => (n + of) % spellings;
    for (; fails < mostFails && failBefore?.(n, aliveAt(time), time); fails += 1, sends += 1) {
      const here = { at: time, spelling: spelled(0) };
      plan.push({ ...here, send: 'hangs' }, { ...here, guess }, { ...here, guess, holder: sends });
      plan.push({ at: time, hanging: 'fails' });
    }
    for (const after of asks) {
      for (let of = 0; of < spellings; of += 1, sends += 1) {
        const at = time + after;
        const spelling = spelled(of);
        plan.push({ at, send: delivery, spelling, ...(resend && sends > 0 && { holder: 0 }) });
        plan.push({ at: best(at, Math.min(times[n + 1] ?? at + ttl, at + ttl)), guess, spelling });
        plan.push({ at: best(at, at + ttl), guess, holder: sends, spelling });
      }
    }
  });
  return plan;
}

/** The earliest moments at which emails can be sent, for a day and some time before and after it. */
function earliestSends(limits: readonly SendLimit[]): number[] {
  const times: number[] = [];
  for (let next = 0; next < 1.2 * DAY && times.length < 150; ) {
    times.push(next);
    next = Math.max(next, ...limits.map(({ max, window }) => (times.at(-max) ?? -DAY) + window * SECOND));
  }
  return times;
}

/** The plan with a few moves shifted, left out, doubled or changed. */
export function mutated(plan: Plan, random: () => number): Plan {
  const moves = [...plan];
  const any = (count: number) => Math.floor(random() * count);
  for (let change = 0; change <= any(4); change += 1) {
    const index = any(moves.length);
    const move = moves[index];
    if (!move) continue;
    const shift = (random() - 0.5) * 2 * ([1, 2000, 60_000, HOUR, DAY][any(5)] ?? 1);
    const shifted = { ...move, at: Math.max(0, Math.round(move.at + shift)) };
    const kind = any(5);
    if (kind === 0) moves.splice(index, 1);
    else if (kind === 1) moves.push(shifted);
    else if (kind === 2 && 'send' in move)
      moves[index] = {
        ...move,
        send: (['succeeds', 'fails', 'hangs', 'is unknown'] as const)[any(4)] ?? 'succeeds',
      };
    else if (kind === 3)
      moves.push({ at: shifted.at, hanging: 'fails' }, { at: shifted.at, guess: any(8), holder: any(20) });
    else moves[index] = shifted;
  }
  return moves;
}

/** Random numbers that are the same each time (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
