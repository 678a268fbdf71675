/** Clients that keep sending requests while the store fails and recovers, and the answers they got. */
import { type Answer, person, type Service, wrong } from './service.js';

/** What one client did and got acknowledged, and so must not be possible again. */
export interface Visit {
  readonly email: string;
  readonly challengeId: string;
  readonly code: string | undefined;
  /** When each step was acknowledged. */
  readonly sentAt: number;
  guessedAt?: number;
  /** The client stopped after its wrong guess, so the attempt must stay taken. */
  left?: boolean;
  verifiedAt?: number;
  token?: string;
  redeemedAt?: number;
}

export interface Load {
  readonly answers: readonly Answer[];
  readonly visits: readonly Visit[];
  /** Unanswered requests. */
  readonly underWay: number;
  /** Starts no new visits; settles when all requests are answered, which `storeTimeout` guarantees. */
  stop(): Promise<void>;
}

/**
 * Runs `clients` at a time. Each uses a new address to send, guess wrong once, verify and sign up, then pauses briefly
 * and starts over. Every third stops after its guess, and a refused step ends the visit.
 */
export function startLoad(service: Service, { clients = 10, pause = 10 } = {}): Load {
  const answers: Answer[] = [];
  const visits: Visit[] = [];
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
    const current: Visit = { email, challengeId, code, sentAt: performance.now() };
    visits.push(current);

    const guessed = await ask(service.verify(email, wrong(code), challengeId));
    if (guessed.status === 200) throw new Error('A wrong code was accepted.');
    if (guessed.status !== 401) return;
    current.guessedAt = performance.now();
    current.left = visits.length % 3 === 0;
    if (current.left) return;

    const verified = await ask(service.verify(email, code, challengeId));
    if (verified.status !== 200) return;
    current.verifiedAt = performance.now();
    current.token = verified.body.verificationToken;

    const signedUp = await ask(service.signUp(email, verified.body.verificationToken));
    if (signedUp.status === 201) current.redeemedAt = performance.now();
  }

  async function client(): Promise<void> {
    while (!stopped) {
      await visit();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  const all = Promise.all(Array.from({ length: clients }, client));
  all.catch(() => {});
  return {
    answers,
    visits,
    get underWay() {
      return underWay;
    },
    async stop() {
      stopped = true;
      await all;
    },
  };
}

/** Every answer is in time, and either right or `unavailable`. */
export function expectBounded(service: Service, { answers }: Load, storeTimeout?: number): void {
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.map(kindOf).filter((kind) => !EXPECTED.has(kind) && !LOST.has(kind))).toEqual([]);
  for (const { status, reason, headers } of answers) {
    if (status !== 503) continue;
    expect(reason).toBe('unavailable');
    expect(Number(headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
  }
  expect(slowest(answers)).toBeLessThan(service.bound(storeTimeout));
}

/** Answers to clients whose code or token existed before a failover and was lost. */
export function countLost({ answers }: Load): number {
  return answers.map(kindOf).filter((kind) => LOST.has(kind)).length;
}

function kindOf({ path, status, reason = '' }: Answer): string {
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
 * What a failover lost: repeats everything that was done before it and counts what succeeds a second time. Only writes
 * after the replica was last in sync may be lost, and no more of them than were made.
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

  for (const current of load.visits.filter(({ sentAt }) => sentAt > failedAt - 5000 && sentAt < failedAt)) {
    const { email, code, challengeId, guessedAt, verifiedAt, token, redeemedAt } = current;
    const guessed = current.left && (await verification.verify({ email, code: wrong(code), challengeId }));
    if (guessed) note(guessedAt, guessed.kind === 'code_incorrect' && guessed.attemptsLeft > 3);
    const verified = verifiedAt && (await verification.verify({ email, code, challengeId }));
    if (verified) note(verifiedAt, verified.kind === 'verified');
    const redeemed = redeemedAt && (await verification.redeem({ email, verificationToken: token }));
    if (redeemed) note(redeemedAt, redeemed.kind === 'redeemed');
    const sent = await verification.send({ email });
    note(current.sentAt, sent.kind === 'sent');
  }
  expect(written.some((at) => at !== undefined && at < inStepAt)).toBe(true);
  expect(lost.filter((at) => at < inStepAt)).toEqual([]);
  const atRisk = written.filter((at) => at !== undefined && at >= inStepAt).length;
  expect(lost.length).toBeLessThanOrEqual(atRisk);
  return lost.length;
}
