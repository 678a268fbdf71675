/**
 * The pool of SMTP connections for a `transport` given as options or as a URL. nodemailer composes and signs the
 * messages, logs in and speaks SMTP; this pool decides which connection carries which message. nodemailer's own pool
 * keeps a connection after a refusal, does not tell whether a connection was used before, and fails a message when an
 * additional connection is refused although others are free.
 */
import { Readable } from 'node:stream';
import type { SendMailOptions, SMTPPoolOptions, SMTPSentMessageInfo, Transporter } from 'nodemailer';
import Mailer from 'nodemailer/lib/mailer';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import SMTPTransport from 'nodemailer/lib/smtp-transport';
import { connect } from './connect.js';
import { createRateLimit } from './rate-limit.js';
import { createWatchdog, type Watchdog } from './watchdog.js';

/** The options of the pool by default. */
const DEFAULTS = {
  maxConnections: 5,
  /** Messages per connection. Exim holds back the eleventh and later (`smtp_accept_queue_per_connection`). */
  maxMessages: 10,
  /** In ms, below the 4 minutes after which some networks silently drop an idle connection. */
  idleTimeout: 30_000,
  rateDelta: 1000,
} as const;

/** How long a used connection may take to accept an envelope, in ms: more on a slow server, less in a short timeout. */
const USED_CONNECTION_TIMEOUT = 2000;

/** How long a server may take to close a connection after QUIT, in ms. */
const QUIT_TIMEOUT = 500;

/** After a server refused one of several connections, one more is tried each time this interval has passed, in ms. */
const GROWTH_INTERVAL = 10_000;

/** One try at one email: what the mailer and the pool tell each other about it. Other transports ignore it. */
export interface Attempt {
  /** When it times out, by `performance.now()`. */
  readonly deadline: number;
  /** Asks for a connection that has not been used yet. */
  readonly fresh: boolean;
  /** Whether any of the message was read, which is when SMTP begins to send it. */
  begun: () => boolean;
  givenUp: boolean;
  /** Whether its connection was used before; undefined where the transport does not tell. */
  used: boolean | undefined;
  /** Why no connection could be opened while this attempt waited. */
  obstacle: unknown;
}

/** By the signal, which is the one thing of ours that nodemailer passes to a transport unchanged. */
const attempts = new WeakMap<AbortSignal, Attempt>();

export function trackAttempt(signal: AbortSignal, attempt: Attempt): void {
  attempts.set(signal, attempt);
}

export function attemptOf(signal: AbortSignal | undefined): Attempt | undefined {
  return signal && attempts.get(signal);
}

interface Connection {
  state: 'opening' | 'idle' | 'busy' | 'closing';
  /** Set once it is open. */
  smtp: SMTPConnection | undefined;
  job: Job | undefined;
  messages: number;
  /** Has carried a message or been idle: the server may have closed it, or may be about to. */
  used: boolean;
  /** The longest that an envelope took on it, in ms. */
  slowestEnvelope: number;
  /** By `Date.now()`, which keeps running while the process is suspended. */
  idleSince: number;
  readonly timers: { opening?: NodeJS.Timeout; idle?: NodeJS.Timeout };
  /** Ends the wait for the reply to an envelope. */
  readonly watchdog: Watchdog;
  /** Closes it at once, even while it is opening. */
  close: () => void;
}

/** A message that is composed, and whom it goes to. */
export interface RawMessage {
  readonly envelope: { from: string | false; to: string[] };
  readonly messageId: string;
  readonly raw: Buffer;
}

/** Composes a message as it would be sent. */
export type Compose = (message: SendMailOptions) => Promise<RawMessage>;

export interface SmtpPool {
  readonly transporter: Transporter<SMTPSentMessageInfo, SMTPPoolOptions>;
  /** Sends a message without composing or signing it. */
  sendRaw(message: RawMessage, signal: AbortSignal): Promise<SMTPSentMessageInfo>;
  readonly compose: Compose;
}

/** What is used of nodemailer's MailMessage. */
interface PoolMail {
  readonly data: { readonly signal?: AbortSignal };
  readonly message: {
    getEnvelope(): { from: string | false; to: string[] };
    createReadStream(): Readable;
    messageId(): string;
  };
}

