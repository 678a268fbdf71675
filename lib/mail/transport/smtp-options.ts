/** The options of an SMTP transport that take effect, and what contradicts them. */
import { createPrivateKey, type PrivateKeyInput } from 'node:crypto';
import { isIP } from 'node:net';
import type { SMTPPoolOptions } from 'nodemailer';
import { assign } from 'nodemailer/lib/shared';
import wellKnown from 'nodemailer/lib/well-known';
import { warn } from '../../events.js';
import { isLoopbackUrl, withoutBrackets } from './loopback.js';
import { fieldsOf, isText, type RawOptions, refuseTransportOption } from './option-names.js';

/** The options that take effect: those of a service override all others. */
export function smtpOptions(raw: RawOptions): SMTPPoolOptions {
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

export function beginsWithTls({ secure, port }: SMTPPoolOptions): boolean {
  return secure ?? Number(port) === 465;
}

/** What to correct if port and `secure` contradict each other (RFC 8314 §3.3, §7.3). */
export function portHint({ port, secure }: SMTPPoolOptions): string | undefined {
  if (Number(port) === 465 && secure === false)
    return 'port 465 begins with TLS: pass `secure: true`, or begin the URL with smtps://';
  if ((Number(port) === 587 || Number(port) === 25) && secure === true)
    return `port ${port} starts unencrypted and changes to TLS with STARTTLS: leave \`secure\` out, or begin the URL with smtp://`;
  return undefined;
}

/** If nodemailer cannot read the key, it sends emails unsigned. */
export function checkDkim(dkim: unknown): void {
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
