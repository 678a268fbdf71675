/** What the demo needs beside itself: a store, and a way for mails to leave. What is not set is started here. */
import {
  type EmailVerificationOptions,
  MemoryStore,
  RedisStore,
  type Store,
  type TransportOption,
} from 'express-email-verification';
import { createClient } from 'redis';
import type { Backend } from './backends.js';
import { type MailServer, startMailServer } from './development/mail-server.js';
import { startRedisServer } from './development/redis-server.js';
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
  say: (sentence: string) => void,
): Promise<Services> {
  const redis = await startStore(settings, say);
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

async function startStore(
  { redisUrl }: DemoSettings,
  say: (sentence: string) => void,
): Promise<StoreService> {
  if (redisUrl) {
    const client = await connect(redisUrl);
    return {
      store: new RedisStore(client),
      backend: { kind: 'redis', host: hostOf(redisUrl) },
      stop: async () => client.destroy(),
    };
  }
  const server = await startRedisServer({ onProgress: say });
  if (!server) {
    say(
      'There is no Redis here: codes are kept in memory, and end with this process. Set REDIS_URL to use one.',
    );
    return { store: new MemoryStore(), backend: { kind: 'memory_store' }, stop: async () => {} };
  }
  const client = await connect(server.url);
  return {
    store: new RedisStore(client),
    backend: { kind: 'local_redis', version: server.version, port: server.port },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}

const CONNECT_TIMEOUT = 5000;

/** The first connection must come about, or the demo does not start; a lost one is sought again for ever. */
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
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), CONNECT_TIMEOUT);
  });
  try {
    await Promise.race([client.connect().then(() => client.ping()), late]);
    wasConnected = true;
    return client;
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw new SettingsError(`Redis at ${hostOf(url)} does not answer (${reasonOf(error)}): check REDIS_URL.`);
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

/** Without the login. */
function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return host || pathname;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason was given';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message || error.name;
}
