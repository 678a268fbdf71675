/**
 * A mail server for the demo and the tests: takes every mail on 127.0.0.1, keeps it in memory, delivers
 * nothing. It can ask for STARTTLS and a login as a provider does, be slow, and refuse.
 */
import { once, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import PostalMime, { type Header, type Mailbox } from 'postal-mime';
import { generate } from 'selfsigned';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

export type MailServer = {
  /** `smtp://127.0.0.1:port`, without a login. */
  readonly url: string;
  readonly port: number;
  /** With `requireTls`, the certificate to trust: `tls: { ca: server.ca, servername: server.servername }`. */
  readonly ca: string | undefined;
  readonly servername: 'localhost';
  /** Oldest first. */
  readonly mails: readonly ReceivedMail[];
  /** Connections open now. */
  readonly sessions: number;
  /** @returns what ends it */
  onMail(listener: (mail: ReceivedMail) => void): () => void;
  /** The newest mail here that fits, else the next one that does. @throws after `timeoutMs`, 5000 by default */
  waitForMail(fits?: (mail: ReceivedMail) => boolean, timeoutMs?: number): Promise<ReceivedMail>;
  /** Another answer from now on; nothing: every mail is welcome again. */
  respondWith(answer?: MailAnswer): void;
  clear(): void;
  /** Ends all connections too. */
  close(): Promise<void>;
};

export type MailServerOptions = {
  /** @default a free one */
  port?: number;
  /** The one login that is let in. Asked for in the clear, unless `requireTls`. */
  auth?: { user: string; pass: string };
  /** Demand STARTTLS, then a login: `auth`, or any where none is given. @default false */
  requireTls?: boolean;
  /** Milliseconds before a mail is answered. @default 0 */
  delay?: number;
  /** How many mails, the newest, stay in memory. @default 200 */
  keep?: number;
  respond?: MailAnswer;
};

/** A refusal at one stage, or a function that may refuse: `({ to }) => to.includes(full) && { code: 452, … }`. */
export type MailAnswer = (Refusal & { stage: Stage }) | ((at: Moment) => Refusal | false | undefined);

type Refusal = { code: number; text: string };
/** `data` is after the whole mail was read. */
type Stage = 'mail' | 'rcpt' | 'data';
type Moment = { stage: Stage; from: string; to: readonly string[] };

export type ReceivedMail = {
  id: string;
  receivedAt: Date;
  envelope: { from: string; to: string[] };
  raw: string;
  subject: string;
  from: Mailbox | undefined;
  to: Mailbox[];
  text: string;
  html: string;
  /** By lower-case name; those that came more than once are joined by `, `. */
  headers: Record<string, string>;
  /** Whether it came over TLS. */
  tls: boolean;
  /** Who was logged in. */
  user: string | undefined;
};

export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { auth, requireTls = false, delay = 0, keep = 200 } = options;
  const certificate = requireTls ? await makeCertificate() : undefined;
  const mails: ReceivedMail[] = [];
  const listeners = new Set<(mail: ReceivedMail) => void>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let answer = options.respond;
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
      const welcome = !auth || (username === auth.user && password === auth.pass);
      done(null, welcome ? { user: username } : { message: 'Wrong username or password', responseCode: 535 });
    },
    onMailFrom({ address }, _session, done) {
      done(refusal({ stage: 'mail', from: address, to: [] }));
    },
    onRcptTo({ address }, session, done) {
      done(refusal({ stage: 'rcpt', from: envelopeOf(session).from, to: [address] }));
    },
    onData(stream, session, done) {
      receive(stream, session).then(() => done(), done);
    },
  });
  greetAtOnce(smtp);
  smtp.on('error', () => {});

  async function receive(stream: NodeJS.ReadableStream, session: SMTPServerSession) {
    const raw = await buffer(stream);
    if (delay > 0) await wait(delay, undefined, { signal: closing.signal });
    const refused = refusal({ stage: 'data', ...envelopeOf(session) });
    if (refused) throw refused;

    received += 1;
    const mail = await readMail(String(received), raw, session);
    mails.push(mail);
    if (mails.length > keep) mails.shift();
    for (const listener of listeners) listener(mail);
  }

  function refusal(at: Moment): Error | undefined {
    const refused = typeof answer === 'function' ? answer(at) : answer?.stage === at.stage && answer;
    return refused ? Object.assign(new Error(refused.text), { responseCode: refused.code }) : undefined;
  }

  function onMail(listener: (mail: ReceivedMail) => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  function waitForMail(fits: (mail: ReceivedMail) => boolean = () => true, timeoutMs = 5000) {
    const here = mails.findLast(fits);
    if (here) return Promise.resolve(here);
    return new Promise<ReceivedMail>((found, missed) => {
      const end = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal]);
      const forget = onMail((mail) => {
        if (!fits(mail)) return;
        forget();
        found(mail);
      });
      end.addEventListener('abort', () => {
        forget();
        const others = mails.map(({ subject, envelope }) => `"${subject}" to ${envelope.to}`).join(', ');
        missed(new Error(`No such mail within ${timeoutMs} ms. Here: ${others || 'none'}.`));
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
    mails,
    get sessions() {
      return smtp.connections.size;
    },
    onMail,
    waitForMail,
    respondWith(next) {
      answer = next;
    },
    clear() {
      mails.length = 0;
    },
    async close() {
      closing.abort();
      await new Promise<void>((done) => smtp.close(done));
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** smtp-server keeps each client waiting 100 ms, to catch those that talk first, and has no option for it. */
function greetAtOnce(smtp: SMTPServer): void {
  const connect = smtp.connect.bind(smtp);
  smtp.connect = (socket, options) => {
    connect(socket, options);
    const connection = [...smtp.connections].at(-1);
    connection?.connectionReady();
    if (connection) connection.connectionReady = () => {};
  };
}

async function makeCertificate(): Promise<{ key: string; cert: string }> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
  });
  return { key: made.private, cert: made.cert };
}

async function readMail(id: string, raw: Buffer, session: SMTPServerSession): Promise<ReceivedMail> {
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

function envelopeOf({ envelope }: SMTPServerSession): ReceivedMail['envelope'] {
  return {
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map(({ address }) => address),
  };
}
