/** The words of one language: of answers, of what is wrong with a field, and of the mail. */
export interface Locale {
  /** The BCP 47 tag, as `lang` in the mail. */
  readonly tag: string;
  readonly dir: 'ltr' | 'rtl';
  readonly answers: {
    readonly sent: string;
    readonly verified: string;
    readonly invalid_request: string;
    readonly refused: string;
    readonly too_many_requests: (seconds: number) => string;
    /** The email could not be sent, for a reason that is not the person's. */
    readonly delivery_failed: string;
    /** The mail server refused the address. @default delivery_failed */
    readonly recipient_refused?: string;
    readonly delivery_unknown: string;
    readonly unavailable: string;
    readonly code_incorrect: (attemptsLeft: number) => string;
    readonly code_expired: string;
    /** An older code, while a newer one lives and can be entered. @default code_expired */
    readonly code_outdated?: string;
    readonly email_not_verified: string;
  };
  readonly fields: {
    readonly body: string;
    readonly email: string;
    readonly code: (length: number) => string;
    readonly challengeId: string;
    readonly locale: string;
  };
  readonly mail: {
    readonly subject: (appName: string) => string;
    /** The subject when `codeInSubject` is set. */
    readonly subjectWithCode: (appName: string, code: string) => string;
    /** What an inbox shows beside the subject. */
    readonly preview: (appName: string) => string;
    readonly heading: string;
    readonly instruction: (appName: string) => string;
    /** How long the code is valid, in seconds. */
    readonly expiry: (seconds: number) => string;
    /** For a reader who asked for nothing. */
    readonly ignore: string;
  };
}

export interface Wait {
  readonly count: number;
  readonly unit: 'second' | 'minute' | 'hour';
}

/** A wait as people say it: in seconds up to two minutes, in minutes up to two hours, else in hours; rounded up. */
export function waitOf(seconds: number): Wait {
  if (seconds <= 120) return { count: seconds, unit: 'second' };
  if (seconds <= 7200) return { count: Math.ceil(seconds / 60), unit: 'minute' };
  return { count: Math.ceil(seconds / 3600), unit: 'hour' };
}
