/** guessBound(): how likely blind guessing is to succeed, for the options that an app considers. */
import { type GuessBound, guessBoundOf } from '../challenge/guess-bound.js';
import { readOptionsOf } from '../checks.js';
import { type StrengthOptions, strengthOf } from './options.js';

/**
 * The maximum number of guesses against one mailbox in any 24 hours, and the chance that one of them is right, whatever
 * the attacker does. createEmailVerification() warns about a chance of more than 10⁻³.
 *
 * @param options those of createEmailVerification() that matter here, with the same defaults
 * @throws TypeError or RangeError as createEmailVerification() does
 * @example
 * guessBound({ codeAlphabet: 'letters', codeTtl: 900 }).chance;
 */
export function guessBound(options: StrengthOptions = {}): GuessBound {
  return guessBoundOf(strengthOf(readOptionsOf('guessBound()', options, NAMES)));
}

const NAMES = {
  codeAlphabet: true,
  codeLength: true,
  codeTtl: true,
  binding: true,
  maxAttempts: true,
  sendLimits: true,
};
