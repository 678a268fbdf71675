/**
 * An SMTP server for the demo and the tests. It accepts every message on 127.0.0.1, keeps it in memory, and
 * delivers nothing. It can require STARTTLS and a login as a provider does, respond slowly, and reject messages.
 */
import { once, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import PostalMime, { type Header, type Mailbox } from 'postal-mime';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

export type MailServer = {
  /** `smtp://127.0.0.1:port`, without a login. */
  readonly url: string;
  readonly port: number;
  /** With `requireTls`, the certificate to trust: `tls: { ca: server.ca, servername: server.servername }`. */
  readonly ca: string | undefined;
  readonly servername: 'localhost';
  /** Oldest first. */
  readonly messages: readonly ReceivedMessage[];
  /** The number of open connections. */
  readonly connections: number;
  /** @returns a function that removes the listener */
  onMessage(listener: (message: ReceivedMessage) => void): () => void;
  /**
   * The newest matching message, or the next one to arrive.
   * @param timeoutMs @default 5000
   * @throws when none arrives in time
   */
  waitForMessage(
    matches?: (message: ReceivedMessage) => boolean,
    timeoutMs?: number,
  ): Promise<ReceivedMessage>;
  /** Replaces the rejection rule. Without one, every message is accepted. */
  respondWith(rule?: RejectionRule): void;
  clear(): void;
  /** Also closes all open connections. */
  close(): Promise<void>;
};

export type MailServerOptions = {
  /** @default a free port */
  port?: number;
  /** The only login that is accepted. Without `requireTls`, it is sent in plain text. */
  auth?: { user: string; pass: string };
  /** Requires STARTTLS and then a login: `auth`, or any login if `auth` is not set. @default false */
  requireTls?: boolean;
  /** Milliseconds between receiving a message and replying to it. @default 0 */
  delay?: number;
  /** How many messages are kept; the oldest are dropped first. @default 200 */
  maxMessages?: number;
  respond?: RejectionRule;
};

/** Rejects at one stage, or decides each time: `({ to }) => to.includes(full) && { code: 452, text: '…' }`. */
export type RejectionRule =
  | (Rejection & { stage: Stage })
  | ((transaction: Transaction) => Rejection | false | undefined);

type Rejection = { code: number; text: string };
/** `data` comes after the whole message has been read. */
type Stage = 'mail' | 'rcpt' | 'data';
type Transaction = { stage: Stage; from: string; to: readonly string[] };

export type ReceivedMessage = {
  id: string;
  receivedAt: Date;
  envelope: { from: string; to: string[] };
  raw: string;
  subject: string;
  from: Mailbox | undefined;
  to: Mailbox[];
  text: string;
  html: string;
  /** By lowercase name. The values of a repeated header are joined with `, `. */
  headers: Record<string, string>;
  /** Whether it was sent over TLS. */
  tls: boolean;
  /** The user who was logged in. */
  user: string | undefined;
};

export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { auth, requireTls = false, delay = 0, maxMessages = 200 } = options;
  const certificate = requireTls ? await createCertificate() : undefined;
  const messages: ReceivedMessage[] = [];
  const listeners = new Set<(message: ReceivedMessage) => void>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let rule = options.respond;
  let received = 0;

  const smtp = new SMTPServer({
    name: 'localhost',
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 1,
    key: certificate?.key,
    cert: certificate?.cert,
    disabledCommands: [...(requireTls ? [] : ['STARTTLS']), ...(requireTls || auth ? [] : ['AUTH'])],
    allowInsecureAuth: !requireTls,
    onAuth({ username, password }, _session, done) {
      const isAllowed = !auth || (username === auth.user && password === auth.pass);
      done(
        null,
        isAllowed ? { user: username } : { message: 'Wrong username or password', responseCode: 535 },
      );
    },
    onMailFrom({ address }, _session, done) {
      done(rejectionFor({ stage: 'mail', from: address, to: [] }));
    },
    onRcptTo({ address }, session, done) {
      done(rejectionFor({ stage: 'rcpt', from: envelopeOf(session).from, to: [address] }));
    },
    onData(stream, session, done) {
      receive(stream, session).then(() => done(), done);
    },
  });
  skipGreetingDelay(smtp);
  smtp.on('error', () => {});

  async function receive(stream: NodeJS.ReadableStream, session: SMTPServerSession) {
    const raw = await buffer(stream);
    if (delay > 0) await wait(delay, undefined, { signal: closing.signal });
    const rejection = rejectionFor({ stage: 'data', ...envelopeOf(session) });
    if (rejection) throw rejection;

    received += 1;
    const message = await parseMessage(String(received), raw, session);
    messages.push(message);
    if (messages.length > maxMessages) messages.shift();
    for (const listener of listeners) listener(message);
  }

  function rejectionFor(transaction: Transaction): Error | undefined {
    const rejection =
      typeof rule === 'function' ? rule(transaction) : rule?.stage === transaction.stage && rule;
    return rejection ? Object.assign(new Error(rejection.text), { responseCode: rejection.code }) : undefined;
  }

  function onMessage(listener: (message: ReceivedMessage) => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  function waitForMessage(matches: (message: ReceivedMessage) => boolean = () => true, timeoutMs = 5000) {
    const existing = messages.findLast(matches);
    if (existing) return Promise.resolve(existing);
    return new Promise<ReceivedMessage>((resolve, reject) => {
      const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal]);
      const unsubscribe = onMessage((message) => {
        if (!matches(message)) return;
        unsubscribe();
        resolve(message);
      });
      signal.addEventListener('abort', () => {
        unsubscribe();
        const others = messages.map(({ subject, envelope }) => `"${subject}" to ${envelope.to}`).join(', ');
        reject(new Error(`No matching message within ${timeoutMs} ms. Received: ${others || 'none'}.`));
      });
    });
  }

  const sockets = new Set<Socket>();
  smtp.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  smtp.listen(options.port ?? 0, '127.0.0.1');
  await once(smtp.server, 'listening');
  const address = smtp.server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    ca: certificate?.cert,
    servername: 'localhost',
    messages,
    get connections() {
      return smtp.connections.size;
    },
    onMessage,
    waitForMessage,
    respondWith(next) {
      rule = next;
    },
    clear() {
      messages.length = 0;
    },
    async close() {
      closing.abort();
      await new Promise<void>((resolve) => smtp.close(resolve));
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** smtp-server delays its greeting by 100 ms, to catch clients that talk first, and has no option to change that. */
function skipGreetingDelay(smtp: SMTPServer): void {
  const connect = smtp.connect.bind(smtp);
  smtp.connect = (socket, options) => {
    connect(socket, options);
    const connection = [...smtp.connections].at(-1);
    connection?.connectionReady();
    if (connection) connection.connectionReady = () => {};
  };
}

async function createCertificate(): Promise<{ key: string; cert: string }> {
  // Two hundred modules: only a server with TLS loads them.
  const { generate }: typeof import('selfsigned') = require('selfsigned');
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
  });
  return { key, cert };
}

async function parseMessage(id: string, raw: Buffer, session: SMTPServerSession): Promise<ReceivedMessage> {
  const { subject = '', from, to = [], text = '', html = '', headers } = await PostalMime.parse(raw);
  const mailboxes = (addresses: typeof to) => addresses.flatMap((address) => address.group ?? [address]);
  return {
    id,
    receivedAt: new Date(),
    envelope: envelopeOf(session),
    raw: raw.toString(),
    subject,
    from: mailboxes(from ? [from] : [])[0],
    to: mailboxes(to),
    text,
    html,
    headers: byName(headers),
    tls: session.secure,
    user: session.user,
  };
}

function byName(headers: readonly Header[]): Record<string, string> {
  const values = new Map<string, string>();
  for (const { key, value } of headers)
    values.set(key, values.has(key) ? `${values.get(key)}, ${value}` : value);
  return Object.fromEntries(values);
}

function envelopeOf({ envelope }: SMTPServerSession): ReceivedMessage['envelope'] {
  return {
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map(({ address }) => address),
  };
}
