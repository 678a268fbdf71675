/** The services of the demo: a store and a mail server. The ones that are not configured are started here. */
import {
  type EmailVerificationOptions,
  MemoryStore,
  RedisStore,
  type Store,
  type TransportOption,
} from 'express-email-verification';
import { createClient } from 'redis';
import type { Backend } from './backends.js';
import { type MailServer, startMailServer } from './dev/mail-server.js';
import { startRedisServer } from './dev/redis-server.js';
import { type DemoSettings, SettingsError } from './settings.js';

export interface Services {
  readonly store: NonNullable<EmailVerificationOptions['store']>;
  readonly transport: TransportOption;
  readonly inbox: MailServer | undefined;
  readonly backends: readonly Backend[];
  stop(): Promise<void>;
}

export async function startServices(
  settings: DemoSettings,
  log: (message: string) => void,
): Promise<Services> {
  const redis = await startStore(settings, log);
  const mail = await startMail(settings).catch(async (error: unknown) => {
    await redis.stop();
    throw error;
  });
  return {
    store: redis.store,
    transport: mail.transport,
    inbox: mail.inbox,
    backends: [redis.backend, mail.backend],
    async stop() {
      await redis.stop();
      await mail.inbox?.close();
    },
  };
}

interface StoreService {
  readonly store: Store;
  readonly backend: Backend;
  stop(): Promise<void>;
}

async function startStore({ redisUrl }: DemoSettings, log: (message: string) => void): Promise<StoreService> {
  if (redisUrl) {
    const client = await connect(redisUrl);
    return {
      store: new RedisStore(client),
      backend: { kind: 'redis', host: hostOf(redisUrl) },
      stop: async () => client.destroy(),
    };
  }
  const server = await startRedisServer({ onProgress: log });
  if (!server) {
    log(
      'No Redis found. Codes are kept in memory and lost when the demo stops. To use Redis, set REDIS_URL.',
    );
    return { store: new MemoryStore(), backend: { kind: 'memory_store' }, stop: async () => {} };
  }
  const client = await connect(server.url);
  return {
    store: new RedisStore(client),
    backend: { kind: 'local_redis', version: server.version },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}

const CONNECT_TIMEOUT = 5000;

/** If the first connection fails, the demo does not start. A connection lost later is retried forever. */
async function connect(url: string) {
  let wasConnected = false;
  const client = createClient({
    url,
    socket: {
      connectTimeout: CONNECT_TIMEOUT,
      reconnectStrategy: (retries) => (wasConnected ? Math.min(100 * 2 ** retries, 2000) : false),
    },
  });
  client.on('error', () => {});
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), CONNECT_TIMEOUT);
  });
  try {
    await Promise.race([client.connect().then(() => client.ping()), timeout]);
    wasConnected = true;
    return client;
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw new SettingsError(
      `Cannot connect to Redis at ${hostOf(url)} (${reasonOf(error)}). Check REDIS_URL.`,
    );
  } finally {
    clearTimeout(timer);
  }
}

type MailService = Pick<Services, 'transport' | 'inbox'> & { readonly backend: Backend };

async function startMail({ smtp }: DemoSettings): Promise<MailService> {
  if (smtp) {
    return { transport: smtp.transport, inbox: undefined, backend: { kind: 'smtp', name: smtp.name } };
  }
  const inbox = await startMailServer();
  return { transport: inbox.url, inbox, backend: { kind: 'inbox' } };
}

/** Leaves out the credentials. */
function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return host || pathname;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message || error.name;
}
