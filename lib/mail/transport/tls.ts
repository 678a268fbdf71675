/** When a connection must be encrypted, and what a `getSocket` of the app may not change. */
import type { SMTPPoolOptions } from 'nodemailer';
import { isLoopback } from './loopback.js';
import { beginsWithTls } from './smtp-options.js';

/**
 * Sends a password over TLS or not at all, and does not skip a login that the server does not offer. By default, nodemailer
 * would send it without TLS, and would skip the login.
 */
export function secured(options: SMTPPoolOptions): SMTPPoolOptions {
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
