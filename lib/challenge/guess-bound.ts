/** Rule 8: the maximum number of guesses against one mailbox in a day, whatever the attacker does. */

import { DAY, DEEPEST_LIMIT, GIVE_BACKS_A_DAY, type Limit } from '../store/store.js';
import type { CodeFormat } from './code.js';

export interface GuessBound {
  /** The maximum of guesses compared × codes live at the time, in any 24 hours. */
  readonly guesses: number;
  /** The chance that one of them is right. */
  readonly chance: number;
}

/**
 * (N + k + F) · 2 · maxAttempts · k, divided by the number of possible codes. N emails a day each bring the attempts of their
 * holder and the shared ones. Up to k codes are live at once, and each is a chance for every guess. The emails whose codes
 * are still live when the day begins (k) and those that failed and were given back (F) are added. If only the client that
 * requested a code can enter it, there are no shared attempts, and the factor 2 is gone.
 */
export function guessBoundOf(settings: Rules): GuessBound {
  const maxEmails = (span: number) =>
    Math.min(...settings.sendLimits.map(({ max, window }) => max * Math.ceil(span / window)));
  const emailsADay = maxEmails(DAY);
  const liveCodes = maxEmails(settings.codeTtl);
  // A mailbox remembers only as many emails as the largest limit counts, and gives places back only among those.
  const giveBacks = GIVE_BACKS_A_DAY * Math.ceil(emailsADay / DEEPEST_LIMIT);
  const budgets = settings.binding === 'client' ? 1 : 2;
  const guesses = (emailsADay + liveCodes + giveBacks) * budgets * settings.maxAttempts * liveCodes;
  return { guesses, chance: Math.min(1, guesses / settings.codes.count) };
}

interface Rules {
  readonly sendLimits: readonly Limit[];
  readonly codeTtl: number;
  readonly codes: Pick<CodeFormat, 'alphabet' | 'count'>;
  readonly binding: 'address' | 'client';
  readonly maxAttempts: number;
}

/** A higher chance causes a warning. With the default options, it is less than half of this. */
const HIGHEST_CHANCE = 1e-3;

const CODE_LENGTHS = [6, 7, 8, 9, 10];

/** If the options make a guess too likely, says what to change. */
export function guessWarning(settings: Rules): string | undefined {
  const { guesses, chance } = guessBoundOf(settings);
  if (chance <= HIGHEST_CHANCE) return undefined;
  const isDigits = settings.codes.alphabet === 'digits';
  const codeLength = CODE_LENGTHS.find((length) => isDigits && guesses / 10 ** length <= HIGHEST_CHANCE);
  const longer = codeLength === undefined ? 'Allow' : `Set \`codeLength\` to ${codeLength}, or allow`;
  return (
    `With these options, blind guessing succeeds with a probability of up to ${chance.toPrecision(2)} per mailbox ` +
    `and day; ${HIGHEST_CHANCE} or less is recommended. ${longer} fewer emails by \`sendLimits\`, fewer \`maxAttempts\`, ` +
    'or a shorter `codeTtl`.'
  );
}
