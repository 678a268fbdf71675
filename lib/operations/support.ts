/** For support staff: what is stored about an address, and its removal. */
import type { Hasher } from '../challenge/digests.js';
import { chooseLocale, type Locale } from '../locales/index.js';
import { type OperationContext, operationOf, seconds, type Unavailable } from './context.js';
import type { InputParsers, InvalidRequest } from './input.js';

export interface SupportInput {
  readonly email: unknown;
  readonly locale?: unknown;
}

/** What is stored about an address for the purpose of this verification. All times are whole seconds, rounded up. */
export interface Status {
  readonly kind: 'status';
  /** The live codes, the first to end first. That of a suppressed send looks like any other. */
  readonly codes: readonly { readonly endsIn: number }[];
  /**
   * The most attempts that one client has left: one with a `challengeId`, or all without one together. With 0, nobody can
   * enter a code until another is sent.
   */
  readonly attemptsLeft: number;
  /** The emails of the last 24 hours to the mailbox, for all its purposes and addresses. Those given back do not count. */
  readonly sendsToday: number;
  /** The wait over all `sendLimits`; 0 if an email can be sent now. */
  readonly nextSendIn: number;
  /** The number of valid tokens that no sign-up has used up. */
  readonly tokens: number;
}

export type StatusOutcome = Status | InvalidRequest | Unavailable;
export type ForgetOutcome = { readonly kind: 'forgotten' } | InvalidRequest | Unavailable;

export interface Support {
  status(input: SupportInput): Promise<StatusOutcome>;
  forget(input: SupportInput): Promise<ForgetOutcome>;
}

export function createSupport(
  { settings, keyOf, callStore }: OperationContext,
  parsers: InputParsers,
): Support {
  const { store, hashers, storeTimeout, sendLimits: limits, defaultLocale } = settings;

  function parse(input: SupportInput) {
    const locale = chooseLocale(settings, input?.locale) ?? defaultLocale;
    return parsers.send({ email: input?.email, locale: input?.locale }, locale);
  }

  /** While secrets rotate, a challenge can be stored under each of them. */
  function callForEach<T>(operation: string, locale: Locale, call: (hasher: Hasher) => Promise<T>) {
    return callStore(operation, locale, () => Promise.all(hashers.map(call)));
  }

  return {
    async status(input) {
      const read = operationOf(store, 'status', 'status()');
      const parsed = await parse(input);
      if (parsed.kind === 'invalid_request') return parsed;
      const { email, locale } = parsed;
      const found = await callForEach('status', locale, (hasher) =>
        read({ ...keyOf(hasher, email), limits }, storeTimeout),
      );
      if ('kind' in found) return found;
      // Emails are counted under the first secret alone.
      const [{ sends = 0, resendIn = 0 } = {}] = found;
      return {
        kind: 'status',
        codes: found
          .flatMap(({ codes }) => codes)
          .sort((a, b) => a - b)
          .map((endsIn) => ({ endsIn: seconds(endsIn) })),
        attemptsLeft: Math.max(...found.map(({ attemptsLeft }) => attemptsLeft)),
        sendsToday: sends,
        nextSendIn: resendIn > 0 ? seconds(resendIn) : 0,
        tokens: found.reduce((sum, { tokens }) => sum + tokens, 0),
      };
    },

    async forget(input) {
      const forget = operationOf(store, 'forget', 'forget()');
      const parsed = await parse(input);
      if (parsed.kind === 'invalid_request') return parsed;
      const { email, locale } = parsed;
      const forgotten = await callForEach('forget', locale, (hasher) =>
        forget(keyOf(hasher, email), storeTimeout),
      );
      return 'kind' in forgotten ? forgotten : { kind: 'forgotten' };
    },
  };
}
