import { en as own } from 'express-email-verification';
import type { Translation } from './translation.js';

export const en: Translation = {
  package: own,
  tag: 'en',
  name: 'English',
  skip: { form: 'Skip to form', message: 'Skip to message', content: 'Skip to main content' },
  language: 'Language',
  nav: { signUp: 'Sign up', signIn: 'Sign in', signOut: 'Sign out' },
  steps: { label: 'Sign-up steps', names: ['Email', 'Code', 'Account'] },
  address: {
    title: 'Create your account',
    lead: 'Enter your email address, and we’ll send you a code to verify it.',
    label: 'Email address',
    button: 'Send code',
    haveCode: 'I already have a code',
    haveAccount: 'Already have an account?',
  },
  code: {
    title: 'Check your email',
    sentTo: ['We sent a code to ', '.'],
    notSent: {
      title: 'No new code sent',
      lead: [
        'We can’t send another code to ',
        ' yet. Please try again later, or use a different email address.',
      ],
    },
    label: 'Enter the code',
    button: 'Verify email',
    resend: 'Resend code',
    resendIn: ['You can request a new code in ', '.'],
    expiresIn: ['This code expires in ', '.'],
    expired: 'This code has expired. Please request a new one.',
    changeEmail: 'Use a different email address',
    notReceived: 'Didn’t get the email? Check your spam folder.',
    inbox: 'Open inbox',
  },
  account: {
    title: 'Email verified',
    lead: ['Enter your name and choose a password for ', '.'],
    name: 'Name',
    password: 'Password',
    passwordHint: 'Use at least 8 characters. A few random words work well.',
    button: 'Create account',
  },
  signIn: {
    title: 'Sign in',
    lead: 'Enter your email address and password.',
    button: 'Sign in',
    noAccount: 'Don’t have an account?',
  },
  welcome: {
    title: (name) => `Welcome, ${name}`,
    lead: (address) => `You’re signed in as ${address}.`,
    tryAgain:
      'To see more of the demo, sign out and sign in again, or wait a minute and sign up with the same email address.',
  },
  errors: {
    titlePrefix: 'Error',
    enterCode: 'If you already have a code, enter it below.',
    verificationExpired: 'Your email verification has expired. Please verify your email address again.',
    name: 'Please enter your name (80 characters at most).',
    password: 'Please enter a password with 8 to 200 characters.',
    accountExists: 'An account with this email address already exists. Please sign in.',
    signIn: 'Incorrect email address or password. Please try again.',
    tooManySignIns: 'Too many failed sign-in attempts. Please try again in 10 minutes.',
    offline: 'You seem to be offline. Check your connection and try again.',
    unexpected: 'Something went wrong. Please try again in a moment.',
    startOver: 'Start over',
  },
  howItWorks: 'How this step works',
  busy: 'Please wait…',
  notFound: {
    title: 'Page not found',
    message: 'We couldn’t find the page you’re looking for.',
    home: 'Go to the home page',
  },
  unexpectedError: { title: 'Something went wrong', message: 'Please try again in a moment.' },
  development: { badge: 'Development only', note: 'development only' },
  inbox: {
    title: 'Inbox',
    lead: 'Every email that the demo sends appears here. Nothing is delivered.',
    empty: ['No messages yet. Request a code on the ', 'sign-up page', ', and it will appear here.'],
    messages: 'Messages',
    formats: 'Message format',
    format: { html: 'HTML', text: 'Plain text', source: 'Source' },
    copy: 'Copy code',
    script: { copied: 'Copied', codeCopied: 'Code copied.', newMessage: 'New message' },
  },
  previews: {
    title: 'Email previews',
    lead: 'Every email in every language, on desktop, on mobile, and as plain text.',
    names: { code: 'Verification code', existingAccount: 'Existing account' },
    desktop: 'desktop',
    mobile: 'mobile',
    text: 'Plain text',
  },
  backend: (backend) => {
    switch (backend.kind) {
      case 'redis':
        return `Redis at ${backend.host}`;
      case 'local_redis':
        return `Redis ${backend.version}, started by the demo`;
      case 'memory_store':
        return 'Codes in memory (no Redis)';
      case 'smtp':
        return `Email via ${backend.name}`;
      case 'inbox':
        return 'Emails stay in the inbox';
      case 'memory_accounts':
        return 'Accounts in memory';
      case 'file_accounts':
        return `Accounts in ${backend.file}`;
    }
  },
  existingAccountEmail: {
    subject: 'You already have an account',
    heading: 'You already have an account',
    explanation:
      'Someone, probably you, tried to sign up with this email address. It already has an account, so we didn’t send a code.',
    signIn: 'Sign in:',
    ignore: 'If this wasn’t you, you can ignore this email. Nothing has changed.',
  },
};
