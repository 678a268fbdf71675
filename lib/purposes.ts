/** createEmailVerifications(): one verification for each purpose, on one store and one pool of connections. */
import { isOptions, readOptions, readOptionsOf, refuse } from './checks.js';
import { type EmailVerification, verificationOf } from './email-verification.js';
import type { Transport } from './mail/transport/transport.js';
import { createSettings, type EmailVerificationOptions, OPTIONS } from './options/options.js';

/** The options that all purposes share. */
export type CommonOptions = Omit<EmailVerificationOptions, 'purpose'>;

/** The options of one purpose, which replace the common ones. */
export type PurposeOptions = Partial<Omit<CommonOptions, 'store' | 'transport' | 'secret' | 'mailbox'>>;

/**
 * One verification for each purpose: its codes and tokens are worth nothing for another, and it may have words and rules of
 * its own. All share the store, so that the limits of a mailbox count the emails of all of them, and the connections to the
 * mail server, which close with the last verification.
 *
 * @throws TypeError or RangeError as createEmailVerification() does; it names the purpose.
 * @example
 * const { signup, 'change-email': changeEmail } = createEmailVerifications(
 *   { store: new RedisStore(redis), transport, from, secret },
 *   { signup: {}, 'change-email': { codeTtl: 600, codeLength: 8 } },
 * );
 */
export function createEmailVerifications<Purpose extends string>(
  common: CommonOptions,
  purposes: Readonly<Record<Purpose, PurposeOptions>>,
): Readonly<Record<Purpose, EmailVerification>>;
export function createEmailVerifications(
  common: CommonOptions,
  purposes: Readonly<Record<string, PurposeOptions>>,
): Readonly<Record<string, EmailVerification>> {
  const options = readOptionsOf('createEmailVerifications()', common, COMMON);
  if (!isOptions(purposes) || Object.keys(purposes).length === 0)
    return refuse('purposes', 'an object of options by purpose, such as { signup: {} }', purposes);
  const names = Object.keys(purposes);
  const store = OPTIONS.store(options.store);
  const transports = options.transport === undefined ? undefined : OPTIONS.transport(options.transport);
  const lend = transports && lender(transports, names.length);

  function create(purpose: string): EmailVerification {
    const own = purposes[purpose];
    if (!isOptions(own)) return refuse(purpose, 'an object of options', own);
    const all = { ...REQUIRED, ...options, ...readOptions(own, OWN), purpose };
    return verificationOf(createSettings(all, { store, transports: lend?.() }));
  }
  return Object.fromEntries(names.map((purpose) => [purpose, naming(purpose, create)]));
}

const { purpose: _purpose, ...COMMON } = OPTIONS;

/** Not what decides where challenges are stored and under which keys, nor the connections. */
const { store: _store, transport: _transport, secret: _secret, mailbox: _mailbox, ...OWN } = COMMON;

/** What is missing is refused with the other options. */
const REQUIRED = { from: undefined, secret: undefined };

/** Lends transports to several verifications: they close when each has closed its own. */
function lender(transports: readonly Transport[], borrowers: number): () => readonly Transport[] {
  let open = borrowers;
  return () => {
    let isClosed = false;
    return transports.map((transport, n) => ({
      ...transport,
      close() {
        if (n > 0 || isClosed) return;
        isClosed = true;
        open -= 1;
        if (open === 0) for (const one of transports) one.close();
      },
    }));
  };
}

/** Adds the purpose to an error about its options. */
function naming<T>(purpose: string, create: (purpose: string) => T): T {
  try {
    return create(purpose);
  } catch (error) {
    if (error instanceof Error) error.message = `In the purpose '${purpose}': ${error.message}`;
    throw error;
  }
}
