/** The options of createMailWorker(): their sentences, defaults and checks. */
import { isWhole, readOptions, readOptionsOf, refuse } from '../checks.js';
import { propertyOf } from '../errors.js';
import { checkTemplate } from '../mail/message.js';
import { poolSize } from '../mail/retries.js';
import { createSettings, type EmailVerificationOptions, OPTIONS, type Settings } from '../options/options.js';
import { checkConnection, checkQueueName, type QueueConnection, type QueueOptions } from './queue-options.js';

/** The options of createEmailVerification() that decide how an email is built, sent and undone. */
const EMAIL_OPTIONS = {
  store: OPTIONS.store,
  transport: OPTIONS.transport,
  from: OPTIONS.from,
  secret: OPTIONS.secret,
  appName: OPTIONS.appName,
  origin: OPTIONS.origin,
  template: OPTIONS.template,
  locales: OPTIONS.locales,
  defaultLocale: OPTIONS.defaultLocale,
  codeInSubject: OPTIONS.codeInSubject,
  codeAlphabet: OPTIONS.codeAlphabet,
  codeLength: OPTIONS.codeLength,
  codeTtl: OPTIONS.codeTtl,
  storeTimeout: OPTIONS.storeTimeout,
  mailTimeout: OPTIONS.mailTimeout,
};

const NAMES = { ...EMAIL_OPTIONS, connection: true, queueName: true, rate: true, concurrency: true };

/**
 * The options of createMailWorker(): those of the queue, and those of createEmailVerification() from which an email is built.
 * Pass the same values as to the app. All are checked when the worker starts.
 */
export interface MailWorkerOptions
  extends QueueOptions,
    Pick<EmailVerificationOptions, Exclude<keyof typeof EMAIL_OPTIONS, 'secret'>> {
  /** At most how many emails all workers of the queue together begin in each period. @default as many as they can */
  readonly rate?: SendingRate | undefined;
  /** How many emails this worker sends at a time, 1 to 1000. @default the size of the transport's pool, 5 */
  readonly concurrency?: number | undefined;
}

/** At most `max` emails, 1 to 100000, in each period of `duration` ms, 1 to 86400000. A period begins with its first email. */
export interface SendingRate {
  readonly max: number;
  readonly duration: number;
}

/** The options after their checks. */
interface WorkerSettings {
  readonly settings: Settings;
  readonly queueName: string;
  readonly secret: QueueOptions['secret'];
  readonly createConnection: () => QueueConnection;
  readonly rate: SendingRate | undefined;
  readonly concurrency: number;
}

const OF = 'createMailWorker()';

/** @throws TypeError or RangeError that names the option, its range and its value. */
export function readWorkerOptions(passed: MailWorkerOptions): WorkerSettings {
  const options = readOptionsOf(OF, passed, NAMES);
  const { connection, queueName, rate, concurrency, ...emailOptions } = options;
  if (emailOptions.store === undefined) refuse('store', 'the store of the app', undefined, OF);
  const name = checkQueueName(queueName, OF);
  const settings = createSettings({ from: undefined, secret: undefined, ...emailOptions });
  checkTemplate(settings);
  const limit = rate === undefined ? undefined : checkRate(rate);
  const size = checkConcurrency(concurrency) ?? poolSize(settings.transports[0]?.transporter);
  const createConnection = checkConnection(connection, OF);
  refuseShortPatience(connection);
  return {
    ...{ settings, queueName: name, secret: options.secret, createConnection },
    ...{ rate: limit, concurrency: size },
  };
}

function checkRate(rate: unknown): SendingRate {
  if (typeof rate !== 'object' || rate === null) return refuse('rate', '{ max, duration }', rate, OF);
  const limits: { max?: unknown; duration?: unknown } = rate;
  const { max, duration } = readOptions(limits, { max: true, duration: true }, { path: 'rate', of: OF });
  if (!isWhole(max, 1, 100_000)) return refuse('rate.max', 'a whole number from 1 to 100000', max, OF);
  if (!isWhole(duration, 1, 86_400_000))
    return refuse('rate.duration', 'a whole number of milliseconds from 1 to 86400000', duration, OF);
  return { max, duration };
}

function checkConcurrency(concurrency: unknown): number | undefined {
  if (concurrency === undefined || isWhole(concurrency, 1, 1000)) return concurrency;
  return refuse('concurrency', 'a whole number from 1 to 1000', concurrency, OF);
}

/** A worker waits for jobs for seconds, and for Redis however long it takes. */
function refuseShortPatience(connection: unknown): void {
  const options = propertyOf(connection, 'options');
  const ofClient = [options, propertyOf(options, 'redisOptions')];
  if (ofClient.every((one) => typeof propertyOf(one, 'maxRetriesPerRequest') !== 'number')) return;
  throw new TypeError(
    `The \`connection\` option of ${OF} is a client of ioredis that gives up on commands: create it with maxRetriesPerRequest: null.`,
  );
}
