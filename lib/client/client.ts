/** The browser client: requests a code, verifies it, and keeps the state that a page shows. */

export interface EmailVerificationClientOptions {
  /** Where the router is mounted, such as `/email-verification`. */
  readonly baseUrl: string;
  /** Sends the requests. @default the global fetch */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Keeps the challenge, but never the code, across a reload. sessionStorage keeps tabs apart. @default none */
  readonly storage?: ClientStorage | undefined;
  /** The language of messages and emails. @default what the browser sends as Accept-Language */
  readonly locale?: string | undefined;
}

/** What the client needs from `localStorage` or `sessionStorage`. */
export interface ClientStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export type SendOutcome =
  | Answer<'sent' | 'delivery_unknown', { challengeId: string; expiresIn: number; resendIn: number }>
  | Answer<'delivery_failed', { resendIn: number }>
  | Answer<'refused'>
  /** The browser has proven the address (`browserProof`). `email` is there if it is another than the one typed. */
  | Answer<'verified', { verificationToken: string; expiresIn: number; email?: string }>
  | Refusal;

export type VerifyOutcome =
  | Answer<'verified', { verificationToken: string; expiresIn: number }>
  | Answer<'code_incorrect', { attemptsLeft: number }>
  /** With `attemptsLeft`, it was an older code, and a newer one can still be entered. */
  | Answer<'code_expired', { attemptsLeft?: number }>
  | Refusal;

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** A response of the routes. `message` is for people, and times are whole seconds. */
type Answer<Kind, Fields = unknown> = { readonly kind: Kind; readonly message: string } & Readonly<Fields>;

type Refusal =
  | Answer<'invalid_request', { errors: readonly FieldError[] }>
  | Answer<'too_many_requests', { retryAfter: number; challengeId?: string; expiresIn?: number }>
  /** With a `status` and no message, something between the page and the router responded. */
  | (Partial<Answer<unknown, { retryAfter: number; status: number }>> & { readonly kind: 'unavailable' })
  /** There was no response: there is no network, or the browser blocks the request (CORS). */
  | { readonly kind: 'offline' };

/** A frozen snapshot. A code can be entered while `expiresIn` is above 0 and `status` is not `verified`. */
export interface EmailVerificationState {
  readonly status: 'idle' | 'sending' | 'sent' | 'verifying' | 'verified' | 'failed';
  /** As passed to `send`, unless the browser has proven another. */
  readonly email?: string;
  readonly challengeId?: string;
  /** When the code expires (once verified, the token), in ms of the local clock. */
  readonly expiresAt?: number;
  /** When the next code can be requested, in ms of the local clock. */
  readonly resendAt?: number;
  /** Whole seconds until `expiresAt`, 0 when it has passed. */
  readonly expiresIn: number;
  /** Whole seconds until `resendAt`, 0 when it has passed. */
  readonly resendIn: number;
  /** After `code_incorrect`, and after `code_expired` if a newer code is live. At 0 only another code helps. */
  readonly attemptsLeft?: number;
  /** Why the last `send` or `verify` failed: the `kind` of its outcome. */
  readonly reason?: Exclude<Outcome['kind'], 'sent' | 'verified'>;
  /** The `message` of the last response, in the language of the request. */
  readonly message?: string;
  readonly errors?: readonly FieldError[];
  /** For the sign-up, together with `email`. */
  readonly verificationToken?: string;
}

