/**
 * The pool of SMTP connections for a `transport` passed as options or as a URL. nodemailer composes and signs the
 * messages, logs in and speaks SMTP; this pool decides which connection carries which message. nodemailer's own pool
 * keeps a connection after a refusal, does not report whether a connection was used before, and fails a message when an
 * additional connection is refused although others are free.
 *
 * `assignJobs` gives each idle connection to `takeNext`, which takes a job from the queue for it. `sendJob` sends it. Then
 * `becomeIdle` puts the connection back and calls `takeNext` again.
 */
import type { Readable } from 'node:stream';
import type { SMTPPoolOptions, SMTPSentMessageInfo, Transporter } from 'nodemailer';
import Mailer from 'nodemailer/lib/mailer';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import SMTPTransport from 'nodemailer/lib/smtp-transport';
import { type Attempt, attemptOf, trackReading } from './attempt.js';
import { type Compose, createComposer, type RawMessage } from './composer.js';
import { connect } from './connect.js';
import { oneChunk } from './one-chunk.js';
import { createPoolSize } from './pool-size.js';
import { createRateLimit } from './rate-limit.js';
import { createWatchdog, type Watchdog } from './watchdog.js';

export const DEFAULTS = {
  maxConnections: 5,
  /** Messages per connection. Exim holds back the eleventh and later (`smtp_accept_queue_per_connection`). */
  maxMessages: 10,
  /** In ms, below the 4 minutes after which some networks silently drop an idle connection. */
  idleTimeout: 30_000,
  rateDelta: 1000,
} as const;

/** How long a used connection may take to accept an envelope, in ms: more on a slow server, less if the timeout is short. */
const USED_CONNECTION_TIMEOUT = 2000;

/** How long a server may take to close a connection after QUIT, in ms. */
const QUIT_TIMEOUT = 500;

interface Connection {
  state: 'opening' | 'idle' | 'busy' | 'closing';
  /** Set once it is open. */
  smtp: SMTPConnection | undefined;
  job: Job | undefined;
  messages: number;
  /** Whether it has carried a message or been idle: the server may have closed it, or may be about to. */
  used: boolean;
  /** The longest time that an envelope took on it, in ms. */
  slowestEnvelope: number;
  /** By `Date.now()`, which keeps running while the process is suspended. */
  idleSince: number;
  readonly timers: { opening?: NodeJS.Timeout; idle?: NodeJS.Timeout };
  /** Ends the wait for the reply to an envelope. */
  readonly watchdog: Watchdog;
  /** Closes it at once, even while it is opening. */
  close: () => void;
}

export interface SmtpPool {
  readonly transporter: Transporter<SMTPSentMessageInfo, SMTPPoolOptions>;
  /** Sends a composed message, signed with DKIM if the options say so. */
  sendRaw(message: RawMessage, signal: AbortSignal): Promise<SMTPSentMessageInfo>;
  /** Does not sign. */
  readonly compose: Compose;
}

