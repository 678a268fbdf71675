/** An SMTP server for development: it accepts every message on 127.0.0.1, keeps the newest 200, and delivers nothing. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';

export type MailServer = Awaited<ReturnType<typeof startMailServer>>;
export type ReceivedMessage = Awaited<ReturnType<typeof parse>>;
/** The options of smtp-server, and `accept` for each received message: it throws to refuse it, returns false to drop it. */
export type MailServerOptions = SMTPServerOptions & {
  accept?(message: ReceivedMessage, session: SMTPServerSession): Promise<unknown>;
};

export async function startMailServer({ accept, ...options }: MailServerOptions = {}) {
  const messages: ReceivedMessage[] = [];
  const listeners = new Set<(message: ReceivedMessage) => void>();
  let refusal: ((address: string) => Error | undefined) | undefined;
  const smtp = new SMTPServer({
    ...{ name: 'localhost', logger: false, disableReverseLookup: true, closeTimeout: 1 },
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: ({ address }, _session, done) => done(refusal?.(address)),
    onData: (stream, session, done) => void receive(stream, session).then(() => done(), done),
    ...options,
  });
  smtp.on('error', () => {});
  // It would greet after 100 ms, to catch clients that speak first, and has no option to change that.
  smtp.connect = (...given) => {
    SMTPServer.prototype.connect.apply(smtp, given);
    const connection = [...smtp.connections].at(-1);
    connection?.connectionReady();
    if (connection) connection.connectionReady = () => {};
  };
  async function receive(stream: NodeJS.ReadableStream, session: SMTPServerSession): Promise<void> {
    const message = await parse(await buffer(stream), session);
    if ((await accept?.(message, session)) === false) return;
    messages.push(message);
    if (messages.length > 200) messages.shift();
    for (const listener of listeners) listener(message);
  }
  await once(smtp.listen(0, '127.0.0.1'), 'listening');
  const address = smtp.server.address();
  const oldestFirst: readonly ReceivedMessage[] = messages;
  return {
    url: `smtp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    messages: oldestFirst,
    /** @returns a function that removes the listener */
    onMessage(listener: (message: ReceivedMessage) => void) {
      listeners.add(listener);
      return (): void => void listeners.delete(listener);
    },
    /** Refuses recipients with an SMTP reply, until called without one. */
    refuse(reply?: { code: number; text: string }, isRefused = (_address: string) => true) {
      const error = reply && Object.assign(new Error(reply.text), { responseCode: reply.code });
      refusal = (address) => (isRefused(address) ? error : undefined);
    },
    close: () => new Promise<void>((resolve) => smtp.close(resolve)),
  };
}

async function parse(raw: Buffer, { envelope: { mailFrom, rcptTo } }: SMTPServerSession) {
  // A page of the inbox may stay open while the server restarts: no ID may come back for another message.
  const id: string = randomUUID();
  const envelope = { from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address) };
  const { subject = '', from, text = '', html = '' } = await PostalMime.parse(raw);
  return { id, receivedAt: new Date(), envelope, raw: raw.toString(), subject, from, text, html };
}
