/**
 * Creates the transport from the `transport` option: a nodemailer transporter, its options or a URL. Whatever can be refused
 * before the first email is refused here.
 */
import { createPrivateKey, type PrivateKeyInput } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { inspect } from 'node:util';
import nodemailer, {
  type JSONTransportOptions,
  type SESTransportOptions,
  type SendMailOptions,
  type SendmailTransportOptions,
  type SMTPPoolOptions,
  type SMTPTransportOptions,
  type StreamTransportOptions,
  type Transporter,
  type Transport as TransportPlugin,
} from 'nodemailer';
import { assign, parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPTransport from 'nodemailer/lib/smtp-transport';
import wellKnown from 'nodemailer/lib/well-known';
import { isOptions, refuseHidden } from '../checks.js';
import { warn } from '../events.js';
import type { Endpoint } from './failure-details.js';
import { logIn } from './smtp/connect.js';
import { createSmtpPool, type SmtpPool } from './smtp/pool.js';
import {
  checkTransportOptions,
  isText,
  OTHER_TRANSPORTS,
  type RawOptions,
  refuseTransportOption,
} from './transport-options.js';

/** A nodemailer transporter, its options, an SMTP URL, or a transport plugin. */
export type TransportOption =
  | TransporterLike
  // biome-ignore lint/suspicious/noExplicitAny: nodemailer's own default for the result of a transport
  | TransportPlugin<any, any>
  | SMTPTransportOptions
  | SMTPPoolOptions
  | SendmailTransportOptions
  | StreamTransportOptions
  | JSONTransportOptions
  | SESTransportOptions
  | string;

/** One transport, or several: each is tried only when the ones before are known not to have sent the email. */
export type TransportsOption = TransportOption | readonly (TransportOption | undefined)[];

/** The part of a transporter that is used. In tests, an object with `sendMail` is enough. */
export interface TransporterLike {
  sendMail(message: SendMailOptions): unknown;
  verify?(): unknown;
  close?(): unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: any transporter, whatever its transport returns
export type AnyTransporter = Transporter<any, any>;

export interface Transport {
  /** Its name in problems: `The transport`, or, of several, such as `transport[0]`. */
  readonly label: string;
  readonly transporter: AnyTransporter;
  /** Closes it, unless the app passed a transporter: that stays open. */
  close(): void;
  /** For messages that are already composed: only if we made the pool. */
  readonly pool?: Pick<SmtpPool, 'compose' | 'sendRaw'>;
  /** Tries to log in, if the transport can. Once the signal is aborted, no connection stays open. */
  logIn(signal: AbortSignal): unknown;
}

/** @throws TypeError for an option that is not a transport, or that cannot work. The message never shows a password. */
export function createTransports(option: TransportsOption | undefined): readonly Transport[] {
  if (!isList(option)) return [{ ...createTransport(option), label: 'The transport' }];
  if (option.length === 0)
    return refuseTransportOption('', `${TRANSPORTS}, or at least one of these`, option);
  // Not map(), which skips holes.
  return Array.from(option, createNumbered);
}

function isList(option: unknown): option is readonly (TransportOption | undefined)[] {
  return Array.isArray(option);
}

function createNumbered(option: TransportOption | undefined, n: number): Transport {
  const label = `\`transport[${n}]\``;
  try {
    return { ...createTransport(option), label };
  } catch (error) {
    // The errors about one transport name its options.
    throw error instanceof TypeError
      ? new TypeError(error.message.replaceAll('`transport', label.slice(0, -1)))
      : error;
  }
}

type UnnamedTransport = Omit<Transport, 'label'>;

function createTransport(option: TransportOption | undefined): UnnamedTransport {
  if (typeof option === 'string') return transportOf(readUrl(option));
  if (typeof option !== 'object' || option === null || Array.isArray(option))
    return refuseTransportOption('', TRANSPORTS, option);
  if ('then' in option)
    throw new TypeError('The `transport` option is a promise. Pass what it resolves to, with `await`.');
  if (isTransporter(option)) return wrapTransporter(option, false);
  if (isPlugin(option)) return wrapTransporter(nodemailer.createTransport(option), false);
  if (!isOptions(option)) return refuseHidden('transport', TRANSPORTS, option);
  return transportOf(withUrl(checkTransportOptions(option)));
}

function transportOf(raw: RawOptions): UnnamedTransport {
  checkDkim(raw['dkim']);
  const other = OTHER_TRANSPORTS.find((name) => raw[name]);
  if (other) return otherTransport(other, raw);
  const options = secured(smtpOptions(raw));
  const pool = options.pool === false ? undefined : createSmtpPool(options);
  const transporter = pool?.transporter ?? nodemailer.createTransport(options);
  const { transporter: plugin, getSocket } = transporter;
  if (!(plugin instanceof SMTPTransport)) return wrapTransporter(transporter, true);
  // Set by a `proxy`. nodemailer would not pass it on before the first message, but a login needs it earlier.
  if (typeof getSocket === 'function') plugin.getSocket = getSocket;
  return {
    transporter,
    close: () => transporter.close(),
    ...(pool && { pool }),
    logIn: (signal) => logIn(plugin, signal),
  };
}

function wrapTransporter(transporter: AnyTransporter, owned: boolean): UnnamedTransport {
  const close = () => (owned ? void transporter.close?.() : undefined);
  return { transporter, close, logIn: () => transporter.verify?.() };
}

const TRANSPORTS = 'a nodemailer transporter, its options or an SMTP URL';

// biome-ignore lint/suspicious/noExplicitAny: any plugin, whatever it returns
function isPlugin(option: object): option is TransportPlugin<any, any> {
  return 'send' in option && typeof option.send === 'function';
}

function isTransporter(option: object): option is AnyTransporter {
  return 'sendMail' in option && typeof option.sendMail === 'function';
}

/** The `pool` option is left out, because with it nodemailer would make an SMTP pool to localhost. */
function otherTransport(name: (typeof OTHER_TRANSPORTS)[number], raw: RawOptions): UnnamedTransport {
  const { pool: _none, ...options } = raw;
  if (name === 'SES') checkSes(raw['SES']);
  // nodemailer reads the path of the binary only from `path`.
  const path = typeof raw['sendmail'] === 'string' ? { path: raw['sendmail'] } : {};
  return wrapTransporter(nodemailer.createTransport({ ...path, ...options }), true);
}

function checkSes(ses: unknown): void {
  const { sesClient, SendEmailCommand } = fieldsOf(ses);
  if (typeof fieldsOf(sesClient)['send'] === 'function' && typeof SendEmailCommand === 'function') return;
  throw new TypeError(
    'The `transport.SES` option must be { sesClient: new SESv2Client(), SendEmailCommand }, both of @aws-sdk/client-sesv2.',
  );
}

function withUrl(raw: RawOptions): RawOptions {
  const { url, ...options } = raw;
  if (url === undefined) return options;
  if (typeof url !== 'string') return refuseTransportOption('url', 'an SMTP URL', url);
  return assign(false, options, readUrl(url));
}

/** The options in an SMTP URL. nodemailer parses it, after checks that nodemailer does not make. */
function readUrl(text: string): RawOptions {
  const trimmed = text.trim();
  const parsed = /^smtps?:/i.test(trimmed) ? parsedUrl(trimmed) : undefined;
  if (!parsed?.host) {
    throw new TypeError(
      'The `transport` option must be an SMTP URL, as in smtp://user:password@host:587, with user and password percent-encoded.',
    );
  }
  return checkTransportOptions(parsed);
}

/** Undefined if an unencoded character of the password ends the host, and the rest would be read as path, query or hash. */
function parsedUrl(text: string): RawOptions | undefined {
  const url = text.replace(/^(smtps?:)(?!\/\/)/i, '$1//');
  if (!URL.canParse(url)) return undefined;
  const { pathname, search, hash, searchParams } = new URL(url);
  if (pathname.length > 1 || hash !== '' || search.includes('@')) return undefined;
  let parsed: RawOptions;
  try {
    parsed = parseConnectionUrl(url);
  } catch {
    return undefined;
  }
  for (const [name, value] of searchParams) checkQuery(name, value, parsed);
  return parsed;
}

/** nodemailer ignores a query parameter that another part of the URL sets, and any name with a dot except those of `tls`. */
function checkQuery(name: string, value: string, parsed: RawOptions): void {
  if (name.startsWith('tls.') || String(parsed[name]) === value || parsed[name] === Number(value)) return;
  throw new TypeError(
    `The URL of \`transport\` has ${inspect(name)} in its query, where it is ignored: write it once, in the URL itself or as an option.`,
  );
}

/** The options that take effect: those of a service override all others. */
function smtpOptions(raw: RawOptions): SMTPPoolOptions {
  for (const name of ['socket', 'connection']) {
    if (raw[name] === undefined) continue;
    throw new TypeError(
      `The \`transport.${name}\` option is one connection, which closes after a few messages: pass \`getSocket\`, or a transporter of your own.`,
    );
  }
  const { service } = raw;
  const ofService = service === undefined ? undefined : serviceOptions(service);
  const options = assign(false, raw, ofService);
  if (!ofService) checkHost(options['host'], options['getSocket'] !== undefined);
  // nodemailer takes `auth: false` for no login.
  if (options['auth'] === false) delete options['auth'];
  if (options['auth'] !== undefined) checkAuth(options['auth'], options['customAuth'] !== undefined);
  if (typeof options['host'] === 'string') options['host'] = withoutBrackets(options['host']);
  const hint = portHint(options);
  if (hint) warn(`The \`transport\` option contradicts itself: ${hint}.`);
  return options;
}

function serviceOptions(service: unknown) {
  const options = typeof service === 'string' && wellKnown(service);
  const expected = 'one that nodemailer knows (else pass `host` and `port`)';
  return options || refuseTransportOption('service', expected, service);
}

function checkHost(host: unknown, hasGetSocket: boolean): void {
  if (host === undefined && hasGetSocket) return;
  if (!isText(host))
    refuseTransportOption('host', 'the name of an SMTP server, unless `service` or `url` is passed', host);
  if (isIP(withoutBrackets(host)) > 0) return;
  if (!/^[^\s:/@?#[\]]+$/.test(host)) {
    throw new TypeError(
      'The `transport.host` option must be only a name or an IP address. Pass the port as `port`.',
    );
  }
}

/**
 * nodemailer would skip an empty login silently and send the email unauthenticated.
 *
 * @see https://nodemailer.com/smtp#authentication
 */
function checkAuth(auth: unknown, isCustom: boolean): void {
  const { type, user, pass, accessUrl, serviceClient, ...others } = fieldsOf(auth);
  if (String(type).toUpperCase() === 'OAUTH2') {
    if (!isText(user)) refuseTransportOption('auth.user', 'the account to log in as', user);
    if (typeof accessUrl === 'string' && !/^https:/i.test(accessUrl) && !isLoopbackUrl(accessUrl)) {
      throw new TypeError(
        'The `transport.auth.accessUrl` option must begin with https: a client secret is sent there.',
      );
    }
    const proofs = ['accessToken', 'refreshToken', 'provisionCallback', 'privateKey'];
    if (proofs.some((name) => typeof others[name] === 'function' || isText(others[name]))) return;
    if (typeof others['privateKey'] === 'object' && serviceClient !== undefined) return;
    throw new TypeError(
      'The `transport.auth` option must hold an `accessToken`, a `refreshToken`, a `privateKey` or a `provisionCallback` for OAuth2. Is an environment variable unset?',
    );
  }
  if (isCustom) return;
  if (!isText(user)) refuseTransportOption('auth.user', 'the user to log in as', user);
  if (!isText(pass) && typeof pass !== 'number') {
    throw new TypeError(
      'The `transport.auth.pass` option must be the password to log in with. Is an environment variable unset?',
    );
  }
}

/**
 * Sends a password over TLS or not at all, and does not skip a login that the server does not offer. By default, nodemailer
 * would send it without TLS, and would skip the login.
 */
function secured(options: SMTPPoolOptions): SMTPPoolOptions {
  // Behind a proxy, localhost is another machine.
  const isLocal = isLoopback(options.host ?? 'localhost') && !options.proxy && !options.getSocket;
  const requireTLS = options.requireTLS ?? (options.auth ? !isLocal : undefined);
  return {
    ...options,
    requireTLS,
    ...(options.auth && { forceAuth: true }),
    ...(isLocal && !requireTLS && !beginsWithTls(options) && withLaxTls(options)),
    ...(options.getSocket && {
      getSocket: withCaughtErrors(
        options.auth && requireTLS ? withRequiredTls(options.getSocket) : options.getSocket,
      ),
    }),
  };
}

/**
 * If plaintext is allowed, an untrusted certificate is acceptable too, and so is a STARTTLS that fails: Postfix as Debian
 * installs it offers TLS with a self-signed certificate.
 */
function withLaxTls({ tls, opportunisticTLS = true }: SMTPPoolOptions): SMTPPoolOptions {
  const isStrict = tls?.ca !== undefined || tls?.rejectUnauthorized !== undefined;
  return { opportunisticTLS, tls: isStrict ? tls : { ...tls, rejectUnauthorized: false } };
}

type GetSocket = NonNullable<SMTPPoolOptions['getSocket']>;

/** Without this, a `getSocket` of the app that throws or rejects would end the process. */
function withCaughtErrors(getSocket: GetSocket): GetSocket {
  return (options, done) => {
    const called = async () => getSocket(options, done);
    called().catch((error: unknown) =>
      done(error instanceof Error ? error : new Error('`getSocket` failed', { cause: error })),
    );
  };
}

/** What comes with a socket overrides the options. It must not disable `requireTLS` or falsely claim TLS. */
function withRequiredTls(getSocket: GetSocket): GetSocket {
  return (options, done) =>
    getSocket(options, (error, socket) => {
      if (!socket) return done(error, socket);
      const { connection } = socket;
      const isEncrypted = connection !== undefined && 'encrypted' in connection && socket['secured'] === true;
      return done(error, {
        ...socket,
        ...(isEncrypted ? { secure: true } : { secured: false }),
        requireTLS: true,
        forceAuth: true,
      });
    });
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** A loopback name (RFC 6761 §6.3), or a loopback address in any notation. */
function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const version = isIP(name);
  if (version > 0) return loopback.check(name, version === 6 ? 'ipv6' : 'ipv4');
  // Such as 127.1 or 0x7f000001, which a URL parser reads as the system does.
  const { hostname } = URL.canParse(`http://${name}`) ? new URL(`http://${name}`) : { hostname: '' };
  return /^[0-9a-fx.]+$/.test(name) && isIP(hostname) === 4 && loopback.check(hostname);
}

function isLoopbackUrl(url: string): boolean {
  return URL.canParse(url) && isLoopback(withoutBrackets(new URL(url).hostname));
}

/** An IPv6 address in a URL is in brackets. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/**
 * Whether it is the name of nodemailer's SMTP transport or its pool. Not every name that begins like these: a plugin for the
 * HTTP API of a provider may, and it need not read the message as a stream.
 */
export function isSmtpName(name: unknown): boolean {
  return name === 'SMTP' || name === 'SMTP (pool)';
}

/** The server that an SMTP transporter connects to, ours or the app's. */
export function endpointOf(transporter: AnyTransporter): Endpoint | undefined {
  const { transporter: plugin } = transporter;
  if (!isSmtpName(plugin?.name) || !('options' in plugin)) return undefined;
  const { host = 'localhost', port, secure }: SMTPPoolOptions = fieldsOf(plugin.options);
  if (typeof host !== 'string' || !/^[\w.:-]+$/.test(host)) return undefined;
  // nodemailer chooses the same port.
  return { host, port: Number(port) || (secure ? 465 : 587), hint: portHint({ port, secure }) };
}

function beginsWithTls({ secure, port }: SMTPPoolOptions): boolean {
  return secure ?? Number(port) === 465;
}

/** What to correct if port and `secure` contradict each other (RFC 8314 §3.3, §7.3). */
function portHint({ port, secure }: SMTPPoolOptions): string | undefined {
  if (Number(port) === 465 && secure === false)
    return 'port 465 begins with TLS: pass `secure: true`, or begin the URL with smtps://';
  if ((Number(port) === 587 || Number(port) === 25) && secure === true)
    return `port ${port} starts unencrypted and changes to TLS with STARTTLS: leave \`secure\` out, or begin the URL with smtp://`;
  return undefined;
}

/** If nodemailer cannot read the key, it sends emails unsigned. */
function checkDkim(dkim: unknown): void {
  if (!dkim) return;
  const { keys } = fieldsOf(dkim);
  for (const key of keys === undefined ? [dkim] : [keys].flat()) {
    if (isPrivateKey(fieldsOf(key)['privateKey'])) continue;
    throw new TypeError(
      'The `transport.dkim.privateKey` option must be a private key, and cannot be read as one.',
    );
  }
}

function isPrivateKey(key: unknown): boolean {
  if (fieldsOf(key)['type'] === 'private') return true;
  try {
    return (isKeyInput(key) || typeof key === 'string') && createPrivateKey(key).type === 'private';
  } catch {
    return false;
  }
}

function isKeyInput(key: unknown): key is PrivateKeyInput | Buffer {
  return Buffer.isBuffer(key) || fieldsOf(key)['key'] !== undefined;
}

function fieldsOf(value: unknown): RawOptions {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