/** The part of nodemailer's MailMessage that the pool uses. */
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
  /** As in `Attempt`, but false once no fresh connection can be opened. */
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
  const rate = createRateLimit(rateLimit, positive(settings.rateDelta) ?? DEFAULTS.rateDelta, () =>
    assignJobs(),
  );

  const connections = new Set<Connection>();
  const queue: Job[] = [];
  /** Why connections failed to open while others were still opening. */
  let openErrors: Error[] = [];
  const size = createPoolSize(maxConnections);
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
    setImmediate(assignJobs);
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
        const { dkim } = transporter;
        const stream = oneChunk(dkim ? dkim.sign(raw) : raw);
        if (attempt) trackReading(attempt, stream);
        return stream;
      },
    };
    return new Promise((resolve, reject) => {
      send({ data: { signal }, message }, (error, info) => (info ? resolve(info) : reject(error)));
    });
  }

  /** Gives messages to idle connections, and opens more where too few are open. */
  function assignJobs(): void {
    for (const connection of newestFirst(connections)) if (connection.state === 'idle') takeNext(connection);
    while (count('opening') < queue.length && hasRoom()) open(queue[count('opening')]?.attempt?.deadline);
  }

  function takeNext(connection: Connection): void {
    const [first] = queue;
    const { used, messages } = connection;
    const isInTheWay = first?.fresh && used && count('opening') === 0 && !hasRoom();
    if (closed || messages >= maxMessages || isStale(connection) || isInTheWay) {
      retire(connection);
      return;
    }
    const place = used ? queue.findIndex((job) => !job.fresh) : 0;
    if (place < 0 || !first || !rate.mayStart()) return;
    const [job] = queue.splice(place, 1);
    if (job) sendJob(connection, job);
  }

  function sendJob(connection: Connection, job: Job): void {
    const { smtp, used, idleSince } = connection;
    const parts = readMessage(job);
    if (!smtp || !parts) {
      setImmediate(assignJobs);
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
      // nodemailer would finish a pipe that it has begun, but a refused message must not be sent after the refusal.
      if (error) stream.destroy();
      // LMTP refuses a recipient after the message, which is not an error here.
      if (error || info?.accepted.length === 0) retire(connection);
      else setImmediate(becomeIdle, connection);
      connection.slowestEnvelope = Math.max(connection.slowestEnvelope, info?.envelopeTime ?? 0);
      if (error) job.done(error);
      else job.done(null, info && { ...info, envelope, messageId: job.mail.message.messageId() });
    });
  }

  function becomeIdle(connection: Connection): void {
    if (connection.state !== 'busy' && connection.state !== 'opening') return;
    connection.state = 'idle';
    connection.idleSince = Date.now();
    takeNext(connection);
    if (connection.state !== 'idle') return;
    connection.used = true;
    if (!(idleTimeout > 0)) return;
    const quit = () => connection.state === 'idle' && retire(connection);
    connection.timers.idle ??= setTimeout(quit, idleTimeout).unref();
    connection.timers.idle.refresh();
  }

  function open(deadline = Number.POSITIVE_INFINITY): void {
    const connection: Connection = {
      state: 'opening',
      smtp: undefined,
      job: undefined,
      messages: 0,
      used: false,
      slowestEnvelope: 0,
      idleSince: 0,
      timers: {},
      watchdog: createWatchdog(),
      close() {},
    };
    connections.add(connection);
    function giveUp(): void {
      // `closing`, so that no message fails because of it: the one that it was opened for has timed out as well.
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
    // Others failed in the meantime: the server accepts fewer connections than we tried to open.
    if (openErrors.length > 0) size.reduceTo(connections.size);
    openErrors = [];
    becomeIdle(connection);
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
    // Later, because nodemailer may report an error that says more.
    if (job) setImmediate(() => job.done(error));
    setImmediate(assignJobs);
  }

  function couldNotOpen(error: Error): void {
    for (const job of queue) if (job.attempt) job.attempt.obstacle = error;
    openErrors.push(error);
    if (connections.size === count('opening')) {
      if (connections.size > 0) return;
      for (const error of openErrors) queue.shift()?.done(error);
    } else {
      size.reduceTo(connections.size);
      // No more can be opened, so use any connection.
      for (const job of queue) job.fresh = false;
    }
    openErrors = [];
  }

  const hasRoom = () => connections.size < size.limit();

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
  const transporter = new Mailer<SMTPSentMessageInfo, SMTPPoolOptions>(pool, mailerOptions);
  return {
    transporter,
    compose: createComposer(pool, mailerOptions),
    sendRaw,
  };
}

/** The envelope and the message for SMTP. A plugin of the app may have broken either. */
function readMessage({ mail: { message }, done }: Job) {
  try {
    return { envelope: message.getEnvelope(), stream: message.createReadStream() };
  } catch (error) {
    done(error instanceof Error ? error : new Error('The message cannot be read.'));
    return undefined;
  }
}

/** Longer for a server that was slow before. Keeps most of a short timeout for a try on a fresh connection. */
function envelopeTimeout({ slowestEnvelope }: Connection, { attempt }: Job): number {
  const remaining = (attempt?.deadline ?? Number.POSITIVE_INFINITY) - performance.now();
  return Math.max(Math.min(USED_CONNECTION_TIMEOUT, remaining / 3), 4 * slowestEnvelope);
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
