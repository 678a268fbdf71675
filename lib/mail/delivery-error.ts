/** Why an email did not leave, or may not have: told to the operator in one line, with no address, code or password. */
import { type Endpoint, type FailureDetails, failureDetailsOf } from './failure-details.js';

export { type FailureDetails, failureDetailsOf };

/**
 * Why an email did not leave, or may not have. Its message says it in a line; its fields hold names and numbers alone,
 * for what a server says in words can quote the address. Its `cause` is there when the email could not be written:
 * what went wrong in the app's own template, without its digits.
 *
 * @example
 * verification.on('delivery_failed', ({ email, cause }) => log.error({ email, ...cause }, cause.message));
 * // The email did not leave: smtp.acme.example:587 refused the recipient (EENVELOPE, RCPT TO, 550, 5.1.1)
 */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** nodemailer's code, as `EAUTH`, the system's, as `ECONNREFUSED`, or `ETEMPLATE` for an email that cannot be written. */
  declare readonly code: string;
  /** The system's or TLS' own code beneath it, as `ECONNREFUSED` or `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  declare readonly originalCode?: string;
  /** The SMTP server, where it is known. */
  declare readonly host?: string;
  declare readonly port?: number;
  /** The SMTP command that was under way, as `RCPT TO`; `CONN` before the first. */
  declare readonly command?: string;
  /** The SMTP reply, as 550 (RFC 5321 §4.2). */
  declare readonly responseCode?: number;
  /** The enhanced status, as `5.1.1` (RFC 3463). */
  declare readonly enhancedCode?: string;
  /** The HTTP status that a provider answered with. */
  declare readonly statusCode?: number;
  /** The provider's own name for the reason, as `MessageRejected`. */
  declare readonly providerCode?: string;
  /** Whether another try may succeed: not after a 5yz reply, a login that was refused, or a certificate that is wrong. */
  readonly temporary: boolean;
  /** Whether the address itself was refused, and no other can be blamed. */
  readonly recipientRefused: boolean;

  constructor(kind: 'failed' | 'unknown', details: FailureDetails, cause?: Error) {
    super(`${WORDS[kind]}: ${describeFailure(details, cause)}`, cause && { cause });
    const { retryable: _inTemporary, endpoint, ...fields } = details;
    for (const [field, value] of Object.entries({ ...fields, host: endpoint?.host, port: endpoint?.port }))
      if (value !== undefined) Object.assign(this, { [field]: value });
    this.temporary = isTemporary(details);
    this.recipientRefused = isRecipientRefused(details);
  }
}

const WORDS = {
  failed: 'The email did not leave',
  unknown: 'It is not known whether the email left',
} as const;

/** One line for the operator: who did what, and the codes it is known by. */
export function describeFailure(details: FailureDetails, cause?: Error): string {
  const { code, originalCode, command, responseCode, enhancedCode, statusCode, providerCode } = details;
  const status = statusCode === undefined ? undefined : `HTTP ${statusCode}`;
  const codes = [code, originalCode, command, responseCode, enhancedCode, status, providerCode];
  const known = codes.filter((part) => part !== undefined).join(', ');
  return `${sentenceOf(details, cause)} (${known})`;
}

function sentenceOf(details: FailureDetails, cause: Error | undefined): string {
  if (cause) return `it could not be written: ${inOneLine(`${cause.name}: ${cause.message}`)}`;
  const { deed, means }: Omit<Deed, 'fits'> = DEEDS.find(({ fits }) => fits(details)) ?? { deed: 'failed' };
  const actor = actorOf(details);
  const { endpoint } = details;
  // A contradiction of the options shows before the server has said a word.
  const advice = details.responseCode === undefined ? (endpoint?.hint ?? means) : means;
  return advice === undefined ? `${actor} ${deed}` : `${actor} ${deed}: ${advice}`;
}

function inOneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

/** Template engines quote the lines around a mistake. */
const LONGEST_LINE = 300;

function actorOf(details: FailureDetails): string {
  if (isOfProvider(details)) return 'the provider';
  if (details.endpoint) return nameOf(details.endpoint);
  return details.code === 'EUNKNOWN' ? 'the delivery' : 'the server';
}

