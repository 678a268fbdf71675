/** Carries out an attacker's plan on the operations and measures what it is worth. */
import {
  createEmailVerification,
  type EmailVerificationOptions,
  type Store,
} from 'express-email-verification';
import { createTransport } from 'nodemailer';
import { FROM, SECRET } from '../support/app.js';
import { DAY, type Delivery, type Plan, type Rules } from './attack-plans.js';

/** Carries out a plan and returns the worst 24 hours of the mailbox. `onPass` is called whenever time passes. */
export async function attack(
  plan: Plan,
  rules: Rules,
  storeOn: (clock: () => number) => Store,
  delivery: 'background' | 'function' = 'background',
  onPass?: (time: number) => Promise<void>,
): Promise<number> {
  let now = Date.now();
  const start = now;
  const meter = metered(
    storeOn(() => now),
    () => now,
  );
  let outcome: Delivery = 'succeeds';
  const hanging: ((how: 'fails' | 'succeeds') => void)[] = [];
  const refused = () => Object.assign(new Error('550'), { responseCode: 550 });
  let carried = 0;
  const carry = (): Promise<void> => {
    carried += 1;
    if (outcome === 'succeeds') return Promise.resolve();
    if (outcome === 'fails') return Promise.reject(refused());
    if (outcome === 'is unknown') return Promise.reject(Object.assign(new Error('lost'), { unknown: true }));
    return new Promise((resolve, reject) =>
      hanging.push((how) => (how === 'succeeds' ? resolve() : reject(refused()))),
    );
  };
  const transport = createTransport({
    name: 'Attacker',
    version: '1',
    send: (_message, done) =>
      void carry().then(() => done(null, { envelope: { from: '', to: [] }, messageId: '' }), done),
  });
  const options: EmailVerificationOptions = {
    ...{ ...rules, store: meter.store, from: FROM, secret: SECRET, transport, mailTimeout: 60_000 },
    delivery: delivery === 'function' ? carry : delivery,
    template: ({ code }) => ({ subject: 'code', text: code, html: '' }),
  };
  const verification = createEmailVerification(options);
  for (const trouble of ['delivery_failed', 'delivery_unknown'] as const) verification.on(trouble, () => {});

  const ids: (string | undefined)[] = [];
  const email = (spelling = 0) => (spelling ? `minji+${spelling}@example.com` : 'minji@example.com');
  for (const move of [...plan].sort((a, b) => a.at - b.at)) {
    const passed = Math.max(0, start + move.at - now);
    if (passed > 0) await onPass?.(passed);
    now += passed;
    const challengeId = 'holder' in move && move.holder !== undefined ? ids[move.holder] : undefined;
    if ('hanging' in move) {
      const { discarded } = meter.done;
      const end = hanging.shift();
      end?.(move.hanging);
      if (end && move.hanging === 'fails') await until(() => meter.done.discarded > discarded);
    } else if ('send' in move) {
      outcome = move.send;
      const index = ids.push(undefined) - 1;
      const { opened, limited, discarded } = meter.done;
      const before = carried;
      const sent = verification.send({ email: email(move.spelling), challengeId }).then((sendOutcome) => {
        if ('challengeId' in sendOutcome) ids[index] = sendOutcome.challengeId;
      });
      await until(() => meter.done.opened > opened || meter.done.limited > limited);
      const isOpen = meter.done.opened > opened;
      // A background delivery meets its own outcome before the next move decides the next one.
      if (isOpen) await until(() => carried > before);
      if (isOpen && outcome === 'fails') await until(() => meter.done.discarded > discarded);
      // An email that hangs keeps its answer waiting, unless delivery is in the background.
      if (outcome !== 'hangs' || delivery === 'background') await sent;
    } else {
      const guess = {
        email: email(move.spelling),
        code: (rules.codeAlphabet === 'letters' ? 'B' : '1').repeat(rules.codeLength),
        challengeId,
      };
      await Promise.all(Array.from({ length: move.guess }, () => verification.verify(guess)));
    }
  }
  for (const end of hanging) end('succeeds');
  await verification.close();
  return worstDay(meter.guesses);
}

/** The store, and how many codes were live at the moment of each guess it compared. */
function metered(store: Store, clock: () => number) {
  const guesses: { at: number; worth: number }[] = [];
  const done = { opened: 0, limited: 0, discarded: 0 };
  const codes = new Map<string, Codes>();
  const codesOf = ({ challenge }: { challenge: string }): Codes =>
    codes.get(challenge) ?? codes.set(challenge, new Map()).get(challenge) ?? new Map();
  const spy: Store = {
    async open(request, timeout) {
      const outcome = await store.open(request, timeout);
      done[outcome.kind] += 1;
      if (outcome.kind !== 'opened') return outcome;
      // A code that is bound to its holder is a chance for the guesses of that one alone.
      const { code, codeOfNewHolder = code, holder, newHolder } = request;
      const owner = codeOfNewHolder === code ? undefined : outcome.kept ? holder : newHolder;
      const end = clock() + request.codeTtl;
      codesOf(request).set(outcome.kept ? code : codeOfNewHolder, { end, owner });
      return outcome;
    },
    async attempt(request, timeout) {
      const isChance = ({ end, owner }: { end: number; owner: string | undefined }) =>
        end > clock() && (owner === undefined || owner === request.holder);
      const worth = [...codesOf(request).values()].filter(isChance).length;
      const outcome = await store.attempt(request, timeout);
      if (outcome.kind !== 'expired') guesses.push({ at: clock(), worth });
      if (outcome.kind === 'accepted') codesOf(request).clear();
      return outcome;
    },
    async discard(request, timeout) {
      const outcome = await store.discard(request, timeout);
      codesOf(request).delete(request.code);
      done.discarded += 1;
      return outcome;
    },
    redeem: (request, timeout) => store.redeem(request, timeout),
    release: (request, timeout) => store.release(request, timeout),
    peek: (request, timeout) => store.peek(request, timeout),
    count: (request, timeout) => store.count(request, timeout),
    check: (timeout) => store.check(timeout),
  };
  return { store: spy, guesses, done };
}

/** By their digests: when they end, and the holder they are bound to. */
type Codes = Map<string, { end: number; owner: string | undefined }>;

function worstDay(guesses: readonly { at: number; worth: number }[]): number {
  let worst = 0;
  let sum = 0;
  let first = 0;
  for (const { at, worth } of guesses) {
    sum += worth;
    while (at - (guesses[first]?.at ?? at) >= DAY) sum -= guesses[first++]?.worth ?? 0;
    worst = Math.max(worst, sum);
  }
  return worst;
}

async function until(holds: () => boolean): Promise<void> {
  for (const begun = Date.now(); !holds(); ) {
    if (Date.now() - begun > 60_000) throw new Error('the attack is stuck');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
