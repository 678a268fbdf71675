/**
 * Creates the transport from the `transport` option: a nodemailer transporter, its options or a URL. Whatever can be refused
 * before the first email is refused here.
 */
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
import SMTPTransport from 'nodemailer/lib/smtp-transport';
import { isOptions, refuseHidden } from '../../checks.js';
import type { Endpoint } from '../failure-details.js';
import { logIn } from '../smtp/connect.js';
import { createSmtpPool, type SmtpPool } from '../smtp/pool.js';
import {
  checkTransportOptions,
  fieldsOf,
  OTHER_TRANSPORTS,
  type RawOptions,
  refuseTransportOption,
} from './option-names.js';
import { checkDkim, portHint, smtpOptions } from './smtp-options.js';
import { secured } from './tls.js';
import { readUrl, withUrl } from './url.js';

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