function nameOf({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function isOfProvider({ responseCode, command, statusCode, providerCode }: FailureDetails): boolean {
  return responseCode === undefined && command === undefined && (statusCode ?? providerCode) !== undefined;
}

/** What went wrong, by its codes, and what to do about it; the first that fits counts. */
interface Deed {
  readonly fits: (details: FailureDetails) => boolean;
  readonly deed: string;
  readonly means?: string;
}

const at =
  (command: string, refusal: 4 | 5) =>
  ({ command: under, responseCode = 0 }: FailureDetails) =>
    under?.startsWith(command) === true && Math.floor(responseCode / 100) === refusal;

const codedAs = (codes: RegExp) => (details: FailureDetails) =>
  codes.test(details.originalCode ?? '') || codes.test(details.code);

/** What OpenSSL and Node say of a certificate that they do not trust. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|INVALID_CA|CERT_UNTRUSTED)/;
const OUT_OF_DATE = /^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)/;
const WRONG_NAME = /^(?:ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/;
const NOT_TLS = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/;
const NO_TERMS =
  /^(?:CERT_|ERR_(?:SSL|TLS|OSSL)_\w*(?:VERSION|PROTOCOL|HANDSHAKE_FAILURE|CIPHER|UNKNOWN_CA|CERT|KEY_TOO|MD_TOO))/;
/** A name that does not exist; what was resolved before is kept for such moments by nodemailer. */
const NO_SUCH_NAME = /^(?:ENOTFOUND|ENODATA|EBADNAME)$/;

const DEEDS: readonly Deed[] = [
  {
    fits: codedAs(UNTRUSTED),
    deed: 'has a certificate that nobody vouches for',
    means: 'pass that of its authority as `tls.ca`',
  },
  { fits: codedAs(OUT_OF_DATE), deed: 'has a certificate that is out of date' },
  {
    fits: codedAs(WRONG_NAME),
    deed: 'has a certificate for another name',
    means: 'pass the name in it as `host`, or as `tls.servername`',
  },
  {
    fits: codedAs(NOT_TLS),
    deed: 'does not begin with TLS',
    means: 'leave `secure` out, or begin the URL with smtp://, for TLS by STARTTLS',
  },
  { fits: codedAs(NO_TERMS), deed: 'and this app agree on no version or cipher of TLS' },
  { fits: codedAs(/^ECONNREFUSED$/), deed: 'refused the connection' },
  { fits: codedAs(NO_SUCH_NAME), deed: 'has a name that cannot be found' },
  {
    fits: codedAs(/^(?:EDNS|EAI_AGAIN|ESERVFAIL|ETIMEOUT)$/),
    deed: 'has a name that could not be looked up',
  },
  { fits: codedAs(/^EPROXY$/), deed: 'was not reached through the proxy' },
  { fits: at('STARTTLS', 4), deed: 'refused TLS for now' },
  {
    fits: at('STARTTLS', 5),
    deed: 'offers no TLS',
    means: 'without it no password is sent, unless `requireTLS: false` is written',
  },
  { fits: at('AUTH', 4), deed: 'refused the login for now' },
  { fits: at('AUTH', 5), deed: 'refused the login' },
  { fits: at('MAIL FROM', 4), deed: 'refused the sender for now' },
  { fits: at('MAIL FROM', 5), deed: 'refused the sender' },
  { fits: at('RCPT TO', 4), deed: 'refused the recipient for now' },
  { fits: at('RCPT TO', 5), deed: 'refused the recipient' },
  { fits: at('DATA', 4), deed: 'refused the message for now' },
  { fits: at('DATA', 5), deed: 'refused the message' },
  { fits: ({ responseCode = 0 }) => responseCode >= 500, deed: 'refused it' },
  { fits: ({ responseCode = 0 }) => responseCode >= 400, deed: 'refused it for now' },
  { fits: codedAs(/^(?:EAUTH|ENOAUTH|EOAUTH2)$/), deed: 'could not be logged in to' },
  { fits: (details) => details.statusCode === 429 || isThrottled(details), deed: 'limits the rate' },
  { fits: ({ statusCode = 0 }) => statusCode >= 500, deed: 'is in trouble' },
  { fits: isOfProvider, deed: 'refused it' },
  { fits: codedAs(/TIMEDOUT$|TIMEOUT$/), deed: 'did not answer in time' },
  { fits: codedAs(/^(?:ECONNRESET|EPIPE|ECONNECTION)$/), deed: 'closed the connection' },
  { fits: codedAs(/^ETLS$/), deed: 'could not begin TLS' },
  { fits: codedAs(/^(?:ENETUNREACH|EHOSTUNREACH|EHOSTDOWN|ENETDOWN)$/), deed: 'could not be reached' },
  { fits: codedAs(/^EPROTOCOL$/), deed: 'does not speak SMTP as expected' },
  { fits: codedAs(/^ENOENT$/), deed: 'failed: the binary of sendmail is not there' },
];

const THROTTLED = /throttl|too_?many|rate_?(?:limit|exceed)|slow_?down/i;
const PASSING = /unavailable|time_?out|internal|overload/i;
const FINAL =
  /reject|not_?verified|denied|unauthori[sz]ed|forbidden|inactive|invalid|validation|bad_?request|not_?found|suspend|paused|missing|malformed|unrecognized|signature/i;

function isThrottled({ providerCode = '' }: FailureDetails): boolean {
  return THROTTLED.test(providerCode);
}

/** Codes after which the same message meets the same end: of the options, of the message, of what the process may do. */
const LASTING =
  /^(?:ENOAUTH|EOAUTH2|ECONFIG|EOTP|EREQUIRETLS|ETEMPLATE|EMAXRECIPIENTS|EFILEACCESS|EURLACCESS|EACCES|EPERM|ENOENT|ERR_ACCESS_DENIED)$/;
const OF_NETWORK = /^(?:E[A-Z]*(?:CONN|TIME|UNREACH|DOWN)[A-Z]*|EAI_AGAIN|ESOCKET|EDNS|EPIPE|EFETCH)$/;

/** By the server's or the provider's own word first, then by what the codes mean. */
function isTemporary(details: FailureDetails): boolean {
  const { code, originalCode, command, responseCode, statusCode, providerCode = '', retryable } = details;
  if (responseCode !== undefined) {
    // 503 says that the session is out of step, not that the message was refused.
    return responseCode < 500 || (responseCode === 503 && code !== 'EAUTH');
  }
  if (codesOfTls(details) || codedAs(NO_SUCH_NAME)(details)) return false;
  if (isThrottled(details)) return true;
  if (statusCode !== undefined) return statusCode >= 500 || [408, 425, 429].includes(statusCode);
  if (retryable !== undefined) return retryable;
  if (providerCode !== '') return PASSING.test(providerCode) || !FINAL.test(providerCode);
  if (code === 'EAUTH') return OF_NETWORK.test(originalCode ?? '');
  // Without a reply: what nodemailer itself does not send, or TLS that cannot be begun with these options.
  if (code === 'EENVELOPE' || code === 'EMESSAGE' || (code === 'ETLS' && command === 'STARTTLS'))
    return false;
  return !codedAs(LASTING)(details);
}

function codesOfTls(details: FailureDetails): boolean {
  return [UNTRUSTED, OUT_OF_DATE, WRONG_NAME, NOT_TLS, NO_TERMS].some((codes) => codedAs(codes)(details));
}

/** Enhanced codes of class X.1 that speak of the sender, or of a limit (RFC 3463 §3.2; 5.1.90 is Exchange Online's). */
const OF_THE_SENDER = new Set(['5.1.7', '5.1.8', '5.1.9', '5.1.90']);

/** An address is doubted for nothing else: not for a sender, a message, a policy or a session that was refused. */
function isRecipientRefused(details: FailureDetails): boolean {
  const { command, responseCode, enhancedCode, providerCode = '' } = details;
  if (responseCode === undefined) return /^(?:inactive|invalid|unknown)_?recipient/i.test(providerCode);
  if (responseCode < 500 || (command !== undefined && command !== 'RCPT TO' && command !== 'DATA'))
    return false;
  if (enhancedCode !== undefined && /^5\.1\./.test(enhancedCode)) return !OF_THE_SENDER.has(enhancedCode);
  if (command !== 'RCPT TO') return false;
  // Mailbox (5.2) and routing (5.4.1: Exchange Online's for an unknown mailbox) are the recipient's too.
  if (enhancedCode !== undefined) return /^5\.(?:0\.|2\.|4\.[14]$)/.test(enhancedCode);
  return ![500, 502, 503, 504, 530, 535].includes(responseCode);
}
