/** Random sequences of operations, which have the same outcomes as on MemoryStore under the same clock. */
import assert from 'node:assert/strict';
import { MemoryStore } from '../../store/memory-store.js';
import { DAY, type Limit, type Store } from '../../store/store.js';
import { HOUR, MINUTE, type Steps, TIMEOUT, timedTest } from './steps.js';

const SEEDS = [1, 2, 3, 4];
const SEQUENCES = 15;
const STEPS = 30;

export const modelTests = SEEDS.map((seed) =>
  timedTest(`have the outcomes that they have on MemoryStore, from seed ${seed}`, async (steps) => {
    const draw = createDraw(seed);
    const model = new MemoryStore({ clock: steps.clock.now });
    for (let n = 0; n < SEQUENCES; n += 1) await compare(steps, model, draw, `sequence ${n}`);
  }),
);

type Draw = <T>(choices: readonly [T, ...T[]]) => T;

/** An operation on either store, and what to call it in a report. */
interface Call {
  readonly name: string;
  readonly run: (store: Store) => Promise<unknown>;
}

/** What later steps of a sequence refer to. */
interface Memory {
  readonly opened: { mailbox: string; challenge: string; code: string; place: number }[];
  readonly ends: number[];
}

async function compare(steps: Steps, model: Store, draw: Draw, sequence: string): Promise<void> {
  const memory: Memory = { opened: [], ends: [] };
  const log: string[] = [];
  for (let n = 0; n < STEPS; n += 1) {
    if (draw([true, false, false, false, false])) {
      const ms = draw(PASSES);
      await steps.pass(ms);
      log.push(`${ms} ms pass`);
      continue;
    }
    const { name, run } = drawCall(steps, draw, memory, sequence);
    const [actual, expected] = [await outcomeOf(run(steps.store)), await outcomeOf(run(model))];
    log.push(`${name}: ${expected}`);
    assert.equal(actual, expected, `${sequence} differs in its last step:\n${log.join('\n')}\n`);
  }
}

