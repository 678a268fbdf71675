/**
 * What the routes need of a verification beside its acts: the input judged apart, so that a client is counted
 * between judging and sending. It travels with the verification, out of sight.
 */

import type { ClientLimits } from './http/client-limit/client-limit.js';
import type { Judge, JudgedVerify } from './operations/input.js';
import type { ActContext } from './operations/operation.js';
import type { Redeeming } from './operations/redeem.js';
import type { Sending } from './operations/send.js';
import type { VerifyOutcome } from './operations/verify.js';
import { shown } from './options/checks.js';

export interface Acts extends ActContext, Sending, Redeeming {
  readonly judge: Judge;
  verify(judged: JudgedVerify): Promise<VerifyOutcome>;
}

export interface Core extends Acts {
  readonly clientLimits: ClientLimits;
}

/** A global symbol, so that a router loaded by `require` knows a verification that was made by `import`. */
const CORE = Symbol.for('express-email-verification/core');

export function withCore<T extends object>(verification: T, core: Core): T {
  return Object.defineProperty(verification, CORE, { value: core });
}

/** @throws TypeError when it is not what createEmailVerification() made. */
export function coreOf(verification: object): Core {
  if (hasCore(verification)) return verification[CORE];
  throw new TypeError(
    `The first argument must be what createEmailVerification() returned. Received ${shown(verification)}.`,
  );
}

function hasCore(value: object): value is { readonly [CORE]: Core } {
  return typeof value === 'object' && value !== null && CORE in value;
}
