/** An SMTP server with its own certificate, which may be expired or for another name. */
import { once } from 'node:events';
import type { SecureVersion } from 'node:tls';
import { generate } from 'selfsigned';
import { SMTPServer } from 'smtp-server';

const DAY = 86_400_000;

/** Offers STARTTLS, or TLS from the first byte if `secure`. A login is accepted but not required. */
export async function startTlsSmtpServer({
  name = 'localhost',
  endsInDays = 10,
  secure = false,
  maxVersion = 'TLSv1.3' as SecureVersion,
} = {}) {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 20 * DAY),
    notAfterDate: new Date(Date.now() + endsInDays * DAY),
  });
  const logins: (string | undefined)[] = [];
  const received: { secure: boolean; text: string }[] = [];
  const server = new SMTPServer({
    ...{ key: made.private, cert: made.cert, secure, maxVersion },
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    onAuth({ username }, _session, done) {
      logins.push(username);
      done(null, { user: username });
    },
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (data) => {
        text += data;
      });
      stream.on('end', () => {
        received.push({ secure: session.secure, text });
        done();
      });
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cert: made.cert,
    /** The users who logged in. */
    logins,
    /** The messages, and whether each came over TLS. */
    received,
    close: () => new Promise<void>((done) => server.close(done)),
  };
}