interface Job {
  readonly mail: PoolMail;
  readonly attempt: Attempt | undefined;
  /** Asks for a connection that has not been used yet. */
  fresh: boolean;
  /** Only the first call counts. */
  readonly done: (error: Error | null, info?: SMTPSentMessageInfo) => void;
}

/**
 * Takes the options of nodemailer's pool: `maxConnections`, `maxMessages`, `idleTimeout`, `rateLimit`, `rateDelta`.
 *
 * - A connection carries at most ten messages by default, and none after a refusal.
 * - A used connection that does not accept an envelope is closed; the mailer asks for a fresh one.
 * - A connection that cannot be opened fails no message while others are open: the message waits for one of those, and
 *   fewer connections are opened for a while.
 */
export function createSmtpPool(options: SMTPPoolOptions): SmtpPool {
  const transport = new SMTPTransport(options);
  const settings: SMTPPoolOptions = transport.options;
  const maxConnections = positive(settings.maxConnections) ?? DEFAULTS.maxConnections;
  const maxMessages = positive(settings.maxMessages) ?? DEFAULTS.maxMessages;
  const idleTimeout = settings.idleTimeout ?? DEFAULTS.idleTimeout;
  const rateLimit = positive(settings.rateLimit) ?? Number.POSITIVE_INFINITY;
  const rate = createRateLimit(rateLimit, positive(settings.rateDelta) ?? DEFAULTS.rateDelta, () => work());

  const connections = new Set<Connection>();
  const queue: Job[] = [];
  /** Why connections failed to open while others were still opening. */
  let unopened: Error[] = [];
  let ceiling = { connections: maxConnections, since: Number.NEGATIVE_INFINITY };
  let closed = false;

  function send(mail: PoolMail, callback: Job['done']): void {
    const { signal } = mail.data;
    const attempt = attemptOf(signal);
    const job: Job = { mail, attempt, fresh: attempt?.fresh ?? false, done };
    let isDone = false;

    function done(error: Error | null, info?: SMTPSentMessageInfo): void {
      if (isDone) return;
      isDone = true;
      signal?.removeEventListener('abort', abort);
      callback(error, info);
    }
    function abort(): void {
      const place = queue.indexOf(job);
      if (place >= 0) queue.splice(place, 1);
      for (const connection of connections) if (connection.job === job) drop(connection);
      done(errorOf('EABORT', 'The message was given up on'));
    }

    if (closed) return void setImmediate(done, errorOf('ECONNECTION', 'The pool was closed'));
    if (signal?.aborted) return void setImmediate(abort);
    signal?.addEventListener('abort', abort, { once: true });
    if (job.fresh) queue.unshift(job);
    else queue.push(job);
    setImmediate(work);
  }

  function sendRaw(
    { envelope, messageId, raw }: RawMessage,
    signal: AbortSignal,
  ): Promise<SMTPSentMessageInfo> {
    const attempt = attemptOf(signal);
    const message = {
      getEnvelope: () => envelope,
      messageId: () => messageId,
      createReadStream() {
        const stream = oneChunk(raw);
        const begunBefore = attempt?.begun;
        if (attempt && begunBefore) attempt.begun = () => begunBefore() || stream.readableDidRead;
        return stream;
      },
    };
    return new Promise((resolve, reject) => {
      send({ data: { signal }, message }, (error, info) => (info ? resolve(info) : reject(error)));
    });
  }

  /** Hands messages to idle connections, and opens more where some are missing. */
  function work(): void {
    for (const connection of newestFirst(connections)) if (connection.state === 'idle') take(connection);
    while (count('opening') < queue.length && hasRoom()) open(queue[count('opening')]?.attempt?.deadline);
  }

  function take(connection: Connection): void {
    const [first] = queue;
    const { used, messages } = connection;
    const isInTheWay = first?.fresh && used && count('opening') === 0 && !hasRoom();
    if (closed || messages >= maxMessages || isStale(connection) || isInTheWay) {
      retire(connection);
      return;
    }
    const place = used ? queue.findIndex((job) => !job.fresh) : 0;
    if (place < 0 || !first || !rate.mayStart()) return;
    for (const job of queue.splice(place, 1)) run(connection, job);
  }

  function run(connection: Connection, job: Job): void {
    const { smtp, used, idleSince } = connection;
    const parts = partsOf(job);
    if (!smtp || !parts) {
      setImmediate(work);
      return;
    }
    if (job.attempt) job.attempt.used = used;
    connection.state = 'busy';
    connection.used = true;
    connection.job = job;
    connection.messages += 1;
    const { envelope, stream } = parts;
    if (used) connection.watchdog.start(envelopeTimeout(connection, job), giveUp);

    function giveUp(): void {
      if (stream.readableDidRead || connection.job !== job) return;
      // Connections that were idle for at least as long are probably dead as well.
      for (const other of connections)
        if (other.state === 'idle' && other.idleSince <= idleSince) drop(other);
      drop(connection);
      job.done(errorOf('ETIMEDOUT', 'A used connection did not answer'));
    }
    smtp.send(envelope, stream, (error, info) => {
      connection.watchdog.stop();
      connection.job = undefined;
      // nodemailer finishes a pipe that it has begun: a refused message must not be sent after the refusal.
      if (error) stream.destroy();
      // LMTP refuses a recipient after the message, which is not an error here.
      if (error || info?.accepted.length === 0) retire(connection);
      else setImmediate(release, connection);
      connection.slowestEnvelope = Math.max(connection.slowestEnvelope, info?.envelopeTime ?? 0);
      if (error) job.done(error);
      else job.done(null, info && { ...info, envelope, messageId: job.mail.message.messageId() });
    });
  }

  function release(connection: Connection): void {
    if (connection.state !== 'busy' && connection.state !== 'opening') return;
    connection.state = 'idle';
    connection.idleSince = Date.now();
    take(connection);
    if (connection.state !== 'idle') return;
    connection.used = true;
    if (!(idleTimeout > 0)) return;
    const quit = () => connection.state === 'idle' && retire(connection);
    connection.timers.idle ??= setTimeout(quit, idleTimeout).unref();
    connection.timers.idle.refresh();
  }

  function open(deadline = Number.POSITIVE_INFINITY): void {
    const connection: Connection = {
      ...{ state: 'opening', smtp: undefined, job: undefined, timers: {}, close() {} },
      watchdog: createWatchdog(),
      ...{ messages: 0, used: false, slowestEnvelope: 0, idleSince: 0 },
    };
    connections.add(connection);
    function giveUp(): void {
      // No message fails by this: the one that it was opened for has timed out as well.
      connection.state = 'closing';
      drop(connection);
    }
    if (Number.isFinite(deadline)) {
      connection.timers.opening = setTimeout(giveUp, Math.max(0, deadline - performance.now()));
    }
    connection.close = connect(transport, {
      opened(smtp) {
        connection.smtp = smtp;
        opened(connection);
      },
      ended(error) {
        if (connection.state !== 'closing') drop(connection, error);
      },
    });
  }

  function opened(connection: Connection): void {
    if (connection.state !== 'opening') return;
    clearTimeout(connection.timers.opening);
    // Others failed meanwhile: the server accepts fewer connections than we tried to open.
    if (unopened.length > 0) openFewer();
    unopened = [];
    release(connection);
  }

  /**
   * Sends QUIT (RFC 5321 §4.1.1.10). The connection counts until the server has closed its end as well, so that the server
   * never sees more than `maxConnections`.
   */
  function retire(connection: Connection): void {
    if (connection.state === 'closing') return;
    const socket = connection.smtp?._socket;
    if (!socket || socket.destroyed) {
      drop(connection);
      return;
    }
    connection.state = 'closing';
    socket.once('close', () => drop(connection));
    setTimeout(drop, QUIT_TIMEOUT, connection).unref();
    connection.smtp?.quit();
  }

  /** Removes a connection, whatever ended it. */
  function drop(
    connection: Connection,
    error: Error = errorOf('ECONNECTION', 'The connection was closed'),
  ): void {
    if (!connections.delete(connection)) return;
    const wasOpening = connection.state === 'opening';
    const { job } = connection;
    connection.state = 'closing';
    connection.job = undefined;
    clearTimeout(connection.timers.opening);
    clearTimeout(connection.timers.idle);
    connection.watchdog.stop();
    connection.close();
    if (wasOpening && !closed) couldNotOpen(error);
    // The error that its send reports, if any, says more.
    if (job) setImmediate(() => job.done(error));
    setImmediate(work);
  }

  function couldNotOpen(error: Error): void {
    for (const job of queue) if (job.attempt) job.attempt.obstacle = error;
    unopened.push(error);
    if (connections.size === count('opening')) {
      if (connections.size > 0) return;
      for (const error of unopened) queue.shift()?.done(error);
    } else {
      openFewer();
      // A used connection is better than none.
      for (const job of queue) job.fresh = false;
    }
    unopened = [];
  }

  function openFewer(): void {
    ceiling = { connections: connections.size, since: performance.now() };
  }

  function hasRoom(): boolean {
    const steps = Math.floor((performance.now() - ceiling.since) / GROWTH_INTERVAL);
    return connections.size < Math.min(maxConnections, ceiling.connections + steps);
  }

  function count(state: Connection['state']): number {
    let found = 0;
    for (const connection of connections) if (connection.state === state) found += 1;
    return found;
  }

  /** Timers stop while the process is suspended, as some platforms do between requests. */
  function isStale({ idleSince }: Connection): boolean {
    return idleTimeout > 0 && Date.now() - idleSince > idleTimeout;
  }

  function close({ force = false } = {}): void {
    closed = true;
    rate.stop();
    for (const connection of connections) {
      if (force || connection.state === 'opening') drop(connection);
      else if (connection.state === 'idle') retire(connection);
    }
    for (const job of queue.splice(0)) job.done(errorOf('ECONNECTION', 'The pool was closed'));
    SMTPTransport.prototype.close.call(transport);
  }

  const isIdle = () => queue.length < maxConnections;
  const pool = Object.assign(transport, { name: 'SMTP (pool)', send, close, isIdle });
  const mailerOptions = { ...settings, maxConnections };
  const composer = new Mailer<RawMessage, SMTPPoolOptions>(
    {
      ...{ name: pool.name, version: pool.version },
      send({ message }, callback) {
        message.build((error, raw) =>
          raw
            ? callback(null, { envelope: message.getEnvelope(), messageId: message.messageId(), raw })
            : callback(error, undefined),
        );
      },
    },
    mailerOptions,
  );
  return {
    transporter: new Mailer<SMTPSentMessageInfo, SMTPPoolOptions>(pool, mailerOptions),
    compose: (message) => composer.sendMail(message),
    sendRaw,
  };
}

/** Begins in the next turn: a server may have sent a second reply with the one that asks for the message. */
function oneChunk(bytes: Buffer): Readable {
  return new Readable({
    read() {
      setImmediate(() => {
        if (this.destroyed) return;
        this.push(bytes);
        this.push(null);
      });
    },
  });
}

/** Envelope and message as SMTP sends them. A plugin of the app may have broken either. */
function partsOf({ mail: { message }, done }: Job) {
  try {
    return { envelope: message.getEnvelope(), stream: message.createReadStream() };
  } catch (error) {
    done(error instanceof Error ? error : new Error('The message cannot be read.'));
    return undefined;
  }
}

/** More for a server that was slow before; of a short timeout, most is left for a try on a fresh connection. */
function envelopeTimeout({ slowestEnvelope }: Connection, { attempt }: Job): number {
  const left = (attempt?.deadline ?? Number.POSITIVE_INFINITY) - performance.now();
  return Math.max(Math.min(USED_CONNECTION_TIMEOUT, left / 3), 4 * slowestEnvelope);
}

/** The connection used last is the least likely to have been closed by the server. */
function newestFirst(connections: Iterable<Connection>): Connection[] {
  return [...connections].sort((a, b) => b.idleSince - a.idleSince);
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function errorOf(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
