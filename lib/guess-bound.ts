/** Rule 8: how many guesses one mailbox can suffer in a day, whatever the attacker does. */
import { DAY, GIVE_BACKS_A_DAY, type Limit } from './store/store.js';

export interface GuessBound {
  /** Guesses compared × codes live at the time, at most, in any 24 hours. */
  readonly guesses: number;
  /** The chance that one of them is right. */
  readonly chance: number;
}

/**
 * (N + k + F) · 2 · maxAttempts · k, over the number of codes there are. N mails a day, each with the attempts
 * of its client and the shared ones; k codes alive at once, each of them a chance for every guess; the mails
 * whose codes still live when the day begins (k) and those that failed and were given back (F) come on top.
 */
export function guessBound(settings: {
  readonly sendLimits: readonly Limit[];
  readonly codeTtl: number;
  readonly codeLength: number;
  readonly maxAttempts: number;
}): GuessBound {
  const mostMails = (span: number) =>
    Math.min(...settings.sendLimits.map(({ max, window }) => max * Math.ceil(span / window)));
  const mailsADay = mostMails(DAY);
  const codesAtOnce = mostMails(settings.codeTtl);
  const guesses = (mailsADay + codesAtOnce + GIVE_BACKS_A_DAY) * 2 * settings.maxAttempts * codesAtOnce;
  return { guesses, chance: Math.min(1, guesses / 10 ** settings.codeLength) };
}
