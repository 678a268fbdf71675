/** For development: codes on the console, and no limits. */
import { checkFunction, readOptionsOf } from '../checks.js';
import { warn } from '../events.js';
import type { CustomDelivery } from '../mail/mailer.js';
import type { EmailVerificationOptions } from '../options/options.js';
import { refuseInProduction } from './refuse-production.js';

export interface ConsoleDeliveryOptions {
  /** Writes a line. @default console.log */
  readonly print?: ((line: string) => void) | undefined;
}

/**
 * A delivery that prints each code instead of sending an email. `transport` is then not required. Warns once, because
 * whoever reads the output can verify any address.
 *
 * @throws TypeError if NODE_ENV is production.
 * @example
 * const verification = createEmailVerification({ store, from, secret, delivery: createConsoleDelivery() });
 * // Code for person@example.com: 123456 (valid for 180 seconds)
 */
export function createConsoleDelivery(options: ConsoleDeliveryOptions = {}): CustomDelivery {
  refuseInProduction('createConsoleDelivery()');
  const read = readOptionsOf('createConsoleDelivery()', options, { print: true });
  const print = checkFunction('print', read.print, 'createConsoleDelivery()') ?? printToConsole;
  warn('Codes are printed, not emailed (createConsoleDelivery): for development only.');
  return async ({ to, subject, text, html }, { code, expiresAt }) => {
    const seconds = Math.ceil((expiresAt.getTime() - Date.now()) / 1000);
    // A `print` that is asynchronous may reject.
    await print(
      code === undefined
        ? `Email without a code to ${to.address}: ${subject}\n${text ?? html}`
        : `Code for ${to.address}: ${code} (valid for ${seconds} seconds)`,
    );
  };
}

function printToConsole(line: string): void {
  // biome-ignore lint/suspicious/noConsole: it is what the app asked for
  console.log(line);
}

/**
 * The options that lift all limits, so that you can request codes for your own mailbox as often as you like. Guessing is then
 * unlimited too: a warning says so at start, and so does `check()`.
 *
 * @throws TypeError if NODE_ENV is production.
 * @example
 * createEmailVerification({ ...options, ...withoutLimits() });
 */
export function withoutLimits(): Pick<EmailVerificationOptions, 'sendLimits' | 'rateLimit'> {
  refuseInProduction('withoutLimits()');
  return { sendLimits: [{ max: 1000, window: 1 }], rateLimit: false };
}
