/** One SMTP connection, from the socket to the login, as nodemailer's own transports open theirs. */
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type SMTPTransport from 'nodemailer/lib/smtp-transport';

export interface ConnectionEvents {
  /** Once, when it takes messages. */
  opened(smtp: SMTPConnection): void;
  /** When it did not open, or has ended; more than once for one that fails. */
  ended(error?: Error): void;
}

/** @returns what ends it at once, in whatever state it is */
export function connect(transport: SMTPTransport, { opened, ended }: ConnectionEvents): () => void {
  let options = transport.options;
  let smtp: SMTPConnection | undefined;
  let isClosed = false;

  // Through a proxy, or by the app's own `getSocket`; nothing where neither is set.
  transport.getSocket(options, (error, socket) => {
    if (isClosed && socket) socket.connection?.destroy();
    if (isClosed) return;
    if (error) {
      ended(error);
      return;
    }
    // It may say more than what the socket is: that a login is asked for.
    if (socket) options = { ...options, ...socket };
    smtp = new SMTPConnection(options);
    smtp.on('error', ended);
    smtp.once('end', ended);
    smtp.connect((error) => (error ? ended(error) : smtp && logIn(smtp)));
  });

  function logIn(smtp: SMTPConnection): void {
    const auth = transport.getAuth();
    if (!auth || !(smtp.allowsAuth || options.forceAuth)) {
      opened(smtp);
      return;
    }
    smtp.login(auth, (error) => (error ? ended(error) : opened(smtp)));
  }

  return () => {
    isClosed = true;
    smtp?.close();
  };
}

/** Logs in and says goodbye; ends at once, in whatever state it is, when the signal says so. */
export function logIn(transport: SMTPTransport, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let close = () => {};
    close = connect(transport, {
      opened(smtp) {
        smtp.quit();
        resolve();
      },
      ended(error = Object.assign(new Error('The connection was closed'), { code: 'ECONNECTION' })) {
        reject(error);
        close();
      },
    });
    signal.addEventListener('abort', () => close(), { once: true });
  });
}
