/** Opens one SMTP connection, from the socket to the login, as nodemailer's own transports do. */
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type SMTPTransport from 'nodemailer/lib/smtp-transport';

export interface ConnectionEvents {
  /** Called once, when the connection can take messages. */
  opened(smtp: SMTPConnection): void;
  /** Called when the connection could not be opened or has ended, sometimes more than once. */
  ended(error?: Error): void;
}

/** @returns a function that closes the connection at once, in any state. */
export function connect(transport: SMTPTransport, { opened, ended }: ConnectionEvents): () => void {
  let options = transport.options;
  let smtp: SMTPConnection | undefined;
  let isClosed = false;

  // From a proxy or the app's own `getSocket`; undefined if neither is set.
  transport.getSocket(options, (error, socket) => {
    if (isClosed && socket) socket.connection?.destroy();
    if (isClosed) return;
    if (error) {
      ended(error);
      return;
    }
    // It may hold other options, for example that a login is required.
    if (socket) options = { ...options, ...socket };
    smtp = new SMTPConnection(options);
    smtp.on('error', ended);
    smtp.once('end', ended);
    smtp.connect((error) => (error ? ended(error) : smtp && authenticate(smtp)));
  });

  function authenticate(smtp: SMTPConnection): void {
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

/** Logs in and quits. When the signal is aborted, the connection is closed at once, in any state. */
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
