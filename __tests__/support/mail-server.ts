/**
 * The mail server of the demo, with what tests need as well: TLS and a login as a provider requires them, slow replies,
 * rejections at each stage, and every message, however many there are.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import PostalMime, { type Header, type Mailbox } from 'postal-mime';
import type { SMTPServerSession } from 'smtp-server';
import * as dev from '../../demo-app/dev/mail-server.js';

/** How long an email may take, in ms, on however busy a machine. */
const EMAIL_TIMEOUT = 60_000;

/**
 * A mail server for one test file, empty and accepting everything at the start of each test. Call it at the top of the
 * file. Its result can be used from the file's first `beforeAll` on.
 *
 * @example
 * const mail = useMailServer();
 * const code = await mail.lastCode('minji@example.com');
 */
export function useMailServer(options: MailServerOptions = {}) {
  let server: MailServer | undefined;

  beforeAll(async () => {
    server = await startMailServer(options);
  });

  beforeEach(() => {
    server?.clear();
    server?.respondWith();
  });

  afterAll(() => server?.close());

  const started = () => {
    if (!server) throw new Error('useMailServer() has no value before the tests begin.');
    return server;
  };

  return {
    get server() {
      return started();
    },
    get url() {
      return started().url;
    },
    get messages() {
      return started().messages;
    },
    clear: () => started().clear(),
    /** The code in the newest email to an address; waits for one if there is none. */
    async lastCode(to: string): Promise<string> {
      const { text } = await started().waitForMessage(
        (message) => message.envelope.to.includes(to),
        EMAIL_TIMEOUT,
      );
      const code = /\b\d{6,10}\b/.exec(text)?.[0];
      if (!code) throw new Error(`No code in the email to ${to}:\n${text}`);
      return code;
    },
  };
}

export interface MailServer extends dev.MailServer {
  readonly port: number;
  /** With `requireTls`, the certificate to trust: `tls: { ca: server.ca, servername: server.servername }`. */
  readonly ca: string | undefined;
  readonly servername: 'localhost';
  readonly messages: readonly ReceivedMessage[];
  /** The number of open connections. */
  readonly connections: number;
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
}

export type MailServerOptions = {
  /** The only login that is accepted. Without `requireTls`, it is sent in plain text. */
  auth?: { user: string; pass: string };
  /** Requires STARTTLS and then a login: `auth`, or any login if `auth` is not set. @default false */
  requireTls?: boolean;
  /** Milliseconds between receiving a message and replying to it. @default 0 */
  delay?: number;
};

/** Rejects at one stage, or decides each time: `({ to }) => to.includes(full) && { code: 452, text: '…' }`. */
export type RejectionRule =
  | (Rejection & { stage: Stage })
  | ((transaction: Transaction) => Rejection | false | undefined);

type Rejection = { code: number; text: string };
/** `data` comes after the whole message has been read. */
type Stage = 'mail' | 'rcpt' | 'data';
type Transaction = { stage: Stage; from: string; to: readonly string[] };

export type ReceivedMessage = dev.ReceivedMessage & {
  to: Mailbox[];
  /** By lowercase name. The values of a repeated header are joined with `, `. */
  headers: Record<string, string>;
  /** Whether it was sent over TLS. */
  tls: boolean;
  /** The user who was logged in. */
  user: string | undefined;
};

export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { auth, requireTls = false, delay = 0 } = options;
  const certificate = requireTls ? await createCertificate() : undefined;
  const messages: ReceivedMessage[] = [];
  const connections = new Set<string>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let rule: RejectionRule | undefined;

  const server = await dev.startMailServer({
    key: certificate?.key,
    cert: certificate?.cert,
    disabledCommands: [...(requireTls ? [] : ['STARTTLS']), ...(requireTls || auth ? [] : ['AUTH'])],
    allowInsecureAuth: !requireTls,
    onConnect({ id }, done) {
      connections.add(id);
      done();
    },
    onClose({ id }) {
      connections.delete(id);
    },
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
    onRcptTo({ address }, { envelope: { mailFrom } }, done) {
      done(rejectionFor({ stage: 'rcpt', from: mailFrom ? mailFrom.address : '', to: [address] }));
    },
    async accept(message, session) {
      if (delay > 0) await wait(delay, undefined, { signal: closing.signal });
      const rejection = rejectionFor({ stage: 'data', ...message.envelope });
      if (rejection) throw rejection;
      messages.push({ ...message, ...(await detailsOf(message, session)) });
    },
  });

  function rejectionFor(transaction: Transaction): Error | undefined {
    const rejection =
      typeof rule === 'function' ? rule(transaction) : rule?.stage === transaction.stage && rule;
    return rejection ? Object.assign(new Error(rejection.text), { responseCode: rejection.code }) : undefined;
  }

  function onMessage(listener: (message: ReceivedMessage) => void) {
    return server.onMessage(({ id }) => {
      const message = messages.findLast((one) => one.id === id);
      if (message) listener(message);
    });
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

  return {
    url: server.url,
    port: Number(new URL(server.url).port),
    ca: certificate?.cert,
    servername: 'localhost',
    messages,
    get connections() {
      return connections.size;
    },
    onMessage,
    waitForMessage,
    respondWith(next) {
      rule = next;
    },
    refuse(reply) {
      rule = reply && { stage: 'rcpt', ...reply };
    },
    clear() {
      messages.length = 0;
    },
    async close() {
      closing.abort();
      await server.close();
    },
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

async function detailsOf({ raw }: dev.ReceivedMessage, session: SMTPServerSession) {
  const { to = [], headers } = await PostalMime.parse(raw);
  return {
    to: to.flatMap((address) => address.group ?? [address]),
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
