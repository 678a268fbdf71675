/** Refuses addresses of disposable-email services, by a package that collects them. Keep that package up to date. */
import { isDisposableEmail } from 'disposable-email-domains-js';
import type { BeforeSend } from 'express-email-verification';

/** createEmailVerification({ ...options, beforeSend: refuseDisposableAddresses }) */
export const refuseDisposableAddresses: BeforeSend = ({ email }) =>
  isDisposableEmail(email)
    ? { kind: 'refuse', message: 'Please use an address that you will keep.' }
    : undefined;
