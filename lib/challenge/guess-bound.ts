/** Rule 8: how many guesses one mailbox can suffer in a day, whatever the attacker does. */
import { DAY, DEEPEST_LIMIT, GIVE_BACKS_A_DAY, type Limit } from '../store/store.js';

export interface GuessBound {
  /** Guesses compared × codes live at the time, at most, in any 24 hours. */
  readonly guesses: number;
  /** The chance that one of them is right. */
  readonly chance: number;
}

/**
 * (N + k + F) · 2 · maxAttempts · k, divided by the number of possible codes. N emails a day each bring the attempts of their
 * holder and the shared ones. Up to k codes are live at once, and each is a chance for every guess. The emails whose codes
 * are still live when the day begins (k) and those that failed and were given back (F) are added.
 */
export function guessBound(settings: Rules): GuessBound {
  const mostEmails = (span: number) =>
    Math.min(...settings.sendLimits.map(({ max, window }) => max * Math.ceil(span / window)));
  const emailsADay = mostEmails(DAY);
  const liveCodes = mostEmails(settings.codeTtl);
  // A mailbox remembers as many emails as the largest limit counts, and gives back among those alone.
  const giveBacks = GIVE_BACKS_A_DAY * Math.ceil(emailsADay / DEEPEST_LIMIT);
  const guesses = (emailsADay + liveCodes + giveBacks) * 2 * settings.maxAttempts * liveCodes;
  return { guesses, chance: Math.min(1, guesses / 10 ** settings.codeLength) };
}

interface Rules {
  readonly sendLimits: readonly Limit[];
  readonly codeTtl: number;
  readonly codeLength: number;
  readonly maxAttempts: number;
}

/** A higher chance brings a warning. The default options have less than half of it. */
const HIGHEST_CHANCE = 1e-3;

const CODE_LENGTHS = [6, 7, 8, 9, 10];

/** Tells an app whose options make a guess too likely what to change. */
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
