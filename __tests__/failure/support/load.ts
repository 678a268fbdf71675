/** Clients without end, while the store behind the service comes and goes; and what they were told. */
import { type Answer, person, type Service, wrong } from './service.js';

/** What was done and acknowledged, and so must not be possible again. */
export interface Deed {
  readonly email: string;
  readonly challengeId: string;
  readonly code: string | undefined;
  /** When each step was acknowledged. */
  readonly sentAt: number;
  guessedAt?: number;
  /** Left with its wrong guess: the attempt must stay taken. */
  left?: boolean;
  verifiedAt?: number;
  token?: string;
  redeemedAt?: number;
}

export interface Load {
  readonly answers: readonly Answer[];
  readonly deeds: readonly Deed[];
  /** Requests that are not answered yet. */
  readonly underWay: number;
  /** No new ones; settles when all are answered, which `storeTimeout` promises. */
  stop(): Promise<void>;
}

/**
 * So many clients at a time, each with a new address: sends, guesses wrong once, verifies, signs up, and goes
 * on with the next after a short rest. Every third leaves after its guess. One that is refused a step begins anew.
 */
export function startLoad(service: Service, { clients = 10, rest = 10 } = {}): Load {
  const answers: Answer[] = [];
  const deeds: Deed[] = [];
  let stopped = false;
  let underWay = 0;

  async function ask(request: Promise<Answer>): Promise<Answer> {
    underWay += 1;
    const answer = await request;
    underWay -= 1;
    answers.push(answer);
    return answer;
  }

  async function visit(): Promise<void> {
    const email = person();
    const sent = await ask(service.send(email));
    if (sent.status !== 200) return;
    const { challengeId } = sent.body;
    const code = service.codes.get(email);
    const deed: Deed = { email, challengeId, code, sentAt: performance.now() };
    deeds.push(deed);

    const guessed = await ask(service.verify(email, wrong(code), challengeId));
    if (guessed.status === 200) throw new Error('A wrong code was accepted.');
    if (guessed.status !== 401) return;
    deed.guessedAt = performance.now();
    deed.left = deeds.length % 3 === 0;
    if (deed.left) return;

    const verified = await ask(service.verify(email, code, challengeId));
    if (verified.status !== 200) return;
    deed.verifiedAt = performance.now();
    deed.token = verified.body.verificationToken;

    const signedUp = await ask(service.signUp(email, verified.body.verificationToken));
    if (signedUp.status === 201) deed.redeemedAt = performance.now();
  }

  async function client(): Promise<void> {
    while (!stopped) {
      await visit();
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
  }

  const all = Promise.all(Array.from({ length: clients }, client));
  all.catch(() => {});
  return {
    answers,
    deeds,
    get underWay() {
      return underWay;
    },
    async stop() {
      stopped = true;
      await all;
    },
  };
}

/** Every answer in time, and none that is neither right nor `unavailable`. */
export function expectBounded(service: Service, { answers }: Load, storeTimeout?: number): void {
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.map(told).filter((kind) => !EXPECTED.has(kind) && !LOST.has(kind))).toEqual([]);
  for (const { status, reason, headers } of answers) {
    if (status !== 503) continue;
    expect(reason).toBe('unavailable');
    expect(Number(headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
  }
  expect(slowest(answers)).toBeLessThan(service.bound(storeTimeout));
}

/** Answers to those whose code or token was there before a fail-over, and is not any more. */
export function countLost({ answers }: Load): number {
  return answers.map(told).filter((kind) => LOST.has(kind)).length;
}

function told({ path, status, reason = '' }: Answer): string {
  return `${path} ${status} ${reason}`.trim();
}

const LOST = new Set(['/ev/verify 401 code_expired', '/signup 403 email_not_verified']);

const EXPECTED = new Set([
  '/ev/send 200',
  '/ev/send 503 unavailable',
  '/ev/verify 200',
  '/ev/verify 401 code_incorrect',
  '/ev/verify 503 unavailable',
  '/signup 201',
  '/signup 503 unavailable',
]);

export function refused({ answers }: Load): number {
  return answers.filter(({ status }) => status === 503).length;
}

export function slowest(answers: readonly Answer[]): number {
  return Math.max(0, ...answers.map(({ ms }) => ms));
}

/**
 * What a fail-over lost: does each thing again that was done before it, and counts what is possible a second
 * time. Only what was written after the replica was last in step may be, and no more of it than was written.
 */
export async function expectLostAtMost(
  service: Service,
  load: Load,
  { inStepAt, failedAt }: { inStepAt: number; failedAt: number },
): Promise<number> {
  const { verification } = service;
  const written: (number | undefined)[] = [];
  const lost: number[] = [];
  const note = (at: number | undefined, again: boolean) => {
    written.push(at);
    if (at !== undefined && again) lost.push(at);
  };

  for (const deed of load.deeds.filter(({ sentAt }) => sentAt > failedAt - 5000 && sentAt < failedAt)) {
    const { email, code, challengeId, guessedAt, verifiedAt, token, redeemedAt } = deed;
    const guessed = deed.left && (await verification.verify({ email, code: wrong(code), challengeId }));
    if (guessed) note(guessedAt, guessed.kind === 'code_incorrect' && guessed.attemptsLeft > 3);
    const verified = verifiedAt && (await verification.verify({ email, code, challengeId }));
    if (verified) note(verifiedAt, verified.kind === 'verified');
    const redeemed = redeemedAt && (await verification.redeem({ email, verificationToken: token }));
    if (redeemed) note(redeemedAt, redeemed.kind === 'redeemed');
    const sent = await verification.send({ email });
    note(deed.sentAt, sent.kind === 'sent');
  }
  expect(written.some((at) => at !== undefined && at < inStepAt)).toBe(true);
  expect(lost.filter((at) => at < inStepAt)).toEqual([]);
  const atRisk = written.filter((at) => at !== undefined && at >= inStepAt).length;
  expect(lost.length).toBeLessThanOrEqual(atRisk);
  return lost.length;
}
