import { en as own } from 'express-email-verification';
import type { Words } from './words.js';

export const en: Words = {
  package: own,
  tag: 'en',
  name: 'English',
  skip: { form: 'Skip to the form', letter: 'Skip to the letter', content: 'Skip to the content' },
  language: 'Language',
  nav: { signUp: 'Sign up', signIn: 'Sign in', signOut: 'Sign out' },
  steps: { label: 'Steps', names: ['Address', 'Code', 'Account'] },
  address: {
    title: 'Create an account',
    lead: 'We mail you a code, you type it in, and your address is verified.',
    label: 'Email address',
    button: 'Mail me a code',
    haveCode: 'I have a code already',
    haveAccount: 'Do you have an account already?',
  },
  code: {
    title: 'Check your mail',
    sentTo: ['We mailed a code to ', '.'],
    notSent: {
      title: 'No new code yet',
      lead: ['Nothing was mailed to ', ' just now. Wait until you can ask again, or use another address.'],
    },
    label: 'Code',
    hint: '6 digits',
    button: 'Verify my address',
    resend: 'Mail me another code',
    resendIn: ['You can ask for another code in ', '.'],
    expiresIn: ['The code is valid for another ', '.'],
    expired: 'The time of this code is over. Ask for another one.',
    change: 'Use another address',
    noMail: 'No mail yet? Please look in your spam folder too.',
    inbox: 'Open the inbox',
  },
  account: {
    title: 'Your address is verified',
    lead: ['Choose a name and a password for ', '.'],
    name: 'Name',
    password: 'Password',
    passwordHint: 'At least 8 characters. A few words in a row are good.',
    button: 'Create my account',
  },
  signIn: {
    title: 'Sign in',
    lead: 'With the address you verified.',
    button: 'Sign in',
    noAccount: 'Do you have no account yet?',
  },
  welcome: {
    title: (name) => `Welcome, ${name}`,
    lead: (address) => `You are signed in as ${address}.`,
    tryAgain: 'Sign out to see the rest: sign in again, or, after a minute, sign up with the same address.',
  },
  problems: {
    prefix: 'Error',
    enterCode: 'If a code has reached you, you can enter it below.',
    expiredToken: 'Too much time has passed since you verified your address. Please verify it again.',
    name: 'Please enter a name of 1 to 80 characters.',
    password: 'Please enter a password of 8 to 200 characters.',
    taken: 'There is an account for this address already. You can sign in.',
    signIn: 'The address or the password is not right. Please check both.',
    signInLimit: 'Too many sign-ins failed. Please try again in 10 minutes.',
    offline: 'You seem to be offline. Nothing is lost: please try again when you are back.',
    unexpected: 'Something went wrong on our side. Please try again in a moment.',
    lost: 'There is nothing at this address.',
    startOver: 'Start at the address',
  },
  hood: 'The code behind this step',
  busy: 'One moment …',
  lost: { title: 'Page not found', home: 'To the beginning' },
  trouble: { title: 'Something went wrong' },
  development: { badge: 'Development only', note: 'development only' },
  inbox: {
    title: 'Inbox',
    lead: 'Every mail of this demo ends here. Nothing is delivered.',
    empty: ['No mail yet. Ask for a code on the ', 'sign-up page', ': it shows here by itself.'],
    mails: 'Mails',
    views: 'Views',
    view: { html: 'HTML', text: 'Text', source: 'Source' },
    copy: 'Copy the code',
    script: { copied: 'Copied', codeCopied: 'The code was copied.', mailCame: 'A mail came' },
  },
  previews: {
    title: 'All mails',
    lead: 'Each mail in each language: on a desk, on a phone, and as text.',
    names: { code: 'The code', taken: 'The address is taken' },
    wide: 'wide',
    phone: 'on a phone',
    text: 'Text',
  },
  use: (use) => {
    switch (use.kind) {
      case 'redis':
        return `Redis at ${use.host}`;
      case 'own_redis':
        return `Redis ${use.version}, brought along (port ${use.port})`;
      case 'code_memory':
        return 'Codes in memory, without Redis';
      case 'smtp':
        return `Mail by ${use.name}`;
      case 'inbox':
        return 'Mail stays here, in the inbox';
      case 'account_memory':
        return 'Accounts in memory';
      case 'account_file':
        return `Accounts in ${use.file}`;
    }
  },
  mail: {
    subject: 'You already have an account',
    greeting: 'You already have an account',
    explain:
      'Somebody, probably you, wanted to sign up with this address. It has an account already, so there is no code.',
    signIn: 'Sign in here:',
    ignore: 'If it was not you, you can ignore this mail. Nothing has changed.',
  },
};
