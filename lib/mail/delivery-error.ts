/** The error of a failed delivery, and what its codes mean: what failed, what to do about it, and whether a retry helps. */
import type { Endpoint, FailureDetails } from './failure-details.js';

/**
 * Why an email was not sent, or may not have been. The message says it in one line, with no address, code or password.
 * The fields hold only names and numbers, because the text of a server's reply can quote the address. `cause` is set when
 * the template threw: it is that error, with its digits masked.
 *
 * @example
 * verification.on('delivery_failed', ({ email, cause }) => log.error({ email, ...cause }, cause.message));
 * // The email was not sent: smtp.acme.example:587 refused the recipient (EENVELOPE, RCPT TO, 550, 5.1.1)
 */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** A code of nodemailer such as `EAUTH`, of the system such as `ECONNREFUSED`, or `ETEMPLATE` if the template threw. */
  declare readonly code: string;
  /** The underlying code of the system or of TLS, such as `ECONNREFUSED` or `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  declare readonly originalCode?: string;
  /** The SMTP server, if known. */
  declare readonly host?: string;
  declare readonly port?: number;
  /** The SMTP command that failed, such as `RCPT TO`; `CONN` before the first. */
  declare readonly command?: string;
  /** The SMTP reply code, such as 550 (RFC 5321 §4.2). */
  declare readonly responseCode?: number;
  /** The enhanced status code, such as `5.1.1` (RFC 3463). */
  declare readonly enhancedCode?: string;
  /** The HTTP status of a provider's response. */
  declare readonly statusCode?: number;
  /** The provider's name for the reason, such as `MessageRejected`. */
  declare readonly providerCode?: string;
  /** Whether another try may succeed. It cannot after a 5yz reply, a refused login or a wrong certificate. */
  readonly temporary: boolean;
  /** Whether the address itself was refused, for a reason that is only about the address. */
  readonly recipientRefused: boolean;
  /** With several transports: the failures of those that were tried before this one. */
  declare readonly earlier?: readonly DeliveryError[];
  readonly #kind: DeliveryErrorKind;
  readonly #details: FailureDetails;

  constructor(
    kind: DeliveryErrorKind,
    details: FailureDetails,
    cause?: Error,
    earlier: readonly DeliveryError[] = [],
  ) {
    const described = [describeFailure(details, cause), ...earlier.map((error) => error.#description())];
    super(`${SUMMARY[kind]}: ${described.join('; before that, ')}`, cause && { cause });
    this.#kind = kind;
    this.#details = details;
    if (earlier.length > 0) this.earlier = earlier;
    // `temporary` stands for `retryable`.
    const { retryable: _unused, endpoint, ...fields } = details;
    for (const [field, value] of Object.entries({ ...fields, host: endpoint?.host, port: endpoint?.port }))
      if (value !== undefined) Object.assign(this, { [field]: value });
    this.temporary = isTemporary(details);
    this.recipientRefused = isRecipientRefused(details);
  }

  /** @internal The same error, with those of the transports that were tried before it. */
  after(earlier: readonly DeliveryError[]): DeliveryError {
    if (earlier.length === 0) return this;
    const cause = this.cause instanceof Error ? this.cause : undefined;
    return new DeliveryError(this.#kind, this.#details, cause, earlier);
  }

  #description(): string {
    return describeFailure(this.#details);
  }
}

type DeliveryErrorKind = 'failed' | 'unknown';

const SUMMARY = {
  failed: 'The email was not sent',
  unknown: 'It is not known whether the email was sent',
} as const;

/** One line for the operator: who did what, and the codes. */
export function describeFailure(details: FailureDetails, cause?: Error): string {
  const { code, originalCode, command, responseCode, enhancedCode, statusCode, providerCode } = details;
  const status = statusCode === undefined ? undefined : `HTTP ${statusCode}`;
  const codes = [code, originalCode, command, responseCode, enhancedCode, status, providerCode];
  const listed = codes.filter((part) => part !== undefined).join(', ');
  return `${sentenceOf(details, cause)} (${listed})`;
}

function sentenceOf(details: FailureDetails, cause: Error | undefined): string {
  if (cause) return `it could not be written: ${onOneLine(`${cause.name}: ${cause.message}`)}`;
  const { text, remedy }: Omit<Failure, 'matches'> = FAILURES.find(({ matches }) => matches(details)) ?? {
    text: 'failed',
  };
  const actor = actorOf(details);
  const { endpoint } = details;
  // Contradictory options fail before the first reply of the server.
  const advice = details.responseCode === undefined ? (endpoint?.hint ?? remedy) : remedy;
  return advice === undefined ? `${actor} ${text}` : `${actor} ${text}: ${advice}`;
}

function onOneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}

/** In characters. The error of a template engine can quote many lines of the template. */
const MAX_LINE = 300;

function actorOf(details: FailureDetails): string {
  if (isOfProvider(details)) return 'the provider';
  if (details.endpoint) return nameOf(details.endpoint);
  if (details.code === 'EQUEUE' || details.code === 'EEXPIRED') return 'the queue';
  if (details.code === 'EWORKER') return 'a worker';
  return details.code === 'EUNKNOWN' ? 'the delivery' : 'the server';
}

function nameOf({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function isOfProvider({ responseCode, command, statusCode, providerCode }: FailureDetails): boolean {
  return responseCode === undefined && command === undefined && (statusCode ?? providerCode) !== undefined;
}

/** What went wrong, by its codes, and what to do about it. The first match counts. */
interface Failure {
  readonly matches: (details: FailureDetails) => boolean;
  readonly text: string;
  readonly remedy?: string;
}

/** Whether the server refused a command, with a reply that begins with 4 (temporary) or 5 (permanent). */
const refusedAt =
  (command: string, replyClass: 4 | 5) =>
  ({ command: failed, responseCode = 0 }: FailureDetails) =>
    failed?.startsWith(command) === true && Math.floor(responseCode / 100) === replyClass;

const codedAs = (codes: RegExp) => (details: FailureDetails) =>
  codes.test(details.originalCode ?? '') || codes.test(details.code);

/** The codes of OpenSSL and Node for a certificate that they do not trust. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|INVALID_CA|CERT_UNTRUSTED)/;
const OUT_OF_DATE = /^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)/;
const WRONG_NAME = /^(?:ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/;
const NOT_TLS = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/;
const NO_COMMON_TLS =
  /^(?:CERT_|ERR_(?:SSL|TLS|OSSL)_\w*(?:VERSION|PROTOCOL|HANDSHAKE_FAILURE|CIPHER|UNKNOWN_CA|CERT|KEY_TOO|MD_TOO))/;
/** The name does not exist. For a transient failure of DNS, nodemailer keeps the addresses it resolved before. */
const NO_SUCH_NAME = /^(?:ENOTFOUND|ENODATA|EBADNAME)$/;

const FAILURES: readonly Failure[] = [
  {
    matches: codedAs(UNTRUSTED),
    text: 'has an untrusted certificate',
    remedy: 'pass the certificate of its authority as `tls.ca`',
  },
  { matches: codedAs(OUT_OF_DATE), text: 'has a certificate that has expired or is not yet valid' },
  {
    matches: codedAs(WRONG_NAME),
    text: 'has a certificate for another name',
    remedy: 'pass the name in it as `host`, or as `tls.servername`',
  },
  {
    matches: codedAs(NOT_TLS),
    text: 'does not begin with TLS',
    remedy: 'leave `secure` out, or begin the URL with smtp://, for TLS with STARTTLS',
  },
  { matches: codedAs(NO_COMMON_TLS), text: 'and this app have no TLS version or cipher in common' },
  { matches: codedAs(/^ECONNREFUSED$/), text: 'refused the connection' },
  { matches: codedAs(NO_SUCH_NAME), text: 'was not found in DNS' },
  {
    matches: codedAs(/^(?:EDNS|EAI_AGAIN|ESERVFAIL|ETIMEOUT)$/),
    text: 'could not be looked up in DNS',
  },
  { matches: codedAs(/^EPROXY$/), text: 'was not reached through the proxy' },
  { matches: refusedAt('STARTTLS', 4), text: 'temporarily refused TLS' },
  {
    matches: refusedAt('STARTTLS', 5),
    text: 'offers no TLS',
    remedy: 'without it no password is sent, unless you set `requireTLS: false`',
  },
  { matches: refusedAt('AUTH', 4), text: 'temporarily refused the login' },
  { matches: refusedAt('AUTH', 5), text: 'refused the login' },
  { matches: refusedAt('MAIL FROM', 4), text: 'temporarily refused the sender' },
  { matches: refusedAt('MAIL FROM', 5), text: 'refused the sender' },
  { matches: refusedAt('RCPT TO', 4), text: 'temporarily refused the recipient' },
  { matches: refusedAt('RCPT TO', 5), text: 'refused the recipient' },
  { matches: refusedAt('DATA', 4), text: 'temporarily refused the message' },
  { matches: refusedAt('DATA', 5), text: 'refused the message' },
  { matches: ({ responseCode = 0 }) => responseCode >= 500, text: 'refused it' },
  { matches: ({ responseCode = 0 }) => responseCode >= 400, text: 'temporarily refused it' },
  { matches: codedAs(/^(?:EAUTH|ENOAUTH|EOAUTH2)$/), text: 'did not accept the login' },
  { matches: (details) => details.statusCode === 429 || isThrottled(details), text: 'is rate limiting' },
  { matches: ({ statusCode = 0 }) => statusCode >= 500, text: 'had an internal error' },
  { matches: isOfProvider, text: 'refused it' },
  { matches: codedAs(/TIMEDOUT$|TIMEOUT$/), text: 'did not answer in time' },
  { matches: codedAs(/^(?:ECONNRESET|EPIPE|ECONNECTION)$/), text: 'closed the connection' },
  { matches: codedAs(/^ETLS$/), text: 'could not start TLS' },
  { matches: codedAs(/^(?:ENETUNREACH|EHOSTUNREACH|EHOSTDOWN|ENETDOWN)$/), text: 'could not be reached' },
  { matches: codedAs(/^EPROTOCOL$/), text: 'does not speak SMTP as expected' },
  { matches: codedAs(/^ENOENT$/), text: 'failed: the sendmail binary was not found' },
  { matches: codedAs(/^OOM$/), text: 'is out of memory' },
  {
    matches: codedAs(/^NOPERM$/),
    text: 'did not allow it',
    remedy: 'grant the Redis user the rights that the README of the queue lists',
  },
  { matches: codedAs(/^EDATA$/), text: 'did not take it: the `data` of `beforeSend` is not JSON' },
  { matches: codedAs(/^EQUEUE$/), text: 'did not take it' },
  {
    matches: codedAs(/^EEXPIRED$/),
    text: 'held it until its code was about to expire',
    remedy: 'run more workers, raise `concurrency`, or set the clocks right',
  },
  { matches: codedAs(/^EWORKER$/), text: 'ended while it was sending it' },
];

const THROTTLED = /throttl|too_?many|rate_?(?:limit|exceed)|slow_?down/i;
const TEMPORARY = /unavailable|time_?out|internal|overload/i;
const PERMANENT =
  /reject|not_?verified|denied|unauthori[sz]ed|forbidden|inactive|invalid|validation|bad_?request|not_?found|suspend|paused|missing|malformed|unrecognized|signature/i;

function isThrottled({ providerCode = '' }: FailureDetails): boolean {
  return THROTTLED.test(providerCode);
}

/** Another try would fail again: wrong options, a wrong message, missing permissions. */
const PERMANENT_CODES =
  /^(?:ENOAUTH|EOAUTH2|ECONFIG|EOTP|EREQUIRETLS|ETEMPLATE|EMAXRECIPIENTS|EFILEACCESS|EURLACCESS|EACCES|EPERM|ENOENT|ERR_ACCESS_DENIED)$/;
const NETWORK_CODES = /^(?:E[A-Z]*(?:CONN|TIME|UNREACH|DOWN)[A-Z]*|EAI_AGAIN|ESOCKET|EDNS|EPIPE|EFETCH)$/;

/** The reply of the server or the provider decides. Without one, the codes do. */
function isTemporary(details: FailureDetails): boolean {
  const { code, originalCode, command, responseCode, statusCode, providerCode = '', retryable } = details;
  if (responseCode !== undefined) {
    // 503 means that commands came out of sequence, not that the message was refused.
    return responseCode < 500 || (responseCode === 503 && code !== 'EAUTH');
  }
  if (isTlsFailure(details) || codedAs(NO_SUCH_NAME)(details)) return false;
  if (isThrottled(details)) return true;
  if (statusCode !== undefined) return statusCode >= 500 || [408, 425, 429].includes(statusCode);
  if (retryable !== undefined) return retryable;
  if (providerCode !== '') return TEMPORARY.test(providerCode) || !PERMANENT.test(providerCode);
  if (code === 'EAUTH') return NETWORK_CODES.test(originalCode ?? '');
  // Without a reply: nodemailer refused the message itself, or TLS cannot be started with these options.
  if (code === 'EENVELOPE' || code === 'EMESSAGE' || (code === 'ETLS' && command === 'STARTTLS'))
    return false;
  return !codedAs(PERMANENT_CODES)(details);
}

function isTlsFailure(details: FailureDetails): boolean {
  return [UNTRUSTED, OUT_OF_DATE, WRONG_NAME, NOT_TLS, NO_COMMON_TLS].some((codes) =>
    codedAs(codes)(details),
  );
}

/** Enhanced codes X.1 about the sender or a limit, not the recipient (RFC 3463 §3.2; 5.1.90 is Exchange Online's). */
const SENDER_CODES = new Set(['5.1.7', '5.1.8', '5.1.9', '5.1.90']);

/** Whether the refusal is about the address: not about the sender, the message, a policy or the session. */
function isRecipientRefused(details: FailureDetails): boolean {
  const { command, responseCode, enhancedCode, providerCode = '' } = details;
  if (responseCode === undefined) return /^(?:inactive|invalid|unknown)_?recipient/i.test(providerCode);
  if (responseCode < 500 || (command !== undefined && command !== 'RCPT TO' && command !== 'DATA'))
    return false;
  if (enhancedCode !== undefined && /^5\.1\./.test(enhancedCode)) return !SENDER_CODES.has(enhancedCode);
  if (command !== 'RCPT TO') return false;
  // Mailbox (5.2) and routing (5.4.1, which Exchange Online sends for an unknown mailbox) are about the recipient too.
  if (enhancedCode !== undefined) return /^5\.(?:0\.|2\.|4\.[14]$)/.test(enhancedCode);
  return ![500, 502, 503, 504, 530, 535].includes(responseCode);
}
