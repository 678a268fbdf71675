/** Why an email did not leave, or may not have, in codes alone: what a server says in words can quote the address. */
import { codeOf } from '../cause.js';

/** What is known of a failure: each part is a code or a number, never a text from outside. */
export interface FailureDetails {
  /** nodemailer's code, as `EAUTH`, or one of ours: `ETEMPLATE`, `ETIMEDOUT`. */
  readonly code: string;
  /** The system's or TLS' own code beneath it, as `ECONNREFUSED` or `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  readonly originalCode?: string | undefined;
  /** The SMTP command that was under way, as `RCPT TO`; `CONN` before the first. */
  readonly command?: string | undefined;
  /** The SMTP reply, as 550 (RFC 5321 §4.2). */
  readonly responseCode?: number | undefined;
  /** The enhanced status, as `5.1.1` (RFC 3463). */
  readonly enhancedCode?: string | undefined;
}

/**
 * Why a mail did not leave, or may not have. Holds codes alone: what a server says in words can hold the address.
 * Its `cause` is there when the mail could not be written: what went wrong in the app's own code.
 */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** nodemailer's code, as `EAUTH`, the system's, as `ECONNREFUSED`, or `ETEMPLATE` for a mail that cannot be written. */
  readonly code: string;
  /** The system's or TLS' own code beneath it, as `ECONNREFUSED` or `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  readonly originalCode: string | undefined;
  /** The SMTP command that was under way, as `RCPT TO`; `CONN` before the first. */
  readonly command: string | undefined;
  /** The SMTP reply, as 550 (RFC 5321 §4.2). */
  readonly responseCode: number | undefined;
  /** The enhanced status, as `5.1.1` (RFC 3463). */
  readonly enhancedCode: string | undefined;

  constructor(kind: 'failed' | 'unknown', details: FailureDetails, cause?: Error) {
    const { code, originalCode, command, responseCode, enhancedCode } = details;
    const known = [code, originalCode, command, responseCode, enhancedCode].filter(
      (part) => part !== undefined,
    );
    super(`${WORDS[kind]}: ${known.join(' ')}`, cause && { cause });
    this.code = code;
    this.originalCode = originalCode;
    this.command = command;
    this.responseCode = responseCode;
    this.enhancedCode = enhancedCode;
  }

  /** Whether another try may succeed: not after a 5yz reply or a login that was refused. */
  get temporary(): boolean {
    if (this.responseCode !== undefined) return this.responseCode < 500;
    return (
      this.code !== 'EAUTH' && this.code !== 'ENOAUTH' && this.code !== 'ECONFIG' && this.code !== 'EOTP'
    );
  }
}

const WORDS = {
  failed: 'The mail did not leave',
  unknown: 'It is not known whether the mail left',
} as const;

/** Reads what a transport or a delivery of the app threw or rejected with, whatever it is. */
export function failureDetailsOf(thrown: unknown): FailureDetails {
  const parts = partsOf(thrown);
  const { response, responseCode, command } = parts;
  const originalCode = codeOf({ code: parts.originalCode });
  const enhancedCode = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(textOf(response) ?? '')?.[1];
  return {
    code: codeOf(thrown) ?? 'EUNKNOWN',
    originalCode,
    command: /^[A-Z][A-Z ]*/.exec(textOf(command) ?? '')?.[0],
    responseCode: typeof responseCode === 'number' ? responseCode : undefined,
    enhancedCode,
  };
}

interface Parts {
  readonly response?: unknown;
  readonly responseCode?: unknown;
  readonly command?: unknown;
  readonly originalCode?: unknown;
}

function partsOf(thrown: unknown): Parts {
  return typeof thrown === 'object' && thrown !== null ? thrown : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
