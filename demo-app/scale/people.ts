/** The load: people who sign up, at a rate that does not depend on how fast they are served. */
import { setTimeout as wait } from 'node:timers/promises';
import { addressIn, type Ledger } from './ledger.js';

export type People = ReturnType<typeof startPeople>;

/** New sign-ups a second. */
export const MAX_RATE = 100;
/** People who are signing up at the same time. Beyond, nobody new begins. */
const MAX_PEOPLE = 5000;

/** How often somebody tries to get a code, and to get an answer to it. */
const TRIES = 20;
/** Between two of them, in ms. */
const PAUSE = 1000;
/** How late somebody may begin, in ms. */
const MAX_DELAY = 1000;
const REQUEST_TIMEOUT = 15_000;

/** Of all people: who enter a wrong code first, and who ask for another code at once. */
const [MISTYPE, IMPATIENT] = [0.1, 0.05];

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const UNANSWERED: Answer = { status: 599, body: {} };

/** @param origin where the proxy is */
export function startPeople(origin: string, ledger: Ledger) {
  let rate = 0;
  let people = 0;
  /** When the next one begins. */
  let due = 0;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function schedule(): void {
    clearTimeout(timer);
    if (rate === 0 || isStopped) return;
    // As from many people who do not know of each other. On a busy machine, those who are late begin at once.
    due = Math.max(due, performance.now() - MAX_DELAY) - (Math.log(1 - Math.random()) * 1000) / rate;
    timer = setTimeout(() => {
      schedule();
      if (people < MAX_PEOPLE) void begin();
    }, due - performance.now());
  }

  async function begin(): Promise<void> {
    people += 1;
    ledger.totals.begun += 1;
    const id = ledger.totals.begun;
    for (let attempt = 1; ; attempt += 1) {
      const isSignedUp = await signUp(id, `try${attempt}.person${id}.example`);
      if (isStopped) return;
      if (isSignedUp) ledger.totals.signedUp += 1;
      else if (attempt === TRIES) ledger.count('gaveUp');
      if (isSignedUp || attempt === TRIES) break;
      await wait(PAUSE);
    }
    people -= 1;
  }

  /** @returns false if it takes another try, with another address: so each email that is promised can be told apart. */
  async function signUp(id: number, domain: string): Promise<boolean> {
    const email = addressIn(domain);
    const post = (path: string, fields: object) => request(id, path, { email, ...fields });
    const coming = ledger.expectCode(email);
    const sent = await post('/email-verification/send', {});
    if (sent.status !== 200) {
      ledger.refused(email);
      return false;
    }
    ledger.answered(email);
    if (Math.random() < IMPATIENT) await post('/email-verification/send', {});
    const code = await coming;
    if (code === undefined) return false;

    const { challengeId } = sent.body;
    // The time that it takes to read the email and to type.
    await wait(200 + Math.random() * 800);
    const verify = (code: string) => repeat(() => post('/email-verification/verify', { code, challengeId }));
    if (Math.random() < MISTYPE) await verify(code === '000000' ? '111111' : '000000');
    const verified = await verify(code);
    if (verified.status !== 200) {
      ledger.count('refusedCodes');
      return false;
    }
    const { verificationToken } = verified.body;
    return (await repeat(() => post('/sign-up', { verificationToken }))).status === 201;
  }

  async function repeat(ask: () => Promise<Answer>): Promise<Answer> {
    let answer = await ask();
    for (let n = 1; n < TRIES && answer.status >= 500; n += 1) {
      await wait(PAUSE);
      answer = await ask();
    }
    return answer;
  }

  async function request(id: number, path: string, fields: object): Promise<Answer> {
    if (isStopped) return UNANSWERED;
    try {
      const response = await fetch(origin + path, {
        method: 'POST',
        // Each has an IP address of their own.
        headers: {
          'Content-Type': 'application/json',
          'X-Forwarded-For': [10, id >> 16, id >> 8, id].map((byte) => byte & 255).join('.'),
        },
        body: JSON.stringify(fields),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT),
      });
      if (response.status >= 500) ledger.count('failedRequests');
      return { status: response.status, body: Object(await response.json()) };
    } catch {
      if (!isStopped) ledger.count('failedRequests');
      return UNANSWERED;
    }
  }

  return {
    get rate() {
      return rate;
    },
    set rate(signUpsASecond: number) {
      rate = signUpsASecond;
      due = performance.now();
      schedule();
    },
    /** How many are signing up. */
    count: () => people,
    /** Nobody begins any more, and nobody goes on. */
    stop(): void {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