/** An outcome as text, in which the order of its fields and fields that are undefined do not count. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    const outcome: object = Object(await call);
    return JSON.stringify(Object.fromEntries(Object.entries(outcome).sort(([a], [b]) => (a < b ? -1 : 1))));
  } catch {
    return 'rejects';
  }
}

const PASSES = [
  0,
  1,
  10_000,
  50_000,
  MINUTE,
  MINUTE + 1,
  170_000,
  180_000,
  900_000,
  HOUR,
  2 * HOUR,
  DAY,
] as const;
const SPANS = [MINUTE, 3 * MINUTE, 10 * MINUTE] as const;
const LIMIT_CHOICES: readonly [readonly Limit[], ...(readonly Limit[])[]] = [
  [{ max: 1, window: MINUTE }],
  [
    { max: 1, window: MINUTE },
    { max: 3, window: HOUR },
    { max: 5, window: DAY },
  ],
  [{ max: 3, window: 10_000 }],
  [{ max: 1000, window: DAY }],
  [{ max: 2, window: 2 * HOUR }],
];

function drawCall(
  { store, clock, digest }: Steps,
  draw: Draw,
  { opened, ends }: Memory,
  sequence: string,
): Call {
  const own = (name: string) => digest(`${sequence} ${name}`);
  const key = {
    mailbox: own(draw(['mailbox-0', 'mailbox-1'])),
    challenge: own(draw(['challenge-0', 'challenge-1'])),
  };
  const code = own(draw(['code-0', 'code-1', 'code-2', 'code-3']));
  const other = own(draw(['code-0', 'code-1', 'code-2', 'code-3']));
  const token = own(draw(['token-0', 'token-1', 'token-2', 'token-3']));
  const [holder, newHolder] = [own(draw(HOLDERS)), own(draw(HOLDERS))];
  const optionalHolder = draw([holder, holder, undefined]);
  const [limits, span] = [draw(LIMIT_CHOICES), draw(SPANS)];
  const timeout = draw([TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT, -1]);

  const operations = [
    ...(store.status && store.forget ? OF_SUPPORT : []),
    ...(store.prove ? OF_PROOFS : []),
  ] as const;
  switch (draw([...OPERATIONS, ...operations])) {
    case 'open': {
      const attempts = draw([1, 2, 3]);
      const request = {
        ...key,
        code,
        codeOfNewHolder: draw([undefined, undefined, other]),
        codeTtl: span,
        holder: optionalHolder,
        newHolder,
        maxAttempts: attempts,
        sharedAttempts: draw([undefined, undefined, 0, 1]),
        limits,
      };
      return {
        name: 'open',
        run: async (store) => {
          const outcome = await store.open(request, timeout);
          if (outcome.kind !== 'opened') return outcome;
          const stored = (!outcome.kept && request.codeOfNewHolder) || code;
          opened.push({ ...key, code: stored, place: outcome.place });
          return outcome;
        },
      };
    }
    case 'attempt': {
      const request = { ...key, code, holder: optionalHolder, token, tokenTtl: span };
      return { name: 'attempt', run: (store) => store.attempt(request, timeout) };
    }
    case 'discard': {
      const email = opened[draw([0, 2, 4]) % Math.max(1, opened.length)];
      if (!email) return { name: 'peek', run: (store) => store.peek({ ...key, holder }, timeout) };
      const request = { ...email, newHolder: optionalHolder, limits };
      return { name: 'discard', run: (store) => store.discard(request, timeout) };
    }
    case 'redeem':
      return {
        name: 'redeem',
        run: async (store) => {
          const outcome = await store.redeem({ ...key, token }, timeout);
          if (outcome.kind === 'redeemed') ends.push(outcome.end);
          return outcome;
        },
      };
    case 'release': {
      const end = (ends[draw([0, 2]) % Math.max(1, ends.length)] ?? clock.now() + MINUTE) + draw(ENDS_OFF_BY);
      return { name: 'release', run: (store) => store.release({ ...key, token, end }, timeout) };
    }
    case 'peek':
      return { name: 'peek', run: (store) => store.peek({ ...key, holder }, timeout) };
    case 'status':
      return { name: 'status', run: async (store) => store.status?.({ ...key, limits }, timeout) };
    case 'forget':
      return { name: 'forget', run: async (store) => store.forget?.(key, timeout) };
    case 'prove': {
      const nonce = own(draw(['nonce-0', 'nonce-1']));
      const request = { ...key, nonce, nonceTtl: draw(SPANS), token, tokenTtl: span };
      return { name: 'prove', run: async (store) => store.prove?.(request, timeout) };
    }
    case 'count': {
      const request = { ip: own(draw(['ip-0', 'ip-1'])), window: span, step: draw(COUNT_STEPS) };
      return { name: `count ${request.step}`, run: (store) => store.count(request, timeout) };
    }
  }
}

const OPERATIONS = [
  'open',
  'open',
  'attempt',
  'attempt',
  'attempt',
  'discard',
  'redeem',
  'release',
  'peek',
  'count',
] as const;
const OF_SUPPORT = ['status', 'status', 'forget'] as const;
const OF_PROOFS = ['prove'] as const;
const HOLDERS = ['holder-0', 'holder-1', 'holder-2'] as const;
const COUNT_STEPS = ['hit', 'hit', 'undo', 'forget'] as const;
const ENDS_OFF_BY = [
  0,
  0,
  0,
  0,
  -1,
  10_000,
  -600_000,
  DAY,
  DAY + 10_000,
  Number.NaN,
  Number.POSITIVE_INFINITY,
] as const;

/** Picks at random, in the same way each time it begins with the same seed (mulberry32). */
function createDraw(seed: number): Draw {
  let state = seed;
  return (choices) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const drawn = (mixed ^ (mixed >>> 14)) >>> 0;
    return choices[drawn % choices.length] ?? choices[0];
  };
}
