/**
 * The pool of SMTP connections for a `transport` given as options or as a URL. nodemailer composes and signs the
 * messages, logs in and speaks SMTP; this decides which connection carries which message. nodemailer's own pool keeps
 * a connection after a refusal, tells nobody whether a connection was used before, and fails a message when one more
 * connection is refused though others are free.
 */
import type { SMTPPoolOptions, SMTPSentMessageInfo, Transporter } from 'nodemailer';
import Mailer, { type MailMessage } from 'nodemailer/lib/mailer';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import SMTPTransport from 'nodemailer/lib/smtp-transport';
import { connect } from './connect.js';
import { createRateLimit } from './rate-limit.js';
import { createWatchdog, type Watchdog } from './watchdog.js';

/** What a pool does unless the options say otherwise. */
const DEFAULTS = {
  maxConnections: 5,
  /** Messages a connection. From the eleventh on Exim keeps them back (`smtp_accept_queue_per_connection`). */
  maxMessages: 10,
  /** In ms, below the 4 minutes after which networks forget an idle connection without a word. */
  idleTimeout: 30_000,
  rateDelta: 1000,
} as const;

/** How long a used connection may take to accept an envelope, in ms; a slow server gets more, a short timeout less. */
const USED_CONNECTION_TIMEOUT = 2000;

/** How long a server may take to say goodbye, in ms. */
const QUIT_TIMEOUT = 500;

/** After a server refused one connection of several, one more is tried each time this has passed, in ms. */
const GROWTH_INTERVAL = 10_000;

/** One try at one email: what the mailer and the pool tell each other about it. */
export interface Attempt {
  /** When it is given up on, by `performance.now()`. */
  readonly deadline: number;
  /** Asks for a connection that has carried nothing yet. */
  readonly fresh: boolean;
  /** Whether a byte of the message was asked for, which is when SMTP begins to send it. */
  begun: () => boolean;
  givenUp: boolean;
  /** Whether its connection had carried other messages; unknown where the transport does not tell. */
  used: boolean | undefined;
  /** Why no connection could be opened while it waited for one. */
  obstacle: unknown;
}

/** nodemailer hands each message's signal to the transport as it is. */
const attempts = new WeakMap<AbortSignal, Attempt>();

export function trackAttempt(signal: AbortSignal, attempt: Attempt): void {
  attempts.set(signal, attempt);
}

export function attemptOf(signal: AbortSignal | undefined): Attempt | undefined {
  return signal && attempts.get(signal);
}

interface Connection {
  state: 'opening' | 'idle' | 'busy' | 'closing';
  /** There once it is open. */
  smtp: SMTPConnection | undefined;
  job: Job | undefined;
  messages: number;
  /** Has carried a message, or waited for one: a server may have lost patience with it, or forgotten it. */
  used: boolean;
  /** The longest that an envelope took on it, in ms. */
  slowestEnvelope: number;
  /** By `Date.now()`, which goes on while a process is suspended. */
  idleSince: number;
  readonly timers: { opening?: NodeJS.Timeout; idle?: NodeJS.Timeout };
  /** Ends the wait for the reply to an envelope. */
  readonly watchdog: Watchdog;
  /** Ends it at once, also before it is open. */
  close: () => void;
}

interface Job {
  readonly mail: MailMessage<SMTPSentMessageInfo>;
  readonly attempt: Attempt | undefined;
  /** Asks for a connection that has carried nothing yet. */
  fresh: boolean;
  /** Counts once. */
  readonly done: (error: Error | null, info?: SMTPSentMessageInfo) => void;
}

/**
 * Options are those of nodemailer's pool: `maxConnections`, `maxMessages`, `idleTimeout`, `rateLimit`, `rateDelta`.
 *
 * - At most ten messages a connection, and none after a refusal.
 * - A used connection that does not accept an envelope is closed; the mailer asks for a fresh one.
 * - While others live, a connection that cannot be opened fails no message: it waits for one of those, and fewer are
 *   opened for a while.
 */
