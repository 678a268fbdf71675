/**
 * createEmailVerification(): the acts, told without HTTP. The router and requireVerifiedEmail() are one way to
 * them; a resolver, a job or a form page is another.
 */

import { guessWarning } from './challenge/guess-bound.js';
import { type Acts, withCore } from './core.js';
import { messageOf } from './errors.js';
import { type EventName, type Listener, warn } from './events.js';
import { type ClientLimits, createClientLimits } from './http/client-limit/client-limit.js';
import { checkTemplate } from './mail/message.js';
import { createQueue } from './mail/queue.js';
import { createJudge } from './operations/input.js';
import { createActContext } from './operations/operation.js';
import {
  createRedeeming,
  type Redeemed,
  type RedeemInput,
  type RedeemOutcome,
  type ReleaseOutcome,
} from './operations/redeem.js';
import { createSending, type SendInput, type SendOutcome } from './operations/send.js';
import { createVerifying, type VerifyInput, type VerifyOutcome } from './operations/verify.js';
import { createSettings, type EmailVerificationOptions } from './options/options.js';

/** The acts. Trouble of the store or the mail is an outcome of them, never a rejection. */
export interface EmailVerification {
  /** Mails a code. Rejects with what `beforeSend` threw, before anything is kept or mailed. */
  send(input: SendInput): Promise<SendOutcome>;
  /** Checks a code; a right one gives a token. */
  verify(input: VerifyInput): Promise<VerifyOutcome>;
  /** Uses up a token. */
  redeem(input: RedeemInput): Promise<RedeemOutcome>;
  /** Gives a redeemed token back, with the end it had. */
  release(redeemed: Redeemed): Promise<ReleaseOutcome>;
  /** Tells whether the store is there and fit, whether the transport logs in, and whether a guess is unlikely enough. */
  check(): Promise<CheckOutcome>;
  /** Finishes the mails under way, then stops. The app's own Redis client and transporter stay open. */
  close(): Promise<void>;
  /** Listens to an event; returns what ends it. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  /** The limit on sends of one client IP that the router uses, for the app's own routes. */
  readonly clientLimit: ClientLimits['send'];
}

export interface CheckOutcome {
  readonly ok: boolean;
  /** What is not as it should be, as sentences without addresses or secrets. */
  readonly problems: readonly string[];
}

/**
 * Checks all options and readies the acts.
 *
 * @throws TypeError or RangeError that names the option, its range and its value.
 * @example
 * const verification = createEmailVerification({ store: new RedisStore(redis), transport, from, secret });
 * app.use('/email-verification', emailVerificationRouter(verification));
 */
export function createEmailVerification(options: EmailVerificationOptions): EmailVerification {
  const settings = createSettings(options);
  checkTemplate(settings);
  const weakness = guessWarning(settings);
  if (weakness) warn(weakness);
  const context = createActContext(settings);
  const judge = createJudge(settings);
  const queue = createQueue(settings);
  const sending = createSending(context, queue);
  const verifyJudged = createVerifying(context);
  const redeeming = createRedeeming(context, judge);
  const acts: Acts = { ...context, ...sending, ...redeeming, judge, verify: verifyJudged };
  const clientLimits = createClientLimits(acts);

  const verification: EmailVerification = {
    async send(input) {
      const judged = await judge.send(input);
      return judged.kind === 'invalid_request' ? judged : sending.send(judged, input.request);
    },
    async verify(input) {
      const judged = await judge.verify(input);
      return judged.kind === 'invalid_request' ? judged : verifyJudged(judged);
    },
    redeem: (input) => redeeming.redeem(input),
    release: (redeemed) => redeeming.release(redeemed),
    async check() {
      const store = settings.store.check(settings.storeTimeout).catch(storeTrouble);
      const problems = (await Promise.all([weakness ?? [], store, queue.check()])).flat();
      return { ok: problems.length === 0, problems };
    },
    close: () => queue.close(),
    on: (name, listener) => context.events.on(name, listener),
    clientLimit: clientLimits.send,
  };
  return withCore(verification, { ...acts, clientLimits });
}

function storeTrouble(cause: unknown): string[] {
  return [`The store is unavailable: ${messageOf(cause)}`];
}
