import { builtIn, durationsIn, type Locale } from './locale.js';

const durations = durationsIn('en');

export const en: Locale = builtIn({
  tag: 'en',
  dir: 'ltr',
  answers: {
    sent: 'We sent you a code. Please check your email.',
    verified: 'Your email address is verified.',
    invalid_request: 'Please check what you entered.',
    refused: 'This request was refused.',
    captcha: 'Please confirm that you are not a robot, then try again.',
    too_many_requests: (seconds) => `Too many requests. Please try again in ${durations.wait(seconds)}.`,
    delivery_failed: 'The email could not be sent. Please try again later.',
    recipient_refused: 'The email could not be delivered. Please check the address and try again.',
    delivery_unknown: 'The email may take a little longer. If it arrives, the code in it will work.',
    unavailable: 'The service is not available right now. Please try again in a moment.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'The code is incorrect. Please request a new one.'
        : `The code is incorrect. You have ${attemptsLeft} ${attemptsLeft === 1 ? 'attempt' : 'attempts'} left.`,
    code_expired: 'This code has expired. Please request a new one.',
    code_outdated: 'This code is from an earlier email. Please enter the code from the newest one.',
    email_not_verified: 'Please verify your email address first.',
  },
  fields: {
    body: 'The request could not be read. Please send JSON or a form.',
    email: 'Please enter a valid email address.',
    emailNotString: 'The email must be a string.',
    code: (length) => `Please enter the ${length}-digit code.`,
    letterCode: 'Please enter the 8-letter code.',
    codeNotString: 'The code must be a string.',
    challengeId: 'The challengeId must be a string.',
    locale: 'The locale must be a string.',
  },
  mail: {
    subject: (appName) => `Your code for ${appName}`,
    subjectWithCode: (appName, code) => `${code} is your code for ${appName}`,
    preview: (appName) => `Enter it to verify your email address for ${appName}.`,
    heading: 'Verify your email address',
    instruction: (appName) => `Enter this code to continue with ${appName}:`,
    expiry: (seconds) => `This code expires in ${durations.exact(seconds)} and can be used once.`,
    requestedFor: (email) => `This code was requested for ${email}.`,
    ignore: 'If you did not request this code, you can ignore this email. Never share the code with anyone.',
  },
});
