/** Refuses addresses of disposable-email services, which a package lists. Keep that package up to date. */

import { isDisposableEmail } from 'disposable-email-domains-js';
import type { BeforeSend } from 'express-email-verification';

/** @example createEmailVerification({ ...options, beforeSend: refuseDisposableAddresses }); */
export const refuseDisposableAddresses: BeforeSend = ({ email }) =>
  isDisposableEmail(email)
    ? { kind: 'refuse', message: 'Please use an address that you will keep.' }
    : undefined;