export function createSmtpPool(options: SMTPPoolOptions): Transporter<SMTPSentMessageInfo, SMTPPoolOptions> {
  const transport = new SMTPTransport(options);
  const settings: SMTPPoolOptions = transport.options;
  const maxConnections = positive(settings.maxConnections) ?? DEFAULTS.maxConnections;
  const maxMessages = positive(settings.maxMessages) ?? DEFAULTS.maxMessages;
  const idleTimeout = settings.idleTimeout ?? DEFAULTS.idleTimeout;
  const rateLimit = positive(settings.rateLimit) ?? Number.POSITIVE_INFINITY;
  const rate = createRateLimit(rateLimit, positive(settings.rateDelta) ?? DEFAULTS.rateDelta, () => work());

  const connections = new Set<Connection>();
  const queue: Job[] = [];
  /** Why connections could not be opened while others were still opening. */
  let unopened: Error[] = [];
  let ceiling = { connections: maxConnections, since: Number.NEGATIVE_INFINITY };
  let closed = false;

  function send(mail: MailMessage<SMTPSentMessageInfo>, callback: Job['done']): void {
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

  /** Hands messages to connections, and opens those that are missing. */
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
    if (used) connection.watchdog.start(patience(connection, job), giveUp);

    function giveUp(): void {
      if (stream.readableDidRead || connection.job !== job) return;
      // What has been idle for as long has been forgotten as well.
      for (const other of connections)
        if (other.state === 'idle' && other.idleSince <= idleSince) drop(other);
      drop(connection);
      job.done(errorOf('ETIMEDOUT', 'A used connection did not answer'));
    }
    smtp.send(envelope, stream, (error, info) => {
      connection.watchdog.stop();
      connection.job = undefined;
      // nodemailer pipes it all the same once it has begun to: a refused message must not follow its refusal.
      if (error) stream.destroy();
      // LMTP refuses a recipient after the message, and that is no error.
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
    const goodbye = () => connection.state === 'idle' && retire(connection);
    connection.timers.idle ??= setTimeout(goodbye, idleTimeout).unref();
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
      // It fails nobody: whom it was opened for has given up as well.
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
    // Others were refused at the same moment: the server takes fewer than were asked for.
    if (unopened.length > 0) openFewer();
    unopened = [];
    release(connection);
  }

  /**
   * Takes no more, and says goodbye (RFC 5321 §4.1.1.10). It keeps its place until the server has closed its end as
   * well: no more than `maxConnections` are open, as the server counts them.
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

  /** Its end, whoever brought it about. */
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
    // Its send tells more, if it tells.
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
      // A connection that lives is better than none that is fresh.
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

  /** Timers stand still while a process is suspended, as on some platforms between requests. */
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
  return new Mailer<SMTPSentMessageInfo, SMTPPoolOptions>(pool, { ...settings, maxConnections });
}

/** What SMTP sends of it; a plugin of the app may have broken it. */
function partsOf({ mail: { message }, done }: Job) {
  try {
    return { envelope: message.getEnvelope(), stream: message.createReadStream() };
  } catch (error) {
    done(error instanceof Error ? error : new Error('The message cannot be read.'));
    return undefined;
  }
}

/** A slow server gets as much time as it took before, and a fresh connection what is left of a short timeout. */
function patience({ slowestEnvelope }: Connection, { attempt }: Job): number {
  const left = (attempt?.deadline ?? Number.POSITIVE_INFINITY) - performance.now();
  return Math.max(Math.min(USED_CONNECTION_TIMEOUT, left / 3), 4 * slowestEnvelope);
}

/** The one used last is the one least likely to have been forgotten. */
function newestFirst(connections: Iterable<Connection>): Connection[] {
  return [...connections].sort((a, b) => b.idleSince - a.idleSince);
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function errorOf(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
