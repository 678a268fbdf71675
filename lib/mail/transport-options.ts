/**
 * What the options of a transport may be called and hold. nodemailer ignores a name that it does not know, and reads
 * `secure: 'false'` as true: a mistake in either would be told to the person who signs up.
 */
import { isIP } from 'node:net';
import { isOptions, isUnset, namesIn, shown } from '../options/checks.js';
import { nearMiss } from '../options/near-miss.js';

export type Given = Readonly<Record<string, unknown>>;

/** Transports other than SMTP, by the option that names them, in nodemailer's order. */
export const OTHER_TRANSPORTS = ['sendmail', 'streamTransport', 'jsonTransport', 'SES'] as const;

const BOOLEANS = [
  ...['secure', 'secured', 'requireTLS', 'ignoreTLS', 'opportunisticTLS', 'pool', 'lmtp', 'forceAuth'],
  ...['debug', 'transactionLog', 'allowInternalNetworkInterfaces', 'streamTransport', 'jsonTransport'],
  ...['buffer', 'skipEncoding', 'disableFileAccess', 'disableUrlAccess', 'attachDataUrls'],
] as const;

/** Each with the least that it may be. */
const NUMBERS: Readonly<Record<string, number>> = {
  maxConnections: 1,
  maxMessages: 1,
  maxRequeues: Number.NEGATIVE_INFINITY,
  maxRecipients: 0,
  maxResponseSize: 0,
  rateLimit: 0,
  rateDelta: 0,
  idleTimeout: 0,
  connectionTimeout: 0,
  greetingTimeout: 0,
  socketTimeout: 0,
  socketCloseTimeout: 0,
  dnsTimeout: 0,
};

const OTHERS = [
  ...['url', 'service', 'host', 'port', 'auth', 'authMethod', 'customAuth', 'tls', 'servername', 'name'],
  ...['localAddress', 'getSocket', 'proxy', 'logger', 'component', 'dkim', 'normalizeHeaderKey'],
  ...['sendmail', 'path', 'newline', 'args', 'SES', 'socket', 'connection'],
];

/** Fields of a message, which many write here too: they have no effect, in nodemailer as here. */
const MESSAGE_FIELDS = [
  ...['from', 'sender', 'to', 'cc', 'bcc', 'replyTo', 'inReplyTo', 'references', 'subject', 'text', 'html'],
  ...['watchHtml', 'amp', 'icalEvent', 'attachments', 'alternatives', 'headers', 'list', 'envelope', 'date'],
  ...['messageId', 'encoding', 'textEncoding', 'raw', 'priority', 'xMailer', 'dsn', 'otp', 'boundaryPrefix'],
  ...['baseBoundary'],
];

const NAMES: ReadonlySet<string> = new Set([
  ...BOOLEANS,
  ...Object.keys(NUMBERS),
  ...OTHERS,
  ...MESSAGE_FIELDS,
]);

/** Names that others have for the same thing. */
const MEANT: Readonly<Record<string, string>> = {
  user: 'auth.user',
  username: 'auth.user',
  pass: 'auth.pass',
  password: 'auth.pass',
  hostname: 'host',
  server: 'host',
  ssl: 'secure',
  starttls: 'requireTLS',
  uri: 'url',
  provider: 'service',
};

/**
 * The options as nodemailer is to read them, without those left undefined.
 *
 * @throws TypeError for a name nodemailer does not know or a value of another type. Never shows what may be a password.
 */
export function checkTransportOptions(option: object): Given {
  const checked: Record<string, unknown> = {};
  for (const name of namesIn(option)) {
    if (!NAMES.has(name)) refuseName(name);
    const value: unknown = Reflect.get(option, name);
    if (value === undefined || value === null) continue;
    checked[name] = checkValue(name, value);
  }
  return checked;
}

function refuseName(name: string): never {
  const meant = MEANT[name.toLowerCase()] ?? nearMiss(name, NAMES);
  const instead = meant === undefined ? 'write it as nodemailer does, or leave it out' : `write \`${meant}\``;
  throw new TypeError(`Unknown option \`transport.${name}\`: ${instead}.`);
}

function checkValue(name: string, value: unknown): unknown {
  if (isOneOf(BOOLEANS, name))
    return typeof value === 'boolean' ? value : refuse(name, 'true or false', value);
  if (name === 'port') return checkNumber(name, value, 1, 65_535);
  const least = NUMBERS[name];
  if (least !== undefined) {
    const number = checkNumber(name, value, least, Number.POSITIVE_INFINITY);
    return TIMES.test(name) ? Math.min(number, LONGEST_TIMER) : number;
  }
  const kind = KINDS[name];
  if (kind && value !== false && value !== '' && !kind.fits(value)) refuse(name, kind.demand, value);
  return value;
}

const TIMES = /Timeout$|^rateDelta$/;

/** In ms: timers of Node that are to run longer end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Kind {
  readonly demand: string;
  readonly fits: (value: unknown) => boolean;
}

const TEXT: Kind = { demand: 'a string', fits: isText };
const OBJECT: Kind = { demand: 'an object', fits: isOptions };

/** What nodemailer would leave out without a word, or stumble over with the first email. */
const KINDS: Readonly<Record<string, Kind>> = {
  name: TEXT,
  servername: TEXT,
  authMethod: TEXT,
  path: TEXT,
  tls: OBJECT,
  customAuth: OBJECT,
  logger: { demand: 'true, false or an object', fits: (value) => value === true || isOptions(value) },
  getSocket: { demand: 'a function', fits: (value) => typeof value === 'function' },
  args: { demand: 'an array', fits: Array.isArray },
  localAddress: { demand: 'an IP address', fits: (value) => isText(value) && isIP(value) > 0 },
  proxy: {
    demand:
      'the URL of an HTTP proxy, as in http://proxy.acme.example:3128 (for SOCKS pass a transporter of your own)',
    fits: (value) => isText(value) && /^https?:\/\/[^/]/i.test(value) && URL.canParse(value),
  },
};

/** A number, or its digits in a string, as environment variables hold them. */
function checkNumber(name: string, value: unknown, least: number, most: number): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const fits = typeof number === 'number' && number >= least && number <= most;
  if (fits && (Number.isInteger(number) || number === Number.POSITIVE_INFINITY)) return number;
  const bound = most < Number.POSITIVE_INFINITY ? ` from ${least} to ${most}` : '';
  return refuse(name, `a whole number${bound || (least > 0 ? ` of at least ${least}` : '')}`, value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !isUnset(value);
}

/** Refuses an option of the transport, or with no name the transport as a whole. */
export function refuse(name: string, demand: string, value: unknown): never {
  const option = name === '' ? 'transport' : `transport.${name}`;
  const isMissing = value === undefined || value === '' || isUnset(value);
  const question = isMissing ? ' Is an environment variable unset?' : '';
  throw new TypeError(`The \`${option}\` option must be ${demand}. Received ${received(value)}.${question}`);
}

/** Short words and numbers are shown: anything else may be a URL with a password in it. */
function received(value: unknown): string {
  return typeof value === 'string' && !/^[\w .-]{0,40}$/.test(value) ? 'another string' : shown(value);
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
