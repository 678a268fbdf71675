/** Sign-ups, changes of address and sign-ins on one store, in English. Other languages need words for each, too. */

import {
  type CommonOptions,
  createEmailVerifications,
  type EmailVerification,
  en,
  type Locale,
} from 'express-email-verification';

const changeEmail: Locale = {
  ...en,
  mail: {
    ...en.mail,
    heading: 'Confirm your new email address',
    instruction: (appName) => `Enter this code to use this address with ${appName}:`,
  },
};

const signIn: Locale = {
  ...en,
  mail: {
    ...en.mail,
    subject: (appName) => `Sign in to ${appName}`,
    heading: 'Sign in',
    instruction: (appName) => `Enter this code to sign in to ${appName}:`,
    ignore: 'If you are not signing in, somebody knows your password: change it. Never share this code.',
  },
};

export type Purpose = 'signup' | 'change-email' | 'sign-in';

/** Mount a router for each: `app.use('/sign-up/verification', emailVerificationRouter(purposes.signup))`. */
export function createPurposes(common: CommonOptions): Readonly<Record<Purpose, EmailVerification>> {
  return createEmailVerifications<Purpose>(common, {
    signup: {},
    'change-email': { locales: { ...common.locales, en: changeEmail }, codeTtl: 600, codeLength: 8 },
    'sign-in': { locales: { ...common.locales, en: signIn } },
  });
}
