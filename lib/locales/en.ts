import { type Locale, waitOf } from './locale.js';

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

export const en: Locale = {
  tag: 'en',
  dir: 'ltr',
  answers: {
    sent: 'We sent you a code. Please check your mail.',
    verified: 'Your email address is verified.',
    invalid_request: 'Please check what you entered.',
    refused: 'This request was refused.',
    too_many_requests: (seconds) => {
      const { count, unit } = waitOf(seconds);
      return `Too many requests. Please try again in ${plural(count, unit, `${unit}s`)}.`;
    },
    delivery_failed: 'The email could not be sent. Please try again later.',
    recipient_refused: 'The mail could not be delivered. Please check the address and try again.',
    delivery_unknown: 'The mail may take a little longer. If it arrives, its code works.',
    unavailable: 'The service is not available right now. Please try again in a moment.',
    code_incorrect: (left) =>
      left === 0
        ? 'The code is not correct. Please ask for a new one.'
        : `The code is not correct. You have ${plural(left, 'attempt', 'attempts')} left.`,
    code_expired: 'This code is no longer valid. Please ask for a new one.',
    code_outdated: 'This code is from an earlier email. Please enter the code from the newest one.',
    email_not_verified: 'Please verify your email address first.',
  },
  fields: {
    body: 'The request could not be read. Please send JSON or a form.',
    email: 'Please enter a valid email address.',
    code: (length) => `Please enter the ${length} digits of the code.`,
    challengeId: 'The challengeId must be a string.',
    locale: 'The locale must be a string.',
  },
  mail: {
    subject: (appName) => `Your code for ${appName}`,
    subjectWithCode: (appName, code) => `${code} is your code for ${appName}`,
    preview: (appName) => `Enter it to verify your email address for ${appName}.`,
    heading: 'Verify your email address',
    instruction: (appName) => `Enter this code to go on with ${appName}:`,
    expiry: (seconds) =>
      `The code is valid for ${
        seconds % 60 === 0 ? plural(seconds / 60, 'minute', 'minutes') : plural(seconds, 'second', 'seconds')
      } and works once.`,
    ignore: 'If you did not ask for this code, you can ignore this email. Never give the code to anyone.',
  },
};
