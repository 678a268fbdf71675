/** Rule 8: how many guesses one mailbox can suffer in a day, whatever the attacker does. */
import { DAY, DEEPEST_LIMIT, GIVE_BACKS_A_DAY, type Limit } from '../store/store.js';

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
export function guessBound(settings: Rules): GuessBound {
  const mostMails = (span: number) =>
    Math.min(...settings.sendLimits.map(({ max, window }) => max * Math.ceil(span / window)));
  const mailsADay = mostMails(DAY);
  const codesAtOnce = mostMails(settings.codeTtl);
  // A mailbox remembers as many mails as the deepest limit looks back, and only among those are give-backs counted.
  const giveBacks = GIVE_BACKS_A_DAY * Math.ceil(mailsADay / DEEPEST_LIMIT);
  const guesses = (mailsADay + codesAtOnce + giveBacks) * 2 * settings.maxAttempts * codesAtOnce;
  return { guesses, chance: Math.min(1, guesses / 10 ** settings.codeLength) };
}

interface Rules {
  readonly sendLimits: readonly Limit[];
  readonly codeTtl: number;
  readonly codeLength: number;
  readonly maxAttempts: number;
}

/** The highest chance that is not warned of. The default options have less than half of it. */
const HIGHEST_CHANCE = 1e-3;

const CODE_LENGTHS = [6, 7, 8, 9, 10];

/** What to tell an app whose options make a guess too likely, and how it is made less so. */
export function guessWarning(settings: Rules): string | undefined {
  const { guesses, chance } = guessBound(settings);
  if (chance <= HIGHEST_CHANCE) return undefined;
  const codeLength = CODE_LENGTHS.find((length) => guesses / 10 ** length <= HIGHEST_CHANCE);
  const longer = codeLength === undefined ? 'Allow' : `Set \`codeLength\` to ${codeLength}, or allow`;
  return (
    `With these options a blind guess at a code succeeds with a chance of up to ${chance.toPrecision(2)} for a mailbox ` +
    `and day; ${HIGHEST_CHANCE} or less is advised. ${longer} fewer emails by \`sendLimits\`, fewer \`maxAttempts\`, ` +
    'or a shorter `codeTtl`.'
  );
}
