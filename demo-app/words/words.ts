import type { Locale } from 'express-email-verification';
import type { Use } from '../uses.js';

/** Every word of the demo's pages, in one language. The package brings those of its answers and its mail. */
export interface Words {
  /** What the package says itself. */
  readonly package: Locale;
  readonly tag: string;
  /** The language in its own name, for the switch. */
  readonly name: string;
  /** The first link of each page, past its head. */
  readonly skip: { readonly form: string; readonly letter: string; readonly content: string };
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
    /** Before and after the address. */
    readonly sentTo: readonly [string, string];
    /** In place of these two when another code was refused, and none is known of. */
    readonly notSent: { readonly title: string; readonly lead: readonly [string, string] };
    readonly label: string;
    readonly button: string;
    readonly resend: string;
    /** Before and after a time that counts down. */
    readonly resendIn: readonly [string, string];
    readonly expiresIn: readonly [string, string];
    readonly expired: string;
    readonly change: string;
    readonly noMail: string;
    readonly inbox: string;
  };
  readonly account: {
    readonly title: string;
    /** Before and after the address. */
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
    readonly lead: (address: string) => string;
    readonly tryAgain: string;
  };
  readonly problems: {
    /** Said before a list of what is wrong, as the title of the page. */
    readonly prefix: string;
    readonly enterCode: string;
    readonly expiredToken: string;
    readonly name: string;
    readonly password: string;
    readonly taken: string;
    readonly signIn: string;
    readonly signInLimit: string;
    readonly offline: string;
    readonly unexpected: string;
    readonly lost: string;
    /** The way on, for a page that finds nothing to go on with. */
    readonly startOver: string;
  };
  /** For developers: the title of the lines of code that made this step. */
  readonly hood: string;
  /** Said while an answer is awaited. */
  readonly busy: string;
  readonly lost: { readonly title: string; readonly home: string };
  readonly trouble: { readonly title: string; readonly message: string };
  /** The badge of pages that are for developers, and the note beside a link to one. */
  readonly development: { readonly badge: string; readonly note: string };
  readonly inbox: {
    readonly title: string;
    readonly lead: string;
    /** Before, in and after a link to the sign-up. */
    readonly empty: readonly [string, string, string];
    readonly mails: string;
    readonly views: string;
    readonly view: { readonly html: string; readonly text: string; readonly source: string };
    readonly copy: string;
    /** What its script says: on the button, and to those who listen. */
    readonly script: {
      readonly copied: string;
      readonly codeCopied: string;
      /** Before the subject. */
      readonly mailCame: string;
    };
  };
  readonly previews: {
    readonly title: string;
    readonly lead: string;
    readonly names: { readonly code: string; readonly taken: string };
    readonly wide: string;
    readonly phone: string;
    readonly text: string;
  };
  readonly use: (use: Use) => string;
  readonly mail: {
    readonly subject: string;
    readonly greeting: string;
    readonly explain: string;
    readonly signIn: string;
    readonly ignore: string;
  };
}