export interface SendRequest {
  readonly email: string;
  readonly locale?: string | undefined;
  /** More fields of the body for this request alone, such as a captcha token. They are not kept. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** Refusals and a lost network are outcomes, so no promise rejects for them. Methods work without their `this`. */
export interface EmailVerificationClient {
  /** Requests a code. While a request for that address is pending, returns the same promise. */
  send(input: SendRequest): Promise<SendOutcome>;
  /** Requests another code for the address of `state`. */
  resend(input?: Pick<SendRequest, 'extra'>): Promise<SendOutcome>;
  /** Verifies a code as it was typed. Once verified, resolves with the same token again. */
  verify(code: string): Promise<VerifyOutcome>;
  /** Starts over, for another address or after the sign-up. Responses to earlier requests are ignored. */
  reset(): void;
  /** Stays the same object until something changes. */
  readonly state: EmailVerificationState;
  /** Calls the listener at each change, and each second of a countdown. Returns a function that unsubscribes. */
  subscribe(listener: (state: EmailVerificationState) => void): () => void;
}

/**
 * Works with any framework or none.
 *
 * @throws TypeError for an unknown option or one of a wrong type.
 * @example
 * const client = createEmailVerificationClient({ baseUrl: '/email-verification', storage: sessionStorage });
 * client.subscribe(({ message, resendIn }) => {
 *   status.textContent = message ?? '';
 *   resendButton.disabled = resendIn > 0;
 * });
 * const sent = await client.send({ email: 'person@example.com' });
 * const verified = await client.verify('123456');
 * @example
 * // React
 * const { expiresIn, message } = useSyncExternalStore(client.subscribe, () => client.state);
 */
export function createEmailVerificationClient(
  options: EmailVerificationClientOptions,
): EmailVerificationClient {
  checkOptions(options);
  const { baseUrl, storage } = options;
  const key = `email-verification:${baseUrl}`;
  const listeners = new Set<() => void>();
  const readStored = () => quietly(() => storage?.getItem(key) ?? null);

  let locale = options.locale;
  /** The record that this client last wrote. A failure does not overwrite one of another tab. */
  let lastWritten = readStored();
  let state = snapshot(restored(lastWritten));
  /** The state before reset(): a person who returns to that address continues with its challenge. */
  let beforeReset = state;
  /** The pending requests. A response is ignored if this is another object by then. */
  let session: Session = {};
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** The state with its seconds up to date. */
  function current(): EmailVerificationState {
    const now = snapshot(state);
    if (now.expiresIn !== state.expiresIn || now.resendIn !== state.resendIn) state = now;
    return state;
  }

  /** Wakes at whole seconds, and only while a listener has a countdown to show. */
  function schedule(): void {
    clearTimeout(timer);
    const remaining = Math.max(state.expiresAt ?? 0, state.resendAt ?? 0) - Date.now();
    if (listeners.size > 0 && remaining > 0) timer = setTimeout(notify, remaining % 1000 || 1000);
  }

  function notify(): void {
    schedule();
    for (const listener of listeners) listener();
  }

  function change(next: Facts): void {
    state = snapshot(next);
    notify();
  }

  async function request<T extends Outcome>(pending: keyof Session, more?: object): Promise<T | Refusal> {
    const currentSession = session;
    const { email, challengeId } = state;
    const path = pending === 'sending' ? '/send' : '/verify';
    const fields = { ...more, email, challengeId, locale };
    const outcome = await post<T>(options.fetch ?? fetch, baseUrl.replace(/\/$/, '') + path, fields);
    if (currentSession !== session) return outcome;
    currentSession[pending] = undefined;
    // A pending request must not undo it.
    if (outcome.kind === 'verified') session = {};
    const next = nextState(state, outcome, pending);
    quietly(() => {
      if (!storage || (next.reason && readStored() !== lastWritten)) return;
      lastWritten = JSON.stringify({ ...challengeOf(next), verificationToken: next.verificationToken });
      storage.setItem(key, lastWritten);
    });
    change(next);
    return outcome;
  }

  const client: EmailVerificationClient = {
    send({ email, locale: requested = options.locale, extra }) {
      // Before anything changes: what JSON cannot hold is the page's mistake, and not a lost network.
      const more: object | undefined = extra && JSON.parse(JSON.stringify(extra));
      const earlier = [state, beforeReset, restored(readStored())].find((facts) =>
        isSameAddress(facts.email, email),
      );
      if (earlier !== state) session = {};
      if (session.sending) return session.sending;
      locale = requested;
      change({ ...(earlier?.verificationToken ? {} : challengeOf(earlier)), email, status: 'sending' });
      const outcome = request<SendOutcome>('sending', more);
      session.sending = outcome;
      return outcome;
    },
    resend: ({ extra } = {}) => client.send({ email: state.email ?? '', locale, extra }),
    async verify(code) {
      const { verificationToken, message = '', expiresIn } = current();
      if (verificationToken && expiresIn > 0)
        return { kind: 'verified', message, verificationToken, expiresIn };
      if (session.verifying?.code === code) return session.verifying.outcome;
      change({ ...challengeOf(state), status: 'verifying' });
      const outcome = request<VerifyOutcome>('verifying', { code });
      session.verifying = { code, outcome };
      return outcome;
    },
    reset() {
      session = {};
      beforeReset = state;
      if (readStored() === lastWritten) quietly(() => storage?.removeItem(key));
      change(IDLE);
    },
    get state() {
      return current();
    },
    subscribe(listener) {
      const entry = () => listener(current());
      listeners.add(entry);
      schedule();
      return () => {
        listeners.delete(entry);
        schedule();
      };
    },
  };
  return client;
}

const OPTION_TYPES: Readonly<Record<string, string>> = {
  baseUrl: 'string',
  fetch: 'function',
  storage: 'Storage',
  locale: 'string',
};

function checkOptions(options: object): void {
  const values = Object(options);
  for (const name of [...Object.keys(OPTION_TYPES), ...Object.keys(values)]) {
    if (!Object.hasOwn(OPTION_TYPES, name)) throw new TypeError(`Unknown option \`${name}\`.`);
    const value: unknown = values[name];
    const type = typeof Object(value).getItem === 'function' ? 'Storage' : typeof value;
    if (type === OPTION_TYPES[name] || (value === undefined && name !== 'baseUrl')) continue;
    const received = value === null ? value : type;
    throw new TypeError(`The \`${name}\` option must be a ${OPTION_TYPES[name]}. Received ${received}.`);
  }
}

type Outcome = SendOutcome | VerifyOutcome;

type Facts = Omit<EmailVerificationState, 'expiresIn' | 'resendIn'>;

interface Session {
  sending?: Promise<SendOutcome>;
  verifying?: { readonly code: string; readonly outcome: Promise<VerifyOutcome> };
}

/** The fields that any outcome may have. */
type Details = Pick<Outcome, 'kind'> &
  Partial<Omit<EmailVerificationState, 'status'>> & { retryAfter?: number };

const IDLE: Facts = { status: 'idle' };

/** A field that each response of the router has. A response without it is not from the router. */
const REQUIRED_FIELD: Readonly<Record<string, string>> = {
  sent: 'challengeId',
  delivery_unknown: 'challengeId',
  delivery_failed: 'resendIn',
  refused: 'message',
  invalid_request: 'errors',
  too_many_requests: 'retryAfter',
  unavailable: 'retryAfter',
  verified: 'verificationToken',
  code_incorrect: 'attemptsLeft',
  code_expired: 'message',
};

async function post<T extends Outcome>(
  fetcher: typeof fetch,
  url: string,
  fields: object,
): Promise<T | Refusal> {
  let response: Response;
  try {
    const headers = { 'Content-Type': 'application/json' };
    response = await fetcher(url, { method: 'POST', headers, body: JSON.stringify(fields) });
  } catch {
    return { kind: 'offline' };
  }
  const body: Record<string, unknown> = Object(await response.json().catch(() => null));
  const { ok, verified, verify = verified, reason, ...details } = body;
  const answer = { ...details, kind: verify === true ? 'verified' : ok === true ? 'sent' : reason };
  if (isFromRouter<T>(answer)) return answer;
  const retryAfter = Number(response.headers.get('Retry-After')) || undefined;
  return { kind: 'unavailable', status: response.status, retryAfter };
}

function isFromRouter<T extends Outcome>(answer: { readonly kind: unknown }): answer is T {
  return (REQUIRED_FIELD[String(answer.kind)] ?? '') in answer;
}

function nextState(facts: Facts, outcome: Details, pending: keyof Session): Facts {
  const { kind, message, errors, attemptsLeft, verificationToken } = outcome;
  const expiresAt = fromNow(outcome.expiresIn) ?? facts.expiresAt;
  if (kind === 'verified')
    return { status: kind, email: outcome.email ?? facts.email, expiresAt, message, verificationToken };
  // The wait for another attempt says nothing about another code.
  const wait = pending === 'sending' ? fromNow(outcome.retryAfter) : undefined;
  return {
    status: kind === 'sent' ? kind : 'failed',
    reason: kind === 'sent' ? undefined : kind,
    email: facts.email,
    challengeId: outcome.challengeId ?? facts.challengeId,
    expiresAt: attemptsLeft === 0 || (kind === 'code_expired' && !attemptsLeft) ? undefined : expiresAt,
    resendAt: fromNow(outcome.resendIn) ?? (wait ? Math.max(wait, facts.resendAt ?? 0) : facts.resendAt),
    attemptsLeft,
    message,
    errors,
  };
}

/** What is kept from one request to the next. */
function challengeOf({ email, challengeId, expiresAt, resendAt }: Facts = IDLE): Partial<Facts> {
  return { email, challengeId, expiresAt, resendAt };
}

/** The state in a stored record, if a client wrote it. What has expired says so for a day, so that the address stays. */
function restored(record: string | null | undefined): Facts {
  const found: Record<string, unknown> = Object(quietly(() => JSON.parse(record ?? '')));
  const { email, challengeId, verificationToken } = found;
  const now = Date.now();
  const expiresAt = timeOf(found.expiresAt);
  const resendAt = timeOf(found.resendAt) || undefined;
  if (typeof email !== 'string' || Math.max(expiresAt, resendAt ?? 0) < now - 86_400_000) return IDLE;
  const isVerified = typeof verificationToken === 'string';
  if (expiresAt > now && isVerified) return { status: 'verified', email, expiresAt, verificationToken };
  const hasChallenge = typeof challengeId === 'string';
  if (expiresAt > now && hasChallenge) return { status: 'sent', email, challengeId, expiresAt, resendAt };
  if (hasChallenge) return { status: 'failed', reason: 'code_expired', email, challengeId, resendAt };
  if (isVerified) return { status: 'failed', reason: 'code_expired', email };
  return resendAt ? { status: 'idle', email, resendAt } : IDLE;
}

function timeOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function fromNow(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Date.now() + seconds * 1000;
}

function snapshot(facts: Facts): EmailVerificationState {
  const secondsTo = (time = 0) => Math.max(0, Math.ceil((time - Date.now()) / 1000));
  return Object.freeze({
    ...facts,
    expiresIn: secondsTo(facts.expiresAt),
    resendIn: secondsTo(facts.resendAt),
  });
}

function isSameAddress(a: string | undefined, b: string): boolean {
  return a?.trim().toLowerCase() === b.trim().toLowerCase();
}

/** A storage may be full or forbidden. Errors are ignored. */
function quietly<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    return undefined;
  }
}
