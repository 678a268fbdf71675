import type { Locale } from 'express-email-verification';
import type { Backend } from '../backends.js';

/** The texts of the demo in one language. The package provides the texts of its responses and its email. */
export interface Translation {
  /** The texts of the package. */
  readonly package: Locale;
  /** The language as a BCP 47 tag. */
  readonly tag: string;
  /** The language in its own name, for the language switch. */
  readonly name: string;
  /** The skip link at the start of each page. */
  readonly skip: { readonly form: string; readonly message: string; readonly content: string };
  readonly language: string;
  readonly nav: { readonly signUp: string; readonly signIn: string; readonly signOut: string };
  readonly steps: {
    readonly label: string;
    readonly names: readonly [string, string, string];
  };
  readonly address: {
    readonly title: string;
    readonly lead: string;
    readonly label: string;
    readonly button: string;
    readonly haveCode: string;
    readonly haveAccount: string;
  };
  readonly code: {
    readonly title: string;
    /** The text before and after the email address. */
    readonly sentTo: readonly [string, string];
    /** Replaces `title` and `sentTo` when no code was sent because of a limit. */
    readonly notSent: { readonly title: string; readonly lead: readonly [string, string] };
    readonly label: string;
    readonly button: string;
    readonly resend: string;
    /** The text before and after a countdown. */
    readonly resendIn: readonly [string, string];
    readonly expiresIn: readonly [string, string];
    readonly expired: string;
    readonly changeEmail: string;
    readonly notReceived: string;
    readonly inbox: string;
  };
  readonly account: {
    readonly title: string;
    /** The text before and after the email address. */
    readonly lead: readonly [string, string];
    readonly name: string;
    readonly password: string;
    readonly passwordHint: string;
    readonly button: string;
  };
  readonly signIn: {
    readonly title: string;
    readonly lead: string;
    readonly button: string;
    readonly noAccount: string;
  };
  readonly welcome: {
    readonly title: (name: string) => string;
    readonly lead: (email: string) => string;
    readonly tryAgain: string;
  };
  readonly errors: {
    /** Precedes the page title while the page shows an error. */
    readonly titlePrefix: string;
    /** Follows the package's `too_many_requests` on the code page. */
    readonly enterCode: string;
    readonly verificationExpired: string;
    readonly name: string;
    readonly password: string;
    readonly accountExists: string;
    readonly signIn: string;
    readonly tooManySignIns: string;
    readonly offline: string;
    readonly unexpected: string;
    /** The link on a page that was opened without a sign-up in progress. */
    readonly startOver: string;
  };
  /** The title of the code snippet below each step. */
  readonly howItWorks: string;
  /** Shown while a slow request is pending. */
  readonly busy: string;
  readonly notFound: { readonly title: string; readonly message: string; readonly home: string };
  readonly unexpectedError: { readonly title: string; readonly message: string };
  /** The badge on development pages, and the note next to a link to one. */
  readonly development: { readonly badge: string; readonly note: string };
  readonly inbox: {
    readonly title: string;
    readonly lead: string;
    /** The text before, in, and after a link to the sign-up page. */
    readonly empty: readonly [string, string, string];
    readonly messages: string;
    readonly formats: string;
    readonly format: { readonly html: string; readonly text: string; readonly source: string };
    readonly copy: string;
    /** What the page's script shows on the button and announces to screen readers. */
    readonly script: {
      readonly copied: string;
      readonly codeCopied: string;
      /** Precedes the subject. */
      readonly newMessage: string;
    };
  };
  readonly previews: {
    readonly title: string;
    readonly lead: string;
    readonly names: { readonly code: string; readonly existingAccount: string };
    readonly desktop: string;
    readonly mobile: string;
    readonly text: string;
  };
  readonly backend: (backend: Backend) => string;
  readonly existingAccountEmail: {
    readonly subject: string;
    readonly heading: string;
    readonly explanation: string;
    readonly signIn: string;
    readonly ignore: string;
  };
}
