/**
 * The names and types of a transport's options. nodemailer ignores names that it does not know, and reads
 * `secure: 'false'` as true. Without this check, such a mistake would show only when somebody signs up.
 */
import { isIP } from 'node:net';
import { isOptions, isUnset, namesIn, nearMiss, shown } from '../../checks.js';

/** Options by name, with values of any type. */
export type RawOptions = Readonly<Record<string, unknown>>;

/** Transports other than SMTP, by the option that names them, in nodemailer's order. */
export const OTHER_TRANSPORTS = ['sendmail', 'streamTransport', 'jsonTransport', 'SES'] as const;

// biome-ignore format: with one name on each line the lists would fill a page
const BOOLEANS: readonly string[] = [
  'secure', 'secured', 'requireTLS', 'ignoreTLS', 'opportunisticTLS', 'pool', 'lmtp', 'forceAuth',
  'debug', 'transactionLog', 'allowInternalNetworkInterfaces', 'streamTransport', 'jsonTransport',
  'buffer', 'skipEncoding', 'disableFileAccess', 'disableUrlAccess', 'attachDataUrls',
];

/** Every numeric option, with its minimum. */
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

// biome-ignore format: with one name on each line the lists would fill a page
const OTHER_NAMES = [
  'url', 'service', 'host', 'port', 'auth', 'authMethod', 'customAuth', 'tls', 'servername', 'name',
  'localAddress', 'getSocket', 'proxy', 'logger', 'component', 'dkim', 'normalizeHeaderKey',
  'sendmail', 'path', 'newline', 'args', 'SES', 'socket', 'connection',
];

/** Fields of a message, which some apps also write here. They have no effect, neither in nodemailer nor in this package. */
// biome-ignore format: with one name on each line the lists would fill a page
const MESSAGE_FIELDS = [
  'from', 'sender', 'to', 'cc', 'bcc', 'replyTo', 'inReplyTo', 'references', 'subject', 'text', 'html',
  'watchHtml', 'amp', 'icalEvent', 'attachments', 'alternatives', 'headers', 'list', 'envelope', 'date',
  'messageId', 'encoding', 'textEncoding', 'raw', 'priority', 'xMailer', 'dsn', 'otp', 'boundaryPrefix',
  'baseBoundary',
];

const NAMES: ReadonlySet<string> = new Set([
  ...BOOLEANS,
  ...Object.keys(NUMBERS),
  ...OTHER_NAMES,
  ...MESSAGE_FIELDS,
]);

/** Names that other libraries use for the same option. */
const ALIASES: Readonly<Record<string, string>> = {
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
 * The options to pass to nodemailer, without those that are undefined or null.
 *
 * @throws TypeError for a name that nodemailer does not know or a value of another type. The message never reveals a password.
 */
export function checkTransportOptions(option: object): RawOptions {
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
  const right = ALIASES[name.toLowerCase()] ?? nearMiss(name, NAMES);
  const instead =
    right === undefined ? "use nodemailer's name for it, or leave it out" : `write \`${right}\``;
  throw new TypeError(`Unknown option \`transport.${name}\`: ${instead}.`);
}

function checkValue(name: string, value: unknown): unknown {
  if (BOOLEANS.includes(name))
    return typeof value === 'boolean' ? value : refuseTransportOption(name, 'true or false', value);
  if (name === 'port') return checkNumber(name, value, 1, 65_535);
  const min = NUMBERS[name];
  if (min !== undefined) {
    const number = checkNumber(name, value, min, Number.POSITIVE_INFINITY);
    return TIMES.test(name) ? Math.min(number, MAX_TIMER) : number;
  }
  const type = TYPES[name];
  if (type && value !== false && value !== '' && !type.fits(value))
    refuseTransportOption(name, type.expected, value);
  return value;
}

const TIMES = /Timeout$|^rateDelta$/;

/** In ms. Node fires a timer at once if its delay is longer. */
const MAX_TIMER = 2 ** 31 - 1;

interface ValueType {
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}

const TEXT: ValueType = { expected: 'a string', fits: isText };
const OBJECT: ValueType = { expected: 'an object', fits: isOptions };

/** Options whose invalid values nodemailer would ignore silently, or fail on with the first email. */
const TYPES: Readonly<Record<string, ValueType>> = {
  name: TEXT,
  servername: TEXT,
  authMethod: TEXT,
  path: TEXT,
  tls: OBJECT,
  customAuth: OBJECT,
  logger: { expected: 'true, false or an object', fits: (value) => value === true || isOptions(value) },
  getSocket: { expected: 'a function', fits: (value) => typeof value === 'function' },
  args: { expected: 'an array', fits: Array.isArray },
  localAddress: { expected: 'an IP address', fits: (value) => isText(value) && isIP(value) > 0 },
  proxy: {
    expected:
      'the URL of an HTTP proxy, as in http://proxy.acme.example:3128 (for SOCKS pass a transporter of your own)',
    fits: (value) => isText(value) && /^https?:\/\/[^/]/i.test(value) && URL.canParse(value),
  },
};

/** A number, or a string of digits as environment variables hold them. */
function checkNumber(name: string, value: unknown, min: number, max: number): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const fits = typeof number === 'number' && number >= min && number <= max;
  if (fits && (Number.isInteger(number) || number === Number.POSITIVE_INFINITY)) return number;
  const atLeast = min > 0 ? ` of at least ${min}` : '';
  const range = max < Number.POSITIVE_INFINITY ? ` from ${min} to ${max}` : atLeast;
  return refuseTransportOption(name, `a whole number${range}`, value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !isUnset(value);
}

/** Refuses an option of the transport or, without a name, the transport as a whole. */
export function refuseTransportOption(name: string, expected: string, value: unknown): never {
  const option = name === '' ? 'transport' : `transport.${name}`;
  const isMissing = value === undefined || value === '' || isUnset(value);
  const question = isMissing ? ' Is an environment variable unset?' : '';
  const isOptional = name === '' && value === undefined;
  const exception = isOptional ? ' It is not required if `delivery` is a function.' : '';
  throw new TypeError(
    `The \`${option}\` option must be ${expected}. Received ${received(value)}.${question}${exception}`,
  );
}

/** Shows only short words and numbers: anything else may be a URL that contains a password. */
function received(value: unknown): string {
  return typeof value === 'string' && !/^[\w .-]{0,40}$/.test(value) ? 'another string' : shown(value);
}

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): RawOptions {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
