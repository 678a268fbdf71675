/**
 * The details of a failed delivery, read from whatever nodemailer, a provider's library or the app threw. Each is a name of
 * a known form or a number of three digits. None is free text, which can quote the address or the code.
 */
import { codeOf, isName, propertyOf, textOf } from '../errors.js';

/** The server that an email was or would have been sent to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** What to correct in the options that name it, as a sentence without the final period. */
  readonly hint?: string | undefined;
}

/** Most become fields of `DeliveryError`, where each is described. */
export interface FailureDetails {
  readonly code: string;
  readonly originalCode?: string | undefined;
  readonly command?: string | undefined;
  readonly responseCode?: number | undefined;
  readonly enhancedCode?: string | undefined;
  readonly statusCode?: number | undefined;
  readonly providerCode?: string | undefined;
  /** Whether another try may succeed, according to a flag that the provider sets besides its codes. */
  readonly retryable?: boolean | undefined;
  /** The SMTP server, if known. */
  readonly endpoint?: Endpoint | undefined;
}

/** Reads whatever a transport or a delivery of the app threw or rejected with. */
export function failureDetailsOf(thrown: unknown, endpoint?: Endpoint): FailureDetails {
  const responseCode = numberFrom(200, propertyOf(thrown, 'responseCode'));
  const statusCode = httpStatusOf(thrown);
  const providerCode = providerCodeOf(thrown);
  const cause = propertyOf(thrown, 'cause');
  const ownCode = codeOf(thrown) ?? FETCH_CODES[textOf(thrown, 'name') ?? ''];
  const original = codeOf({ code: propertyOf(thrown, 'originalCode') }) ?? codeOf(cause);
  const unnamed = statusCode !== undefined || providerCode !== undefined ? 'EPROVIDER' : 'EUNKNOWN';
  const code = ownCode ?? original ?? unnamed;
  return {
    code,
    originalCode: original === code ? undefined : original,
    command: commandOf(thrown),
    responseCode,
    enhancedCode: enhancedCodeOf(thrown, responseCode),
    statusCode,
    providerCode: providerCode === code || providerCode === original ? undefined : providerCode,
    retryable: isRetryable(thrown),
    endpoint,
  };
}

/** The names of the errors that fetch() rejects with when its signal is aborted: they have no code of their own. */
const FETCH_CODES: Readonly<Record<string, string>> = { TimeoutError: 'ETIMEDOUT', AbortError: 'EABORT' };

const COMMANDS =
  /^(?:CONN|API|EHLO|HELO|LHLO|STARTTLS|MAIL FROM|RCPT TO|DATA|RSET|AUTH (?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2)\b|AUTH)/;

/** Without its arguments, which can be the address or the password. */
function commandOf(thrown: unknown): string | undefined {
  return COMMANDS.exec(textOf(thrown, 'command') ?? '')?.[0];
}

function enhancedCodeOf(thrown: unknown, responseCode: number | undefined): string | undefined {
  const reply = textOf(thrown, 'response') ?? '';
  const code = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?!\S)/.exec(reply)?.[1];
  // The class of the enhanced code equals that of the reply (RFC 2034 §4).
  return responseCode === undefined || code?.startsWith(String(responseCode).charAt(0)) ? code : undefined;
}

/** The HTTP status, wherever an SDK or an HTTP client puts it. */
function httpStatusOf(thrown: unknown): number | undefined {
  const response = propertyOf(thrown, 'response');
  return [
    propertyOf(propertyOf(thrown, '$metadata'), 'httpStatusCode'),
    propertyOf(thrown, 'statusCode'),
    propertyOf(thrown, 'status'),
    propertyOf(response, 'status'),
    propertyOf(response, 'statusCode'),
    propertyOf(thrown, 'code'),
  ]
    .map((value) => numberFrom(400, value))
    .find((status) => status !== undefined && !isSmtpReply(status));
}

/** Whether it is the reply code of an SMTP server. From 530 on, HTTP has only 598 and 599, which proxies send. */
function isSmtpReply(status: number): boolean {
  return status >= 530 && status <= 597;
}

/** A reply code or a status: an integer below 600. A longer number could be the one-time code. */
function numberFrom(min: number, value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  const fits = typeof number === 'number' && Number.isInteger(number) && number >= min && number < 600;
  return fits ? number : undefined;
}

/** Names that say which library failed, but not why. */
const GENERIC =
  /^(?:(?:Type|Range|Syntax|Reference|Aggregate|Abort|Timeout|Axios|Gaxios|HTTP|Http|Fetch|Response|Request|StatusCode|Rest|Api|API)?(?:Error|Exception)|Object)$/;

/** The provider's name for the reason: the name of its SDK's error, or else a field of its response. */
function providerCodeOf(thrown: unknown): string | undefined {
  const response = propertyOf(thrown, 'response');
  const body = [
    propertyOf(response, 'data'),
    propertyOf(response, 'body'),
    propertyOf(response, '_data'),
  ].find((part) => typeof part === 'object' && part !== null);
  const candidates = [
    textOf(thrown, 'name'),
    oauthErrorOf(thrown),
    ...['code', 'Code', 'errorCode', 'type'].map((name) => textOf(thrown, name)),
    ...[body, propertyOf(body, 'error'), propertyOf(propertyOf(body, 'errors'), '0')].flatMap((part) =>
      ['code', 'name', 'error', 'type', 'ErrorCode', 'Code'].map((name) => textOf(part, name)),
    ),
  ];
  return candidates.find((name) => name !== undefined && isName(name) && !isGeneric(name));
}

function isGeneric(name: string): boolean {
  return GENERIC.test(name) || /^E(?:RR_)?[A-Z0-9_]+$/.test(name);
}

/** nodemailer begins its message with the error of a token endpoint (RFC 6749 §5.2). */
function oauthErrorOf(thrown: unknown): string | undefined {
  return /^(?:invalid_(?:request|client|grant|scope)|unauthorized_client|unsupported_grant_type)\b/.exec(
    textOf(thrown, 'message') ?? '',
  )?.[0];
}

/** Reads the marks that the AWS SDKs put on their errors. */
function isRetryable(thrown: unknown): boolean | undefined {
  if (typeof propertyOf(thrown, '$retryable') === 'object') return true;
  const fault = propertyOf(thrown, '$fault');
  return fault === 'client' || fault === 'server' ? fault === 'server' : undefined;
}
