/**
 * The transport a mail goes through, made from what the app passed: a nodemailer transporter, its options or
 * a URL. What can be refused before the first mail is refused here.
 */
import { createPrivateKey } from 'node:crypto';
import nodemailer, { type SMTPPoolOptions, type SMTPTransportOptions, type Transporter } from 'nodemailer';
import wellKnown from 'nodemailer/lib/well-known';

/** A nodemailer transporter, SMTP options, or an SMTP URL. */
// biome-ignore lint/suspicious/noExplicitAny: nodemailer's own default for what a transporter's sending tells
export type TransportOption = Transporter<any, any> | SMTPTransportOptions | SMTPPoolOptions | string;

// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyTransporter = Transporter<any, any>;

/**
 * What a pool of our making differs in from nodemailer's: connections stay for more than 100 mails, which a
 * fast server repays by half again as many mails a second.
 */
const POOL = { pool: true, maxConnections: 5, maxMessages: 10_000 } as const;

export interface Transport {
  readonly transporter: AnyTransporter;
  /** Whether it is ours to close: not when the app passed a transporter. */
  readonly owned: boolean;
}

/** @throws TypeError for an unknown service, a URL or key that cannot be read; never shows a password. */
export function createTransport(option: TransportOption): Transport {
  if (typeof option === 'string') return ownPool(fromUrl(option));
  if (typeof option === 'object' && option !== null && isTransporter(option))
    return { transporter: option, owned: false };
  if (typeof option !== 'object' || option === null) {
    throw new TypeError('transport must be a nodemailer transporter, its options or an SMTP URL');
  }
  if ('service' in option && typeof option.service === 'string' && !wellKnown(option.service)) {
    throw new TypeError(
      `transport.service ${JSON.stringify(option.service)} is not known to nodemailer: pass host and port`,
    );
  }
  if (option.dkim) checkDkim(option.dkim);
  return ownPool(option);
}

function ownPool(options: SMTPTransportOptions | SMTPPoolOptions): Transport {
  return { transporter: nodemailer.createTransport({ ...POOL, ...secured(options) }), owned: true };
}

function isTransporter(option: object): option is AnyTransporter {
  return 'sendMail' in option && typeof option.sendMail === 'function';
}

/**
 * A password goes over TLS or nowhere, and a login that was asked for is not left out because the server does
 * not offer it. nodemailer does both unless told.
 */
function secured<T extends SMTPTransportOptions | SMTPPoolOptions>(options: T): T {
  if (!options.auth) return options;
  const host = options.host ?? (options.service ? '' : 'localhost');
  return { ...options, requireTLS: options.requireTLS ?? !isLoopback(host), forceAuth: true };
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

function fromUrl(text: string): SMTPTransportOptions {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || !url.hostname) {
    throw new TypeError('transport must be an SMTP URL, as in smtp://user:password@host:587');
  }
  const settings: Record<string, unknown> = {};
  const tls: Record<string, unknown> = {};
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('tls.')) tls[name.slice('tls.'.length)] = setting(value);
    else settings[name] = setting(value);
  }
  return {
    ...settings,
    ...(Object.keys(tls).length > 0 && { tls }),
    host: url.hostname.replace(/^\[|\]$/g, ''),
    secure: url.protocol === 'smtps:',
    ...(url.port && { port: Number(url.port) }),
    ...(url.username && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
  };
}

function setting(value: string): string | number | boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  return value !== '' && !Number.isNaN(Number(value)) ? Number(value) : value;
}

/** nodemailer sends a mail unsigned when it cannot read the key. */
function checkDkim(dkim: object): void {
  const keys = 'keys' in dkim && Array.isArray(dkim.keys) ? dkim.keys : [dkim];
  for (const { privateKey } of keys) {
    try {
      createPrivateKey(privateKey?.key ?? privateKey);
    } catch {
      throw new TypeError('transport.dkim.privateKey cannot be read as a private key');
    }
  }
}
